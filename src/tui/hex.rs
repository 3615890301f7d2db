//! The tab Hex: the bytes of a message, and of what went on in its place.

use super::acts;
use super::document::Content;
use super::payload;
use super::theme::Words;
use crate::capture::{Log, Payload};
use crate::decode;

/// Bytes of any size, and lines between them: only what is in view is read.
pub(super) struct Hex {
    parts: Vec<Part>,
}

enum Part {
    Lines(Vec<Words>),
    Bytes(Payload),
}

impl Hex {
    /// Of what a row stands for.
    pub(super) fn new(content: &Content, columns: usize) -> Hex {
        let mut parts = Vec::new();
        if let Some(message) = &content.message {
            parts.push(Part::Lines(acts::above(message, &content.acts, columns)));
        }
        parts.push(Part::Bytes(content.payload.clone()));
        for (heading, _, after) in acts::edits(&content.acts) {
            parts.extend([Part::Lines(vec![heading]), Part::Bytes(after.clone())]);
        }
        Hex { parts }
    }

    pub(super) fn len(&self) -> u64 {
        self.parts.iter().map(Part::len).sum()
    }

    /// Up to `height` lines from `top` on.
    pub(super) fn lines(&self, log: &Log, mut top: u64, height: usize) -> Vec<Words> {
        let mut lines = Vec::new();
        for part in &self.parts {
            let length = part.len();
            let room = height - lines.len();
            if room > 0 && top < length {
                let most = room.min(usize::try_from(length - top).unwrap_or(room));
                match part {
                    Part::Lines(these) => lines.extend(these.iter().skip(top as usize).take(most).cloned()),
                    Part::Bytes(bytes) => lines.extend(payload::hex(log, bytes, top, most)),
                }
            }
            top = top.saturating_sub(length);
        }
        lines
    }
}

impl Part {
    fn len(&self) -> u64 {
        match self {
            Part::Lines(lines) => lines.len() as u64,
            Part::Bytes(bytes) => bytes.len().div_ceil(decode::HEX_WIDTH as u64).max(1),
        }
    }
}
