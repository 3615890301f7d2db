//! Values that are new each time by their nature: UUIDs, times.

use serde_json::Value;
use time::OffsetDateTime;
use time::format_description::well_known::Rfc3339;

/// A kind of value that is new each time.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Volatile {
    /// `f81d4fae-7dec-11d0-a765-00a0c91e6bf6` (RFC 9562 4).
    Uuid,
    /// A date with a time of day (RFC 3339 5.6).
    Iso,
    /// Seconds, milliseconds, microseconds or nanoseconds since 1970, between 2001 and 2100.
    Epoch,
}

impl Volatile {
    /// All of them.
    pub const ALL: [Volatile; 3] = [Volatile::Uuid, Volatile::Iso, Volatile::Epoch];

    /// The word for it on the command line.
    pub fn name(self) -> &'static str {
        match self {
            Volatile::Uuid => "uuid",
            Volatile::Iso => "iso",
            Volatile::Epoch => "epoch",
        }
    }

    /// What a word on the command line means.
    pub fn from_name(name: &str) -> Option<Volatile> {
        Volatile::ALL.into_iter().find(|one| one.name() == name)
    }

    /// Whether a value is of this kind.
    pub fn is(self, value: &Value) -> bool {
        match self {
            Volatile::Uuid => value.as_str().is_some_and(is_uuid),
            Volatile::Iso => value.as_str().is_some_and(is_iso),
            Volatile::Epoch => value.as_f64().is_some_and(is_epoch),
        }
    }
}

fn is_uuid(text: &str) -> bool {
    let groups: Vec<&str> = text.split('-').collect();
    groups.iter().map(|group| group.len()).eq([8, 4, 4, 4, 12])
        && groups.iter().all(|group| group.bytes().all(|octet| octet.is_ascii_hexdigit()))
}

fn is_iso(text: &str) -> bool {
    if OffsetDateTime::parse(text, &Rfc3339).is_ok() {
        return true;
    }
    // Many leave the zone out.
    text.len() >= 19 && OffsetDateTime::parse(&format!("{}Z", text.replacen(' ', "T", 1)), &Rfc3339).is_ok()
}

fn is_epoch(number: f64) -> bool {
    const FROM: f64 = 1e9;
    const TO: f64 = 4_102_444_800.0;
    [1.0, 1e3, 1e6, 1e9].iter().any(|unit| (FROM * unit..TO * unit).contains(&number))
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn kinds_are_told_by_their_looks() {
        for (kind, value, expected) in [
            (Volatile::Uuid, json!("f81d4fae-7dec-11d0-a765-00a0c91e6bf6"), true),
            (Volatile::Uuid, json!("f81d4fae-7dec-11d0-a765-00a0c91e6bfx"), false),
            (Volatile::Uuid, json!("f81d4fae7dec11d0a76500a0c91e6bf6"), false),
            (Volatile::Iso, json!("2026-11-22T14:30:00.125Z"), true),
            (Volatile::Iso, json!("2026-11-22T14:30:00+01:00"), true),
            (Volatile::Iso, json!("2026-11-22 14:30:00"), true),
            (Volatile::Iso, json!("2026-11-22"), false),
            (Volatile::Epoch, json!(1_795_000_000), true),
            (Volatile::Epoch, json!(1_795_000_000_123_u64), true),
            (Volatile::Epoch, json!(1_795_000_000.5), true),
            (Volatile::Epoch, json!(12), false),
            (Volatile::Epoch, json!("1795000000"), false),
        ] {
            assert_eq!(kind.is(&value), expected, "{} {value}", kind.name());
        }
    }
}
