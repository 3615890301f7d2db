//! The numbers of a recording's messages where they are given anew: none is left out of them.

/// New numbers for the messages of one session, from 1.
#[derive(Debug, Default)]
pub struct Renumbered(Vec<Run>);

/// Messages that follow each other in the recording, and so in the log.
#[derive(Debug)]
struct Run {
    old: u64,
    new: u64,
    length: u64,
}

impl Renumbered {
    /// The number of the next message, which is `old` in the recording.
    pub fn next(&mut self, old: u64) -> u64 {
        if let Some(run) = self.0.last_mut()
            && run.old.checked_add(run.length) == Some(old)
        {
            run.length += 1;
            return run.new + run.length - 1;
        }
        let new = self.0.last().map_or(1, |run| run.new + run.length);
        self.0.push(Run { old, new, length: 1 });
        new
    }

    /// The new number of a message that was there; none where it was not.
    pub fn find(&self, old: u64) -> Option<u64> {
        // Mostly of what came last.
        let mut runs = self.0.iter().rev();
        runs.find_map(|run| old.checked_sub(run.old).filter(|at| *at < run.length).map(|at| run.new + at))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn messages_are_found_by_their_old_numbers() {
        let mut numbers = Renumbered::default();
        let new = [3, 4, 9, 10, u64::MAX, 1].map(|old| numbers.next(old));
        assert_eq!(new, [1, 2, 3, 4, 5, 6]);
        let found = [3, 4, 5, 10, u64::MAX, 1].map(|old| numbers.find(old));
        assert_eq!(found, [Some(1), Some(2), None, Some(4), Some(5), Some(6)]);
    }
}
