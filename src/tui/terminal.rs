//! The run loop: a terminal in, drawings out, and the terminal as it was at the end, whatever the cause.

mod hold;
mod keys;
mod rules;
mod screen;
mod send;
mod signals;

use std::fs::OpenOptions;
use std::io::{self, Write};
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::mpsc::{self, Receiver, RecvTimeoutError};
use std::thread;
use std::time::{Duration, Instant};

use crossterm::clipboard::CopyToClipboard;
use crossterm::event::{Event, KeyEventKind};
use crossterm::execute;

use super::app::Effect;
use super::console::Console;
use super::theme::Theme;
use super::{About, actions, saving, text};
use crate::capture::{Flow, Log, Payload};
use crate::connect::Voice;
use crate::control::{Command, Controller, Outcome};
use crate::headless::{self, Redaction};
use crate::interchange::code::Talk;
use crate::net::{Door, Listening, Target};
use crate::replay::Encore;
use keys::Keys;
use screen::Screen;
use signals::Signals;

/// The world around the screens.
#[derive(Default)]
pub struct Outside {
    /// Takes the user's commands to the network; none where a recording is looked at.
    pub controller: Option<Controller>,
    /// The client that the user speaks as in the first session; none where that is somebody else.
    pub voice: Option<Voice>,
    /// Set from elsewhere when it is time to leave. SIGTERM and SIGHUP are heeded anyhow.
    pub quit: Arc<AtomicBool>,
    /// Has the user's own editor change a text, in a file with that ending, while the terminal is its own; says why
    /// where nothing came of it.
    pub editor: Option<OutsideEditor>,
    /// Adds a rule, as TOML, to the user's rules; says what came of it, or why nothing did.
    pub add_rule: Option<AddRule>,
    /// The way into a proxy, for sessions that are played again; none where there is none.
    pub way: Option<Way>,
    /// What becomes of secrets in a recording that is saved.
    pub redaction: Redaction,
}

/// Takes a text and the ending of a file for it, and gives what became of it.
pub type OutsideEditor = Box<dyn Fn(&str, &str) -> Result<String, String>>;

/// Takes a rule, as TOML.
pub type AddRule = Box<dyn Fn(&str) -> Result<String, String>>;

/// Gives the door of a proxy, which it may start for that; or says why there is none.
pub type Way = Box<dyn Fn() -> Result<Door, String>>;

/// Drawings follow each other no faster than this.
const FRAME: Duration = Duration::from_millis(33);
/// Ages on the screen are not older than this.
const TICK: Duration = Duration::from_secs(1);

/// Shows `log` until the user leaves, on the thread that calls.
///
/// # Errors
/// Where the terminal cannot be set up, or is gone.
pub fn run(log: &Log, about: About, outside: &Outside) -> io::Result<()> {
    let signals = Signals::heed(&outside.quit)?;
    let mut screen = Screen::open()?;
    let size = crossterm::terminal::size()?;
    let listen = about.listen.clone();
    let no_color = std::env::var("NO_COLOR").ok();
    let mut console = Console::new(log.clone(), about, Theme::from_no_color(no_color.as_deref()), size);
    console.hold(outside.controller.as_ref().and_then(Controller::hold));
    if let Some(controller) = &outside.controller {
        console.show_rules_of(controller.clone());
    }
    let stop = Arc::new(AtomicBool::new(false));
    let sifter = console.sifter().spawn(log.clone(), Arc::clone(&stop))?;
    let (saved, saves) = mpsc::channel();
    let mut desk = Desk { log, console, outside, listen, signals, keys: Keys::read()?, saved, saves };
    let result = desk.serve(&mut screen);
    stop.store(true, Ordering::Relaxed);
    sifter.thread().unpark();
    // The worker holds nothing that is not thrown away now; its panic was told by the hook.
    let _ = sifter.join();
    screen.close();
    result
}

/// The loop's own state.
struct Desk<'a> {
    log: &'a Log,
    console: Console,
    outside: &'a Outside,
    listen: Vec<Listening>,
    signals: Signals,
    keys: Keys,
    saved: mpsc::Sender<Result<String, String>>,
    saves: Receiver<Result<String, String>>,
}

impl Desk<'_> {
    fn serve(&mut self, screen: &mut Screen) -> io::Result<()> {
        let mut drawn = Drawn { at: Instant::now(), version: 0, stale: true };
        self.draw(screen, &mut drawn)?;
        loop {
            let wait = FRAME.saturating_sub(if drawn.stale { drawn.at.elapsed() } else { Duration::ZERO });
            match self.keys.events.recv_timeout(wait) {
                Ok(first) => {
                    drawn.stale = true;
                    let rest: Vec<Event> = self.keys.events.try_iter().collect();
                    for event in std::iter::once(first).chain(rest) {
                        if self.handle(event, screen)? == Some(Leave) {
                            return Ok(());
                        }
                    }
                }
                Err(RecvTimeoutError::Timeout) => {}
                // The terminal is gone.
                Err(RecvTimeoutError::Disconnected) => return Ok(()),
            }
            if self.outside.quit.load(Ordering::Relaxed) || self.signals.is_interrupted() {
                return Ok(());
            }
            if self.signals.continued.swap(false, Ordering::Relaxed) {
                screen.enter()?;
                drawn.stale = true;
            }
            drawn.stale |= self.heard(screen) || drawn.is_old(self.version());
            if drawn.stale && drawn.at.elapsed() >= FRAME {
                self.draw(screen, &mut drawn)?;
            }
        }
    }

    fn draw(&mut self, screen: &mut Screen, drawn: &mut Drawn) -> io::Result<()> {
        let version = self.version();
        self.console.refresh(self.log.now());
        screen.draw(&self.console)?;
        let stale = self.console.is_busy();
        *drawn = Drawn { at: Instant::now(), version, stale };
        Ok(())
    }

    /// Goes up with all that there is to show.
    fn version(&self) -> u64 {
        self.log.version() + self.console.version()
    }

    /// Takes in what came from other threads; true where there is something to show.
    fn heard(&mut self, screen: &Screen) -> bool {
        let mut heard = false;
        for save in self.saves.try_iter() {
            heard = true;
            match save {
                Ok(words) => self.console.say(words),
                Err(words) => self.console.complain(words),
            }
        }
        if let Some(panic) = screen.panic() {
            self.console.complain(panic);
            heard = true;
        }
        heard
    }

    fn handle(&mut self, event: Event, screen: &mut Screen) -> io::Result<Option<Leave>> {
        let effect = match event {
            Event::Key(key) if key.kind != KeyEventKind::Release => {
                // What a key means depends on what is shown.
                let effect = self.console.key(&actions::key_name(key));
                self.console.refresh(self.log.now());
                effect
            }
            Event::Paste(text) => {
                self.console.paste(&text);
                None
            }
            Event::Resize(width, height) => {
                self.console.resize(width, height);
                None
            }
            _ => None,
        };
        match effect {
            Some(effect) => self.perform(effect, screen),
            None => Ok(None),
        }
    }

    fn perform(&mut self, effect: Effect, screen: &mut Screen) -> io::Result<Option<Leave>> {
        match effect {
            Effect::Quit => return Ok(Some(Leave)),
            Effect::Suspend => self.suspend(screen)?,
            Effect::Redraw => screen.clear()?,
            Effect::Kill(flow) => self.kill(flow),
            Effect::Clear => {
                self.log.clear();
                self.console.say("forgotten: what was over");
            }
            Effect::Send { session, direction, draft } => self.send(session, direction, &draft),
            Effect::Resend { session, numbers, direction } => self.resend(session, &numbers, direction),
            Effect::Hold(effect) => return self.hold(effect, screen),
            Effect::Copy => {
                let words = self.console.copied();
                self.copy(words, screen)?;
            }
            Effect::CopyAs { language, session, numbers } => {
                match Talk::of_session(self.log, session, numbers.as_deref()) {
                    Ok(talk) => self.copy(talk.map(|talk| language.write(&talk)), screen)?,
                    Err(error) => self.console.complain(format!("cannot read the log: {error}")),
                }
            }
            Effect::SavePayload(file) => self.save_payload(file),
            Effect::SwitchRule(name) => self.switch_rule(&name),
            Effect::Play(session, server) => self.play(session, server),
            Effect::SaveRecording(file, chosen) => {
                let (listen, redaction) = (self.listen.clone(), self.outside.redaction);
                self.in_background(&file, move |log, file| {
                    Ok(saving::words(headless::save(&log, file, &chosen, listen, redaction)?))
                });
            }
        }
        Ok(None)
    }

    fn play(&mut self, session: u32, server: Target) {
        let begun = match &self.outside.way {
            None => Err("there is no proxy to play it through".to_owned()),
            Some(way) => way().and_then(|door| {
                Encore::start(self.log, session, server, door).map_err(|error| error.to_string())
            }),
        };
        match begun {
            Ok(encore) => self.console.begin(encore),
            Err(why) => self.console.complain(format!("#{session} cannot be played: {why}")),
        }
    }

    fn kill(&mut self, flow: Flow) {
        let Flow::Session(session) = flow else { return self.console.say("an exchange cannot be killed") };
        let Some(controller) = &self.outside.controller else {
            return self.console.say("a recording cannot be killed");
        };
        match controller.send(Command::Kill { session }) {
            Outcome::Done => {
                self.console.say(format!("#{session} is killed: both its connections are reset"));
            }
            Outcome::NotThere => self.console.say(format!("#{session} is over already")),
        }
    }

    fn copy(&mut self, words: Option<String>, screen: &mut Screen) -> io::Result<()> {
        match words {
            None => self.console.say("nothing to copy here"),
            Some(words) => {
                execute!(screen.terminal.backend_mut(), CopyToClipboard::to_clipboard_from(&words))?;
                self.console.say(format!("copied {}", text::size(words.len() as u64)));
            }
        }
        Ok(())
    }

    fn save_payload(&mut self, file: PathBuf) {
        let Some(payload) = self.console.payload() else { return self.console.say("no message is chosen") };
        self.in_background(&file, move |log, file| Ok(text::size(write_payload(&log, &payload, file)?)));
    }

    /// Saves on a thread of its own: disks may be slow, and logs large.
    fn in_background(
        &mut self,
        file: &Path,
        save: impl FnOnce(Log, &Path) -> io::Result<String> + Send + 'static,
    ) {
        let (log, file, saved) = (self.log.clone(), file.to_owned(), self.saved.clone());
        let work = move || {
            let name = file.display();
            let result = match save(log, &file) {
                Ok(what) => Ok(format!("saved {what} in {name}")),
                Err(error) if error.kind() == io::ErrorKind::AlreadyExists => {
                    Err(format!("{name} is there already; give another name"))
                }
                Err(error) => Err(format!("cannot save {name}: {error}")),
            };
            // Nobody listens any more when the screens are closed.
            let _ = saved.send(result);
        };
        match thread::Builder::new().name("save".to_owned()).spawn(work) {
            Ok(_) => self.console.say("saving"),
            Err(error) => self.console.complain(format!("cannot save: {error}")),
        }
    }

    /// Gives the terminal back to the shell, and takes it again when the shell says so.
    fn suspend(&mut self, screen: &mut Screen) -> io::Result<()> {
        screen.leave();
        self.signals.stop_group()?;
        screen.enter()
    }
}

/// The loop ends.
#[derive(Debug, PartialEq, Eq)]
struct Leave;

/// What is on the screen.
struct Drawn {
    at: Instant,
    version: u64,
    /// Whether something has changed since.
    stale: bool,
}

impl Drawn {
    fn is_old(&self, version: u64) -> bool {
        self.version != version || self.at.elapsed() >= TICK
    }
}

/// Copies a payload into a new file, a portion at a time.
fn write_payload(log: &Log, payload: &Payload, file: &Path) -> io::Result<u64> {
    const PORTION: usize = 1 << 20;
    let mut out = headless::private(OpenOptions::new().write(true).create_new(true)).open(file)?;
    let mut done = 0;
    loop {
        let bytes = log.read(payload, done, PORTION)?;
        if bytes.is_empty() {
            return Ok(done);
        }
        out.write_all(&bytes)?;
        done += bytes.len() as u64;
    }
}

#[cfg(all(test, unix))]
mod tests;
