//! A line as its keys and what stands behind each, to change some of them and leave the others as they stand.

use std::fmt;
use std::ops::Range;

use serde::Deserialize;
use serde::de::{Deserializer, Error, MapAccess, Visitor};
use serde_json::value::RawValue;

use super::json::{self, Object};
use super::line::in_words;
use crate::headless::lines::Lines;

/// The keys of a line, in their order.
#[derive(Clone, Debug)]
pub struct Keys(Vec<(String, Box<RawValue>)>);

impl Keys {
    /// Reads a line.
    ///
    /// # Errors
    /// Where it is no JSON object: what is wrong with it, in words.
    pub fn parse(line: &[u8]) -> Result<Keys, String> {
        let text = std::str::from_utf8(line).map_err(|_| "it is not UTF-8".to_owned())?;
        let text = text.strip_prefix('\u{feff}').unwrap_or(text);
        serde_json::from_str(text.trim()).map_err(|error| in_words(&error))
    }

    /// The keys with what stands behind them, as JSON.
    pub fn iter(&self) -> impl Iterator<Item = (&str, &str)> {
        self.0.iter().map(|(key, value)| (&**key, value.get()))
    }

    /// What stands behind a key, as JSON.
    pub fn get(&self, key: &str) -> Option<&str> {
        self.iter().find(|(name, _)| *name == key).map(|(_, value)| value)
    }

    /// The string behind a key.
    pub fn text(&self, key: &str) -> Option<String> {
        serde_json::from_str(self.get(key)?).ok()
    }

    /// The whole number behind a key.
    pub fn number(&self, key: &str) -> Option<u64> {
        self.get(key)?.parse().ok()
    }

    /// The milliseconds behind a key, in nanoseconds.
    pub fn nanoseconds(&self, key: &str) -> Option<u64> {
        nanoseconds(self.get(key)?)
    }

    /// The list of milliseconds behind a key, in nanoseconds.
    pub fn list_of_nanoseconds(&self, key: &str) -> Option<Vec<u64>> {
        let list: Vec<Box<RawValue>> = serde_json::from_str(self.get(key)?).ok()?;
        list.iter().map(|value| nanoseconds(value.get())).collect()
    }

    /// Puts JSON behind a key. A key that is not there yet goes behind all others.
    pub fn set(&mut self, key: &str, json: &str) {
        let end = self.0.len();
        match self.place(key) {
            Some(place) => self.put(place..place + 1, key, json),
            None => self.put(end..end, key, json),
        }
    }

    /// Puts a key with a string where another one is, instead of it.
    pub fn rename(&mut self, key: &str, new_key: &str, text: &str) {
        if let Some(place) = self.place(key) {
            self.put(place..place + 1, new_key, &quoted(text));
        }
    }

    /// Puts a key with JSON right behind another one; one of the same name goes away.
    pub fn put_behind(&mut self, key: &str, new_key: &str, json: &str) {
        self.remove(new_key);
        if let Some(place) = self.place(key) {
            self.put(place + 1..place + 1, new_key, json);
        }
    }

    fn place(&self, key: &str) -> Option<usize> {
        self.0.iter().position(|(name, _)| name == key)
    }

    fn put(&mut self, places: Range<usize>, key: &str, json: &str) {
        // What is no JSON would make a line that nobody can read.
        if let Ok(value) = RawValue::from_string(tame(json)) {
            self.0.splice(places, [(key.to_owned(), value)]);
        }
    }

    /// Puts milliseconds behind a key, given in nanoseconds.
    pub fn set_nanoseconds(&mut self, key: &str, nanoseconds: u64) {
        self.set(key, &written(|out| json::millis(out, nanoseconds)));
    }

    /// Puts a list of milliseconds behind a key, given in nanoseconds.
    pub fn set_list_of_nanoseconds(&mut self, key: &str, list: &[u64]) {
        self.set(key, &written(|out| json::list(out, list, |out, each| json::millis(out, *each))));
    }

    /// Takes a key away.
    pub fn remove(&mut self, key: &str) {
        self.0.retain(|(name, _)| name != key);
    }

    /// The line, with its line end.
    pub fn to_line(&self) -> Vec<u8> {
        let mut line = written(|out| {
            let mut object = Object::begin(out);
            for (key, value) in self.iter() {
                object.key(key).push(value.as_bytes());
            }
            object.end();
        });
        line.push('\n');
        line.into_bytes()
    }
}

/// A string as JSON.
pub(crate) fn quoted(text: &str) -> String {
    written(|out| json::string(out, text))
}

/// JSON that does nothing to a terminal: what terminals obey stands only inside its strings, where it is escaped.
fn tame(json: &str) -> String {
    if json::is_tame(json.as_bytes()) {
        return json.to_owned();
    }
    let escaped = |sign: char| match sign {
        '\u{7f}'..='\u{9f}' => format!("\\u{:04x}", u32::from(sign)),
        other => other.to_string(),
    };
    json.chars().map(escaped).collect()
}

fn nanoseconds(milliseconds: &str) -> Option<u64> {
    let microseconds = (milliseconds.parse::<f64>().ok()? * 1_000.0).round();
    (0.0..1e16).contains(&microseconds).then(|| (microseconds as u64) * 1_000)
}

fn written(write: impl FnOnce(&mut Lines)) -> String {
    let mut bytes = Vec::new();
    let mut lines = Lines::new(&mut bytes);
    write(&mut lines);
    // Memory takes it all.
    let _ = lines.flush();
    drop(lines);
    String::from_utf8(bytes).unwrap_or_default()
}

impl<'de> Deserialize<'de> for Keys {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Keys, D::Error> {
        struct Each;

        impl<'de> Visitor<'de> for Each {
            type Value = Keys;

            fn expecting(&self, f: &mut fmt::Formatter) -> fmt::Result {
                f.write_str("a JSON object")
            }

            fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<Keys, A::Error> {
                let mut keys: Vec<(String, Box<RawValue>)> = Vec::with_capacity(16);
                while let Some((key, value)) = map.next_entry::<String, Box<RawValue>>()? {
                    if keys.iter().any(|(known, _)| *known == key) {
                        return Err(A::Error::custom(format_args!("the key \"{key}\" stands there twice")));
                    }
                    keys.push((key, value));
                }
                Ok(Keys(keys))
            }
        }

        deserializer.deserialize_map(Each)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_not_changed_stays_as_it_stands() {
        let line = b"{\"type\": \"message\", \"at\":1.5, \"json\":{ \"a\":1e3,\"b\":\"\\u00e9\"}}\r\n";
        let mut keys = Keys::parse(line).unwrap();
        assert_eq!(
            (keys.text("type").unwrap(), keys.nanoseconds("at")),
            ("message".to_owned(), Some(1_500_000))
        );
        keys.set_nanoseconds("at", 2_000_000);
        keys.set("n", "7");
        keys.set("n", "7 8");
        let expected =
            "{\"type\":\"message\",\"at\":2.000,\"json\":{ \"a\":1e3,\"b\":\"\\u00e9\"},\"n\":7}\n";
        assert_eq!(String::from_utf8(keys.to_line()).unwrap(), expected);
        keys.remove("json");
        assert_eq!(keys.get("json"), None);
    }

    #[test]
    fn keys_take_the_places_of_others() {
        let mut keys = Keys::parse(br#"{"op":"text","json":{},"size":2}"#).unwrap();
        keys.rename("json", "text", "a\u{9b}\"");
        keys.put_behind("op", "size", "[\"\u{7f}\"]");
        let expected = r#"{"op":"text","size":["\u007f"],"text":"a\u009b\""}"#;
        assert_eq!(String::from_utf8(keys.to_line()).unwrap().trim_end(), expected);
    }

    #[test]
    fn lists_of_times_are_read_and_written() {
        let mut keys = Keys::parse(br#"{"frames_at":[1,2.5]}"#).unwrap();
        assert_eq!(keys.list_of_nanoseconds("frames_at"), Some(vec![1_000_000, 2_500_000]));
        keys.set_list_of_nanoseconds("frames_at", &[0, 1_000]);
        assert_eq!(keys.get("frames_at"), Some("[0.000,0.001]"));
    }

    #[test]
    fn what_is_no_line_is_said() {
        assert!(Keys::parse(b"[1]").unwrap_err().contains("a JSON object"));
        assert!(Keys::parse(b"{\"a\":1,\"a\":2}").unwrap_err().contains("twice"));
        assert!(Keys::parse(b"\xff").is_err());
    }
}
