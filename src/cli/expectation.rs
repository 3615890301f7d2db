//! What may differ between a message and the recorded one.

use clap::Args;

use sockeye::replay::{Expectation, Match, Path, Pattern, Volatile};

use super::replay::unknown;

#[derive(Debug, Args)]
pub struct ExpectationOptions {
    /// How much alike messages must be: exact, json, subset (more than was recorded), type or any
    #[arg(long = "match", value_name = "HOW", default_value = "json", value_parser = matching)]
    pub matching: Match,
    /// A place in JSON where anything may stand: $.ts, $..id, $.items[*].at (repeatable)
    #[arg(long, value_name = "PATH")]
    pub ignore: Vec<Path>,
    /// Values that may differ where both are of this kind: uuid, iso (dates with a time) or epoch (repeatable)
    #[arg(long, value_name = "KIND", value_parser = volatile)]
    pub volatile: Vec<Volatile>,
    /// What must look like a regular expression, in place of being the same: $.token=^[0-9a-f]+$ for a place in JSON,
    /// '^tick \d+$' for texts (repeatable)
    #[arg(long, value_name = "[PATH=]REGEX")]
    pub pattern: Vec<Pattern>,
}

impl ExpectationOptions {
    /// What they ask for.
    pub fn expectation(&self) -> Expectation {
        Expectation {
            matching: self.matching,
            ignore: self.ignore.clone(),
            volatile: self.volatile.clone(),
            patterns: self.pattern.clone(),
        }
    }
}

fn matching(word: &str) -> Result<Match, String> {
    Match::from_name(word).ok_or_else(|| unknown(word, Match::ALL.map(Match::name)))
}

fn volatile(word: &str) -> Result<Volatile, String> {
    Volatile::from_name(word).ok_or_else(|| unknown(word, Volatile::ALL.map(Volatile::name)))
}
