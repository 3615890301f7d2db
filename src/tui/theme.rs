//! Colours: sixteen that every terminal has, named by meaning. Without them (`NO_COLOR`) symbols, bold and reverse say the same.

use ratatui::style::{Color, Modifier, Style};

use crate::ws::Direction;

/// How each meaning looks.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Theme {
    colours: bool,
}

impl Theme {
    /// Sixteen colours.
    pub const COLOUR: Theme = Theme { colours: true };
    /// Bold, dim and reverse only.
    pub const PLAIN: Theme = Theme { colours: false };

    /// What the environment asks for: a `NO_COLOR` that is not empty turns colours off.
    pub fn from_no_color(no_color: Option<&str>) -> Theme {
        if no_color.is_some_and(|value| !value.is_empty()) { Theme::PLAIN } else { Theme::COLOUR }
    }

    fn colour(self, colour: Color) -> Style {
        if self.colours { Style::new().fg(colour) } else { Style::new() }
    }

    /// Ordinary text.
    pub(super) fn text(self) -> Style {
        Style::new()
    }

    /// What the eye may pass over: rules, column heads, times.
    pub(super) fn dim(self) -> Style {
        if self.colours { Style::new().fg(Color::DarkGray) } else { Style::new().add_modifier(Modifier::DIM) }
    }

    /// The program's name, the focused pane, keys in hints.
    pub(super) fn accent(self) -> Style {
        self.colour(Color::Cyan).add_modifier(Modifier::BOLD)
    }

    /// A heading.
    pub(super) fn heading(self) -> Style {
        Style::new().add_modifier(Modifier::BOLD)
    }

    /// The row under the cursor, in the pane that has the keys.
    pub(super) fn cursor(self) -> Style {
        Style::new().add_modifier(Modifier::REVERSED)
    }

    /// The chosen row of a pane that does not have the keys.
    pub(super) fn chosen(self) -> Style {
        if self.colours {
            Style::new().add_modifier(Modifier::BOLD).fg(Color::Cyan)
        } else {
            Style::new().add_modifier(Modifier::BOLD | Modifier::UNDERLINED)
        }
    }

    /// Right, open, alive.
    pub(super) fn good(self) -> Style {
        self.colour(Color::Green)
    }

    /// Wrong.
    pub(super) fn bad(self) -> Style {
        self.colour(Color::Red).add_modifier(Modifier::BOLD)
    }

    /// Odd, or worth a look.
    pub(super) fn odd(self) -> Style {
        self.colour(Color::Yellow)
    }

    /// Who sent it.
    pub(super) fn direction(self, direction: Direction) -> Style {
        match direction {
            Direction::ToServer => self.colour(Color::Magenta),
            Direction::ToClient => self.colour(Color::Blue),
        }
    }

    /// What a search found.
    pub(super) fn found(self) -> Style {
        if self.colours {
            Style::new().fg(Color::Black).bg(Color::Yellow)
        } else {
            Style::new().add_modifier(Modifier::REVERSED | Modifier::BOLD)
        }
    }

    /// The key of a JSON object.
    pub(super) fn json_key(self) -> Style {
        self.colour(Color::Cyan)
    }

    /// A JSON string.
    pub(super) fn json_string(self) -> Style {
        self.colour(Color::Green)
    }

    /// A JSON number, true, false or null.
    pub(super) fn json_value(self) -> Style {
        self.colour(Color::Yellow)
    }
}

/// What a stretch of text is. Documents are made of these; a [`Theme`] gives them their colours.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Look {
    /// Ordinary.
    Text,
    /// Of less weight.
    Dim,
    /// A heading.
    Heading,
    /// A name to find.
    Accent,
    /// As it should be.
    Good,
    /// Wrong.
    Bad,
    /// Odd.
    Odd,
    /// A field's name.
    Key,
    /// A string.
    String,
    /// A number or another value.
    Value,
    /// From one end or the other.
    Way(Direction),
}

/// A line of a document.
pub type Words = Vec<(Look, String)>;

impl Theme {
    /// The colours of a stretch of text.
    pub(super) fn look(self, look: Look) -> Style {
        match look {
            Look::Text => self.text(),
            Look::Dim => self.dim(),
            Look::Heading => self.heading(),
            Look::Accent => self.accent(),
            Look::Good => self.good(),
            Look::Bad => self.bad(),
            Look::Odd => self.odd(),
            Look::Key => self.json_key(),
            Look::String => self.json_string(),
            Look::Value => self.json_value(),
            Look::Way(direction) => self.direction(direction),
        }
    }
}
