//! Reads what is typed, on a thread of its own.

use std::io;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::mpsc::{self, Receiver, Sender};
use std::thread;
use std::time::Duration;

use crossterm::event::{self, Event};

/// The thread that reads keys. Where the terminal is gone, crossterm may spin without ever coming back, so that nothing
/// else may depend on this thread; it ends with the process at the latest.
pub(super) struct Keys {
    pub(super) events: Receiver<Event>,
    turn: Arc<Turn>,
}

/// Whose the keys are.
#[derive(Default)]
struct Turn {
    stop: AtomicBool,
    /// Another program is to have them.
    pause: AtomicBool,
    /// They are not being read.
    paused: AtomicBool,
}

const WAIT: Duration = Duration::from_millis(100);
const SHORT: Duration = Duration::from_millis(5);

impl Keys {
    pub(super) fn read() -> io::Result<Keys> {
        let (sender, events) = mpsc::channel();
        let turn = Arc::new(Turn::default());
        let its = Arc::clone(&turn);
        thread::Builder::new().name("keys".to_owned()).spawn(move || its.read(&sender))?;
        Ok(Keys { events, turn })
    }

    /// Reads no more until [`Keys::go_on`]; comes back when that is so.
    pub(super) fn pause(&self) {
        self.turn.pause.store(true, Ordering::SeqCst);
        // Half a second is long; a thread that has ended pauses for ever.
        for _ in 0..100 {
            if self.turn.paused.load(Ordering::SeqCst) {
                return;
            }
            thread::sleep(SHORT);
        }
    }

    pub(super) fn go_on(&self) {
        self.turn.pause.store(false, Ordering::SeqCst);
    }
}

impl Drop for Keys {
    fn drop(&mut self) {
        self.turn.stop.store(true, Ordering::SeqCst);
    }
}

impl Turn {
    fn read(&self, sender: &Sender<Event>) {
        while !self.stop.load(Ordering::SeqCst) {
            let pause = self.pause.load(Ordering::SeqCst);
            self.paused.store(pause, Ordering::SeqCst);
            if pause {
                thread::sleep(SHORT);
                continue;
            }
            let event = match event::poll(WAIT) {
                Ok(false) => continue,
                Ok(true) => event::read(),
                Err(error) => Err(error),
            };
            let Ok(event) = event else { return };
            if sender.send(event).is_err() {
                return;
            }
        }
    }
}
