//! The user's own editor, for a text that is on the screen.

use std::env;
use std::ffi::OsString;
use std::fs;
use std::io::{self, Write};
use std::path::Path;
use std::process::{Command, ExitStatus};

/// Has `$VISUAL`, or else `$EDITOR`, change a text in a file with this ending, and gives what became of it.
///
/// # Errors
/// Where there is no editor, where it fails, and where what it leaves is no text: in words.
pub fn edit(text: &str, ending: &str) -> Result<String, String> {
    let set = |name| env::var_os(name).filter(|value: &OsString| !value.is_empty());
    let Some(editor) = set("VISUAL").or_else(|| set("EDITOR")) else {
        return Err("neither $VISUAL nor $EDITOR is set; e edits here".to_owned());
    };
    edit_with(&editor, text, ending)
}

fn edit_with(editor: &OsString, text: &str, ending: &str) -> Result<String, String> {
    let failed = |error: io::Error| format!("nothing can be edited in a file: {error}");
    // For its owner alone, and gone when all is done.
    let mut file = tempfile::Builder::new()
        .prefix("sockeye-")
        .suffix(&format!(".{ending}"))
        .tempfile()
        .map_err(failed)?;
    file.write_all(text.as_bytes()).and_then(|()| file.flush()).map_err(failed)?;
    let path = file.into_temp_path();
    let name = editor.to_string_lossy();
    match run(editor, &path) {
        Err(error) => Err(format!("the editor {name} cannot be started: {error}")),
        Ok(status) if !status.success() => Err(match status.code() {
            Some(code) => format!("the editor {name} ended with {code}"),
            None => format!("the editor {name} was ended by a signal"),
        }),
        Ok(_) => {
            let edited =
                fs::read(&path).map_err(|error| format!("the editor {name} left no file: {error}"))?;
            String::from_utf8(edited).map_err(|_| format!("what the editor {name} left is no UTF-8"))
        }
    }
}

/// As git and others do: the editor is a command of the shell, and may have arguments of its own.
#[cfg(unix)]
fn run(editor: &OsString, file: &Path) -> io::Result<ExitStatus> {
    let mut command = editor.clone();
    command.push(" \"$@\"");
    Command::new("sh").arg("-c").arg(command).arg("sh").arg(file).status()
}

#[cfg(not(unix))]
fn run(editor: &OsString, file: &Path) -> io::Result<ExitStatus> {
    Command::new("cmd").arg("/C").arg(editor).arg(file).status()
}

#[cfg(all(test, unix))]
mod tests {
    use super::*;

    #[track_caller]
    fn check(editor: &str, expected: Result<&str, &str>) {
        let edited = edit_with(&editor.into(), "{\"a\":1}", "json");
        match (&edited, expected) {
            (Ok(text), Ok(expected)) => assert_eq!(text, expected),
            (Err(why), Err(words)) => assert!(why.contains(words), "{why}"),
            _ => panic!("{edited:?}"),
        }
    }

    #[test]
    fn what_the_editor_leaves_is_what_was_edited() {
        check("sed -i s/1/2/", Ok("{\"a\":2}"));
        check("true", Ok("{\"a\":1}"));
        check("sh -c 'case $0 in *.json) echo [] > \"$0\";; esac'", Ok("[]\n"));
    }

    #[test]
    fn an_editor_that_fails_changes_nothing_and_says_so() {
        check("false", Err("ended with 1"));
        check("exec sh -c 'kill $$'", Err("was ended by a signal"));
        check("no-such-editor-is-there 2>/dev/null", Err("ended with 127"));
        check("rm", Err("left no file"));
        check("printf '\\377' >", Err("is no UTF-8"));
    }
}
