//! Sizes and durations in few characters.

use std::time::Duration;

/// `41 B`, `1.2 kB`, `96 kB`, `18.2 MB`: three digits at the most, decimal units.
pub fn size(octets: u64) -> String {
    const UNITS: [&str; 6] = ["kB", "MB", "GB", "TB", "PB", "EB"];
    if octets < 1_000 {
        return format!("{octets} B");
    }
    let mut value = octets as f64 / 1_000.0;
    let mut unit = 0;
    while value >= 999.5 && unit + 1 < UNITS.len() {
        value /= 1_000.0;
        unit += 1;
    }
    with_three_digits(value, UNITS[unit])
}

/// `250 µs`, `12.4 ms`, `1.5 s`, `2m 10s`, `3h 5m`.
pub fn duration(duration: Duration) -> String {
    let seconds = duration.as_secs();
    match duration.as_micros() {
        micros @ 0..1_000 => format!("{micros} µs"),
        micros @ 1_000..999_500 => with_three_digits(micros as f64 / 1_000.0, "ms"),
        micros @ 999_500..60_000_000 => with_three_digits(micros as f64 / 1_000_000.0, "s"),
        _ if seconds < 3_600 => format!("{}m {}s", seconds / 60, seconds % 60),
        _ => format!("{}h {}m", seconds / 3_600, seconds / 60 % 60),
    }
}

fn with_three_digits(value: f64, unit: &str) -> String {
    match value {
        0.0..9.995 => trim(format!("{value:.2}"), unit),
        9.995..99.95 => trim(format!("{value:.1}"), unit),
        _ => format!("{value:.0} {unit}"),
    }
}

fn trim(number: String, unit: &str) -> String {
    format!("{} {unit}", number.trim_end_matches('0').trim_end_matches('.'))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn sizes() {
        for (octets, expected) in [
            (0, "0 B"),
            (999, "999 B"),
            (1_000, "1 kB"),
            (1_234, "1.23 kB"),
            (96_000, "96 kB"),
            (999_499, "999 kB"),
            (999_500, "1 MB"),
            (18_230_000, "18.2 MB"),
            (1 << 30, "1.07 GB"),
            (u64::MAX, "18.4 EB"),
        ] {
            assert_eq!(size(octets), expected);
        }
    }

    #[test]
    fn durations() {
        for (micros, expected) in [
            (0, "0 µs"),
            (250, "250 µs"),
            (12_431, "12.4 ms"),
            (999_499, "999 ms"),
            (999_500, "1 s"),
            (1_500_000, "1.5 s"),
            (59_940_000, "59.9 s"),
            (130_000_000, "2m 10s"),
            (11_100_000_000, "3h 5m"),
        ] {
            assert_eq!(duration(Duration::from_micros(micros)), expected);
        }
    }
}
