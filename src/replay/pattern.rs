//! Values that need not be the recorded ones, as long as they look like what a regular expression says.

use std::str::FromStr;

use regex::Regex;
use serde_json::Value;

use super::path::{Path, Place};

/// What a value, or a whole text, must look like.
#[derive(Clone, Debug)]
pub struct Pattern {
    /// Where in JSON; none is for the text of messages that are none.
    path: Option<Path>,
    regex: Regex,
}

/// Why a pattern cannot be read.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("{0:?} is no pattern: {1}; write $.token=^[0-9a-f]+$ for a place in JSON, or ^tick \\d+$ for a text")]
pub struct PatternError(String, String);

impl Pattern {
    /// Whether what stands at `trail` in JSON is judged by this alone, and how; none where it is for other places.
    pub(super) fn judges(&self, trail: &[Place], got: &Value) -> Option<bool> {
        self.path.as_ref().filter(|path| path.leads_to(trail))?;
        // A text is looked at without its quotes.
        Some(match got {
            Value::String(text) => self.regex.is_match(text),
            other => self.regex.is_match(&other.to_string()),
        })
    }

    /// Whether both texts look like it: then they need not be the same.
    pub(super) fn takes(&self, recorded: &[u8], got: &[u8]) -> bool {
        let looks_like_it =
            |bytes: &[u8]| std::str::from_utf8(bytes).is_ok_and(|text| self.regex.is_match(text));
        self.path.is_none() && looks_like_it(recorded) && looks_like_it(got)
    }
}

impl FromStr for Pattern {
    type Err = PatternError;

    /// `$.path=REGEX`, or a regular expression alone.
    fn from_str(text: &str) -> Result<Pattern, PatternError> {
        let wrong = |why: String| PatternError(text.to_owned(), why);
        // A dollar alone, or before a bar, ends a text: a path goes on with a dot or a bracket.
        let (path, regex) = match text.split_once('=') {
            Some((path, regex)) if path.starts_with("$.") || path.starts_with("$[") => {
                (Some(path.parse().map_err(|error| wrong(format!("{error}")))?), regex)
            }
            _ => (None, text),
        };
        let regex = Regex::new(regex)
            .map_err(|error| wrong(error.to_string().lines().last().unwrap_or_default().trim().to_owned()))?;
        Ok(Pattern { path, regex })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_pattern_is_for_a_place_or_for_a_text() {
        let place: Pattern = "$.items[*].token=^[0-9a-f]{4}=?$".parse().unwrap();
        let trail = [Place::Name("items".to_owned()), Place::Index(3), Place::Name("token".to_owned())];
        assert_eq!(place.judges(&trail, &Value::from("beef=")), Some(true));
        assert_eq!(place.judges(&trail, &Value::from("beer")), Some(false));
        assert_eq!(place.judges(&trail[..2], &Value::from("beef")), None);
        assert!(!place.takes(b"beef", b"beef"));
        let text: Pattern = r"^tick \d+$".parse().unwrap();
        assert!(text.takes(b"tick 1", b"tick 22"));
        assert!(!text.takes(b"tick 1", b"tock 1") && !text.takes(b"other", b"tick 1"));
    }

    #[test]
    fn what_is_no_pattern_is_told() {
        let wrong = |text: &str| text.parse::<Pattern>().unwrap_err().to_string();
        assert!(wrong("$.a=(").contains("unclosed group"), "{}", wrong("$.a=("));
        assert!(wrong("$.[=x").contains("no pattern"));
    }
}
