//! How values of binary formats are spelt: strings, bytes, floats, times and the names of tags.

use std::fmt::{self, Write as _};

/// Bytes of a byte string that are shown.
pub(super) const BYTES_SHOWN: usize = 64;

/// The tag for seconds since 1970 (RFC 8949 3.4.2).
pub(super) const EPOCH_TAG: u64 = 1;

/// The tags worth a word: RFC 8949 3.4 and the IANA registry.
pub(super) fn tag_name(number: u64) -> Option<&'static str> {
    Some(match number {
        0 => "date and time",
        2 => "big number",
        3 => "negative big number",
        4 => "decimal fraction",
        5 => "big float",
        21 => "for base64url",
        22 => "for base64",
        23 => "for base16",
        24 => "encoded CBOR",
        32 => "URI",
        33 => "base64url",
        34 => "base64",
        35 => "regular expression",
        36 => "MIME message",
        37 => "UUID",
        55799 => "self-described CBOR",
        _ => return None,
    })
}

pub(super) fn is_name(bytes: &[u8]) -> bool {
    let is_first = |b: &u8| b.is_ascii_alphabetic() || b"_$".contains(b);
    bytes.first().is_some_and(is_first)
        && bytes.iter().all(|b| is_first(b) || b.is_ascii_digit() || *b == b'-')
}

pub(super) fn quote(bytes: &[u8]) -> Vec<u8> {
    let mut quoted = Vec::with_capacity(bytes.len() + 2);
    quoted.push(b'"');
    for &byte in bytes {
        if matches!(byte, b'"' | b'\\') {
            quoted.push(b'\\');
        }
        quoted.push(byte);
    }
    quoted.push(b'"');
    quoted
}

pub(super) fn hex_string(bytes: &[u8]) -> String {
    let mut shown = String::from("h'");
    for byte in bytes.iter().take(BYTES_SHOWN) {
        let _ = write!(shown, "{byte:02x}");
    }
    shown.push_str(if bytes.len() > BYTES_SHOWN { "…'" } else { "'" });
    shown
}

/// MessagePack's own extension is the timestamp, type -1, of 4, 8 or 12 bytes.
pub(super) fn extension(kind: i8, bytes: &[u8]) -> String {
    if kind == -1
        && let Some((seconds, nanos)) = timestamp(bytes)
        && let Some(time) = date(seconds, nanos)
    {
        return format!("timestamp({time})");
    }
    format!("ext({kind}, {})", hex_string(bytes))
}

fn timestamp(bytes: &[u8]) -> Option<(i64, u32)> {
    match bytes.len() {
        4 => Some((u32::from_be_bytes(bytes.try_into().ok()?).into(), 0)),
        8 => {
            let both = u64::from_be_bytes(bytes.try_into().ok()?);
            Some(((both & 0x3_ffff_ffff) as i64, (both >> 34) as u32))
        }
        12 => {
            let (nanos, seconds) = bytes.split_at(4);
            let nanos = u32::from_be_bytes(nanos.try_into().ok()?);
            Some((i64::from_be_bytes(seconds.try_into().ok()?), nanos))
        }
        _ => None,
    }
    .filter(|&(_, nanos)| nanos < 1_000_000_000)
}

pub(super) fn epoch(seconds: f64) -> Option<String> {
    let whole = seconds.floor();
    // as precise as a double is in this century
    let micros = ((seconds - whole) * 1e6) as u32;
    if whole.abs() > 1e12 { None } else { date(whole as i64, micros * 1_000) }
}

/// RFC 3339, the fraction only as long as needed.
fn date(seconds: i64, nanos: u32) -> Option<String> {
    use time::format_description::well_known::Rfc3339;
    let time = time::OffsetDateTime::from_unix_timestamp(seconds).ok()?.replace_nanosecond(nanos).ok()?;
    time.format(&Rfc3339).ok()
}

/// A float so that it is seen to be one: `1.0`, `1e300`, `NaN`, `Infinity`.
pub(super) fn spell_float(value: impl fmt::Debug) -> String {
    let spelling = format!("{value:?}");
    match spelling.as_str() {
        "inf" => "Infinity".to_owned(),
        "-inf" => "-Infinity".to_owned(),
        _ => spelling,
    }
}
