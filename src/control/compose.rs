//! What is typed to be sent, as frames: text, JSON, bytes, control frames, and what is odd about them on purpose.
//!
//! A line is text, unless it begins with `/` and the name of one of [`FORMS`]. Behind the name may stand, in brackets,
//! what is to be other than an endpoint would do it ([`OPTIONS`]): `/text[rsv1,frames=3] hello`.

use std::path::{Path, PathBuf};

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use bytes::Bytes;

use super::FrameSpec;
use crate::decode::json;
use crate::ws::{Close, Direction, LengthForm, Opcode, StatusCode};

/// A form that a message can be typed in.
#[derive(Clone, Copy, Debug)]
pub struct Form {
    /// What stands behind the `/`.
    pub name: &'static str,
    /// What stands behind that.
    pub takes: &'static str,
    /// One line of help.
    pub help: &'static str,
}

/// The forms, and what each takes.
pub const FORMS: &[Form] = &[
    Form { name: "text", takes: "TEXT", help: "a text message, whatever it looks like" },
    Form { name: "json", takes: "JSON", help: "a text message, refused where it is no JSON" },
    Form { name: "hex", takes: "HEX", help: "a binary message: 00 ff 1a" },
    Form { name: "base64", takes: "BASE64", help: "a binary message" },
    Form { name: "file", takes: "PATH", help: "a binary message, its payload from a file" },
    Form { name: "ping", takes: "[TEXT]", help: "a ping" },
    Form { name: "pong", takes: "[TEXT]", help: "a pong" },
    Form { name: "close", takes: "[CODE [REASON]]", help: "a close frame" },
];

/// What may stand in brackets behind a form, and what it does.
pub const OPTIONS: &[(&str, &str)] = &[
    ("op=", "another opcode: text, ping, …, or 0 to 15"),
    ("frames=", "the payload over so many frames"),
    ("nofin", "FIN clear: the message goes on"),
    ("rsv1", "RSV1 set, as if it were compressed"),
    ("rsv2", "RSV2 set"),
    ("rsv3", "RSV3 set"),
    ("mask", "masked, whichever end sends it"),
    ("nomask", "not masked, whichever end sends it"),
    ("len7", "its length in 7 bits"),
    ("len16", "its length in 16 bits"),
    ("len64", "its length in 64 bits"),
];

/// As many frames as one message is cut into.
const MOST_FRAMES: usize = 10_000;

/// A message that was typed.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Draft {
    /// What is said.
    pub content: Content,
    opcode: Opcode,
    shape: Shape,
    /// Whether it looks like JSON that was meant to hold.
    looks_like_json: bool,
}

/// What a message says.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Content {
    /// These octets.
    Bytes(Bytes),
    /// What a file holds.
    File(PathBuf),
}

/// What is odd about its frames.
#[derive(Clone, Debug, PartialEq, Eq)]
struct Shape {
    unfinished: bool,
    reserved_bits: u8,
    masked: Option<bool>,
    length_form: Option<LengthForm>,
    frames: usize,
}

impl Default for Shape {
    fn default() -> Shape {
        Shape { unfinished: false, reserved_bits: 0, masked: None, length_form: None, frames: 1 }
    }
}

impl Draft {
    /// Reads a line.
    ///
    /// # Errors
    /// Where it cannot be sent as it is, in a sentence that says what can be.
    pub fn parse(line: &str) -> Result<Draft, String> {
        let Some(rest) = line.strip_prefix('/') else {
            let looks_like_json = line.trim_start().starts_with(['{', '[']);
            return Ok(Draft { looks_like_json, ..Draft::text(line) });
        };
        if rest.starts_with('/') {
            return Ok(Draft::text(rest));
        }
        let (name, options, argument) = parts(rest)?;
        let (opcode, payload) = match name {
            "" | "text" => (Opcode::Text, text(argument)),
            "json" => match json::fault(argument) {
                None => (Opcode::Text, text(argument)),
                Some(fault) => return Err(format!("no JSON: {fault}; /text sends it as it is")),
            },
            "hex" => (Opcode::Binary, Content::Bytes(hex(argument)?.into())),
            "base64" => {
                let decoded = STANDARD.decode(argument.trim());
                let decoded = decoded.map_err(|error| format!("no base64: {error}"))?;
                (Opcode::Binary, Content::Bytes(decoded.into()))
            }
            "file" => match argument.trim() {
                "" => return Err("which file? /file PATH".to_owned()),
                path => (Opcode::Binary, Content::File(path.into())),
            },
            "ping" => (Opcode::Ping, text(argument)),
            "pong" => (Opcode::Pong, text(argument)),
            "close" => (Opcode::Close, Content::Bytes(close(argument)?)),
            _ => {
                let names: Vec<_> = FORMS.iter().map(|form| format!("/{}", form.name)).collect();
                return Err(format!(
                    "/{name} is none of {}; //{name} sends it as text, with one /",
                    names.join(" ")
                ));
            }
        };
        let mut draft =
            Draft { content: payload, opcode, shape: Shape::default(), looks_like_json: name == "json" };
        for option in options.split(',').map(str::trim).filter(|option| !option.is_empty()) {
            draft.option(option)?;
        }
        Ok(draft)
    }

    /// A text message, whatever it looks like.
    pub fn text(payload: &str) -> Draft {
        Draft {
            content: text(payload),
            opcode: Opcode::Text,
            shape: Shape::default(),
            looks_like_json: false,
        }
    }

    /// The file that holds what is said.
    pub fn file(&self) -> Option<&Path> {
        match &self.content {
            Content::File(path) => Some(path),
            Content::Bytes(_) => None,
        }
    }

    /// What the first frame is.
    pub fn opcode(&self) -> Opcode {
        self.opcode
    }

    /// The frames that say `payload`, which is the content, or what is in its file.
    pub fn frames(&self, payload: &Bytes) -> Vec<FrameSpec> {
        let shape = &self.shape;
        let count = shape.frames;
        let cut = |part: usize| part * payload.len() / count;
        let frame = |part: usize| FrameSpec {
            opcode: if part == 0 { self.opcode } else { Opcode::Continuation },
            payload: payload.slice(cut(part)..cut(part + 1)),
            fin: part + 1 == count && !shape.unfinished,
            // RFC 7692 6.1: of a message in fragments, the first has RSV1.
            reserved_bits: if part == 0 { shape.reserved_bits } else { 0 },
            masked: shape.masked,
            length_form: shape.length_form,
        };
        (0..count).map(frame).collect()
    }

    /// What it is, in few words: `text`, `ping`, `binary from FILE`.
    pub fn kind(&self) -> String {
        let mut words = match self.opcode {
            Opcode::Continuation => "continuation".to_owned(),
            Opcode::Text if self.is_json() => "JSON text".to_owned(),
            Opcode::Text => "text".to_owned(),
            Opcode::Binary => "binary".to_owned(),
            Opcode::Close => "close".to_owned(),
            Opcode::Ping => "ping".to_owned(),
            Opcode::Pong => "pong".to_owned(),
            Opcode::Reserved(bits) => format!("opcode {bits}"),
        };
        if self.shape.frames > 1 {
            words.push_str(&format!(" in {} frames", self.shape.frames));
        }
        words
    }

    /// What of it a receiver of `direction` should not accept, or may not have been meant: a sentence each.
    pub fn remarks(&self, direction: Direction) -> Vec<String> {
        let shape = &self.shape;
        let mut remarks = Vec::new();
        let mut remark = |applies: bool, words: &str| {
            if applies {
                remarks.push(words.to_owned());
            }
        };
        let payload = match &self.content {
            Content::Bytes(payload) => &payload[..],
            Content::File(_) => &[],
        };
        if self.looks_like_json
            && let Some(fault) = std::str::from_utf8(payload).ok().and_then(json::fault)
        {
            remark(true, &format!("no JSON: {fault}"));
        }
        let control = self.opcode.is_control();
        remark(
            control && payload.len() > Opcode::LONGEST_CONTROL,
            "over 125 octets in a control frame (RFC 6455 5.5)",
        );
        remark(control && (shape.unfinished || shape.frames > 1), "a control frame in parts (RFC 6455 5.5)");
        remark(matches!(self.opcode, Opcode::Reserved(_)), "an opcode that is not defined (RFC 6455 5.2)");
        remark(self.opcode == Opcode::Continuation, "a continuation of nothing (RFC 6455 5.4)");
        remark(shape.reserved_bits != 0, "reserved bits without a meaning (RFC 6455 5.2)");
        let wrong = if direction == Direction::ToServer { Some(false) } else { Some(true) };
        let words = "a client masks, a server does not (RFC 6455 5.1)";
        remark(shape.masked.is_some() && shape.masked == wrong, words);
        let longest = (0..shape.frames)
            .map(|part| (part + 1) * payload.len() / shape.frames - part * payload.len() / shape.frames);
        let longest = longest.max().unwrap_or(0) as u64;
        if let Some(form) = shape.length_form {
            let least = LengthForm::shortest(longest);
            remark(
                (least as u8) > form as u8,
                "the length does not fit: what follows will be read as other frames",
            );
            remark((least as u8) < (form as u8), "a length longer than need be (RFC 6455 5.2)");
        }
        if self.opcode == Opcode::Close {
            let close = Close::parse(payload);
            let code = close.code.filter(|code| !code.may_be_sent());
            if let Some(code) = code {
                remark(true, &format!("{code} may not be sent (RFC 6455 7.4)"));
            }
        }
        remarks
    }

    /// Whether it is JSON that holds.
    fn is_json(&self) -> bool {
        let Content::Bytes(payload) = &self.content else { return false };
        self.looks_like_json && std::str::from_utf8(payload).is_ok_and(|text| json::fault(text).is_none())
    }

    fn option(&mut self, option: &str) -> Result<(), String> {
        let unknown = || {
            let names: Vec<_> = OPTIONS.iter().map(|(name, _)| *name).collect();
            format!("[{option}] is none of {}", names.join(" "))
        };
        let (name, value) = option.split_once('=').unwrap_or((option, ""));
        match name {
            "op" => {
                let opcode = opcode(value);
                self.opcode =
                    opcode.ok_or_else(|| format!("op={value} is no opcode: 0 to 15, or its name"))?;
            }
            "frames" => {
                let count = value.parse().ok().filter(|count| (1..=MOST_FRAMES).contains(count));
                self.shape.frames = count.ok_or_else(|| format!("frames={value}: 1 to {MOST_FRAMES}"))?;
            }
            _ if !value.is_empty() => return Err(unknown()),
            "nofin" => self.shape.unfinished = true,
            "rsv1" => self.shape.reserved_bits |= 4,
            "rsv2" => self.shape.reserved_bits |= 2,
            "rsv3" => self.shape.reserved_bits |= 1,
            "mask" => self.shape.masked = Some(true),
            "nomask" => self.shape.masked = Some(false),
            "len7" => self.shape.length_form = Some(LengthForm::Seven),
            "len16" => self.shape.length_form = Some(LengthForm::Sixteen),
            "len64" => self.shape.length_form = Some(LengthForm::SixtyFour),
            _ => return Err(unknown()),
        }
        Ok(())
    }
}

/// What could stand where the `typed` beginning of a line ends: where that word begins, and the words.
pub fn completions(typed: &str) -> (usize, Vec<String>) {
    let Some(rest) = typed.strip_prefix('/') else { return (0, Vec::new()) };
    if rest.contains(|character: char| character == ']' || character.is_whitespace()) {
        return (typed.len(), Vec::new());
    }
    if let Some(open) = typed.find('[') {
        let start = typed.rfind(',').unwrap_or(open) + 1;
        let names = OPTIONS.iter().map(|(name, _)| *name).filter(|name| name.starts_with(&typed[start..]));
        return (start, names.map(str::to_owned).collect());
    }
    let names = FORMS.iter().filter(|form| form.name.starts_with(rest));
    (0, names.map(|form| format!("/{} ", form.name)).collect())
}

/// `name[options] argument`.
fn parts(line: &str) -> Result<(&str, &str, &str), String> {
    let end = line.find(|character: char| character == '[' || character.is_whitespace());
    let (name, rest) = line.split_at(end.unwrap_or(line.len()));
    let (options, rest) = match rest.strip_prefix('[') {
        Some(inside) => inside.split_once(']').ok_or("the ] of the options is missing")?,
        None => ("", rest),
    };
    // One space is between them; those behind it belong to the text.
    Ok((name, options, rest.strip_prefix(char::is_whitespace).unwrap_or(rest)))
}

fn text(payload: &str) -> Content {
    Content::Bytes(Bytes::copy_from_slice(payload.as_bytes()))
}

fn hex(argument: &str) -> Result<Vec<u8>, String> {
    let mut octets = Vec::new();
    for word in argument.split(|character: char| character.is_whitespace() || ",:".contains(character)) {
        let digits = word.strip_prefix("0x").or_else(|| word.strip_prefix("\\x")).unwrap_or(word);
        if let Some(wrong) = digits.chars().find(|digit| !digit.is_ascii_hexdigit()) {
            return Err(format!("{wrong:?} is no hexadecimal digit"));
        }
        if digits.len() % 2 == 1 {
            return Err(format!("{word} is half an octet: two digits each"));
        }
        let pairs = digits.as_bytes().chunks_exact(2);
        octets.extend(pairs.filter_map(|pair| u8::from_str_radix(std::str::from_utf8(pair).ok()?, 16).ok()));
    }
    Ok(octets)
}

/// The payload of a close frame.
fn close(argument: &str) -> Result<Bytes, String> {
    let (code, reason) = argument.split_once(' ').unwrap_or((argument, ""));
    if code.is_empty() {
        return Ok(Bytes::new());
    }
    let wrong = || format!("{code:?} is no status code: a number, such as 1000, then a reason");
    let code = code.parse().map(StatusCode).map_err(|_| wrong())?;
    Ok(Close { code: Some(code), reason: reason.as_bytes() }.to_payload().into())
}

fn opcode(word: &str) -> Option<Opcode> {
    let names = [
        ("continuation", Opcode::Continuation),
        ("text", Opcode::Text),
        ("binary", Opcode::Binary),
        ("close", Opcode::Close),
        ("ping", Opcode::Ping),
        ("pong", Opcode::Pong),
    ];
    if let Some((_, opcode)) = names.iter().find(|(name, _)| *name == word) {
        return Some(*opcode);
    }
    let bits = match word.strip_prefix("0x") {
        Some(digits) => u8::from_str_radix(digits, 16),
        None => word.parse(),
    };
    bits.ok().filter(|bits| *bits < 16).map(Opcode::from_bits)
}

#[cfg(test)]
mod tests;
