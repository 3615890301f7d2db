//! JSON in a message, alone or behind what Socket.IO and Engine.IO write before it: `42/room,7["add",1,2]`.

use serde_json::Value;

/// What stands before the JSON of a message, empty where nothing does, and the JSON; none where it holds none.
pub(super) fn json(payload: &[u8]) -> Option<(&[u8], Value)> {
    if let Ok(value) = serde_json::from_slice(payload) {
        return Some((&[], value));
    }
    let (head, rest) = payload.split_at(head_length(payload));
    let is_structure = matches!(rest.first(), Some(b'[' | b'{')) && !head.is_empty();
    is_structure.then(|| serde_json::from_slice(rest).ok()).flatten().map(|value| (head, value))
}

/// Octets of the packets' types, the number of attachments, the namespace and the number of an acknowledgement.
fn head_length(payload: &[u8]) -> usize {
    let digits = |from: usize| payload[from..].iter().take_while(|octet| octet.is_ascii_digit()).count();
    let mut at = digits(0);
    if at > 0 && payload.get(at) == Some(&b'-') {
        at += 1;
    }
    if at > 0 && payload.get(at) == Some(&b'/') {
        match payload[at..].iter().position(|octet| *octet == b',') {
            Some(comma) => at += comma + 1,
            None => return 0,
        }
    }
    at + digits(at)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn json_is_found_alone_and_behind_the_head_of_a_packet() {
        let check = |payload: &str, expected: Option<(&str, &str)>| {
            let found = json(payload.as_bytes());
            let found =
                found.as_ref().map(|(head, value)| (std::str::from_utf8(head).unwrap(), value.to_string()));
            assert_eq!(found, expected.map(|(head, value)| (head, value.to_owned())), "{payload}");
        };
        check(r#"{"a":1}"#, Some(("", r#"{"a":1}"#)));
        check("42", Some(("", "42")));
        check(r#"0{"sid":"x"}"#, Some(("0", r#"{"sid":"x"}"#)));
        check(r#"451-/room,12["a",1]"#, Some(("451-/room,12", r#"["a",1]"#)));
        check("2probe", None);
        check("41/room", None);
        check("hello [1]", None);
        check("42[", None);
        check("", None);
    }
}
