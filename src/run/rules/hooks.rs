//! Hooks: programs of the user's that say what becomes of a message. One process for each command, started when it is
//! needed first.

use std::collections::HashMap;
use std::io::{BufRead, BufReader, Read, Write};
use std::process::{Child, ChildStdin, Command, Stdio};
use std::sync::mpsc::{self, Receiver, RecvTimeoutError, Sender};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::thread;
use std::time::{Duration, Instant};

use sockeye::capture::{Flow, Tap};
use sockeye::control::{self, Ask, Controller, Outcome, Verdict};
use sockeye::decode::visible;
use sockeye::headless::hook;

use super::Told;

/// How often a hook that ended is started again.
const RESTARTS: u32 = 3;
/// How long a hook may take to end, once its standard input has.
const LAST_WORDS: Duration = Duration::from_millis(500);
/// How long it is waited for something to ask, where no answer is.
const IDLE: Duration = Duration::from_secs(3600);
/// How much of a line of a hook's is read, in octets.
const LONGEST_LINE: u64 = 64 << 20;

/// All hooks, until this is dropped: then they end.
pub(super) struct Hooks(Arc<Inner>);

struct Inner {
    controller: Controller,
    tap: Tap,
    told: Told,
    running: Mutex<HashMap<Arc<str>, Sender<Ask>>>,
}

/// What one command's process is asked and has not answered.
type Pending = Arc<Mutex<HashMap<u64, (Ask, Instant)>>>;

impl Hooks {
    /// From now on, what rules ask is asked.
    pub(super) fn start(controller: &Controller, tap: &Tap, told: Told) -> Hooks {
        let (controller, tap) = (controller.clone(), tap.clone());
        let inner = Arc::new(Inner { controller, tap, told, running: Mutex::default() });
        // The controller lives longer than what is asked: when this is gone, messages go on when their time is over.
        let weak = Arc::downgrade(&inner);
        inner.controller.answer_asks(move |ask| {
            if let Some(inner) = weak.upgrade() {
                Inner::ask(&inner, ask);
            }
        });
        Hooks(inner)
    }
}

impl Drop for Hooks {
    fn drop(&mut self) {
        // Without anybody who asks, each hook's thread ends, and its process.
        lock(&self.0.running).clear();
    }
}

impl Inner {
    fn ask(self: &Arc<Inner>, ask: Ask) {
        let mut running = lock(&self.running);
        let sender = running.entry(Arc::clone(&ask.hook)).or_insert_with(|| {
            let (sender, asks) = mpsc::channel();
            let hook = Hook {
                command: Arc::clone(&ask.hook),
                controller: self.controller.clone(),
                tap: self.tap.clone(),
                told: self.told,
                pending: Pending::default(),
            };
            thread::spawn(move || hook.run(&asks));
            sender
        });
        // Its thread lives as long as its sender.
        let _ = sender.send(ask);
    }
}

/// One command, and who is told what it says.
#[derive(Clone)]
struct Hook {
    command: Arc<str>,
    controller: Controller,
    tap: Tap,
    told: Told,
    pending: Pending,
}

/// A process, and what it is asked through. It ends when this is dropped.
struct Process {
    child: Child,
    input: Option<ChildStdin>,
}

impl Hook {
    fn run(self, asks: &Receiver<Ask>) {
        let mut process = None;
        let mut starts = 0;
        loop {
            let ask = match asks.recv_timeout(self.patience()) {
                Ok(ask) => ask,
                Err(RecvTimeoutError::Timeout) => {
                    self.give_up();
                    continue;
                }
                Err(RecvTimeoutError::Disconnected) => return,
            };
            let ended = process.as_mut().is_none_or(|process: &mut Process| process.has_ended());
            if ended && starts <= RESTARTS {
                process = self.start();
                starts += 1;
                if starts > RESTARTS {
                    self.tell(&format!("is started for the last time, after {RESTARTS} times before"));
                }
            }
            let held = ask.held;
            let url = self.tap.log().summary(Flow::Session(ask.session)).map(|summary| summary.url);
            let mut line = hook::question(&ask, &url.unwrap_or_default());
            line.push('\n');
            self.expect(ask);
            let asked = process.as_mut().and_then(|process| process.input.as_mut());
            if asked
                .is_none_or(|input| input.write_all(line.as_bytes()).and_then(|()| input.flush()).is_err())
            {
                self.forget(held);
            }
        }
    }

    fn start(&self) -> Option<Process> {
        let mut command = shell(&self.command);
        command.stdin(Stdio::piped()).stdout(Stdio::piped()).stderr(Stdio::piped());
        let mut child = match command.spawn() {
            Ok(child) => child,
            Err(error) => {
                self.tell(&format!("cannot be started: {error}"));
                return None;
            }
        };
        let input = child.stdin.take();
        if let (Some(output), Some(errors)) = (child.stdout.take(), child.stderr.take()) {
            let hook = self.clone();
            thread::spawn(move || hook.listen(output));
            let hook = self.clone();
            thread::spawn(move || each_line(errors, |line| hook.tell(&format!("says {}", visible(line)))));
        }
        Some(Process { child, input })
    }

    /// Notes what is asked.
    fn expect(&self, ask: Ask) {
        let until = Instant::now() + ask.limit;
        lock(&self.pending).insert(ask.held, (ask, until));
    }

    /// How long the next answer is waited for.
    fn patience(&self) -> Duration {
        let next = lock(&self.pending).values().map(|(_, until)| *until).min();
        next.map_or(IDLE, |until| until.saturating_duration_since(Instant::now()))
    }

    /// Says of what was asked for too long that it goes on: the session has seen to it.
    fn give_up(&self) {
        let now = Instant::now();
        let late: Vec<_> = lock(&self.pending).extract_if(|_, (_, until)| *until <= now).collect();
        for (_, (ask, _)) in late {
            let (session, from) = (ask.session, ask.direction.sender());
            let limit = ask.limit;
            self.tell(&format!(
                "did not answer within {limit:?}; the message of the {from} in session {session} goes on as it is"
            ));
        }
    }

    /// What cannot be asked goes on.
    fn forget(&self, held: u64) {
        if lock(&self.pending).remove(&held).is_some() {
            self.controller.send(control::Command::Settle { held, verdict: Verdict::Forward });
        }
    }

    /// Carries out what the process answers, until it ends.
    fn listen(&self, output: impl Read) {
        each_line(output, |line| {
            let fault = match hook::answered(line) {
                Err(fault) => Some(fault),
                Ok(id) => match lock(&self.pending).remove(&id) {
                    Some((ask, _)) => self.carry_out(line, &ask).err(),
                    None => {
                        Some(format!("it answers {id}, which was not asked, or not waited for any longer"))
                    }
                },
            };
            if let Some(fault) = fault {
                self.tell(&format!("gave no answer that counts: {fault}"));
            }
        });
        let unanswered: Vec<u64> = lock(&self.pending).drain().map(|(held, _)| held).collect();
        if !unanswered.is_empty() {
            self.tell(&format!("ended; what it was asked about goes on ({})", unanswered.len()));
        }
        for held in unanswered {
            self.controller.send(control::Command::Settle { held, verdict: Verdict::Forward });
        }
    }

    fn carry_out(&self, line: &str, ask: &Ask) -> Result<(), String> {
        let answer = hook::answer(line, ask);
        let wrong = answer.as_ref().err().cloned();
        let verdict = answer.unwrap_or(Verdict::Forward);
        if self.controller.send(control::Command::Settle { held: ask.held, verdict }) == Outcome::NotThere {
            return Err(format!("its answer to {} came too late", ask.held));
        }
        wrong.map_or(Ok(()), Err)
    }

    fn tell(&self, what: &str) {
        self.told.tell(&self.tap, &format!("hook {}: {what}", self.command));
    }
}

impl Process {
    fn has_ended(&mut self) -> bool {
        self.child.try_wait().map_or(true, |status| status.is_some())
    }
}

impl Drop for Process {
    fn drop(&mut self) {
        drop(self.input.take());
        let begun = Instant::now();
        while !self.has_ended() && begun.elapsed() < LAST_WORDS {
            thread::sleep(Duration::from_millis(10));
        }
        // It may have ended by now.
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

/// The command as a shell reads it.
fn shell(line: &str) -> Command {
    #[cfg(unix)]
    let (shell, switch) = ("sh", "-c");
    #[cfg(not(unix))]
    let (shell, switch) = ("cmd", "/C");
    let mut command = Command::new(shell);
    command.arg(switch).arg(line);
    command
}

/// Gives each line, until there are no more.
fn each_line(input: impl Read, mut each: impl FnMut(&str)) {
    let mut input = BufReader::new(input);
    let mut line = Vec::new();
    while input.by_ref().take(LONGEST_LINE).read_until(b'\n', &mut line).is_ok_and(|count| count > 0) {
        each(String::from_utf8_lossy(&line).trim_end());
        line.clear();
    }
}

fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}
