//! The program's process: where its output goes, and its exit code.

use std::io;
use std::pin::pin;
use std::process::{ExitStatus, Stdio};
use std::thread::{self, JoinHandle};
use std::time::Duration;

use sockeye::capture::{Log, Program, Stream};
use tokio::io::{AsyncRead, AsyncReadExt};
use tokio::process::{Child, Command};
use tokio::runtime::Builder;
use tokio::sync::oneshot;
use tokio::task::JoinSet;
use tokio::time::timeout;

/// How long a program may take to end that was asked to.
const PATIENCE: Duration = Duration::from_secs(5);
/// How long what a program printed last may take to come.
const LAST_OUTPUT: Duration = Duration::from_millis(500);
/// Octets of a line that is shown as one.
const LONGEST_LINE: usize = 4096;

/// Where the program's output goes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Routing {
    /// Where ours would.
    Own,
    /// All of it to the standard error: what we print has the standard output to itself.
    Errors,
}

impl Routing {
    pub(super) fn apply(self, command: &mut Command) {
        match self {
            Routing::Own => {}
            Routing::Errors => {
                command.stdout(Stdio::from(io::stderr()));
            }
        }
    }
}

/// A program beside a screen, which alone has the terminal: what the program prints is taken in.
pub(super) struct Watched {
    ask: oneshot::Sender<()>,
    thread: JoinHandle<io::Result<ExitStatus>>,
}

impl Watched {
    /// Starts it.
    pub(super) fn start(mut command: Command, program: &Program, log: &Log) -> io::Result<Watched> {
        command.stdin(Stdio::null()).stdout(Stdio::piped()).stderr(Stdio::piped());
        // A group of its own: ctrl-z is for the screen, and what the program has started ends with it.
        #[cfg(unix)]
        command.process_group(0);
        let runtime = Builder::new_current_thread().enable_all().build()?;
        let child = {
            let _inside = runtime.enter();
            command.spawn()?
        };
        let (ask, asked) = oneshot::channel();
        let printer = Printer { program: program.clone(), log: log.clone() };
        let work = move || runtime.block_on(printer.watch(child, asked));
        let thread = thread::Builder::new().name("program".to_owned()).spawn(work)?;
        Ok(Watched { ask, thread })
    }

    /// Asks it to end where it has not, in the end with force, and gives its exit code.
    pub(super) fn finish(self) -> io::Result<u8> {
        // Where nobody listens any more it is over.
        let _ = self.ask.send(());
        let broken = |_| Err(io::Error::other("watching the program broke off"));
        self.thread.join().unwrap_or_else(broken).map(exit_code)
    }
}

/// Takes in what a program prints.
#[derive(Clone)]
struct Printer {
    program: Program,
    log: Log,
}

impl Printer {
    async fn watch(self, mut child: Child, asked: oneshot::Receiver<()>) -> io::Result<ExitStatus> {
        let mut readers = JoinSet::new();
        if let Some(output) = child.stdout.take() {
            readers.spawn(self.clone().read(output, Stream::Output));
        }
        if let Some(errors) = child.stderr.take() {
            readers.spawn(self.clone().read(errors, Stream::Errors));
        }
        let mut asked = pin!(asked);
        let ended = tokio::select! {
            status = child.wait() => Some(status?),
            _ = &mut asked => None,
        };
        let Some(status) = ended else { return end(&mut child).await };
        let mut all_read = pin!(async { while readers.join_next().await.is_some() {} });
        // Processes that it left behind may print on.
        let over = timeout(LAST_OUTPUT, &mut all_read).await.is_ok();
        self.program.end(words(status));
        if !over {
            tokio::select! {
                () = all_read => {}
                _ = asked => {}
            }
        }
        Ok(status)
    }

    /// Takes in lines, until there is no more; an output that breaks has none.
    async fn read(self, mut output: impl AsyncRead + Unpin, stream: Stream) {
        let mut gathered = Vec::new();
        while let Ok(1..) = output.read_buf(&mut gathered).await {
            let mut from = 0;
            while let Some(length) = line(&gathered[from..]) {
                self.print(stream, &gathered[from..from + length]);
                from += length;
            }
            gathered.drain(..from);
        }
        if !gathered.is_empty() {
            self.print(stream, &gathered);
        }
    }

    fn print(&self, stream: Stream, line: &[u8]) {
        self.program.print(self.log.now(), stream, &String::from_utf8_lossy(line));
    }
}

/// How long the first line is, with its end; none where it is not all there yet.
fn line(bytes: &[u8]) -> Option<usize> {
    let end = memchr::memchr(b'\n', &bytes[..bytes.len().min(LONGEST_LINE)]).map(|end| end + 1);
    end.or((bytes.len() >= LONGEST_LINE).then_some(LONGEST_LINE))
}

/// Ends a program and what it started: as politely as it lets us.
async fn end(child: &mut Child) -> io::Result<ExitStatus> {
    #[cfg(unix)]
    {
        use rustix::process::{Pid, Signal, kill_process_group};
        let group = child.id().and_then(|id| Pid::from_raw(id.cast_signed()));
        for signal in [Signal::TERM, Signal::KILL] {
            if let Some(group) = group {
                // One that has just ended needs no signal.
                let _ = kill_process_group(group, signal);
            }
            if let Ok(status) = timeout(PATIENCE, child.wait()).await {
                return status;
            }
        }
    }
    child.start_kill()?;
    child.wait().await
}

/// How a program ended, for its user.
fn words(status: ExitStatus) -> String {
    match status.code() {
        Some(code) => format!("exited with {code}"),
        // `signal: 9 (SIGKILL)`
        None => format!("ended by {status}"),
    }
}

/// As shells give it: 128 and the signal's number for a program that a signal has ended.
pub(super) fn exit_code(status: ExitStatus) -> u8 {
    #[cfg(unix)]
    let signal = std::os::unix::process::ExitStatusExt::signal(&status);
    #[cfg(not(unix))]
    let signal = None::<i32>;
    let code = status.code().or(signal.map(|signal| 128 + signal));
    // A code of more than eight bits is there on Windows alone.
    code.map_or(u8::MAX, |code| u8::try_from(code).unwrap_or(u8::MAX))
}
