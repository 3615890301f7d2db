//! Payloads made smaller, with their shape kept: what is too long in JSON is shortened, all else is cut.

use serde_json::Value;

use super::payload;

/// How many characters of a string and how many items of a list are kept, from generous to mean. Words that say what a
/// message is are seldom longer than the least.
const STEPS: [(usize, usize); 7] = [(256, 64), (128, 32), (64, 16), (32, 8), (16, 4), (16, 2), (16, 1)];

/// A payload of about `limit` octets in place of a longer one; none where it is not longer.
///
/// JSON keeps all names and types, and its numbers: strings and lists are shortened until it is small enough, or no more
/// can be left out. Text is cut between characters, anything else at the limit.
pub fn shrink(payload: &[u8], limit: usize) -> Option<Vec<u8>> {
    if payload.len() <= limit {
        return None;
    }
    let Some((before, value)) = payload::json(payload) else { return Some(cut(payload, limit)) };
    let mut smallest = None;
    for (characters, items) in STEPS {
        let mut value = value.clone();
        shorten(&mut value, characters, items);
        let shorter = [before, value.to_string().as_bytes()].concat();
        let fits = shorter.len() <= limit;
        smallest = Some(shorter);
        if fits {
            break;
        }
    }
    smallest.filter(|shorter| shorter.len() < payload.len())
}

fn shorten(value: &mut Value, characters: usize, items: usize) {
    match value {
        Value::String(text) => {
            if let Some((end, _)) = text.char_indices().nth(characters) {
                text.truncate(end);
                text.push('…');
            }
        }
        Value::Array(list) => {
            list.truncate(items);
            list.iter_mut().for_each(|item| shorten(item, characters, items));
        }
        Value::Object(fields) => {
            fields.iter_mut().for_each(|(_, value)| shorten(value, characters, items));
        }
        _ => {}
    }
}

fn cut(payload: &[u8], limit: usize) -> Vec<u8> {
    let mut end = limit;
    if std::str::from_utf8(payload).is_ok() {
        // UTF-8 goes on with 10xxxxxx.
        while end > 0 && payload[end] & 0xc0 == 0x80 {
            end -= 1;
        }
    }
    payload[..end].to_vec()
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[track_caller]
    fn check(payload: &str, limit: usize, expected: Option<&str>) {
        let found = shrink(payload.as_bytes(), limit).map(|found| String::from_utf8(found).unwrap());
        assert_eq!(found.as_deref(), expected);
    }

    #[test]
    fn json_keeps_its_names_and_types() {
        check(r#"{"a":1}"#, 7, None);
        let long =
            format!(r#"{{"text":"{}","list":[1,2,3,4,5,6,7,8,9],"n":1.50,"no":null}}"#, "x".repeat(100));
        check(
            &long,
            80,
            Some(&format!(r#"{{"text":"{}…","list":[1,2,3,4],"n":1.50,"no":null}}"#, "x".repeat(16))),
        );
        check(&long, 1, Some(&format!(r#"{{"text":"{}…","list":[1],"n":1.50,"no":null}}"#, "x".repeat(16))));
        check(
            &format!(r#"42["tick",{{"v":"{}"}}]"#, "y".repeat(50)),
            40,
            Some(r#"42["tick",{"v":"yyyyyyyyyyyyyyyy…"}]"#),
        );
    }

    #[test]
    fn other_payloads_are_cut() {
        check("héllo", 2, Some("h"));
        check("hello", 3, Some("hel"));
        assert_eq!(shrink(b"\xff\xfe\x80\x80\x80", 4), Some(b"\xff\xfe\x80\x80".to_vec()));
    }

    proptest! {
        #[test]
        fn what_comes_out_is_shorter_and_of_the_same_kind(payload in "(\\PC{0,60}|[{\\[\"a:1,}\\]]{0,30})", limit in 0_usize..40) {
            if let Some(shorter) = shrink(payload.as_bytes(), limit) {
                prop_assert!(shorter.len() < payload.len());
                prop_assert!(std::str::from_utf8(&shorter).is_ok());
                prop_assert_eq!(payload::json(&shorter).is_some() || payload::json(payload.as_bytes()).is_none(), true);
            }
        }
    }
}
