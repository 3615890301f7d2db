//! The user's words as the program needs them: options resolved once, sizes read.

use std::fmt;
use std::str::FromStr;

/// A number of octets as users write it: `64k`, `2GiB`, `500MB`, `1048576`.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Size(pub u64);

/// Why a word is no size.
#[derive(Debug, PartialEq, Eq, thiserror::Error)]
#[error("{0:?} is no size: give a number with k, M, G (or KiB, MiB, GiB), such as 512MiB")]
pub struct SizeError(String);

impl FromStr for Size {
    type Err = SizeError;

    fn from_str(word: &str) -> Result<Size, SizeError> {
        let wrong = || SizeError(word.to_owned());
        let digits =
            word.find(|letter: char| !letter.is_ascii_digit() && letter != '.').unwrap_or(word.len());
        let (number, unit) = word.split_at(digits);
        let number: f64 = number.parse().map_err(|_| wrong())?;
        let factor: u64 = match unit.trim().to_ascii_lowercase().as_str() {
            "" | "b" => 1,
            "k" | "kib" => 1 << 10,
            "m" | "mib" => 1 << 20,
            "g" | "gib" => 1 << 30,
            "t" | "tib" => 1 << 40,
            "kb" => 1_000,
            "mb" => 1_000_000,
            "gb" => 1_000_000_000,
            "tb" => 1_000_000_000_000,
            _ => return Err(wrong()),
        };
        let octets = number * factor as f64;
        (octets < 2f64.powi(63)).then_some(Size(octets as u64)).ok_or_else(wrong)
    }
}

impl fmt::Display for Size {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        const UNITS: [(u64, &str); 3] = [(1 << 30, "GiB"), (1 << 20, "MiB"), (1 << 10, "KiB")];
        match UNITS.iter().find(|(factor, _)| self.0 >= *factor && self.0.is_multiple_of(*factor)) {
            Some((factor, unit)) => write!(f, "{}{unit}", self.0 / factor),
            None => write!(f, "{}", self.0),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[track_caller]
    fn check(word: &str, octets: u64) {
        assert_eq!(word.parse(), Ok(Size(octets)));
    }

    #[test]
    fn sizes_are_read_as_people_write_them() {
        check("1048576", 1 << 20);
        check("64k", 64 << 10);
        check("2GiB", 2 << 30);
        check("1.5 MiB", 3 << 19);
        check("500MB", 500_000_000);
    }

    #[test]
    fn what_is_no_size_says_what_is() {
        for word in ["", "lots", "5 apples", "-1", "1e300"] {
            let error = word.parse::<Size>().unwrap_err().to_string();
            assert!(error.contains("512MiB"), "{error}");
        }
    }

    #[test]
    fn a_size_shown_reads_back() {
        for octets in [0, 1000, 1 << 10, 2 << 30, (1 << 20) + 1] {
            assert_eq!(Size(octets).to_string().parse(), Ok(Size(octets)));
        }
    }
}
