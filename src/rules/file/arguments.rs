//! Values in a file of rules, as what each is meant to be, or a sentence that says what to write.

use std::ops::RangeInclusive;
use std::time::Duration;

use regex::bytes::Regex;
use toml::Spanned;
use toml::de::{DeTable, DeValue};

use crate::config::Size;
use crate::decode::{self, FieldPath};
use crate::ws::{Direction, Opcode};

/// What is wrong, and at which byte of the file.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(in crate::rules) struct Wrong {
    pub(in crate::rules) at: usize,
    pub(in crate::rules) message: String,
}

/// What a fault is told.
pub(in crate::rules) struct Arguments<'a, 'i> {
    pub(super) text: &'a str,
    pub(super) table: &'a DeTable<'i>,
    /// The value of the fault's own name.
    pub(in crate::rules) main: Value<'a, 'i>,
}

impl<'a, 'i> Arguments<'a, 'i> {
    /// One of its options.
    pub(in crate::rules) fn option(&self, name: &'static str) -> Option<Value<'a, 'i>> {
        self.table.get(name).map(|value| Value::new(name, self.text, value))
    }
}

/// A value with its place.
#[derive(Clone)]
pub(in crate::rules) struct Value<'a, 'i> {
    pub(in crate::rules) key: String,
    pub(super) text: &'a str,
    pub(super) spanned: &'a Spanned<DeValue<'i>>,
}

impl<'a, 'i> Value<'a, 'i> {
    pub(super) fn new(key: &str, text: &'a str, spanned: &'a Spanned<DeValue<'i>>) -> Value<'a, 'i> {
        Value { key: key.to_owned(), text, spanned }
    }

    pub(in crate::rules) fn at(&self) -> usize {
        self.spanned.span().start
    }

    /// That this value is wrong.
    pub(in crate::rules) fn wrong(&self, message: &str) -> Wrong {
        Wrong { at: self.at(), message: message.to_owned() }
    }

    fn expected(&self, what: &str) -> Wrong {
        self.wrong(&format!("{} takes {what}", self.key))
    }

    pub(in crate::rules) fn is_table(&self) -> bool {
        self.spanned.get_ref().is_table()
    }

    pub(in crate::rules) fn is_truth(&self) -> bool {
        self.spanned.get_ref().is_bool()
    }

    pub(in crate::rules) fn string(&self) -> Result<&'a str, Wrong> {
        self.spanned.get_ref().as_str().ok_or_else(|| self.expected("text in quotation marks"))
    }

    pub(in crate::rules) fn truth(&self) -> Result<bool, Wrong> {
        self.spanned.get_ref().as_bool().ok_or_else(|| self.expected("true or false"))
    }

    /// That it says `true`: what has nothing more to say.
    pub(in crate::rules) fn yes(&self) -> Result<(), Wrong> {
        match self.spanned.get_ref().as_bool() {
            Some(true) => Ok(()),
            _ => Err(self.expected("nothing but true; leave it out otherwise")),
        }
    }

    pub(in crate::rules) fn whole(&self, range: RangeInclusive<u64>) -> Result<u64, Wrong> {
        let number = match self.spanned.get_ref() {
            DeValue::Integer(number) => u64::from_str_radix(number.as_str(), number.radix()).ok(),
            _ => None,
        };
        number.filter(|number| range.contains(number)).ok_or_else(|| {
            self.expected(&match (*range.start(), *range.end()) {
                (0, u64::MAX) => "a whole number".to_owned(),
                (start, u64::MAX) => format!("a whole number from {start} on"),
                (start, end) => format!("a whole number from {start} to {end}"),
            })
        })
    }

    pub(in crate::rules) fn number(&self, range: RangeInclusive<f64>) -> Result<f64, Wrong> {
        let number: Option<f64> = match self.spanned.get_ref() {
            DeValue::Integer(number) => number.as_str().parse().ok(),
            DeValue::Float(number) => number.as_str().parse().ok(),
            _ => None,
        };
        number.filter(|number| range.contains(number)).ok_or_else(|| match *range.end() {
            f64::INFINITY => self.expected("a number above zero"),
            end => self.expected(&format!("a number from {} to {end}", range.start())),
        })
    }

    /// Seconds as a number, or a number with `us`, `ms`, `s`, `m` or `h`.
    pub(in crate::rules) fn duration(&self) -> Result<Duration, Wrong> {
        let seconds = match self.spanned.get_ref() {
            DeValue::Integer(number) => number.as_str().parse().ok(),
            DeValue::Float(number) => number.as_str().parse().ok(),
            DeValue::String(word) => seconds(word),
            _ => None,
        };
        seconds
            .and_then(|seconds: f64| Duration::try_from_secs_f64(seconds).ok())
            .ok_or_else(|| self.expected("a time: \"200ms\", \"1.5s\", \"2m\", or seconds as a number"))
    }

    /// Octets, as a number or such as `"64KiB"`.
    pub(in crate::rules) fn size(&self) -> Result<u64, Wrong> {
        let size = match self.spanned.get_ref() {
            DeValue::Integer(number) => number.as_str().parse().ok(),
            DeValue::String(word) => word.parse().ok().map(|Size(octets)| octets),
            _ => None,
        };
        size.ok_or_else(|| self.expected("a number of octets, such as 1000 or \"64KiB\""))
    }

    pub(in crate::rules) fn one_of(&self, words: &[&'static str]) -> Result<&'static str, Wrong> {
        let given = self.spanned.get_ref().as_str();
        let found = words.iter().find(|word| Some(**word) == given).copied();
        found.ok_or_else(|| {
            let words: Vec<_> = words.iter().map(|word| format!("{word:?}")).collect();
            self.expected(&words.join(" or "))
        })
    }

    /// One text, or several in a list.
    pub(in crate::rules) fn strings(&self) -> Result<Vec<(usize, &'a str)>, Wrong> {
        match self.spanned.get_ref() {
            DeValue::Array(values) => {
                let each = |value| {
                    let value = Value::new(&self.key, self.text, value);
                    Ok((value.at(), value.string()?))
                };
                values.iter().map(each).collect()
            }
            _ => Ok(vec![(self.at(), self.string()?)]),
        }
    }

    /// A list of values.
    pub(in crate::rules) fn list(&self) -> Option<Vec<Value<'a, 'i>>> {
        let values = self.spanned.get_ref().as_array()?;
        Some(values.iter().map(|value| Value::new(&self.key, self.text, value)).collect())
    }

    /// A table's keys and values.
    pub(in crate::rules) fn entries(&self, such_as: &str) -> Result<Vec<(String, Value<'a, 'i>)>, Wrong> {
        let table = self.spanned.get_ref().as_table().filter(|table| !table.is_empty());
        let table = table.ok_or_else(|| self.expected(&format!("a table, such as {such_as}")))?;
        let entry = |(key, value): (&Spanned<toml::de::DeString<'i>>, &'a Spanned<DeValue<'i>>)| {
            let key = key.get_ref().to_string();
            let value = Value::new(&key, self.text, value);
            (key, value)
        };
        Ok(table.iter().map(entry).collect())
    }

    /// Octets as hexadecimal digits, with spaces or without.
    pub(in crate::rules) fn hex(&self) -> Result<Vec<u8>, Wrong> {
        let digits: String = self.string()?.split_whitespace().collect();
        let pair = |place| digits.get(place..place + 2).and_then(|pair| u8::from_str_radix(pair, 16).ok());
        let octets: Option<Vec<u8>> = (0..digits.len()).step_by(2).map(pair).collect();
        octets.ok_or_else(|| self.expected("pairs of hexadecimal digits, such as \"82 a4 ff\""))
    }

    /// A frame's opcode and payload: text, or a table with what it is made of, one of `kinds`.
    pub(in crate::rules) fn content(&self, kinds: &[&str]) -> Result<(Opcode, Vec<u8>), Wrong> {
        if let Some(text) = self.spanned.get_ref().as_str() {
            return Ok((Opcode::Text, text.as_bytes().to_vec()));
        }
        let such_as = "{ json = { … } } or { hex = \"…\" }, or text in quotation marks";
        let entries = self.entries(such_as)?;
        match &entries[..] {
            [(kind, value)] if kinds.contains(&kind.as_str()) => Ok(match kind.as_str() {
                "json" => (Opcode::Text, value.json_text()?.into_bytes()),
                "hex" => (Opcode::Binary, value.hex()?),
                "ping" => (Opcode::Ping, value.control()?),
                "pong" => (Opcode::Pong, value.control()?),
                _ => (Opcode::Text, value.string()?.as_bytes().to_vec()),
            }),
            _ => Err(self.expected(&format!("text, or a table with one of {}", kinds.join(", ")))),
        }
    }

    /// JSON: text is taken as it stands, a table or list is written so.
    fn json_text(&self) -> Result<String, Wrong> {
        let Some(text) = self.spanned.get_ref().as_str() else { return self.json() };
        match decode::is_json(text.as_bytes()) {
            true => Ok(text.to_owned()),
            false => Err(self.wrong(&format!("{text:?} is no JSON"))),
        }
    }

    /// What a control frame holds (RFC 6455 5.5).
    fn control(&self) -> Result<Vec<u8>, Wrong> {
        let text = self.string()?;
        match text.len() {
            0..=Opcode::LONGEST_CONTROL => Ok(text.as_bytes().to_vec()),
            _ => Err(self.expected("125 octets at the most (RFC 6455 5.5)")),
        }
    }

    pub(in crate::rules) fn regex(&self) -> Result<Regex, Wrong> {
        let source = self.string()?;
        Regex::new(source).map_err(|error| {
            let why = error.to_string();
            let why = why.lines().last().unwrap_or_default().trim_start_matches("error: ");
            self.wrong(&format!("{} is no regular expression: {why}", self.key))
        })
    }

    /// Which way what this end sends goes.
    pub(in crate::rules) fn sender(&self) -> Result<Direction, Wrong> {
        Ok(if self.one_of(&["client", "server"])? == "client" {
            Direction::ToServer
        } else {
            Direction::ToClient
        })
    }

    /// JSON for a value of TOML.
    pub(in crate::rules) fn json(&self) -> Result<String, Wrong> {
        Ok(match self.spanned.get_ref() {
            DeValue::String(text) => decode::json_string(text),
            DeValue::Boolean(truth) => truth.to_string(),
            DeValue::Datetime(time) => decode::json_string(&time.to_string()),
            DeValue::Integer(number) => {
                let read = i128::from_str_radix(number.as_str(), number.radix());
                read.map_err(|_| self.expected("a smaller number"))?.to_string()
            }
            DeValue::Float(number) => {
                let spelt = number.as_str().trim_start_matches('+');
                match decode::is_json(spelt.as_bytes()) {
                    true => spelt.to_owned(),
                    false => return Err(self.wrong("JSON knows no such number")),
                }
            }
            DeValue::Array(values) => {
                let each = |value| Value::new(&self.key, self.text, value).json();
                let items: Vec<_> = values.iter().map(each).collect::<Result<_, _>>()?;
                format!("[{}]", items.join(","))
            }
            DeValue::Table(table) => {
                let each = |(key, value): (&Spanned<toml::de::DeString<'i>>, &Spanned<DeValue<'i>>)| {
                    let value = Value::new(key.get_ref(), self.text, value).json()?;
                    Ok(format!("{}:{value}", decode::json_string(key.get_ref())))
                };
                let items: Vec<_> = table.iter().map(each).collect::<Result<_, Wrong>>()?;
                format!("{{{}}}", items.join(","))
            }
        })
    }
}

/// A path to a field of the payload.
pub(in crate::rules) fn field_path(at: usize, source: &str) -> Result<FieldPath, Wrong> {
    let source = source.strip_prefix("json.").unwrap_or(source);
    FieldPath::parse(source).map_err(|(place, expected)| Wrong {
        at,
        message: format!(
            "{source:?} is no path: {expected} expected at {place}; a path is as user.name or items[0].id"
        ),
    })
}

fn seconds(word: &str) -> Option<f64> {
    let end = word.find(|sign: char| !sign.is_ascii_digit() && sign != '.').unwrap_or(word.len());
    let (number, unit) = word.split_at(end);
    let factor = match unit.trim() {
        "us" | "µs" => 1e-6,
        "ms" => 1e-3,
        "s" | "" => 1.0,
        "m" | "min" => 60.0,
        "h" => 3600.0,
        _ => return None,
    };
    number.parse::<f64>().ok().map(|number| number * factor)
}
