//! Times of a line, rounded: what differs by chance is the same then.

use serde_json::Value;

use crate::headless::schema::{Keys, format_time, parse_time, quoted};
use std::time::{Duration, SystemTime};

/// Rounds all times of a line to whole ones of `unit` nanoseconds, to the nearest; 0 leaves them. Gives whether that
/// changed it.
pub(super) fn round(keys: &mut Keys, unit: u64) -> bool {
    if unit == 0 {
        return false;
    }
    let before: Vec<_> = keys.iter().map(|(_, value)| value.to_owned()).collect();
    for key in ["at", "took"] {
        if let Some(at) = keys.nanoseconds(key) {
            keys.set_nanoseconds(key, rounded(at, unit));
        }
    }
    if let Some(mut list) = keys.list_of_nanoseconds("frames_at") {
        list.iter_mut().for_each(|at| *at = rounded(*at, unit));
        keys.set_list_of_nanoseconds("frames_at", &list);
    }
    for key in ["time", "started"] {
        if let Some(time) = keys.text(key).and_then(|text| parse_time(&text)) {
            keys.set(key, &quoted(&format_time(rounded_time(time, unit))));
        }
    }
    for key in ["timing", "tls"] {
        if let Some(Ok(mut value)) = keys.get(key).map(serde_json::from_str::<Value>) {
            durations(&mut value, key == "timing", unit);
            keys.set(key, &value.to_string());
        }
    }
    !keys.iter().map(|(_, value)| value).eq(before.iter().map(String::as_str))
}

fn rounded(nanoseconds: u64, unit: u64) -> u64 {
    nanoseconds.saturating_add(unit / 2) / unit * unit
}

fn rounded_time(time: SystemTime, unit: u64) -> SystemTime {
    let Ok(since) = time.duration_since(SystemTime::UNIX_EPOCH) else { return time };
    let unit = u128::from(unit);
    let rounded = (since.as_nanos() + unit / 2) / unit * unit;
    let rounded = Duration::new((rounded / 1_000_000_000) as u64, (rounded % 1_000_000_000) as u32);
    SystemTime::UNIX_EPOCH.checked_add(rounded).unwrap_or(time)
}

/// Rounds the milliseconds of steps: all numbers of `timing`, in `tls` what it `took`.
fn durations(value: &mut Value, all: bool, unit: u64) {
    let Value::Object(fields) = value else { return };
    for (name, value) in fields {
        match value.as_f64() {
            Some(milliseconds) if all || name == "took" => {
                let nanoseconds = (milliseconds.max(0.0) * 1e6) as u64;
                let rounded = rounded(nanoseconds, unit) / 1_000;
                let spelt = format!("{}.{:03}", rounded / 1_000, rounded % 1_000);
                *value = serde_json::from_str(&spelt).unwrap_or_default();
            }
            _ => durations(value, all, unit),
        }
    }
}
