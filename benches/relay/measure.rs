//! What a process and all its children have used, read from `/proc`: CPU time and memory.

use std::collections::HashMap;
use std::fs;
use std::thread;
use std::time::{Duration, Instant};

/// Linux shows its clock ticks in hundredths of a second to every program.
const TICK: Duration = Duration::from_millis(10);
const SETTLE_STEP: Duration = Duration::from_millis(40);
const SETTLE_LIMIT: Duration = Duration::from_secs(20);

/// A process and its descendants.
#[derive(Clone, Copy, Debug)]
pub struct Tree(pub u32);

impl Tree {
    /// User and system time of all threads so far.
    pub fn cpu(self) -> Duration {
        self.processes().into_iter().map(cpu_of).sum()
    }

    /// Resident memory in bytes, what several of the processes share counted once.
    pub fn memory(self) -> u64 {
        self.processes().into_iter().map(memory_of).sum()
    }

    /// Waits until it has nothing left to do: what is put off to a later thread is still paid for.
    pub fn settle(self) {
        let begun = Instant::now();
        let mut before = self.cpu();
        while begun.elapsed() < SETTLE_LIMIT {
            thread::sleep(SETTLE_STEP);
            let now = self.cpu();
            if now.saturating_sub(before) < SETTLE_STEP / 20 {
                return;
            }
            before = now;
        }
    }

    fn processes(self) -> Vec<u32> {
        let mut children: HashMap<u32, Vec<u32>> = HashMap::new();
        for process in numbers_in("/proc") {
            if let Some(parent) = stat_field(process, 3) {
                children.entry(parent as u32).or_default().push(process);
            }
        }
        let mut found = vec![self.0];
        let mut next = 0;
        while let Some(process) = found.get(next) {
            found.extend(children.get(process).into_iter().flatten());
            next += 1;
        }
        found
    }
}

/// The larger of two truths: the scheduler's nanoseconds, which forget threads that ended, and the ticks, which are coarse.
fn cpu_of(process: u32) -> Duration {
    let fine: u64 = numbers_in(&format!("/proc/{process}/task"))
        .filter_map(|thread| fs::read_to_string(format!("/proc/{process}/task/{thread}/schedstat")).ok())
        .filter_map(|line| line.split(' ').next()?.parse::<u64>().ok())
        .sum();
    let ticks = stat_field(process, 13).unwrap_or(0) + stat_field(process, 14).unwrap_or(0);
    Duration::from_nanos(fine).max(TICK * u32::try_from(ticks).unwrap_or(u32::MAX))
}

/// Anonymous memory by its share, since a worker has its master's; mapped files as they are resident, since the share
/// in a library changes whenever anyone on the machine loads it.
fn memory_of(process: u32) -> u64 {
    let rollup = fs::read_to_string(format!("/proc/{process}/smaps_rollup")).unwrap_or_default();
    let of_rollup =
        || Some(field(&rollup, "Pss_Anon:")? + field(&rollup, "Rss:")? - field(&rollup, "Anonymous:")?);
    let of_status = || field(&fs::read_to_string(format!("/proc/{process}/status")).ok()?, "VmRSS:");
    of_rollup().or_else(of_status).unwrap_or(0) * 1024
}

fn field(text: &str, name: &str) -> Option<u64> {
    text.lines().find_map(|line| line.strip_prefix(name)?.split_whitespace().next()?.parse().ok())
}

/// A number of `/proc/PID/stat`, counted from 0; the name in parentheses may hold anything.
fn stat_field(process: u32, nth: usize) -> Option<u64> {
    let stat = fs::read_to_string(format!("/proc/{process}/stat")).ok()?;
    let (_, rest) = stat.rsplit_once(')')?;
    rest.split_whitespace().nth(nth - 2)?.parse().ok()
}

fn numbers_in(directory: &str) -> impl Iterator<Item = u32> {
    let entries = fs::read_dir(directory).ok().into_iter().flatten();
    entries.filter_map(|entry| entry.ok()?.file_name().to_str()?.parse().ok())
}
