//! A certificate in lines: whom it is for, who signed it, and whether it holds at a given time.

use time::OffsetDateTime;

use super::document::pair;
use super::text;
use super::theme::{Look, Words};
use super::tls::PAIR;
use crate::capture::Certificate;
use crate::decode::visible;

/// The lines of a certificate with its `place` in the chain, from 1, and the host that it is to hold for, where it is to hold for
/// one. `now` is in seconds since 1970.
pub(super) fn lines(
    certificate: &Certificate,
    (place, host): (usize, &str),
    now: i64,
    columns: usize,
) -> Vec<Words> {
    let number = format!("{place} ");
    let room = columns.saturating_sub(number.len());
    let mut lines = Vec::new();
    for (at, subject) in text::fold(&visible(&certificate.subject), room).into_iter().enumerate() {
        let before = if at == 0 { number.clone() } else { " ".repeat(number.len()) };
        lines.push(vec![(Look::Dim, before), (Look::Accent, subject)]);
    }
    let mut add = |name: &str, look, value: &str| {
        if !value.is_empty() {
            lines.extend(pair((name, PAIR), look, value, columns));
        }
    };
    if certificate.issuer == certificate.subject {
        add("  issuer", Look::Text, "itself");
    } else {
        add("  issuer", Look::Text, &certificate.issuer);
    }
    add("  names", Look::Text, &certificate.names.join(", "));
    if !host.is_empty() && !certificate.names.iter().any(|name| covers(name, host)) {
        add("", Look::Bad, &format!("✗ {host} is not among them"));
    }
    let until = format!("{} to {}", date(certificate.not_before), date(certificate.not_after));
    add("  valid", Look::Text, &until);
    let (look, words) = validity(certificate, now);
    add("", look, &words);
    add("  key", Look::Text, &certificate.key);
    add("  serial", Look::Text, &certificate.serial);
    let (left, right) = certificate.sha256.split_at_checked(32).unwrap_or((&certificate.sha256, ""));
    match columns.saturating_sub(PAIR) {
        64.. => add("  SHA-256", Look::Text, &certificate.sha256),
        _ => add("  SHA-256", Look::Text, format!("{left} {right}").trim_end()),
    }
    lines
}

/// Whether a name of a certificate is that of `host`; its `*` stands for one label, the first (RFC 6125 6.4.3).
fn covers(name: &str, host: &str) -> bool {
    match name.strip_prefix("*.") {
        Some(parent) => host.split_once('.').is_some_and(|(_, rest)| rest.eq_ignore_ascii_case(parent)),
        None => name.eq_ignore_ascii_case(host),
    }
}

/// How it stands with a certificate's time.
fn validity(certificate: &Certificate, now: i64) -> (Look, String) {
    if now < certificate.not_before {
        let words =
            format!("✗ not valid yet, only in {}", spell(certificate.not_before.saturating_sub(now), ""));
        return (Look::Bad, words);
    }
    if now > certificate.not_after {
        let words = format!("✗ expired {} ago", spell(now.saturating_sub(certificate.not_after), ""));
        return (Look::Bad, words);
    }
    (Look::Good, format!("✓ for {}", spell(certificate.not_after.saturating_sub(now), "more ")))
}

/// A time in the unit that says enough: `3 days`, `87 more days`.
fn spell(seconds: i64, more: &str) -> String {
    const UNITS: [(i64, &str); 4] =
        [(365 * 86_400, "year"), (86_400, "day"), (3_600, "hour"), (60, "minute")];
    // Two of a unit at least: "36 hours" says more than "1 day".
    let unit = UNITS.iter().find(|(length, _)| seconds >= 2 * length);
    let (length, name) = unit.copied().unwrap_or((60, "minute"));
    let number = (seconds / length).max(1);
    format!("{} {more}{name}{}", text::count(number as u64), if number == 1 { "" } else { "s" })
}

/// The day of a time in seconds since 1970, in UTC.
pub(super) fn date(seconds: i64) -> String {
    match OffsetDateTime::from_unix_timestamp(seconds) {
        Ok(time) => format!("{:04}-{:02}-{:02}", time.year(), u8::from(time.month()), time.day()),
        Err(_) => "no date that there is".to_owned(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const DAY: i64 = 86_400;

    #[test]
    fn what_is_left_and_what_is_gone_is_said_in_a_fitting_unit() {
        let certificate =
            Certificate { not_before: 10 * DAY, not_after: 100 * DAY, ..Certificate::default() };
        for (now, look, words) in [
            (13 * DAY, Look::Good, "✓ for 87 more days"),
            (100 * DAY, Look::Good, "✓ for 1 more minute"),
            (103 * DAY, Look::Bad, "✗ expired 3 days ago"),
            (100 * DAY + 7_300, Look::Bad, "✗ expired 2 hours ago"),
            (100 * DAY + 36 * 3_600, Look::Bad, "✗ expired 36 hours ago"),
            (8 * DAY, Look::Bad, "✗ not valid yet, only in 2 days"),
            (i64::MAX, Look::Bad, "✗ expired 292 471 208 677 years ago"),
        ] {
            assert_eq!(validity(&certificate, now), (look, words.to_owned()));
        }
    }

    #[test]
    fn a_name_covers_itself_and_a_star_one_label() {
        for (name, host, expected) in [
            ("example.com", "EXAMPLE.com", true),
            ("*.example.com", "a.example.com", true),
            ("*.example.com", "a.b.example.com", false),
            ("*.example.com", "example.com", false),
            ("::1", "::1", true),
            ("127.0.0.1", "localhost", false),
        ] {
            assert_eq!(covers(name, host), expected, "{name} {host}");
        }
    }

    #[test]
    fn dates_are_days() {
        assert_eq!([date(0), date(1_798_761_600)], ["1970-01-01", "2027-01-01"]);
        assert_eq!(date(i64::MAX), "no date that there is");
    }
}
