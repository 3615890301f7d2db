//! tnetstrings (tnetstrings.org), in which mitmproxy writes its flows: a length, a colon, that many octets, and a type.

/// A value.
#[derive(Clone, Copy, Debug, PartialEq)]
pub enum Value<'a> {
    /// Nothing.
    Null,
    /// True or false.
    Bool(bool),
    /// A whole number.
    Integer(i64),
    /// Any other number.
    Float(f64),
    /// Bytes, or text.
    Bytes(&'a [u8]),
    /// Values, not read yet, behind this octet of the file.
    List(&'a [u8], usize),
    /// Keys and values in turns, not read yet, behind this octet of the file.
    Map(&'a [u8], usize),
}

/// What is wrong, and behind which octet.
pub type Fault = (usize, &'static str);

/// Takes the first value off `input`, which begins behind `offset` octets of the file; gives how long it is.
pub fn take(input: &[u8], offset: usize) -> Result<(Value<'_>, usize), Fault> {
    let fault = |what| Err((offset, what));
    let digits = input.iter().take_while(|byte| byte.is_ascii_digit()).count();
    let length = std::str::from_utf8(&input[..digits]).ok().and_then(|length| length.parse::<usize>().ok());
    let (Some(length), Some(b':')) = (length, input.get(digits)) else {
        return fault("a length and a colon are missing");
    };
    let start = digits + 1;
    let Some(end) = start.checked_add(length).filter(|end| *end < input.len()) else {
        return fault("it says that it is longer than the file");
    };
    let data = &input[start..end];
    let text = std::str::from_utf8(data).unwrap_or_default();
    let value = match input[end] {
        b',' | b';' => Value::Bytes(data),
        b'~' => Value::Null,
        b'!' => Value::Bool(text == "true"),
        b'#' => match text.parse() {
            Ok(number) => Value::Integer(number),
            Err(_) => return fault("a number that is none"),
        },
        b'^' => match text.parse() {
            Ok(number) => Value::Float(number),
            Err(_) => return fault("a number that is none"),
        },
        b']' => Value::List(data, offset + start),
        b'}' => Value::Map(data, offset + start),
        _ => return fault("it is of no known type"),
    };
    Ok((value, end + 1))
}

impl<'a> Value<'a> {
    /// The values of a list or a map; none of anything else.
    pub fn items(self) -> Result<Vec<Value<'a>>, Fault> {
        let (Value::List(mut rest, mut offset) | Value::Map(mut rest, mut offset)) = self else {
            return Ok(Vec::new());
        };
        let mut items = Vec::new();
        while !rest.is_empty() {
            let (item, length) = take(rest, offset)?;
            items.push(item);
            rest = &rest[length..];
            offset += length;
        }
        Ok(items)
    }

    /// The value of a map's key; null where there is none.
    pub fn get(self, key: &str) -> Result<Value<'a>, Fault> {
        let items = self.items()?;
        let found = items.chunks_exact(2).find(|pair| pair[0].bytes() == key.as_bytes());
        Ok(found.map_or(Value::Null, |pair| pair[1]))
    }

    /// Bytes or text; empty for anything else.
    pub fn bytes(self) -> &'a [u8] {
        match self {
            Value::Bytes(bytes) => bytes,
            _ => &[],
        }
    }

    /// Bytes as text, what is not UTF-8 replaced.
    pub fn text(self) -> String {
        String::from_utf8_lossy(self.bytes()).into_owned()
    }

    /// A number of either kind.
    pub fn number(self) -> Option<f64> {
        match self {
            Value::Integer(number) => Some(number as f64),
            Value::Float(number) => Some(number),
            _ => None,
        }
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn values_are_read_as_they_are_asked_for() {
        let (map, length) = take(b"24:1:a;1:7#1:b,9:3:1.5^0:~]}rest", 0).unwrap();
        assert_eq!(length, 28);
        assert_eq!(map.get("a"), Ok(Value::Integer(7)));
        assert_eq!(map.get("b").unwrap().items(), Ok(vec![Value::Float(1.5), Value::Null]));
        assert_eq!(map.get("c"), Ok(Value::Null));
    }

    #[test]
    fn faults_have_their_place() {
        assert_eq!(take(b"x", 5), Err((5, "a length and a colon are missing")));
        assert_eq!(take(b"9:abc,", 5), Err((5, "it says that it is longer than the file")));
        assert_eq!(take(b"99999999999999999999999:", 0), Err((0, "a length and a colon are missing")));
        let (list, _) = take(b"5:1:a,x]", 0).unwrap();
        assert_eq!(list.items(), Err((6, "a length and a colon are missing")));
    }

    proptest! {
        #[test]
        fn no_bytes_panic(bytes in prop::collection::vec(prop::sample::select(&b"0123:,;#^!~]}ab\xff"[..]), 0..40)) {
            if let Ok((value, length)) = take(&bytes, 0) {
                prop_assert!(length <= bytes.len());
                let _ = (value.get("a"), value.text(), value.number());
            }
        }
    }
}
