//! The terminal while it is ours: taken, drawn on, and given back as it was.

use std::io::{self, BufWriter, Stdout, stdout};
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex, PoisonError};
use std::thread;

use crossterm::event::{DisableBracketedPaste, EnableBracketedPaste};
use crossterm::terminal::{
    BeginSynchronizedUpdate, EndSynchronizedUpdate, EnterAlternateScreen, LeaveAlternateScreen,
    disable_raw_mode, enable_raw_mode,
};
use crossterm::{cursor, execute};
use ratatui::Terminal;
use ratatui::backend::CrosstermBackend;
use ratatui::layout::Rect;

use crate::tui::Console;

/// The terminal while it is ours.
pub(super) struct Screen {
    pub(super) terminal: Terminal<CrosstermBackend<BufWriter<Stdout>>>,
    ours: Arc<AtomicBool>,
    panics: Arc<Mutex<Option<String>>>,
    hook: Arc<PanicHook>,
}

type PanicHook = Box<dyn Fn(&std::panic::PanicHookInfo<'_>) + Send + Sync>;

impl Screen {
    pub(super) fn open() -> io::Result<Screen> {
        let ours = Arc::new(AtomicBool::new(false));
        let panics = Arc::new(Mutex::new(None));
        let hook: Arc<PanicHook> = Arc::new(std::panic::take_hook());
        let (flag, told, before) = (Arc::clone(&ours), Arc::clone(&panics), Arc::clone(&hook));
        let drawing = thread::current().id();
        std::panic::set_hook(Box::new(move |info| {
            if thread::current().id() == drawing {
                restore(&flag);
                before(info);
            } else if let Ok(mut told) = told.lock() {
                // Printed now, it would be drawn over.
                *told = Some(format!("internal error: {info}").replace('\n', " "));
            }
        }));
        let backend = CrosstermBackend::new(BufWriter::with_capacity(64 << 10, stdout()));
        let mut screen = Screen { terminal: Terminal::new(backend)?, ours, panics, hook };
        screen.enter()?;
        Ok(screen)
    }

    /// Takes the terminal.
    pub(super) fn enter(&mut self) -> io::Result<()> {
        self.ours.store(true, Ordering::SeqCst);
        enable_raw_mode()?;
        execute!(stdout(), EnterAlternateScreen, EnableBracketedPaste, cursor::Hide)?;
        self.clear()
    }

    /// Forgets what is on the terminal. Its own `clear` asks the terminal where the cursor is, which some never say.
    pub(super) fn clear(&mut self) -> io::Result<()> {
        let size = self.terminal.size()?;
        self.terminal.resize(Rect::new(0, 0, size.width, size.height))
    }

    /// Gives it back.
    pub(super) fn leave(&mut self) {
        restore(&self.ours);
    }

    pub(super) fn draw(&mut self, console: &Console) -> io::Result<()> {
        execute!(self.terminal.backend_mut(), BeginSynchronizedUpdate)?;
        let drawn = self.terminal.draw(|frame| console.draw(frame)).map(drop);
        execute!(self.terminal.backend_mut(), EndSynchronizedUpdate)?;
        drawn
    }

    /// The last panic of another thread, once.
    pub(super) fn panic(&self) -> Option<String> {
        self.panics.lock().unwrap_or_else(PoisonError::into_inner).take()
    }

    pub(super) fn close(mut self) {
        self.leave();
        let hook = Arc::clone(&self.hook);
        std::panic::set_hook(Box::new(move |info| hook(info)));
    }
}

impl Drop for Screen {
    fn drop(&mut self) {
        self.leave();
    }
}

/// Makes the terminal what it was, once. Errors are of no use here: it may be gone.
fn restore(ours: &AtomicBool) {
    if ours.swap(false, Ordering::SeqCst) {
        let _ = execute!(
            stdout(),
            EndSynchronizedUpdate,
            DisableBracketedPaste,
            LeaveAlternateScreen,
            cursor::Show
        );
        let _ = disable_raw_mode();
    }
}
