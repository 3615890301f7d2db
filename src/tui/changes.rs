//! What came beside what went on in its place: what is the same once, what differs twice, each with a sign.

use std::hash::{DefaultHasher, Hasher};

use super::text;
use super::theme::{Look, Words};
use crate::recordings::{Mark, Pairing, align};

/// The sign of what came, and of what went on; each takes [`SIGN`] columns.
const REMOVED: (Look, &str) = (Look::Bad, "- ");
const ADDED: (Look, &str) = (Look::Good, "+ ");
/// What the signs take of a line.
pub(super) const SIGN: usize = 2;
/// Lines that are the same are shown round those that differ.
const AROUND: usize = 2;
/// More lines than these are not all shown before those that went on in their place.
const MUCH: usize = 4;

/// Two readings of a payload, one beside the other.
#[derive(Debug)]
pub(super) struct Changes {
    /// The lines, each behind its sign.
    pub(super) lines: Vec<Words>,
    /// Whether lines were left out.
    pub(super) folded: bool,
}

/// The lines of `before` and `after`, those that differ one above the other.
pub(super) fn between(before: &[Words], after: &[Words]) -> Changes {
    let marks = |lines: &[Words]| lines.iter().map(mark).collect::<Vec<_>>();
    let pairs = align(&marks(before), &marks(after));
    let is_same = |pair: &Pairing| matches!(pair, Pairing::Same(..));
    let mut changes = Changes { lines: Vec::new(), folded: false };
    if pairs.iter().all(is_same) {
        let why = "both read the same here; the tab Hex shows what differs";
        changes.lines.push(vec![(Look::Dim, why.to_owned())]);
        changes.same(&pairs, before, (pairs.len(), 0));
        return changes;
    }
    let mut rest = &pairs[..];
    let mut is_first = true;
    while !rest.is_empty() {
        let same = rest.iter().take_while(|pair| is_same(pair)).count();
        let differs = rest[same..].iter().take_while(|pair| !is_same(pair)).count();
        let is_last = same + differs == rest.len() && differs == 0;
        let (head, tail) = (if is_first { 0 } else { AROUND }, if is_last { 0 } else { AROUND });
        changes.same(&rest[..same], before, (head, tail));
        changes.differ(&rest[same..same + differs], before, after);
        rest = &rest[same + differs..];
        is_first = false;
    }
    changes
}

impl Changes {
    /// Lines that are the same: as many of the first and the last as are wanted, and what is between them where that takes
    /// no more room than to say that it is left out.
    fn same(&mut self, pairs: &[Pairing], before: &[Words], (head, tail): (usize, usize)) {
        let left_out = pairs.len().saturating_sub(head + tail);
        for (at, pair) in pairs.iter().enumerate() {
            if left_out > 1 && at == head {
                let what = format!("  … {} the same", text::plural(left_out as u64, "line"));
                self.lines.push(vec![(Look::Dim, what)]);
                self.folded = true;
            }
            let is_shown = left_out <= 1 || at < head || at >= head + left_out;
            if let (Pairing::Same(place, _), true) = (*pair, is_shown) {
                self.add((Look::Dim, "  "), before.get(place));
            }
        }
    }

    /// First what came, then what went on: of much that came, only so many lines as leave the other in sight.
    fn differ(&mut self, pairs: &[Pairing], before: &[Words], after: &[Words]) {
        let came = pairs.iter().filter_map(|pair| match *pair {
            Pairing::Removed(place) | Pairing::Changed(place, _) => Some(place),
            _ => None,
        });
        let went: Vec<usize> = pairs
            .iter()
            .filter_map(|pair| match *pair {
                Pairing::Added(place) | Pairing::Changed(_, place) => Some(place),
                _ => None,
            })
            .collect();
        let count = came.clone().count();
        let is_much = count > MUCH && !went.is_empty();
        came.take(if is_much { AROUND } else { count })
            .for_each(|place| self.add(REMOVED, before.get(place)));
        if is_much {
            let more = text::plural((count - AROUND) as u64, "more line");
            self.lines.push(vec![
                (REMOVED.0, REMOVED.1.to_owned()),
                (Look::Dim, format!("… {more}, in full below")),
            ]);
            self.folded = true;
        }
        went.into_iter().for_each(|place| self.add(ADDED, after.get(place)));
    }

    fn add(&mut self, (look, sign): (Look, &str), line: Option<&Words>) {
        let mut words = vec![(look, sign.to_owned())];
        words.extend(line.into_iter().flatten().cloned());
        self.lines.push(words);
    }
}

/// Lines are the same where they say the same, and alike in no other way.
fn mark(line: &Words) -> Mark {
    let mut hasher = DefaultHasher::new();
    line.iter().for_each(|(_, text)| hasher.write(text.as_bytes()));
    let content = hasher.finish();
    Mark { content, shape: content, kind: content }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[track_caller]
    fn check(before: &str, after: &str, expected: &[&str]) {
        let lines = |text: &str| -> Vec<Words> {
            text.split_whitespace().map(|line| vec![(Look::Text, line.to_owned())]).collect()
        };
        let changes = between(&lines(before), &lines(after));
        let told: Vec<String> =
            changes.lines.iter().map(|line| line.iter().map(|(_, text)| text.as_str()).collect()).collect();
        assert_eq!(told, expected);
        assert_eq!(changes.folded, told.iter().any(|line| line.contains('…')));
    }

    #[test]
    fn what_differs_is_shown_twice_and_the_rest_once() {
        check("a", "b", &["- a", "+ b"]);
        check("{ a b }", "{ a c }", &["  {", "  a", "- b", "+ c", "  }"]);
        check("", "a", &["+ a"]);
        check("a b c", "b", &["- a", "  b", "- c"]);
    }

    #[test]
    fn much_that_is_the_same_is_left_out() {
        check("1 2 3 4 5 6 7 x", "1 2 3 4 5 6 7 y", &["  … 5 lines the same", "  6", "  7", "- x", "+ y"]);
        check("x 1 2 3 4 5 6 7", "1 2 3 4 5 6 7", &["- x", "  1", "  2", "  … 5 lines the same"]);
        check(
            "a 1 2 3 4 5 b",
            "x 1 2 3 4 5 y",
            &["- a", "+ x", "  1", "  2", "  3", "  4", "  5", "- b", "+ y"],
        );
        check("1 2 x", "1 2 y", &["  1", "  2", "- x", "+ y"]);
    }

    #[test]
    fn much_that_came_does_not_hide_what_went_on() {
        check("a b c d", "x", &["- a", "- b", "- c", "- d", "+ x"]);
        check("a b c d e", "x y", &["- a", "- b", "- … 3 more lines, in full below", "+ x", "+ y"]);
        check("a b c d e", "", &["- a", "- b", "- c", "- d", "- e"]);
    }

    #[test]
    fn what_reads_the_same_is_said_to() {
        let same = "both read the same here; the tab Hex shows what differs";
        check("a b", "a b", &[same, "  a", "  b"]);
    }
}
