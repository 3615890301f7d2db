//! Which rows of a long list pass a test: one bit a row with an index of ranks, filled in by a worker thread so
//! that ten million rows are filtered and searched while the keys answer.

use std::sync::Mutex;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};

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
#[derive(Debug)]
pub(super) struct Sieve<Test> {
    /// What a row must pass.
    pub(super) test: Test,
    /// The number of the row that bit 0 stands for.
    first: u64,
    bits: Mutex<Bits>,
    /// The row after the last one that exists, when last looked at: for the progress.
    goal: AtomicU64,
    stopped: AtomicBool,
}

impl<Test> Sieve<Test> {
    /// Nothing tested yet; `first` is the first row's number.
    pub(super) fn new(test: Test, first: u64) -> Sieve<Test> {
        Sieve {
            test,
            first,
            bits: Mutex::default(),
            goal: AtomicU64::new(first),
            stopped: AtomicBool::new(false),
        }
    }

    /// Tests up to `budget` rows of those before `end`; true when more are waiting.
    pub(super) fn advance(&self, end: u64, budget: u64, mut passes: impl FnMut(&Test, u64) -> bool) -> bool {
        self.goal.store(end, Ordering::Relaxed);
        let from = self.next();
        let to = end.min(from.saturating_add(budget));
        // Tested outside the lock, so that the screen never waits for a test.
        let results: Vec<bool> =
            (from..to).take_while(|_| !self.is_stopped()).map(|row| passes(&self.test, row)).collect();
        let mut bits = self.bits();
        for result in results {
            bits.push(result);
        }
        to < end
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
        let goal = self.goal.load(Ordering::Relaxed);
        let (done, all) = (self.next() - self.first, goal.saturating_sub(self.first));
        (done < all).then(|| done * 100 / all)
    }

    /// Whether all rows before `end` have been tested.
    pub(super) fn reached(&self, end: u64) -> bool {
        self.next() >= end
    }

    /// The number of the `index`th row to pass, of those from `from` on.
    pub(super) fn select(&self, from: u64, index: u64) -> Option<u64> {
        let bits = self.bits();
        let before = bits.rank(from.saturating_sub(self.first));
        bits.select(before + index).map(|row| row + self.first)
    }

    /// How many rows from `from` on and before `row` passed.
    pub(super) fn rank(&self, from: u64, row: u64) -> u64 {
        let bits = self.bits();
        let rank = |row: u64| bits.rank(row.saturating_sub(self.first));
        rank(row).saturating_sub(rank(from))
    }

    /// The number of the next row to be tested.
    fn next(&self) -> u64 {
        self.first + self.bits().len()
    }

    fn bits(&self) -> std::sync::MutexGuard<'_, Bits> {
        // A panic elsewhere does not make bits wrong: they are pushed whole.
        self.bits.lock().unwrap_or_else(std::sync::PoisonError::into_inner)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    proptest! {
        #[test]
        fn rank_and_select_agree_with_a_plain_list(rows in proptest::collection::vec(any::<bool>(), 0..3000)) {
            let mut bits = Bits::default();
            rows.iter().for_each(|&row| bits.push(row));
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
    fn rows_are_tested_in_portions_and_as_they_come() {
        let sieve = Sieve::new((), 1);
        let even = |(): &(), row: u64| row.is_multiple_of(2);
        assert!(sieve.advance(101, 60, even));
        assert_eq!(sieve.progress(), Some(60));
        assert!(!sieve.advance(101, 60, even));
        assert_eq!((sieve.progress(), sieve.rank(1, 101)), (None, 50));
        assert!(!sieve.advance(103, 60, even));
        assert_eq!((sieve.rank(1, 103), sieve.select(1, 50)), (51, Some(102)));
    }

    #[test]
    fn rows_that_left_the_log_are_no_longer_counted() {
        let sieve = Sieve::new((), 1);
        sieve.advance(101, 1000, |(), row| row.is_multiple_of(2));
        assert_eq!((sieve.rank(51, 101), sieve.select(51, 0), sieve.rank(51, 60)), (25, Some(52), 4));
    }

    #[test]
    fn a_stopped_sieve_tests_no_more() {
        let sieve = Sieve::new((), 1);
        sieve.stop();
        let mut tested = 0;
        sieve.advance(1000, 1000, |(), _| {
            tested += 1;
            true
        });
        assert_eq!((tested, sieve.rank(1, 1000)), (0, 0));
    }
}
