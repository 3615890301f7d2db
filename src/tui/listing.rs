//! The rows that a list of messages shows: all of a range, or those that pass a sieve; by place and by number.

use std::ops::Range;
use std::sync::Arc;

use super::sieve::Sieve;
use super::sifter::Test;

/// Which rows are shown. Rows have numbers, which never change, and places, which do.
#[derive(Clone, Debug)]
pub struct Listing {
    range: Range<u64>,
    sieve: Option<Arc<Sieve<Test>>>,
}

impl Default for Listing {
    fn default() -> Listing {
        Listing::all(0..0)
    }
}

impl Listing {
    /// All rows of a range of numbers.
    pub(super) fn all(range: Range<u64>) -> Listing {
        Listing { range, sieve: None }
    }

    /// Those rows of a range that pass.
    pub(super) fn sieved(range: Range<u64>, sieve: Arc<Sieve<Test>>) -> Listing {
        Listing { range, sieve: Some(sieve) }
    }

    /// How many rows there are.
    pub fn len(&self) -> u64 {
        match &self.sieve {
            None => self.range.end.saturating_sub(self.range.start),
            Some(sieve) => sieve.count(self.range.clone()),
        }
    }

    /// Whether there are none.
    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }

    /// The number of the row at a place, counted from 0.
    pub fn number_at(&self, place: u64) -> Option<u64> {
        match &self.sieve {
            None => Some(self.range.start + place).filter(|number| self.range.contains(number)),
            Some(sieve) => sieve.select(self.range.start, place).filter(|number| self.range.contains(number)),
        }
    }

    /// How many rows stand before `number`: its place, or where it would be.
    pub fn place_of(&self, number: u64) -> u64 {
        let number = number.clamp(self.range.start, self.range.end);
        match &self.sieve {
            None => number - self.range.start,
            Some(sieve) => sieve.count(self.range.start..number),
        }
    }

    /// The numbers of the rows that there would be without the sieve.
    pub(super) fn range(&self) -> Range<u64> {
        self.range.clone()
    }

    /// Whether the row of that number is shown.
    pub fn shows(&self, number: u64) -> bool {
        self.number_at(self.place_of(number)) == Some(number)
    }

    /// How many rows there would be without the sieve.
    pub fn all_rows(&self) -> u64 {
        self.range.end.saturating_sub(self.range.start)
    }

    /// Whether all rows have been tested.
    pub fn is_done(&self) -> bool {
        let tested = self.tested();
        tested.start <= self.range.start && tested.end >= self.range.end
    }

    /// The numbers of the rows that have been tested: all from the first to the last of them.
    pub fn tested(&self) -> Range<u64> {
        self.sieve.as_ref().map_or_else(|| self.range.clone(), |sieve| sieve.tested())
    }

    /// How much of the rows has been tested, in percent; none when all have.
    pub fn progress(&self) -> Option<u64> {
        self.sieve.as_ref()?.progress()
    }
}
