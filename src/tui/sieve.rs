//! Which rows of a long list pass a test: one bit a row with an index of ranks, filled in by a worker thread so
//! that ten million rows are filtered and searched while the keys answer.

use std::ops::Range;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::sync::{Mutex, MutexGuard, PoisonError};

/// One bit for each row, with the number of set bits known up to every block of 512.
#[derive(Clone, Debug, Default)]
pub(super) struct Bits {
    words: Vec<u64>,
    /// Set bits before each block of [`BLOCK`] words.
    ranks: Vec<u64>,
    length: u64,
    ones: u64,
}

const BLOCK: usize = 8;

/// Rows tested at once: between them a worker looks whether it is still wanted.
const FEW: u64 = 256;

impl Bits {
    /// How many rows there are.
    pub(super) fn len(&self) -> u64 {
        self.length
    }

    /// One more row.
    pub(super) fn push(&mut self, passes: bool) {
        let bit = self.length % 64;
        if bit == 0 {
            if self.words.len().is_multiple_of(BLOCK) {
                self.ranks.push(self.ones);
            }
            self.words.push(0);
        }
        if let Some(word) = self.words.last_mut() {
            *word |= u64::from(passes) << bit;
        }
        self.ones += u64::from(passes);
        self.length += 1;
    }

    /// How many of the first `row` rows passed.
    pub(super) fn rank(&self, row: u64) -> u64 {
        if row >= self.length {
            return self.ones;
        }
        let word = (row / 64) as usize;
        let block = word / BLOCK;
        let whole: u32 = self.words[block * BLOCK..word].iter().map(|word| word.count_ones()).sum();
        let part = self.words[word] & ((1u64 << (row % 64)) - 1);
        self.ranks[block] + u64::from(whole) + u64::from(part.count_ones())
    }

    /// A row passes now, or does so no more.
    fn set(&mut self, row: u64, passes: bool) {
        let word = (row / 64) as usize;
        let bit = 1u64 << (row % 64);
        if row >= self.length || (self.words[word] & bit != 0) == passes {
            return;
        }
        self.words[word] ^= bit;
        let change = |count: &mut u64| *count = if passes { *count + 1 } else { *count - 1 };
        self.ranks[word / BLOCK + 1..].iter_mut().for_each(change);
        change(&mut self.ones);
    }

    /// The row that is the `index`th to pass, counted from 0.
    pub(super) fn select(&self, index: u64) -> Option<u64> {
        if index >= self.ones {
            return None;
        }
        // The last block that has at most `index` set bits before it.
        let block = self.ranks.partition_point(|&rank| rank <= index).checked_sub(1)?;
        let mut left = index - self.ranks[block];
        for (word, bits) in self.words.iter().enumerate().skip(block * BLOCK) {
            let ones = u64::from(bits.count_ones());
            if left < ones {
                return Some(word as u64 * 64 + u64::from(nth_one(*bits, left)));
            }
            left -= ones;
        }
        None
    }
}

/// The place of the `nth` set bit of a word that has more than `nth`.
fn nth_one(mut bits: u64, nth: u64) -> u32 {
    for _ in 0..nth {
        bits &= bits - 1;
    }
    bits.trailing_zeros()
}

/// A test under way over the rows of one list. The worker fills it, the screen asks it.
///
/// It begins in the middle, where the user is looking, and goes both ways from there: what is near comes first.
#[derive(Debug)]
pub(super) struct Sieve<Test> {
    /// What a row must pass.
    pub(super) test: Test,
    /// The number of the row where it begins.
    middle: u64,
    halves: Mutex<Halves>,
    /// The rows there are, when last looked at: for the progress.
    all: AtomicU64,
    stopped: AtomicBool,
    /// How far changes of rows that were tested have been heeded, as whoever tests them counts.
    pub(super) heeded: AtomicU64,
}

#[derive(Debug, Default)]
struct Halves {
    /// From the middle downwards: bit 0 is the row before the middle.
    below: Bits,
    /// From the middle upwards: bit 0 is the middle.
    above: Bits,
}

impl<Test> Sieve<Test> {
    /// Nothing tested yet; `middle` is the number of the row to begin with.
    pub(super) fn new(test: Test, middle: u64) -> Sieve<Test> {
        Sieve {
            test,
            middle,
            halves: Mutex::default(),
            all: AtomicU64::new(0),
            stopped: AtomicBool::new(false),
            heeded: AtomicU64::new(0),
        }
    }

    /// Tests up to `budget` rows in each direction, of those in `rows`; true when more are waiting.
    ///
    /// `passes` tests a few rows at once, and gives one answer for each.
    pub(super) fn advance(
        &self,
        rows: Range<u64>,
        budget: u64,
        passes: impl Fn(&Test, Range<u64>) -> Vec<bool>,
    ) -> bool {
        self.all.store(rows.end.saturating_sub(rows.start), Ordering::Relaxed);
        let done = self.tested();
        let end = rows.end.min(done.end.saturating_add(budget));
        let start = rows.start.max(done.start.saturating_sub(budget));
        // Tested outside the lock, so that the screen never waits for a test.
        let (mut above, mut below) = (Vec::new(), Vec::new());
        let (mut up, mut down) = (done.end, done.start);
        while up < end && !self.is_stopped() {
            let few = up..end.min(up + FEW);
            up = few.end;
            above.extend(passes(&self.test, few));
        }
        while down > start && !self.is_stopped() {
            let few = start.max(down.saturating_sub(FEW))..down;
            down = few.start;
            below.extend(passes(&self.test, few).into_iter().rev());
        }
        let mut halves = self.halves();
        above.into_iter().for_each(|passed| halves.above.push(passed));
        below.into_iter().for_each(|passed| halves.below.push(passed));
        start > rows.start || end < rows.end
    }

    /// Tests some rows anew, of those that were tested: something has changed about them.
    pub(super) fn retest(&self, rows: &[u64], passes: impl Fn(&Test, Range<u64>) -> Vec<bool>) {
        let tested = self.tested();
        for row in rows.iter().filter(|row| tested.contains(row)) {
            let passed = passes(&self.test, *row..row + 1).first().copied().unwrap_or_default();
            let mut halves = self.halves();
            match self.middle.checked_sub(row + 1) {
                Some(below) => halves.below.set(below, passed),
                None => halves.above.set(row - self.middle, passed),
            }
        }
    }

    /// No more of it is wanted.
    pub(super) fn stop(&self) {
        self.stopped.store(true, Ordering::Relaxed);
    }

    pub(super) fn is_stopped(&self) -> bool {
        self.stopped.load(Ordering::Relaxed)
    }

    /// The part tested so far, in percent; none when all is.
    pub(super) fn progress(&self) -> Option<u64> {
        let (tested, all) = (self.tested(), self.all.load(Ordering::Relaxed));
        let done = tested.end - tested.start;
        (done < all).then(|| done * 100 / all)
    }

    /// The numbers of the rows that were tested: all from the first to the last of them.
    pub(super) fn tested(&self) -> Range<u64> {
        let halves = self.halves();
        self.middle.saturating_sub(halves.below.len())..self.middle + halves.above.len()
    }

    /// How many rows in `rows` passed.
    pub(super) fn count(&self, rows: Range<u64>) -> u64 {
        let halves = self.halves();
        self.passed_below(&halves, &rows) + {
            let rank = |row: u64| halves.above.rank(row.saturating_sub(self.middle));
            rank(rows.end).saturating_sub(rank(rows.start))
        }
    }

    /// The number of the row that is the `index`th to pass, of those from `from` on.
    pub(super) fn select(&self, from: u64, index: u64) -> Option<u64> {
        let halves = self.halves();
        let below = self.passed_below(&halves, &(from..self.middle));
        match below.checked_sub(index + 1) {
            // The bits run downwards: the first of the rows is the last of the bits.
            Some(from_the_middle) => Some(self.middle - 1 - halves.below.select(from_the_middle)?),
            None => {
                let before = halves.above.rank(from.saturating_sub(self.middle));
                Some(self.middle + halves.above.select(before + index - below)?)
            }
        }
    }

    fn passed_below(&self, halves: &Halves, rows: &Range<u64>) -> u64 {
        let rank = |row: u64| halves.below.rank(self.middle.saturating_sub(row));
        rank(rows.start).saturating_sub(rank(rows.end))
    }

    fn halves(&self) -> MutexGuard<'_, Halves> {
        // A panic elsewhere does not make bits wrong: they are pushed whole.
        self.halves.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    proptest! {
        #[test]
        fn rank_and_select_agree_with_a_plain_list(
            mut rows in proptest::collection::vec(any::<bool>(), 0..3000),
            changes in proptest::collection::vec((0usize..3000, any::<bool>()), 0..30),
        ) {
            let mut bits = Bits::default();
            rows.iter().for_each(|&row| bits.push(row));
            for (row, passes) in changes {
                bits.set(row as u64, passes);
                if let Some(row) = rows.get_mut(row) {
                    *row = passes;
                }
            }
            let passing: Vec<u64> = (0..).zip(&rows).filter(|(_, passes)| **passes).map(|(row, _)| row).collect();
            prop_assert_eq!(bits.ones, passing.len() as u64);
            for (index, &row) in passing.iter().enumerate() {
                prop_assert_eq!(bits.select(index as u64), Some(row));
                prop_assert_eq!(bits.rank(row), index as u64);
            }
            prop_assert_eq!(bits.select(passing.len() as u64), None);
            for row in 0..rows.len() {
                let before = rows[..row].iter().filter(|&&passes| passes).count();
                prop_assert_eq!(bits.rank(row as u64), before as u64);
            }
        }
    }

    #[test]
    fn ten_million_rows_take_little_more_than_a_bit_each() {
        let mut bits = Bits::default();
        (0..10_000_000u64).for_each(|row| bits.push(row % 7 == 3));
        assert!(bits.words.len() * 8 + bits.ranks.len() * 8 < 1_450_000);
        assert_eq!(bits.select(1_000_000), Some(7_000_003));
        assert_eq!(bits.rank(7_000_003), 1_000_000);
        assert_eq!(bits.ones, 1_428_571);
    }

    #[test]
    fn rows_are_tested_in_portions_from_the_middle_and_as_they_come() {
        let sieve = Sieve::new((), 41);
        let even = |(): &(), rows: Range<u64>| rows.map(|row| row.is_multiple_of(2)).collect();
        assert!(sieve.advance(1..101, 10, even));
        assert_eq!((sieve.tested(), sieve.progress()), (31..51, Some(20)));
        assert_eq!((sieve.count(1..101), sieve.select(1, 0), sieve.select(1, 9)), (10, Some(32), Some(50)));
        assert!(!sieve.advance(1..101, 100, even));
        assert_eq!((sieve.progress(), sieve.count(1..101)), (None, 50));
        assert!(!sieve.advance(1..103, 60, even));
        assert_eq!((sieve.count(1..103), sieve.select(1, 50), sieve.select(1, 51)), (51, Some(102), None));
    }

    #[test]
    fn rows_that_changed_are_tested_again_where_they_were_tested() {
        let sieve = Sieve::new((), 41);
        let none = |(): &(), rows: Range<u64>| vec![false; (rows.end - rows.start) as usize];
        let all = |(): &(), rows: Range<u64>| vec![true; (rows.end - rows.start) as usize];
        sieve.advance(1..101, 10, none);
        sieve.retest(&[5, 31, 40, 41, 50, 51], all);
        let passing: Vec<u64> = (0..).map_while(|index| sieve.select(1, index)).collect();
        assert_eq!(passing, [31, 40, 41, 50]);
        sieve.retest(&[40, 41], none);
        assert_eq!((sieve.count(1..101), sieve.select(1, 1)), (2, Some(50)));
    }

    proptest! {
        #[test]
        fn a_sieve_agrees_with_a_plain_list(
            rows in proptest::collection::vec(any::<bool>(), 1..400),
            middle in 0u64..500,
            from in 0u64..400,
        ) {
            let (first, end) = (7, 7 + rows.len() as u64);
            let middle = (first + middle).min(end);
            let sieve = Sieve::new((), middle);
            let passes = |(): &(), few: Range<u64>| few.map(|row| rows[(row - first) as usize]).collect();
            while sieve.advance(first..end, 17, passes) {}
            let from = (first + from).min(end);
            let passing: Vec<u64> = (from..end).filter(|row| rows[(row - first) as usize]).collect();
            prop_assert_eq!(sieve.count(from..end), passing.len() as u64);
            for (index, &row) in passing.iter().enumerate() {
                prop_assert_eq!(sieve.select(from, index as u64), Some(row));
                prop_assert_eq!(sieve.count(from..row), index as u64);
            }
            prop_assert_eq!(sieve.select(from, passing.len() as u64), None);
        }
    }

    #[test]
    fn rows_that_left_the_log_are_no_longer_counted() {
        let sieve = Sieve::new((), 101);
        sieve.advance(1..101, 1000, |(), rows| rows.map(|row| row.is_multiple_of(2)).collect());
        assert_eq!((sieve.count(51..101), sieve.select(51, 0), sieve.count(51..60)), (25, Some(52), 4));
    }

    #[test]
    fn a_stopped_sieve_tests_no_more() {
        let sieve = Sieve::new((), 1);
        sieve.stop();
        sieve.advance(1..1000, 1000, |(), rows| rows.map(|_| true).collect());
        assert_eq!((sieve.count(1..1000), sieve.tested()), (0, 1..1));
    }
}
