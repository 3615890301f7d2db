//! Changes octets on the wire.

use super::prelude::*;

pub(super) const FAULT: Fault = Fault {
    name: "corrupt",
    options: &["at", "xor"],
    on: &[Occasion::Message],
    forms: &[
        (
            "corrupt = 2",
            "so many octets of the payload are changed on the wire, at places and to values that chance says",
        ),
        ("at = [0, 7]", "at these places, the first octet being 0"),
        ("xor = 0xff", "each xored with this"),
    ],
    example: Example {
        rule: r#"when = 'op:binary'
then = { corrupt = true, at = [1], xor = 0xff }"#,
        given: Given::Message(Direction::ToClient, Opcode::Binary, &[1, 2, 3]),
    },
    read: |arguments| {
        let at = match arguments.option("at") {
            None => Vec::new(),
            Some(at) => match at.list() {
                Some(list) => list.iter().map(|one| one.whole(0..=u64::MAX)).collect::<Result<_, _>>()?,
                None => vec![at.whole(0..=u64::MAX)?],
            },
        };
        let count = match arguments.main.is_truth() {
            true => arguments.main.yes().map(|()| 1)?,
            false => arguments.main.whole(1..=1000)?,
        };
        let xor = arguments.option("xor").map(|xor| xor.whole(1..=255)).transpose()?;
        let xor = xor.and_then(|xor| u8::try_from(xor).ok());
        Ok(Box::new(Corrupt { count, at, xor }))
    },
};

#[derive(Debug)]
struct Corrupt {
    count: u64,
    /// Where; none leaves it to chance.
    at: Vec<u64>,
    xor: Option<u8>,
}

impl Act for Corrupt {
    fn message(&self, moment: &mut Moment) {
        let (size, random) = (moment.seen.wire_size, &mut *moment.random);
        let places: Vec<u64> = match self.at.is_empty() {
            true => (0..self.count).map(|_| random.below(size)).collect(),
            false => self.at.clone(),
        };
        let mut changes: Vec<(u64, u8)> = Vec::new();
        for place in places.into_iter().filter(|place| *place < size) {
            let with = self.xor.unwrap_or_else(|| 1 + (random.below(255) as u8));
            // What is changed twice at one place might come out as it was.
            if !changes.iter().any(|(changed, _)| *changed == place) {
                changes.push((place, with));
            }
        }
        if !changes.is_empty() {
            moment.effects.push(Effect::Corrupt(changes));
        }
    }
}
