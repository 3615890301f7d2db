//! The screens: what is drawn for what happened and for what the user did.

mod comparison;
mod compose;
mod filters;
mod hold;
mod rules;
mod ruling;
mod saving;
mod tls;
mod views;

use ratatui::Terminal;
use ratatui::backend::TestBackend;
use sockeye::capture::Stamp;
use sockeye::net::{Entrance, Listening};
use sockeye::tui::{About, Console, Effect, Theme};
use unicode_width::UnicodeWidthStr;

use crate::sample::{Sample, at};

/// Somebody at the keys, over a made-up log.
pub struct Stage {
    pub sample: Sample,
    pub console: Console,
    pub now: Stamp,
    size: (u16, u16),
}

impl Stage {
    pub fn new(sample: Sample, size: (u16, u16)) -> Stage {
        let about = About {
            listen: vec![Listening {
                address: "127.0.0.1:8080".parse().unwrap(),
                entrance: Entrance::Reverse("ws://localhost:3000".parse().unwrap()),
            }],
            recording: Some("chat.jsonl".into()),
            ..About::default()
        };
        Stage::about(sample, about, size)
    }

    pub fn about(sample: Sample, about: About, size: (u16, u16)) -> Stage {
        let console = Console::new(sample.log.clone(), about, Theme::COLOUR, size);
        let mut stage = Stage { sample, console, now: at(12_400), size };
        stage.look();
        stage
    }

    /// Filters and searches to the end, and looks at the log.
    pub fn look(&mut self) {
        self.console.refresh(self.now);
        self.console.work();
        self.console.refresh(self.now);
    }

    /// Presses one key after the other; gives what the last asks of the world outside.
    pub fn keys(&mut self, keys: &str) -> Option<Effect> {
        let mut effect = None;
        for key in keys.split_whitespace() {
            effect = self.console.key(key);
            self.look();
        }
        effect
    }

    /// Types a line, and enter.
    pub fn line(&mut self, opener: &str, line: &str) -> Option<Effect> {
        self.typed(opener, line);
        self.keys("enter")
    }

    /// Types a line without enter.
    pub fn typed(&mut self, opener: &str, line: &str) {
        self.keys(opener);
        for character in line.chars() {
            let key = if character == ' ' { "space".to_owned() } else { character.to_string() };
            self.console.key(&key);
        }
        self.look();
    }

    /// What is on the screen, a line each, without the blanks at their ends.
    pub fn screen(&self) -> String {
        let (width, height) = self.size;
        let mut terminal = Terminal::new(TestBackend::new(width, height)).expect("a terminal in memory");
        terminal.draw(|frame| self.console.draw(frame)).expect("drawing in memory");
        let buffer = terminal.backend().buffer();
        let mut lines = String::new();
        for y in 0..height {
            let (mut line, mut x) = (String::new(), 0);
            while x < width {
                let symbol = buffer[(x, y)].symbol();
                line.push_str(symbol);
                x += (symbol.width() as u16).max(1);
            }
            lines.push_str(line.trim_end());
            lines.push('\n');
        }
        lines
    }

    /// The first line on the screen with these words in it.
    #[track_caller]
    pub fn line_with(&self, words: &str) -> String {
        let screen = self.screen();
        let found = screen.lines().find(|line| line.contains(words));
        found.unwrap_or_else(|| panic!("no line with {words:?} in\n{screen}")).to_owned()
    }
}
