//! Numbers in filters: lists of ranges, sizes with units, and decimals of any length compared exactly.

use std::cmp::Ordering;

/// Some numbers: `3,5-7,10-`, or all the others.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Ranges {
    ranges: Vec<(u64, u64)>,
    are_others: bool,
}

impl Ranges {
    pub(super) fn contains(&self, number: u64) -> bool {
        let is_listed = self.ranges.iter().any(|&(first, last)| (first..=last).contains(&number));
        is_listed != self.are_others
    }

    /// All numbers but these.
    pub(super) fn others(self) -> Ranges {
        Ranges { are_others: !self.are_others, ..self }
    }

    /// Numbers and ranges with commas between them. The error is what was expected.
    pub(super) fn parse(list: &str) -> Result<Ranges, String> {
        list.split(',').map(range).collect::<Result<_, _>>().map(Ranges::of)
    }

    pub(super) fn above(limit: &str) -> Result<Ranges, String> {
        let limit = number(limit)?;
        // above the greatest number there is none
        Ok(Ranges::of(limit.checked_add(1).map(|first| (first, u64::MAX)).into_iter().collect()))
    }

    pub(super) fn from(first: &str) -> Result<Ranges, String> {
        Ok(Ranges::of(vec![(number(first)?, u64::MAX)]))
    }

    pub(super) fn below(limit: &str) -> Result<Ranges, String> {
        Ok(Ranges::of(number(limit)?.checked_sub(1).map(|last| (0, last)).into_iter().collect()))
    }

    pub(super) fn up_to(last: &str) -> Result<Ranges, String> {
        Ok(Ranges::of(vec![(0, number(last)?)]))
    }

    fn of(ranges: Vec<(u64, u64)>) -> Ranges {
        Ranges { ranges, are_others: false }
    }
}

fn range(item: &str) -> Result<(u64, u64), String> {
    if let Some((first, last)) = item.split_once('-') {
        let last = if last.is_empty() { u64::MAX } else { number(last)? };
        return Ok((number(first)?, last));
    }
    // 4xxx: any last digits
    let digits = item.trim_end_matches(['x', 'X']);
    let open = item.len() - digits.len();
    if open > 0 && !digits.is_empty() && open < 10 {
        let power = 10_u64.pow(open as u32);
        let first = number(digits)?.saturating_mul(power);
        return Ok((first, first.saturating_add(power - 1)));
    }
    let number = number(item)?;
    Ok((number, number))
}

/// A whole number, or one with a fraction and a unit: `17`, `1.5k`, `2MiB`.
fn number(word: &str) -> Result<u64, String> {
    let expected = || match word {
        "" => "expected a number".to_owned(),
        _ => format!("expected a number such as 17, 1.5k or 2MiB, not '{word}'"),
    };
    let end = word.find(|c: char| !c.is_ascii_digit() && c != '.').unwrap_or(word.len());
    let (digits, unit) = word.split_at(end);
    let unit = unit.to_ascii_lowercase();
    let unit: u64 = match unit.strip_suffix('b').unwrap_or(&unit) {
        "" => 1,
        "k" => 1_000,
        "m" => 1_000_000,
        "g" => 1_000_000_000,
        "ki" => 1 << 10,
        "mi" => 1 << 20,
        "gi" => 1 << 30,
        _ => return Err(expected()),
    };
    let (whole, fraction) = digits.split_once('.').unwrap_or((digits, ""));
    if whole.is_empty() && fraction.is_empty() || fraction.contains('.') || fraction.len() > 9 {
        return Err(expected());
    }
    let parse = |digits: &str| if digits.is_empty() { Ok(0) } else { digits.parse::<u64>() };
    let whole = parse(whole).ok().and_then(|whole| whole.checked_mul(unit)).ok_or_else(expected)?;
    // at most nine digits and a unit below 2^31: this cannot overflow
    let part = parse(fraction).map_err(|_| expected())? * unit / 10_u64.pow(fraction.len() as u32);
    whole.checked_add(part).ok_or_else(expected)
}

/// A decimal number of any length, for exact comparison: `12345678901234567890.5` is more than `1.2e19`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Decimal {
    is_negative: bool,
    /// The value is 0.digits times ten to the power of this; the first digit is not zero.
    exponent: i64,
    /// The first digits, filled up with zeros; zero for zero.
    first: u64,
    /// Those behind them, without zeros at the end. Few numbers have any.
    rest: Vec<u8>,
}

/// Digits that fit in 64 bits, whichever they are.
const FIRST_DIGITS: usize = 19;
/// Of ten.
const POWERS: [u64; FIRST_DIGITS] = {
    let mut powers = [1; FIRST_DIGITS];
    let mut place = 1;
    while place < FIRST_DIGITS {
        powers[place] = powers[place - 1] * 10;
        place += 1;
    }
    powers
};

impl Decimal {
    /// As JSON spells numbers, and a little more freely.
    pub(super) fn parse(word: &str) -> Option<Decimal> {
        let is_negative = word.starts_with('-');
        let unsigned = word.strip_prefix(['-', '+']).unwrap_or(word);
        let mut number = Decimal { is_negative, exponent: 0, first: 0, rest: Vec::new() };
        let mut count = 0;
        let whole = number.take_digits(unsigned.as_bytes(), &mut count);
        number.exponent = (count + number.rest.len()) as i64;
        let (mut digits, mut behind) = (whole, &unsigned[whole..]);
        if let Some(fraction) = behind.strip_prefix('.') {
            if count == 0 {
                number.exponent = -(fraction.bytes().take_while(|digit| *digit == b'0').count() as i64);
            }
            let length = number.take_digits(fraction.as_bytes(), &mut count);
            digits += length;
            behind = &fraction[length..];
        }
        if let Some(exponent) = behind.strip_prefix(['e', 'E']) {
            number.exponent = number.exponent.saturating_add(parse_exponent(exponent)?);
        } else if !behind.is_empty() {
            return None;
        }
        if number.first == 0 {
            return (digits > 0).then_some(Decimal { is_negative: false, exponent: 0, ..number });
        }
        number.first *= POWERS[FIRST_DIGITS - count];
        let zeros = number.rest.iter().rev().take_while(|digit| **digit == b'0').count();
        number.rest.truncate(number.rest.len() - zeros);
        Some(number)
    }

    /// Takes in the digits that `word` begins with, behind the `count` significant ones so far of `first`. How many there are.
    fn take_digits(&mut self, word: &[u8], count: &mut usize) -> usize {
        let mut taken = 0;
        for digit in word.iter().map(|octet| octet.wrapping_sub(b'0')).take_while(|digit| *digit < 10) {
            if *count < FIRST_DIGITS {
                self.first = self.first * 10 + u64::from(digit);
                *count += usize::from(self.first > 0);
            } else {
                self.rest.push(digit + b'0');
            }
            taken += 1;
        }
        taken
    }

    fn magnitude(&self, other: &Decimal) -> Ordering {
        match (self.first, other.first) {
            (0, _) | (_, 0) => self.first.cmp(&other.first),
            _ => (self.exponent, self.first, &self.rest).cmp(&(other.exponent, other.first, &other.rest)),
        }
    }
}

fn parse_exponent(word: &str) -> Option<i64> {
    let (is_negative, digits) = match word.strip_prefix('-') {
        Some(digits) => (true, digits),
        None => (false, word.strip_prefix('+').unwrap_or(word)),
    };
    if digits.is_empty() || !digits.bytes().all(|b| b.is_ascii_digit()) {
        return None;
    }
    // far beyond any number that is meant to be one
    let exponent = digits.parse().unwrap_or(i64::MAX / 4).min(i64::MAX / 4);
    Some(if is_negative { -exponent } else { exponent })
}

impl Ord for Decimal {
    fn cmp(&self, other: &Decimal) -> Ordering {
        match (self.is_negative, other.is_negative) {
            (false, false) => self.magnitude(other),
            (true, true) => other.magnitude(self),
            (false, true) => Ordering::Greater,
            (true, false) => Ordering::Less,
        }
    }
}

impl PartialOrd for Decimal {
    fn partial_cmp(&self, other: &Decimal) -> Option<Ordering> {
        Some(self.cmp(other))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn sizes_have_units() {
        for (word, expected) in [
            ("0", 0),
            ("17", 17),
            ("1k", 1000),
            ("1.5kB", 1500),
            ("1KiB", 1024),
            ("0.5Mi", 524_288),
            ("2M", 2_000_000),
            (".5g", 500_000_000),
            ("3b", 3),
        ] {
            assert_eq!(number(word), Ok(expected), "{word}");
        }
        for word in ["", ".", "1.2.3", "k", "1x", "-1", "1kk", "99999999999999999999", "99999999999G"] {
            assert!(number(word).is_err(), "{word}");
        }
    }

    #[test]
    fn lists_hold_numbers_and_ranges() {
        let numbers = |list: &str| -> Vec<u64> {
            let ranges = Ranges::parse(list).unwrap();
            (0..50).filter(|&number| ranges.contains(number)).collect()
        };
        assert_eq!(numbers("3,5-7"), [3, 5, 6, 7]);
        assert_eq!(numbers("48-"), [48, 49]);
        assert_eq!(numbers("1x"), (10..20).collect::<Vec<_>>());
        assert!(numbers("7-5").is_empty());
        assert!(Ranges::parse("1,,2").is_err());
        assert!(!Ranges::above("18446744073709551615").unwrap().contains(u64::MAX));
        assert!(!Ranges::below("0").unwrap().contains(0));
    }

    #[test]
    fn decimals_compare_exactly() {
        let decimal = |word| Decimal::parse(word).unwrap();
        assert!(decimal("12345678901234567890123") > decimal("12345678901234567890122"));
        assert_eq!(decimal("1.0"), decimal("1"));
        assert_eq!(decimal("1e2"), decimal("100"));
        assert_eq!(decimal("-0"), decimal("0.0e5"));
        assert!(decimal("-2") < decimal("-1"));
        assert!(decimal("0.1") < decimal("0.11"));
        assert!(decimal("1e-400") > decimal("0"));
        assert!(decimal("1e99999999999999999999") > decimal("9"));
        assert_eq!(decimal("12345678901234567890.50"), decimal("0.0123456789012345678905e21"));
        assert!(decimal("1234567890123456789") < decimal("1234567890123456789.1"));
        assert!(decimal("9999999999999999999") < decimal("10000000000000000000"));
        for word in ["", "-", ".", "1e", "abc", "1.2.3", "0x1", "1e1e1", "NaN"] {
            assert_eq!(Decimal::parse(word), None, "{word}");
        }
    }

    proptest! {
        #[test]
        fn decimals_agree_with_integers(a in any::<i64>(), b in any::<i64>()) {
            let decimal = |number: i64| Decimal::parse(&number.to_string()).unwrap();
            prop_assert_eq!(decimal(a).cmp(&decimal(b)), a.cmp(&b));
        }

        #[test]
        fn decimals_agree_with_floats(a in -1e30_f64..1e30, b in -1e-5_f64..1e5) {
            let decimal = |number: f64| Decimal::parse(&format!("{number:e}")).unwrap();
            prop_assert_eq!(Some(decimal(a).cmp(&decimal(b))), a.partial_cmp(&b));
            // With its zeros, before the point or behind it.
            prop_assert_eq!(Decimal::parse(&b.to_string()), Some(decimal(b)));
            prop_assert_eq!(Decimal::parse(&format!("{a:040.30}")), Decimal::parse(&format!("{a:.30}")));
        }
    }
}
