//! The editor: a held message, a held handshake or a new rule as text, checked as it is typed.
//!
//! What is not changed goes on as it was, to the octet: [`Form`] sees to that. Nothing leaves the editor by itself.

mod area;
mod draw;
mod form;

use bytes::Bytes;

use crate::decode::json;
use crate::ws::Opcode;
use area::Area;
use form::{Complaint, Form};

pub(super) use draw::{hints, render};

/// What is edited.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Edits {
    /// A message that is held.
    Message {
        /// What it is held under.
        held: u64,
        /// Its opcode, which stays.
        opcode: Opcode,
    },
    /// The head of a handshake's request that is held.
    Handshake {
        /// What it is held under.
        held: u64,
    },
    /// A rule to be.
    Rule,
}

/// A text under way.
#[derive(Clone, Debug)]
pub struct Editor {
    /// What is edited.
    pub edits: Edits,
    /// What it is, in words.
    pub(super) title: String,
    /// Whether it is open only for a program of the user's.
    pub(super) in_passing: bool,
    form: Form,
    area: Area,
    /// As it was, in octets and as text.
    original: Bytes,
    before: String,
    complaint: Option<Complaint>,
    /// What was asked for with something to be said against it: once more does it.
    warned: Option<Warned>,
    note: Option<String>,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Warned {
    Faulty,
    Changed,
}

/// What a key did.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Edited {
    /// It is still being edited.
    Going,
    /// Given up: all stays as it is.
    Left,
    /// It is to go on: these octets, or what was there before where there are none.
    Done(Option<Bytes>),
    /// It is to be edited by the program that the user has chosen for that.
    Outside,
}

/// The keys of the editor that are not those of any text field, and what they do.
pub(super) const KEYS: &[(&str, &str, &str)] = &[
    ("ctrl-s", "send it on", "let it go on as it stands here; of a rule: save it"),
    ("esc", "leave", "leave without a change: what is held stays held"),
    ("ctrl-x", "hex/text", "edit the octets in hex, or as text again"),
    ("ctrl-t", "lay out", "lay JSON out over several lines, or on one again"),
    ("ctrl-o", "$EDITOR", "go on in $VISUAL or $EDITOR"),
    ("ctrl-z", "take back", "take the last change back"),
    ("ctrl-g", "to the fault", "go to where it is wrong"),
];

/// As much as is edited in place; more is better edited by a program made for it.
pub(super) const IN_PLACE: usize = 256 << 10;

impl Editor {
    /// For a held message.
    pub(super) fn of_message(held: u64, opcode: Opcode, payload: Bytes, title: String) -> Editor {
        let form = Form::of_payload(opcode, &payload);
        Editor::new(Edits::Message { held, opcode }, form, payload, title)
    }

    /// For the head of a held handshake's request.
    pub(super) fn of_head(held: u64, head: Bytes, title: String) -> Editor {
        let form = Form::of_head(&head);
        Editor::new(Edits::Handshake { held }, form, head, title)
    }

    /// For a rule.
    pub(super) fn of_rule(rule: String) -> Editor {
        Editor::new(
            Edits::Rule,
            Form::Rule,
            rule.into(),
            "a rule; docs/rules.md says what it can do".to_owned(),
        )
    }

    fn new(edits: Edits, form: Form, original: Bytes, title: String) -> Editor {
        let before = form.text(&original);
        let area = Area::new(&before);
        let mut editor = Editor {
            edits,
            title,
            in_passing: false,
            form,
            area,
            original,
            before,
            complaint: None,
            warned: None,
            note: None,
        };
        editor.check();
        editor
    }

    /// What it is held under, where it is held.
    pub fn held(&self) -> Option<u64> {
        match self.edits {
            Edits::Message { held, .. } | Edits::Handshake { held } => Some(held),
            Edits::Rule => None,
        }
    }

    /// How many octets there were.
    pub(super) fn original_size(&self) -> u64 {
        self.original.len() as u64
    }

    /// The text as it stands.
    pub fn text(&self) -> String {
        self.area.text()
    }

    /// How a file with the text is best called at its end: `json`.
    pub fn file_ending(&self) -> &'static str {
        self.form.file_ending()
    }

    /// What is wrong with the text, with its place; none where it can go on.
    pub fn complaint(&self) -> Option<String> {
        let complaint = self.complaint.as_ref()?;
        let place = self.area.place_of(complaint.at);
        let mut there = self.area.clone();
        there.go(place);
        let (line, column) = there.position();
        Some(format!("line {line}, column {column}: {}", complaint.what))
    }

    /// Whether anything was changed.
    pub fn is_changed(&self) -> bool {
        self.area.text() != self.before
    }

    /// One key, by its name.
    pub(super) fn key(&mut self, key: &str) -> Edited {
        let warned = self.warned.take();
        self.note = None;
        match key {
            "ctrl-s" => return self.done(warned),
            "esc" | "ctrl-c" => return self.leave(warned),
            "ctrl-o" => return Edited::Outside,
            "ctrl-x" => self.switch(),
            "ctrl-t" => self.lay_out(),
            "ctrl-g" => {
                if let Some(complaint) = &self.complaint {
                    self.area.go(self.area.place_of(complaint.at));
                }
            }
            key => {
                self.area.key(key);
            }
        }
        self.check();
        Edited::Going
    }

    pub(super) fn paste(&mut self, pasted: &str) {
        self.area.paste(pasted);
        self.warned = None;
        self.note = None;
        self.check();
    }

    /// Another program's text comes in the place of this. Programs that end each line with a line feed add one at
    /// the end, which is not the user's.
    pub(super) fn edited_outside(&mut self, text: &str) {
        let ours = self.area.text();
        let text = match text.strip_suffix('\n') {
            Some(shorter) if !ours.ends_with('\n') => shorter,
            _ => text,
        };
        if text != ours {
            self.area.replace(text);
        }
        self.check();
    }

    /// The room that there is.
    pub(super) fn settle(&mut self, columns: usize, height: usize) {
        let (columns, height) = draw::room(self, columns, height);
        self.area.settle(columns, height);
    }

    fn check(&mut self) {
        self.complaint = self.form.complaint(&self.area.text());
    }

    fn done(&mut self, warned: Option<Warned>) -> Edited {
        if !self.is_changed() && self.edits != Edits::Rule {
            return Edited::Done(None);
        }
        match &self.complaint {
            Some(complaint) if complaint.fatal => {
                self.note = Some("this cannot go on: mend it first; ctrl-g goes there".to_owned());
                return Edited::Going;
            }
            Some(_) if warned != Some(Warned::Faulty) => {
                self.warned = Some(Warned::Faulty);
                self.note =
                    Some(format!("it is no {}; ctrl-s once more sends it as it is", self.form.name()));
                return Edited::Going;
            }
            _ => {}
        }
        match self.form.octets(&self.area.text()) {
            Ok(octets) => Edited::Done(Some(octets.into())),
            Err(complaint) => {
                self.complaint = Some(complaint);
                Edited::Going
            }
        }
    }

    fn leave(&mut self, warned: Option<Warned>) -> Edited {
        if !self.is_changed() || warned == Some(Warned::Changed) {
            return Edited::Left;
        }
        self.warned = Some(Warned::Changed);
        self.note = Some("esc once more forgets the change; ctrl-s lets it go on".to_owned());
        Edited::Going
    }

    /// Between octets and what they say.
    fn switch(&mut self) {
        if self.edits == Edits::Rule {
            self.note = Some("a rule is text".to_owned());
            return;
        }
        let octets = match self.form.octets(&self.area.text()) {
            Ok(octets) => octets,
            Err(complaint) => {
                self.note = Some("what is wrong has to be mended first".to_owned());
                self.complaint = Some(complaint);
                return;
            }
        };
        let form = match (self.form, &self.edits) {
            (Form::Hex, _) if std::str::from_utf8(&octets).is_err() => {
                self.note = Some("these octets are no UTF-8: they are not text".to_owned());
                return;
            }
            (Form::Hex, Edits::Handshake { .. }) => Form::of_head(&octets),
            (Form::Hex, _) => match Form::of_payload(Opcode::Text, &octets) {
                Form::Json => Form::Json,
                _ => Form::Text,
            },
            _ => Form::Hex,
        };
        self.form = form;
        self.before = form.text(&self.original);
        self.area = Area::new(&form.text(&octets));
    }

    /// JSON over several lines, or on one.
    fn lay_out(&mut self) {
        let text = self.area.text();
        let other = if self.form == Form::Json {
            json::laid_out(text.as_bytes()).filter(|laid_out| *laid_out != text)
        } else {
            None
        };
        match other
            .or_else(|| (self.form == Form::Json).then(|| json::on_one_line(text.as_bytes())).flatten())
        {
            Some(other) => self.area.replace(&other),
            None => self.note = Some("only JSON without a fault can be laid out".to_owned()),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn message(payload: &'static [u8]) -> Editor {
        Editor::of_message(7, Opcode::Text, Bytes::from_static(payload), String::new())
    }

    fn pressed(editor: &mut Editor, keys: &str) -> Edited {
        let mut last = Edited::Going;
        for key in keys.split_whitespace() {
            last = editor.key(key);
        }
        last
    }

    fn sent(text: &'static str) -> Edited {
        Edited::Done(Some(Bytes::from_static(text.as_bytes())))
    }

    #[test]
    fn what_is_not_changed_goes_on_as_it_was() {
        assert_eq!(pressed(&mut message(b"{\"a\" : 1}\r\n"), "ctrl-s"), Edited::Done(None));
        assert_eq!(pressed(&mut message(b"hello"), "x backspace ctrl-s"), Edited::Done(None));
        assert_eq!(pressed(&mut message(b"\xff\x00"), "ctrl-s"), Edited::Done(None));
    }

    #[test]
    fn a_change_is_sent_and_broken_json_only_on_purpose() {
        let mut editor = message(b"{\"a\":1}");
        assert_eq!(pressed(&mut editor, "end left 2 ctrl-s"), sent("{\"a\":12}"));
        let mut editor = message(b"{\"a\":1}");
        assert_eq!(pressed(&mut editor, "end backspace ctrl-s"), Edited::Going);
        assert_eq!(editor.complaint().unwrap(), "line 1, column 7: expected ',' or '}'");
        assert_eq!(editor.key("ctrl-s"), sent("{\"a\":1"));
    }

    #[test]
    fn a_change_is_forgotten_only_when_it_is_said_twice() {
        let mut editor = message(b"hello");
        assert_eq!(pressed(&mut editor, "x esc"), Edited::Going);
        assert_eq!(pressed(&mut editor, "y esc"), Edited::Going, "a key between them begins anew");
        assert_eq!(pressed(&mut editor, "esc"), Edited::Left);
        assert_eq!(message(b"hello").key("esc"), Edited::Left);
    }

    #[test]
    fn octets_are_edited_in_hex_and_only_whole_ones_go_on() {
        let mut editor =
            Editor::of_message(1, Opcode::Binary, Bytes::from_static(b"\x01\x02"), String::new());
        assert_eq!(editor.text(), "01 02");
        assert_eq!(
            pressed(&mut editor, "end space f ctrl-s ctrl-s"),
            Edited::Going,
            "half an octet never goes"
        );
        assert_eq!(pressed(&mut editor, "f ctrl-s"), Edited::Done(Some(Bytes::from_static(b"\x01\x02\xff"))));
    }

    #[test]
    fn text_is_edited_as_octets_and_back() {
        let mut editor = message(b"hi");
        pressed(&mut editor, "ctrl-x");
        assert_eq!(editor.text(), "68 69");
        assert!(!editor.is_changed());
        pressed(&mut editor, "end backspace backspace f f ctrl-x");
        assert_eq!(editor.text(), "68 ff", "what is no text stays in hex");
        assert_eq!(editor.key("ctrl-s"), Edited::Done(Some(Bytes::from_static(b"h\xff"))));
    }

    #[test]
    fn json_is_laid_out_and_put_on_one_line() {
        let mut editor = message(br#"{"a":[1,{"b":"x  y"}]}"#);
        editor.key("ctrl-t");
        assert!(editor.text().lines().count() > 3, "{}", editor.text());
        assert!(editor.text().contains("x  y"));
        editor.key("ctrl-t");
        assert_eq!(editor.text(), r#"{"a":[1,{"b":"x  y"}]}"#);
    }

    #[test]
    fn a_line_feed_that_another_program_adds_is_not_a_change() {
        let mut editor = message(b"hello");
        editor.edited_outside("hello\n");
        assert!(!editor.is_changed());
        editor.edited_outside("hello there\n");
        assert_eq!(editor.key("ctrl-s"), sent("hello there"));
        let mut editor = message(b"a\n");
        editor.edited_outside("b\n");
        assert_eq!(editor.key("ctrl-s"), sent("b\n"));
    }

    #[test]
    fn a_head_is_sent_with_its_line_ends() {
        let head = Bytes::from_static(b"GET / HTTP/1.1\r\nHost: a\r\n\r\n");
        let mut editor = Editor::of_head(1, head, String::new());
        assert_eq!(
            pressed(&mut editor, "ctrl-end b enter X : 1 ctrl-s"),
            sent("GET / HTTP/1.1\r\nHost: ab\r\nX:1\r\n\r\n")
        );
    }
}
