//! Wall-clock times of a recording: RFC 3339, UTC, milliseconds, or microseconds where it matters what came first.

use std::time::{Duration, SystemTime};

use time::format_description::well_known::Rfc3339;
use time::{OffsetDateTime, UtcOffset};

use crate::capture::Stamp;

/// The wall clock at a stamp of a log that began at `started`.
pub(crate) fn wall(started: SystemTime, stamp: Stamp) -> SystemTime {
    started.checked_add(Duration::from_nanos(stamp.0)).unwrap_or(started)
}

/// `2026-11-22T14:30:00.120Z`
pub(crate) fn format(time: SystemTime) -> String {
    let time = OffsetDateTime::from(time);
    format!(
        "{:04}-{:02}-{:02}T{:02}:{:02}:{:02}.{:03}Z",
        time.year(),
        u8::from(time.month()),
        time.day(),
        time.hour(),
        time.minute(),
        time.second(),
        time.millisecond()
    )
}

/// `2026-11-22T14:30:00.120457Z`; without its last three digits where they say nothing.
pub(super) fn format_precise(time: SystemTime) -> String {
    let mut text = format(time);
    let micros = OffsetDateTime::from(time).microsecond() % 1_000;
    if micros > 0 {
        text.insert_str(text.len() - 1, &format!("{micros:03}"));
    }
    text
}

/// Any RFC 3339 time, in any zone, with any number of digits behind the point.
pub(crate) fn parse(text: &str) -> Option<SystemTime> {
    let time = OffsetDateTime::parse(text, &Rfc3339).ok()?;
    Some(SystemTime::from(time.to_offset(UtcOffset::UTC)))
}

/// Seconds since 1970 as `2026-11-22T14:30:00Z`; what RFC 3339 has no year for, as the first or last that it has.
pub(crate) fn format_seconds(seconds: i64) -> String {
    let time = OffsetDateTime::from_unix_timestamp(seconds.clamp(FIRST_SECOND, LAST_SECOND));
    let time = time.unwrap_or(OffsetDateTime::UNIX_EPOCH);
    let (hour, minute, second) = time.to_hms();
    let (year, month, day) = time.to_calendar_date();
    format!("{year:04}-{:02}-{day:02}T{hour:02}:{minute:02}:{second:02}Z", u8::from(month))
}

/// The whole seconds since 1970 of any RFC 3339 time.
pub(crate) fn parse_seconds(text: &str) -> Option<i64> {
    OffsetDateTime::parse(text, &Rfc3339).ok().map(OffsetDateTime::unix_timestamp)
}

/// Of the years 0000 and 9999.
const FIRST_SECOND: i64 = -62_167_219_200;
const LAST_SECOND: i64 = 253_402_300_799;

/// The stamp of a wall-clock time in a log that began at `started`; the log's beginning for all before it.
pub(crate) fn stamp(started: SystemTime, time: SystemTime) -> Stamp {
    let nanoseconds = time.duration_since(started).unwrap_or_default().as_nanos();
    Stamp(u64::try_from(nanoseconds).unwrap_or(u64::MAX))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn times_are_written_in_utc_with_milliseconds_and_read_in_any_zone() {
        let time = parse("2026-11-22T15:30:00.120999+01:00").unwrap();
        assert_eq!(format(time), "2026-11-22T14:30:00.120Z");
        assert_eq!(format_precise(time), "2026-11-22T14:30:00.120999Z");
        assert_eq!(format_precise(parse("2026-11-22T14:30:00.120Z").unwrap()), "2026-11-22T14:30:00.120Z");
        assert_eq!(format(parse("1999-12-31T23:59:59Z").unwrap()), "1999-12-31T23:59:59.000Z");
        assert_eq!(parse("yesterday"), None);
    }

    #[test]
    fn seconds_are_read_as_written_and_kept_within_the_years_there_are() {
        for (seconds, text) in [
            (0, "1970-01-01T00:00:00Z"),
            (-1, "1969-12-31T23:59:59Z"),
            (FIRST_SECOND, "0000-01-01T00:00:00Z"),
            (LAST_SECOND, "9999-12-31T23:59:59Z"),
        ] {
            assert_eq!(format_seconds(seconds), text);
            assert_eq!(parse_seconds(text), Some(seconds));
        }
        assert_eq!(format_seconds(i64::MAX), "9999-12-31T23:59:59Z");
        assert_eq!(format_seconds(i64::MIN), "0000-01-01T00:00:00Z");
        assert_eq!(parse_seconds("2026-11-22"), None);
    }

    #[test]
    fn stamps_count_from_the_start_and_never_below() {
        let started = parse("2026-11-22T14:30:00Z").unwrap();
        let later = parse("2026-11-22T14:30:01.5Z").unwrap();
        assert_eq!(stamp(started, later), Stamp(1_500_000_000));
        assert_eq!(stamp(later, started), Stamp(0));
        assert_eq!(wall(started, Stamp(1_500_000_000)), later);
    }
}
