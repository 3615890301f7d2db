//! How a session ended, as its client sees it.

use std::fmt;

use crate::decode::visible;
use crate::ws::{Direction, StatusCode};

/// How a session ended.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum End {
    /// By a closing handshake.
    Closed {
        /// Which way the first close frame went.
        first: Direction,
        /// What that one said.
        code: Option<u16>,
        /// What the other one said.
        answer: Option<u16>,
        /// The words of the server's.
        reason: String,
    },
    /// Without one, or in the middle of one.
    Cut(&'static str),
}

impl End {
    /// Whether nothing went wrong: the server had no complaint, and both ends said that they were done.
    pub fn is_clean(&self) -> bool {
        let ordinary = |code: Option<u16>| code.is_none_or(|code| StatusCode(code).is_ordinary());
        match self {
            // What the user closes with is as the user wants it.
            End::Closed { first: Direction::ToServer, code, answer, .. } => {
                ordinary(*answer) || answer == code
            }
            End::Closed { code, .. } => ordinary(*code),
            End::Cut(_) => false,
        }
    }
}

impl fmt::Display for End {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            End::Closed { first, code, answer, reason } => {
                let said = if *first == Direction::ToServer { answer } else { code };
                match first {
                    Direction::ToServer => write!(f, "closed, and the server answered ")?,
                    Direction::ToClient => write!(f, "the server closed the session: ")?,
                }
                match said {
                    Some(code) => write!(f, "{}", StatusCode(*code))?,
                    None => write!(f, "without a status code")?,
                }
                if reason.is_empty() { Ok(()) } else { write!(f, ": {}", visible(reason)) }
            }
            End::Cut(how) => write!(f, "{how}"),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn it_is_clean_where_nobody_complains() {
        let end = |first, code, answer| End::Closed { first, code, answer, reason: String::new() };
        let (ours, theirs) = (Direction::ToServer, Direction::ToClient);
        for clean in [
            end(ours, Some(1000), Some(1000)),
            end(ours, None, None),
            end(ours, Some(4001), Some(4001)),
            end(theirs, Some(1001), Some(1001)),
        ] {
            assert!(clean.is_clean(), "{clean}");
        }
        for unclean in [
            end(ours, Some(1000), Some(1011)),
            end(theirs, Some(4401), Some(4401)),
            End::Cut("the connection broke off"),
        ] {
            assert!(!unclean.is_clean(), "{unclean}");
        }
    }

    #[test]
    fn it_is_told_in_a_sentence() {
        let end = End::Closed {
            first: Direction::ToClient,
            code: Some(4401),
            answer: Some(4401),
            reason: "no\u{1b}".to_owned(),
        };
        let words = end.to_string();
        assert_eq!(words, "the server closed the session: 4401 the application's own: no␛");
    }
}
