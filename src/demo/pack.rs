//! Values packed as MessagePack and as CBOR, for feeds that speak binary.

/// A value.
pub(super) enum Value<'a> {
    Text(&'a str),
    Whole(u64),
    Real(f64),
    List(Vec<Value<'a>>),
    Map(Vec<(&'a str, Value<'a>)>),
}

impl Value<'_> {
    /// As MessagePack.
    pub(super) fn to_msgpack(&self) -> Vec<u8> {
        let mut packed = Vec::new();
        self.msgpack(&mut packed);
        packed
    }

    /// As CBOR (RFC 8949).
    pub(super) fn to_cbor(&self) -> Vec<u8> {
        let mut packed = Vec::new();
        self.cbor(&mut packed);
        packed
    }

    fn msgpack(&self, packed: &mut Vec<u8>) {
        match self {
            Value::Text(text) => msgpack_text(text, packed),
            Value::Whole(number @ 0..=0x7f) => packed.push(*number as u8),
            Value::Whole(number) => {
                packed.push(0xcf);
                packed.extend_from_slice(&number.to_be_bytes());
            }
            Value::Real(number) => {
                packed.push(0xcb);
                packed.extend_from_slice(&number.to_be_bytes());
            }
            Value::List(items) => {
                packed.push(0xdc);
                packed.extend_from_slice(&(items.len() as u16).to_be_bytes());
                items.iter().for_each(|item| item.msgpack(packed));
            }
            Value::Map(pairs) => {
                packed.push(0xde);
                packed.extend_from_slice(&(pairs.len() as u16).to_be_bytes());
                for (key, value) in pairs {
                    msgpack_text(key, packed);
                    value.msgpack(packed);
                }
            }
        }
    }

    fn cbor(&self, packed: &mut Vec<u8>) {
        match self {
            Value::Text(text) => cbor_text(text, packed),
            Value::Whole(number) => cbor_head(0, *number, packed),
            Value::Real(number) => {
                packed.push(0xfb);
                packed.extend_from_slice(&number.to_be_bytes());
            }
            Value::List(items) => {
                cbor_head(4, items.len() as u64, packed);
                items.iter().for_each(|item| item.cbor(packed));
            }
            Value::Map(pairs) => {
                cbor_head(5, pairs.len() as u64, packed);
                for (key, value) in pairs {
                    cbor_text(key, packed);
                    value.cbor(packed);
                }
            }
        }
    }
}

fn msgpack_text(text: &str, packed: &mut Vec<u8>) {
    match text.len() {
        length @ 0..=31 => packed.push(0xa0 | length as u8),
        length => {
            packed.push(0xda);
            packed.extend_from_slice(&(length as u16).to_be_bytes());
        }
    }
    packed.extend_from_slice(text.as_bytes());
}

fn cbor_text(text: &str, packed: &mut Vec<u8>) {
    cbor_head(3, text.len() as u64, packed);
    packed.extend_from_slice(text.as_bytes());
}

/// RFC 8949 3: the major type, and the argument in its shortest form.
fn cbor_head(major: u8, argument: u64, packed: &mut Vec<u8>) {
    let major = major << 5;
    match argument {
        0..=23 => packed.push(major | argument as u8),
        24..=0xff => packed.extend([major | 24, argument as u8]),
        0x100..=0xffff => {
            packed.push(major | 25);
            packed.extend_from_slice(&(argument as u16).to_be_bytes());
        }
        0x1_0000..=0xffff_ffff => {
            packed.push(major | 26);
            packed.extend_from_slice(&(argument as u32).to_be_bytes());
        }
        _ => {
            packed.push(major | 27);
            packed.extend_from_slice(&argument.to_be_bytes());
        }
    }
}

#[cfg(test)]
mod tests {
    use super::Value::{List, Map, Real, Text, Whole};
    use crate::decode::{View, detect, summary};
    use crate::ws::Opcode;

    #[test]
    fn what_is_packed_reads_back() {
        let long = "salmon ".repeat(9);
        let numbers = [0, 23, 24, 127, 128, 255, 256, 65_535, 65_536, 1 << 32, u64::MAX];
        let value = Map(vec![
            ("fish", Text("sockeye")),
            ("long", Text(&long)),
            ("numbers", List(numbers.into_iter().map(Whole).collect())),
            ("price", Real(18.4)),
        ]);
        let written = format!(
            "{{fish: \"sockeye\", long: \"{long}\", numbers: [0, 23, 24, 127, 128, 255, 256, 65535, 65536, 4294967296, \
             18446744073709551615], price: 18.4}}"
        );
        for (packed, view, name) in
            [(value.to_msgpack(), View::MessagePack, "msgpack"), (value.to_cbor(), View::Cbor, "cbor")]
        {
            assert_eq!(detect(Opcode::Binary, packed.as_slice()), view);
            assert_eq!(summary(view, packed.as_slice(), 1000), format!("{name} {written}"));
        }
    }
}
