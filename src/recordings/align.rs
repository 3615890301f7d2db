//! What two rows of messages have in common, however long they are: the same, the changed, the added, the removed.

use imara_diff::{Algorithm, Diff, InternedInput};

/// A message as it is compared: hashes of what it says, from narrow to wide.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Mark {
    /// All that counts of it.
    pub content: u64,
    /// What kind of message it is to those who talk, as its fields and its `type` tell.
    pub shape: u64,
    /// Who sent it, as what.
    pub kind: u64,
}

/// What became of a message, by its places in both rows.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Pairing {
    /// It is in both.
    Same(usize, usize),
    /// It is in both, and says something else.
    Changed(usize, usize),
    /// It is in the old row only.
    Removed(usize),
    /// It is in the new row only.
    Added(usize),
}

/// Pairs the messages of two rows, in their order.
///
/// First those that are the same, as line diffs do; between them those of the same shape, and then those of the same
/// kind. It takes time in proportion to the rows' length and their differences, never to its square.
pub fn align(old: &[Mark], new: &[Mark]) -> Vec<Pairing> {
    let mut pairs = Vec::with_capacity(old.len().max(new.len()));
    level(&LEVELS, (old, 0), (new, 0), &mut pairs);
    pairs
}

/// What is compared, and what it means to have it in common.
type Level = (fn(&Mark) -> u64, fn(usize, usize) -> Pairing);

const LEVELS: [Level; 3] = [
    (|mark| mark.content, Pairing::Same),
    (|mark| mark.shape, Pairing::Changed),
    (|mark| mark.kind, Pairing::Changed),
];

/// Parts of both rows, each with its place in the whole.
fn level(levels: &[Level], old: (&[Mark], usize), new: (&[Mark], usize), pairs: &mut Vec<Pairing>) {
    let ((olds, old_base), (news, new_base)) = (old, new);
    let Some(((hash, pairing), wider)) =
        levels.split_first().filter(|_| !olds.is_empty() && !news.is_empty())
    else {
        pairs.extend((old_base..old_base + olds.len()).map(Pairing::Removed));
        pairs.extend((new_base..new_base + news.len()).map(Pairing::Added));
        return;
    };
    let mut input = InternedInput::default();
    input.update_before(olds.iter().map(hash));
    input.update_after(news.iter().map(hash));
    let diff = Diff::compute(Algorithm::Histogram, &input);
    let (mut old_at, mut new_at) = (0, 0);
    for hunk in diff.hunks() {
        let [old_start, old_end] = [hunk.before.start, hunk.before.end].map(|at| at as usize);
        let [new_start, new_end] = [hunk.after.start, hunk.after.end].map(|at| at as usize);
        pairs.extend((old_at..old_start).zip(new_at..).map(|(o, n)| pairing(old_base + o, new_base + n)));
        level(
            wider,
            (&olds[old_start..old_end], old_base + old_start),
            (&news[new_start..new_end], new_base + new_start),
            pairs,
        );
        (old_at, new_at) = (old_end, new_end);
    }
    pairs.extend((old_at..olds.len()).zip(new_at..).map(|(o, n)| pairing(old_base + o, new_base + n)));
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::Pairing::*;
    use super::*;

    /// Words of three letters: kind, shape, content.
    fn marks(words: &str) -> Vec<Mark> {
        let hash = |word: &str| word.bytes().fold(7_u64, |hash, byte| hash * 257 + u64::from(byte));
        let mark = |word: &str| Mark { kind: hash(&word[..1]), shape: hash(&word[..2]), content: hash(word) };
        words.split_whitespace().map(mark).collect()
    }

    #[test]
    fn what_changed_is_found_between_what_did_not() {
        let found = |old, new| align(&marks(old), &marks(new));
        assert_eq!(found("ta1 tb1", "ta1 tb1"), [Same(0, 0), Same(1, 1)]);
        assert_eq!(found("ta1 tb1 ta2", "ta1 tb9 ta2"), [Same(0, 0), Changed(1, 1), Same(2, 2)]);
        assert_eq!(found("ta1 ta2", "ta1 xx1 ta2"), [Same(0, 0), Added(1), Same(1, 2)]);
        assert_eq!(found("ta1 tb1 tc1", "tb2"), [Removed(0), Changed(1, 0), Removed(2)]);
        assert_eq!(found("ta1", "tb1"), [Changed(0, 0)]);
        assert_eq!(found("ta1", "xa1"), [Removed(0), Added(0)]);
        assert_eq!(found("", "ta1"), [Added(0)]);
        assert_eq!(found("ta1", ""), [Removed(0)]);
    }

    proptest! {
        /// Both rows come out whole and in order.
        #[test]
        fn nothing_is_lost(old in "([tx][abc][12] ){0,30}", new in "([tx][abc][12] ){0,30}") {
            let (old, new) = (marks(&old), marks(&new));
            let (mut olds, mut news) = (Vec::new(), Vec::new());
            for pair in align(&old, &new) {
                match pair {
                    Same(o, n) => {
                        prop_assert_eq!(old[o], new[n]);
                        olds.push(o);
                        news.push(n);
                    }
                    Changed(o, n) => {
                        prop_assert_eq!(old[o].kind, new[n].kind);
                        olds.push(o);
                        news.push(n);
                    }
                    Removed(o) => olds.push(o),
                    Added(n) => news.push(n),
                }
            }
            prop_assert_eq!(olds, (0..old.len()).collect::<Vec<_>>());
            prop_assert_eq!(news, (0..new.len()).collect::<Vec<_>>());
        }
    }

    #[test]
    fn long_rows_that_have_little_in_common_do_not_take_long() {
        let row = |salt: u64| -> Vec<Mark> {
            let number = |n: u64| (n.wrapping_mul(0x9e37_79b9_7f4a_7c15) ^ salt) >> 40;
            (0..50_000).map(|n| Mark { content: number(n), shape: number(n) % 7, kind: n % 2 }).collect()
        };
        assert!(align(&row(1), &row(0x0123_4567_89ab_cdef)).len() >= 50_000);
    }
}
