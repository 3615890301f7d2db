//! docs/options.md, from the command line's own parser.

use std::fmt::Write;

use clap::{Arg, Command};

/// The page.
pub fn page(sockeye: &Command) -> String {
    let mut page = String::from(
        "# Commands and options\n\n\
         This page is made from `src/cli/`; `UPDATE_DOCS=1 cargo test --test it docs` writes it. `sockeye --help`,\n\
         `sockeye COMMAND --help` and `sockeye man` say the same.\n",
    );
    section(&mut page, "sockeye [OPTIONS] [SERVER]", sockeye);
    commands(&mut page, "sockeye", sockeye);
    page.push_str(EXIT_CODES);
    page
}

/// The sections of the commands below `parent`, and of those below them.
fn commands(page: &mut String, parent: &str, command: &Command) {
    for command in command.get_subcommands().filter(|command| command.get_name() != "help") {
        let name = format!("{parent} {}", command.get_name());
        let mut usage = name.clone();
        if command.get_opts().next().is_some() {
            usage.push_str(" [OPTIONS]");
        }
        for argument in command.get_positionals() {
            // What follows is all another program's.
            let (before, behind) =
                if argument.is_trailing_var_arg_set() { ("-- ", " [ARGS]") } else { ("", "") };
            let _ = write!(usage, " {before}{}{behind}", value(argument));
        }
        section(page, &usage, command);
        commands(page, &name, command);
    }
}

const EXIT_CODES: &str = "
## Exit codes

| code | means |
|---|---|
| 0 | done |
| 1 | a comparison or a replay failed |
| 2 | wrong usage, or a file that cannot be read |
| 3 | could not listen, or could not reach what was asked for |

`sockeye run` ends with the program's own code: 128 and the signal's number where a signal ended it, 127 where there is no such
program, 126 where it cannot be started.

Errors go to the standard error, one line each.
";

fn section(page: &mut String, usage: &str, command: &Command) {
    let about = command.get_about().map(ToString::to_string).unwrap_or_default();
    let _ = write!(page, "\n## `{usage}`\n\n{about}.\n");
    let arguments: Vec<_> = command
        .get_arguments()
        .filter(|argument| !matches!(argument.get_id().as_str(), "help" | "version"))
        .collect();
    if arguments.is_empty() {
        return;
    }
    page.push_str("\n| | | by default |\n|---|---|---|\n");
    for argument in arguments {
        let (help, default) = help(argument);
        let default = default.unwrap_or_else(|| default_value(argument));
        let _ = writeln!(page, "| {} | {help} | {default} |", name(argument));
    }
}

fn name(argument: &Arg) -> String {
    let takes = argument.get_action().takes_values();
    let value = if takes { value(argument) } else { String::new() };
    let Some(long) = argument.get_long() else { return format!("`{value}`") };
    let short = argument.get_short().map(|short| format!("`-{short}`"));
    let others = argument.get_visible_aliases().unwrap_or_default();
    let long =
        [long].into_iter().chain(others).map(|long| format!("`{}`", format!("--{long} {value}").trim_end()));
    short.into_iter().chain(long).collect::<Vec<_>>().join(", ")
}

fn value(argument: &Arg) -> String {
    match argument.get_value_names() {
        Some([name, ..]) => name.to_string(),
        _ => argument.get_id().as_str().to_uppercase(),
    }
}

/// What an option does, and its default where that is said in words.
fn help(argument: &Arg) -> (String, Option<String>) {
    let help = argument.get_help().map(ToString::to_string).unwrap_or_default();
    let help = help.replace('|', "\\|").replace('\n', " ");
    match help.strip_suffix(']').and_then(|help| help.split_once(" [default: ")) {
        Some((help, default)) => (help.to_owned(), Some(default.to_owned())),
        None => (help, None),
    }
}

fn default_value(argument: &Arg) -> String {
    let values: Vec<_> = argument
        .get_default_values()
        .iter()
        .filter(|value| !value.is_empty())
        .map(|value| format!("`{}`", value.to_string_lossy()))
        .collect();
    if argument.get_action().takes_values() { values.join(" ") } else { String::new() }
}
