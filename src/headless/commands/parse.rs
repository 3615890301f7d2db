//! A line to what it asks for. Any line gives one, or a sentence that says what is wrong with it and what to write.

use std::path::PathBuf;

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use bytes::Bytes;
use serde_json::Value;
use serde_json::value::RawValue;

use super::words::{OF_A_FRAME, Word, names, word};
use crate::capture::Kind;
use crate::control::compose::{Content, Draft};
use crate::control::{Command, FrameSpec, Switch, Verdict};
use crate::filter::Filter;
use crate::headless::schema::Keys;
use crate::rules::RuleSet;
use crate::ws::{Close, Direction, LengthForm, Opcode, StatusCode};

/// What a line asks for.
#[derive(Debug)]
pub struct Asked {
    /// What the answer is to be known by, as JSON; none where the line has no `id`.
    pub id: Option<Value>,
    /// What is to be done, or what is wrong with the line.
    pub wish: Result<Wish, String>,
}

/// Something to be done.
#[derive(Debug)]
pub enum Wish {
    /// A command for the network.
    Command(Command),
    /// A message that is held goes on changed; without an opcode, as what it was.
    Edit {
        /// What it is held under.
        held: u64,
        /// As what it goes on.
        opcode: Option<Opcode>,
        /// Its payload.
        payload: Bytes,
    },
    /// These rules hold.
    Rules(RuleSet),
    /// The rules in this file hold.
    RulesFile(PathBuf),
    /// Which rules hold, and what each did.
    Acted,
    /// Only what this is true of is printed; nothing where it is none.
    Subscribe(Option<Filter>),
    /// What is there.
    List {
        /// Also sessions that are over.
        all: bool,
    },
    /// Which commands there are.
    Help,
    /// The end.
    Quit,
}

/// Reads a line.
pub fn parse(line: &[u8]) -> Asked {
    let keys = match Keys::parse(line) {
        Ok(keys) => keys,
        Err(fault) => {
            let wish =
                Err(format!("this is no JSON object: {fault}; a command is one, as {{\"do\":\"list\"}}"));
            return Asked { id: None, wish };
        }
    };
    let id = keys.get("id").and_then(|id| serde_json::from_str(id).ok());
    Asked { id, wish: wish(&keys) }
}

fn wish(keys: &Keys) -> Result<Wish, String> {
    let name = match keys.get("do") {
        None => return Err(format!("\"do\" is missing: which of {}?", names())),
        Some(json) => serde_json::from_str::<String>(json).unwrap_or_else(|_| json.to_owned()),
    };
    let Some(word) = word(&name) else {
        return Err(format!("\"{name}\" is no command: \"do\" is one of {}", names()));
    };
    let fields = Fields { of: word.name, keys };
    fields.known(word)?;
    match word.name {
        "hold" => Ok(Wish::Command(Command::Hold(fields.filter()?))),
        "resume" => fields.resume(),
        "drop" => Ok(settle(fields.held()?, Verdict::Drop)),
        "edit" => fields.edit(),
        "refuse" => fields.refuse(),
        "inject" => fields.inject(),
        "close" => fields.close(),
        "kill" => Ok(Wish::Command(Command::Kill { session: fields.session()? })),
        "rules" => fields.rules(),
        "acted" => Ok(Wish::Acted),
        "switch" => fields.switch(),
        "subscribe" => Ok(Wish::Subscribe(fields.filter()?)),
        "list" => Ok(Wish::List { all: fields.flag("all")?.unwrap_or(false) }),
        "help" => Ok(Wish::Help),
        _ => Ok(Wish::Quit),
    }
}

fn settle(held: u64, verdict: Verdict) -> Wish {
    Wish::Command(Command::Settle { held, verdict })
}

/// The keys of one command, or of one of its frames.
struct Fields<'k> {
    /// What has them, for errors.
    of: &'static str,
    keys: &'k Keys,
}

impl Fields<'_> {
    /// Whether the command knows them all.
    fn known(&self, word: &Word) -> Result<(), String> {
        let known = |key: &str| ["do", "id"].contains(&key) || word.keys.contains(&key);
        match self.keys.iter().map(|(key, _)| key).find(|key| !known(key)) {
            None => Ok(()),
            Some(key) if word.keys.is_empty() => {
                Err(format!("{} takes no \"{key}\", nor any other key", self.of))
            }
            Some(key) => Err(format!("{} has no \"{key}\"; its keys are {}", self.of, word.keys.join(", "))),
        }
    }

    fn has(&self, key: &str) -> bool {
        self.keys.get(key).is_some_and(|json| json != "null")
    }

    fn missing(&self, key: &str, example: &str) -> String {
        format!("{} needs \"{key}\", as \"{key}\":{example}", self.of)
    }

    fn text(&self, key: &str) -> Result<Option<String>, String> {
        match self.keys.get(key) {
            None | Some("null") => Ok(None),
            Some(_) => match self.keys.text(key) {
                Some(text) => Ok(Some(text)),
                None => Err(format!("\"{key}\" is to be a string, as \"{key}\":\"…\"")),
            },
        }
    }

    fn number(&self, key: &str, most: u64) -> Result<Option<u64>, String> {
        if !self.has(key) {
            return Ok(None);
        }
        match self.keys.number(key).filter(|number| *number <= most) {
            Some(number) => Ok(Some(number)),
            None => Err(format!("\"{key}\" is to be a whole number from 0 to {most}")),
        }
    }

    fn flag(&self, key: &str) -> Result<Option<bool>, String> {
        match self.keys.get(key) {
            None | Some("null") => Ok(None),
            Some("true") => Ok(Some(true)),
            Some("false") => Ok(Some(false)),
            Some(_) => Err(format!("\"{key}\" is to be true or false")),
        }
    }

    fn session(&self) -> Result<u32, String> {
        let session = self.number("session", u64::from(u32::MAX))?;
        let session = session.ok_or_else(|| self.missing("session", "1; list tells which are open"))?;
        Ok(u32::try_from(session).unwrap_or(u32::MAX))
    }

    fn held(&self) -> Result<u64, String> {
        let held = self.number("held", u64::MAX)?;
        held.ok_or_else(|| self.missing("held", "1; list tells what is held"))
    }

    fn code(&self) -> Result<Option<u16>, String> {
        let code = self.number("code", u64::from(u16::MAX))?;
        Ok(code.and_then(|code| u16::try_from(code).ok()))
    }

    /// A filter, or none where it is null: one that is missing may be a mistake.
    fn filter(&self) -> Result<Option<Filter>, String> {
        if self.keys.get("filter") == Some("null") {
            return Ok(None);
        }
        let text = self.text("filter")?.ok_or_else(|| self.missing("filter", "\"op:text\", or null"))?;
        Filter::parse(&text).map(Some).map_err(|error| format!("\"filter\": {error}"))
    }

    fn resume(&self) -> Result<Wish, String> {
        match (self.has("held"), self.has("session")) {
            (true, true) => Err("resume takes \"held\" or \"session\", not both".to_owned()),
            (true, false) => Ok(settle(self.held()?, Verdict::Forward)),
            (false, true) => Ok(Wish::Command(Command::ReleaseAll { session: Some(self.session()?) })),
            (false, false) => Ok(Wish::Command(Command::ReleaseAll { session: None })),
        }
    }

    fn edit(&self) -> Result<Wish, String> {
        let held = self.held()?;
        if let Some(head) = self.text("head")? {
            if self.payload()?.is_some() {
                return Err("edit takes a \"head\" or a payload, not both".to_owned());
            }
            let lines: Vec<&str> = head.trim_end().lines().map(|line| line.trim_end_matches('\r')).collect();
            let head = format!("{}\r\n\r\n", lines.join("\r\n"));
            return Ok(settle(held, Verdict::ReplaceHead(head.into())));
        }
        let Some((_, payload)) = self.payload()? else {
            return Err("edit needs what goes on: one of \"text\", \"json\", \"hex\", \"base64\", \"head\""
                .to_owned());
        };
        Ok(Wish::Edit { held, opcode: self.opcode()?, payload })
    }

    fn refuse(&self) -> Result<Wish, String> {
        let status = self.number("status", 599)?.filter(|status| *status >= 400);
        let status = status.and_then(|status| u16::try_from(status).ok());
        let status = status.ok_or_else(|| self.missing("status", "503; any from 400 to 599"))?;
        Ok(settle(self.held()?, Verdict::Refuse(status, self.text("body")?.unwrap_or_default())))
    }

    fn close(&self) -> Result<Wish, String> {
        let (code, reason) = (self.code()?, self.text("reason")?.unwrap_or_default());
        if code.is_none() && !reason.is_empty() {
            return Err("a \"reason\" needs a \"code\" before it, as \"code\":1000".to_owned());
        }
        if reason.len() > Close::LONGEST_REASON {
            return Err(format!(
                "\"reason\" is {} octets long: {} fit in a close frame",
                reason.len(),
                Close::LONGEST_REASON
            ));
        }
        if self.has("held") {
            if self.has("session") {
                return Err("close takes \"held\" or \"session\", not both".to_owned());
            }
            return Ok(settle(self.held()?, Verdict::Close(code.unwrap_or(1000), reason)));
        }
        Ok(Wish::Command(Command::Close { session: self.session()?, code, reason }))
    }

    fn rules(&self) -> Result<Wish, String> {
        match (self.text("text")?, self.text("file")?) {
            (Some(_), Some(_)) => Err("rules takes \"text\" or \"file\", not both".to_owned()),
            (Some(text), None) => rule_set(&text).map(Wish::Rules),
            (None, Some(file)) => Ok(Wish::RulesFile(file.into())),
            (None, None) => Ok(Wish::Rules(RuleSet::default())),
        }
    }

    fn switch(&self) -> Result<Wish, String> {
        let rule = self.text("rule")?.ok_or_else(|| self.missing("rule", "\"its name\""))?.into();
        let on = self.flag("on")?.ok_or_else(|| self.missing("on", "false"))?;
        let to = if on { Switch::On } else { Switch::Off };
        Ok(Wish::Command(Command::Switch { rule, to }))
    }

    fn inject(&self) -> Result<Wish, String> {
        let session = self.session()?;
        let direction = match self.text("to")?.as_deref() {
            Some("server") => Direction::ToServer,
            Some("client") => Direction::ToClient,
            Some(other) => return Err(format!("\"to\" is \"server\" or \"client\", not \"{other}\"")),
            None => return Err(self.missing("to", "\"server\" or \"client\"")),
        };
        let frames = self.frames()?;
        Ok(Wish::Command(Command::Send { session, direction, frames }))
    }

    fn frames(&self) -> Result<Vec<FrameSpec>, String> {
        let several = ["line", "frames"].into_iter().filter(|key| self.has(key)).count();
        let other = OF_A_FRAME.iter().any(|key| self.has(key));
        if several + usize::from(other) > 1 {
            return Err("inject takes \"line\", \"frames\" or one payload, not several of them".to_owned());
        }
        if let Some(line) = self.text("line")? {
            let draft = Draft::parse(&line).map_err(|fault| format!("\"line\": {fault}"))?;
            return match &draft.content {
                Content::Bytes(payload) => Ok(draft.frames(payload)),
                Content::File(_) => {
                    Err("\"line\": /file is for the screen; send \"base64\" instead".to_owned())
                }
            };
        }
        let Some(list) = self.keys.get("frames").filter(|json| *json != "null") else {
            return Ok(vec![self.frame()?]);
        };
        let list: Vec<Box<RawValue>> = serde_json::from_str(list).map_err(|_| {
            "\"frames\" is to be a list of objects, as [{\"text\":\"a\",\"fin\":false}]".to_owned()
        })?;
        if list.is_empty() || list.len() > MOST_FRAMES {
            return Err(format!("\"frames\" is to have from 1 to {MOST_FRAMES} elements"));
        }
        let frame = |json: &RawValue| {
            let keys = Keys::parse(json.get().as_bytes())?;
            if let Some(key) = keys.iter().map(|(key, _)| key).find(|key| !OF_A_FRAME.contains(key)) {
                return Err(format!("a frame has no \"{key}\"; its keys are {}", OF_A_FRAME.join(", ")));
            }
            Fields { of: "a frame", keys: &keys }.frame()
        };
        (1_u32..)
            .zip(&list)
            .map(|(place, json)| frame(json).map_err(|fault| format!("frame {place}: {fault}")))
            .collect()
    }

    fn frame(&self) -> Result<FrameSpec, String> {
        let payload = self.payload()?;
        let opcode = self.opcode()?;
        let (opcode, payload) = match (opcode, payload) {
            (Some(Opcode::Close), None) => (Opcode::Close, self.close_payload()?),
            (Some(opcode), Some((_, payload))) => (opcode, payload),
            (Some(opcode), None) if opcode.is_control() => (opcode, Bytes::new()),
            (None, Some((opcode, payload))) => (opcode, payload),
            (_, None) => {
                return Err(format!(
                    "{} needs what is sent: one of \"text\", \"json\", \"hex\", \"base64\", \"op\":\"ping\"",
                    self.of
                ));
            }
        };
        if opcode != Opcode::Close && (self.has("code") || self.has("reason")) {
            return Err("\"code\" and \"reason\" belong to \"op\":\"close\"".to_owned());
        }
        let reserved_bits = self.number("rsv", 7)?.and_then(|bits| u8::try_from(bits).ok());
        let length_form = match self.number("length_bits", 64)? {
            None => None,
            Some(7) => Some(LengthForm::Seven),
            Some(16) => Some(LengthForm::Sixteen),
            Some(64) => Some(LengthForm::SixtyFour),
            Some(bits) => return Err(format!("\"length_bits\" is 7, 16 or 64, not {bits}")),
        };
        let room = match length_form {
            Some(LengthForm::Seven) => 125,
            Some(LengthForm::Sixteen) => 0xffff,
            _ => usize::MAX,
        };
        if payload.len() > room {
            return Err(format!(
                "a payload of {} octets is too long for these \"length_bits\"",
                payload.len()
            ));
        }
        Ok(FrameSpec {
            fin: self.flag("fin")?.unwrap_or(true),
            reserved_bits: reserved_bits.unwrap_or(0),
            masked: self.flag("masked")?,
            length_form,
            ..FrameSpec::new(opcode, payload)
        })
    }

    fn close_payload(&self) -> Result<Bytes, String> {
        let (code, reason) = (self.code()?, self.text("reason")?.unwrap_or_default());
        if code.is_none() && !reason.is_empty() {
            return Err("a \"reason\" needs a \"code\" before it, as \"code\":1000".to_owned());
        }
        Ok(Close { code: code.map(StatusCode), reason: reason.as_bytes() }.to_payload().into())
    }

    fn opcode(&self) -> Result<Option<Opcode>, String> {
        let Some(name) = self.text("op")? else { return Ok(None) };
        match Kind::from_name(&name) {
            Some(Kind::Frame(opcode)) => Ok(Some(opcode)),
            _ => Err(format!(
                "\"op\" is text, binary, continuation, ping, pong, close or \"opcode 3\" and its like, not \"{name}\""
            )),
        }
    }

    /// The payload, and what it is where nothing else is said.
    fn payload(&self) -> Result<Option<(Opcode, Bytes)>, String> {
        let given: Vec<&str> = ["text", "json", "hex", "base64"]
            .into_iter()
            .filter(|key| self.keys.get(key).is_some() && (*key == "json" || self.has(key)))
            .collect();
        let key = match given[..] {
            [] => return Ok(None),
            [key] => key,
            _ => return Err(format!("one payload is sent at a time, not {} together", given.join(" and "))),
        };
        if key == "json" {
            // As it was written: the spacing and the order of keys are the sender's.
            let json = self.keys.get(key).unwrap_or_default().to_owned();
            return Ok(Some((Opcode::Text, json.into())));
        }
        let text = self.text(key)?.unwrap_or_default();
        match key {
            "text" => Ok(Some((Opcode::Text, text.into()))),
            "hex" => {
                let bytes =
                    unhex(&text).ok_or("\"hex\" is to be pairs of hexadecimal digits, as \"00 ff 1a\"")?;
                Ok(Some((Opcode::Binary, bytes.into())))
            }
            _ => {
                let bytes = STANDARD.decode(text.trim()).map_err(|error| format!("\"base64\": {error}"))?;
                Ok(Some((Opcode::Binary, bytes.into())))
            }
        }
    }
}

/// Rules in TOML, or all that is wrong with them, with line and column.
pub(super) fn rule_set(text: &str) -> Result<RuleSet, String> {
    RuleSet::parse(text).map_err(|errors| {
        let all: Vec<String> = errors.iter().map(ToString::to_string).collect();
        format!("the rules are as they were: {}", all.join("; "))
    })
}

fn unhex(text: &str) -> Option<Vec<u8>> {
    let digits: Vec<u32> =
        text.chars().filter(|c| !c.is_whitespace()).map(|c| c.to_digit(16)).collect::<Option<_>>()?;
    let pair = |pair: &[u32]| u8::try_from(pair[0] << 4 | pair[1]).ok();
    if digits.len().is_multiple_of(2) { digits.chunks_exact(2).map(pair).collect() } else { None }
}

/// How many frames one command sends.
const MOST_FRAMES: usize = 10_000;
