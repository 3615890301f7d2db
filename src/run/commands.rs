//! A proxy that is told what to do on the standard input.

use std::future::pending;
use std::io::{self, BufRead, Read};
use std::thread;

use sockeye::headless::commands::{Answer, Commander};
use sockeye::headless::text::Style;
use sockeye::headless::{Follower, Outlet, Output, Printing, Subscription};
use tokio::sync::oneshot;

use super::proxy::Running;
use super::signals::Signals;
use super::{Failure, UNREACHABLE};
use crate::cli::{CommandsOptions, OutputOptions};

/// How long a command may be, in octets.
const LONGEST: u64 = 64 << 20;

/// Prints what happens, does what it is told, and answers, until the end is asked for or a signal comes; gives what
/// prints.
pub fn obey(
    running: &Running,
    options: &OutputOptions,
    commands: CommandsOptions,
    signals: Option<Signals>,
) -> Result<Option<Follower>, Failure> {
    let failed = |error: io::Error| Failure::new(UNREACHABLE, error);
    let subscription = Subscription::to(options.filter.clone());
    let outlet = Outlet::new(io::stdout());
    let printing = Printing {
        output: options.output,
        filter: options.filter.clone(),
        style: Style::for_stdout(),
        listen: running.proxy.listening().to_vec(),
        redaction: options.redact.redaction(),
    };
    let follower = (options.output != Output::None)
        .then(|| Follower::subscribed(&running.log, printing, subscription.clone(), outlet.clone()))
        .transpose()
        .map_err(failed)?;
    let commander = Commander::new(running.controller.clone(), running.log.clone(), subscription);
    let (tell, over) = oneshot::channel();
    // A read of the standard input cannot be given up: the thread ends with the program.
    let work = move || {
        if heed(io::stdin().lock(), &commander, &outlet) == End::Quit || commands.end_with_stdin {
            // Where a signal came first, nobody waits.
            let _ = tell.send(());
        }
    };
    thread::Builder::new().name("commands".to_owned()).spawn(work).map_err(failed)?;
    let over = async {
        // The end of the input is not ours, unless that was asked for.
        if over.await.is_err() {
            pending::<()>().await;
        }
        Ok(())
    };
    if let Some(signals) = signals {
        signals.wait_or(over).map_err(failed)?;
    }
    Ok(follower)
}

/// Why no more commands come.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum End {
    /// The input has ended.
    Input,
    /// The end was asked for.
    Quit,
}

/// Has done what each line asks for.
fn heed(mut input: impl BufRead, commander: &Commander, outlet: &Outlet) -> End {
    let mut line = Vec::new();
    loop {
        line.clear();
        match (&mut input).take(LONGEST).read_until(b'\n', &mut line) {
            Ok(0) | Err(_) => return End::Input,
            Ok(_) if line.trim_ascii().is_empty() => continue,
            Ok(_) => {}
        }
        let Answer { line: answer, quit } = commander.answer(&line);
        // Where nobody reads answers any more, commands are done all the same.
        let _ = outlet.line(&answer);
        if quit {
            return End::Quit;
        }
    }
}
