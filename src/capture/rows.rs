//! Where a session's rows are: the positions of each full stretch are a record in the log themselves, so that
//! memory holds eight octets for every [`STRETCH`] rows.

use std::collections::VecDeque;
use std::ops::Range;

/// Rows whose positions make one record.
pub(super) const STRETCH: u64 = 64;

/// The places of one session's rows, numbered from 0.
#[derive(Debug, Default)]
pub(super) struct Rows {
    /// Positions of the records that list a stretch each, from stretch `first` on.
    stretches: VecDeque<u64>,
    first: u64,
    /// Positions of the rows after the last full stretch.
    tail: Vec<u64>,
}

/// How to find a row.
#[derive(Debug, PartialEq, Eq)]
pub(super) enum Place {
    /// Its record is at this position.
    At(u64),
    /// The list at this position has its record's position at this place.
    Listed(u64, usize),
}

impl Rows {
    /// More stretches were filled, listed at `lists`; `tail` are the rows after the last.
    pub(super) fn extend(&mut self, lists: &[u64], tail: Vec<u64>) {
        self.stretches.extend(lists);
        self.tail = tail;
    }

    /// How many rows there have been.
    pub(super) fn len(&self) -> u64 {
        (self.first + self.stretches.len() as u64) * STRETCH + self.tail.len() as u64
    }

    pub(super) fn place(&self, row: u64) -> Option<Place> {
        let stretch = (row / STRETCH).checked_sub(self.first)?;
        let within = (row % STRETCH) as usize;
        match self.stretches.get(stretch as usize) {
            Some(position) => Some(Place::Listed(*position, within)),
            None if stretch == self.stretches.len() as u64 => self.tail.get(within).copied().map(Place::At),
            None => None,
        }
    }

    /// Forgets the lists before `start`, the first position that is left in the log.
    pub(super) fn forget_before(&mut self, start: u64) {
        while self.stretches.front().is_some_and(|position| *position < start) {
            self.stretches.pop_front();
            self.first += 1;
        }
    }

    /// The rows that may still be there.
    pub(super) fn known(&self) -> Range<u64> {
        self.first * STRETCH..self.len()
    }

    /// Where the lists of their full stretches are.
    pub(super) fn lists(&self) -> &VecDeque<u64> {
        &self.stretches
    }

    /// The positions of the rows after the last full stretch.
    pub(super) fn tail(&self) -> &[u64] {
        &self.tail
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn rows_are_found_in_lists_and_in_the_tail() {
        let mut rows = Rows::default();
        rows.extend(&[], vec![10, 20]);
        assert_eq!((rows.len(), rows.place(1)), (2, Some(Place::At(20))));
        rows.extend(&[1000, 2000], vec![2010]);
        assert_eq!(rows.len(), STRETCH * 2 + 1);
        assert_eq!(rows.place(1), Some(Place::Listed(1000, 1)));
        assert_eq!(rows.place(STRETCH + 3), Some(Place::Listed(2000, 3)));
        assert_eq!(rows.place(STRETCH * 2), Some(Place::At(2010)));
        assert_eq!(rows.place(STRETCH * 2 + 1), None);
    }

    #[test]
    fn forgotten_stretches_keep_the_numbers_of_the_others() {
        let mut rows = Rows::default();
        rows.extend(&[1000, 2000], vec![2010]);
        rows.forget_before(1500);
        assert_eq!(rows.place(0), None);
        assert_eq!((rows.known(), rows.lists().front()), (STRETCH..STRETCH * 2 + 1, Some(&2000)));
        assert_eq!(rows.place(STRETCH), Some(Place::Listed(2000, 0)));
    }
}
