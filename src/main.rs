//! The `sockeye` binary: reads the command line, runs it, and ends with its exit code.

mod cli;
mod run;

use std::process::ExitCode;

use cli::Command;

fn main() -> ExitCode {
    let cli = match cli::parse(std::env::args_os()) {
        Ok(cli) => cli,
        Err(error) => {
            // Help goes to the standard output, faults to stderr; where neither can be written there is nobody to tell.
            let _ = error.print();
            return ExitCode::from(if error.use_stderr() { run::USAGE } else { run::DONE });
        }
    };
    let result = match cli.command {
        Some(Command::Run(options)) => return end(run::child::run(*options)),
        Some(Command::Connect(options)) => return end(run::connect::connect(*options)),
        Some(Command::Rules(command)) => return end(run::rules::rules(&command)),
        None => run::proxy::proxy(cli.proxy),
        Some(Command::Demo(options)) => run::demo::demo(options),
        Some(Command::Show(options)) => run::recording::show(options),
        Some(Command::Print(options)) => run::recording::print(&options),
        Some(Command::Replay(command)) => run::replay::replay(command),
        Some(Command::Export(options)) => run::interchange::export(&options),
        Some(Command::Import(options)) => run::interchange::import(&options),
        Some(Command::Trim(options)) => run::files::trim(&options),
        Some(Command::Redact(options)) => run::files::redact(&options),
        Some(Command::Merge(options)) => run::files::merge(&options),
        Some(Command::Diff(options)) => return end(run::files::diff(&options)),
        Some(Command::Refresh(options)) => run::files::refresh(&options),
        Some(Command::Ca(command)) => run::ca::ca(&command),
        Some(Command::Completions { shell }) => run::about::completions(shell),
        Some(Command::Man) => run::about::man(),
    };
    end(result.map(|()| run::DONE))
}

fn end(result: Result<u8, run::Failure>) -> ExitCode {
    match result {
        Ok(code) => ExitCode::from(code),
        Err(failure) => {
            eprintln!("sockeye: {failure}");
            ExitCode::from(failure.code)
        }
    }
}
