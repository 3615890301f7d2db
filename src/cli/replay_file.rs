//! Options of `sockeye replay` from a TOML file that lies beside the recording.

use std::ffi::OsString;

use clap::Parser;
use toml::Spanned;
use toml::de::{DeTable, DeValue};

use super::replay::ReplayCommand;
use super::{Cli, Command, command};

/// Reads the words of a `sockeye replay` command line again, with the options of the file `name` before them, so that
/// theirs win.
///
/// # Errors
/// In a sentence that names the file and the line.
pub fn amended(
    words: impl IntoIterator<Item = OsString>,
    name: &str,
    text: &str,
) -> Result<ReplayCommand, String> {
    let mut words: Vec<OsString> = words.into_iter().collect();
    // The program, `replay`, and which of its commands.
    let behind = words.split_off(words.len().min(3));
    let which = words.last().map(|word| word.to_string_lossy().into_owned()).unwrap_or_default();
    words.extend(options(name, text, &which)?.into_iter().map(OsString::from));
    words.extend(behind);
    match Cli::try_parse_from(words) {
        Ok(Cli { command: Some(Command::Replay(command)), .. }) => Ok(command),
        Ok(_) => Err(format!("{name}: its options belong to sockeye replay")),
        Err(error) => Err(format!("{name}: {}", sentence(&error))),
    }
}

/// What the file says, as words of the command line, each of them tried.
fn options(name: &str, text: &str, which: &str) -> Result<Vec<String>, String> {
    let at = |offset: usize| text[..offset.min(text.len())].matches('\n').count() + 1;
    let table = DeTable::parse(text).map_err(|error| {
        let line = error.span().map_or(1, |span| at(span.start));
        format!("{name}:{line}: {}", error.message())
    })?;
    let mut words = Vec::new();
    for (key, value) in table.get_ref() {
        let wrong = |why: String| format!("{name}:{}: {why}", at(key.span().start));
        let option = key.get_ref().as_ref();
        if !is_option(which, option) {
            if ["server", "client"].iter().any(|other| is_option(other, option)) {
                continue;
            }
            return Err(wrong(format!("{option} is no option of sockeye replay; see docs/options.md")));
        }
        for value in values(value) {
            let word = match value.get_ref() {
                DeValue::Boolean(false) => continue,
                DeValue::Boolean(true) => format!("--{option}"),
                DeValue::String(value) => format!("--{option}={value}"),
                DeValue::Integer(_) | DeValue::Float(_) => format!("--{option}={}", &text[value.span()]),
                _ => {
                    return Err(wrong(format!("{option} takes a string, a number, true, or a list of them")));
                }
            };
            let mut tried = vec!["sockeye", "replay", which, "recording"];
            tried.extend((which == "client").then_some("ws://localhost"));
            tried.push(&word);
            Cli::try_parse_from(tried).map_err(|error| wrong(sentence(&error)))?;
            words.push(word);
        }
    }
    Ok(words)
}

fn values<'a, 'i>(value: &'a Spanned<DeValue<'i>>) -> Vec<&'a Spanned<DeValue<'i>>> {
    match value.get_ref() {
        DeValue::Array(values) => values.iter().collect(),
        _ => vec![value],
    }
}

/// Whether the command has this option.
fn is_option(which: &str, option: &str) -> bool {
    let command = command();
    let found = command.find_subcommand("replay").and_then(|replay| replay.find_subcommand(which));
    found.is_some_and(|found| found.get_arguments().any(|one| one.get_long() == Some(option)))
}

/// The fault alone, without the usage below it.
fn sentence(error: &clap::Error) -> String {
    let text = error.to_string();
    text.lines().next().unwrap_or_default().trim_start_matches("error: ").to_owned()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read(words: &[&str], text: &str) -> Result<ReplayCommand, String> {
        amended(words.iter().map(OsString::from), "chat.replay.toml", text)
    }

    #[test]
    fn the_file_gives_options_and_the_command_line_wins() {
        let text = "# ours\nignore = ['$.ts', \"$..id\"]\nstep-timeout = 2.5\ntiming = 'x2'\nrepeat = true\n";
        let words = ["sockeye", "replay", "server", "chat.jsonl", "--timing", "recorded", "--ignore", "$.a"];
        let Ok(ReplayCommand::Server(options)) = read(&words, text) else { panic!("a server") };
        let ignored: Vec<_> = options.play.expectation.ignore.iter().map(ToString::to_string).collect();
        assert_eq!(ignored, ["$.ts", "$..id", "$.a"]);
        assert_eq!(options.play.timing, sockeye::replay::Timing::Scaled(1.0));
        assert_eq!(options.play.step_timeout.as_millis(), 2500);
        assert!(options.repeat);
        // What only the server has is no fault for the client.
        let words = ["sockeye", "replay", "client", "chat.jsonl", "ws://h"];
        assert!(matches!(read(&words, text), Ok(ReplayCommand::Client(_))));
    }

    #[test]
    fn a_fault_is_told_with_its_line() {
        let check = |text: &str, expected: &str| {
            let error = read(&["sockeye", "replay", "server", "chat.jsonl"], text).unwrap_err();
            assert!(error.starts_with(expected), "{error}");
        };
        check("\nignor = '$.ts'", "chat.replay.toml:2: ignor is no option");
        check("\n\nignore = ['$.ts', '$.']", "chat.replay.toml:3: invalid value '$.' for '--ignore <PATH>'");
        check("timing = fast", "chat.replay.toml:1: ");
        check("[play]\ntiming = 'fast'", "chat.replay.toml:1: play is no option");
        check("help = true", "chat.replay.toml:1: ");
    }
}
