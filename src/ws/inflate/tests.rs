//! Messages of several sessions through one decompressor, and what may end them.

use flate2::{Decompress, FlushDecompress, Status};
use proptest::prelude::*;

use super::*;
use crate::ws::{Deflater, Direction, PermessageDeflate};

/// What a message inflates to, by a decompressor that is made for it and told the window before it.
fn by_itself(payload: &[u8], window: &[u8]) -> Option<Vec<u8>> {
    let start = |stream: &mut Decompress| {
        stream.reset(false);
        if !window.is_empty() {
            stream.set_dictionary(window).unwrap();
        }
    };
    let mut stream = Decompress::new(false);
    start(&mut stream);
    let mut out = Vec::with_capacity(1 << 16);
    let mut call = |stream: &mut Decompress, input: &[u8]| {
        let before = stream.total_in();
        let status = stream.decompress_vec(input, &mut out, FlushDecompress::Sync).ok()?;
        Some((status, (stream.total_in() - before) as usize))
    };
    let (status, taken) = call(&mut stream, payload)?;
    assert_eq!((status, taken), (Status::Ok, payload.len()), "no message of these is its stream's last");
    let (_, taken) = call(&mut stream, &TAIL)?;
    // An empty last block: read as such only where a block may begin.
    let (status, _) = call(&mut stream, &[0x03, 0x00])?;
    (taken == TAIL.len() && status == Status::StreamEnd).then_some(out)
}

/// What it inflates to, with what all messages share.
fn together(payload: &[u8], history: &mut History, inflater: &mut Inflater) -> Option<Vec<u8>> {
    let mut out = Vec::new();
    inflater.begin(history);
    let read = inflater.read(payload, history, &mut [0; 100], |piece| out.extend_from_slice(piece));
    let is_whole = read.is_ok() && inflater.end(history).is_ok();
    if !is_whole {
        history.forget_message();
    }
    is_whole.then_some(out)
}

/// A message of one of two sessions, and how much of its payload is left out.
fn message() -> impl Strategy<Value = (bool, String, usize)> {
    let long = "[ab]{3}".prop_map(|word| word.repeat(5000));
    let text = prop_oneof![4 => "[a-d ]{0,40}", 1 => "[a-z]{0,300}", 1 => long];
    (any::<bool>(), text, prop_oneof![6 => Just(0), 1 => 1..30_usize])
}

proptest! {
    /// Messages of two sessions, some of them cut short, inflate with one decompressor to what each does by itself.
    #[test]
    fn one_decompressor_serves_all(messages in prop::collection::vec(message(), 1..40)) {
        let new = || Deflater::new(&PermessageDeflate::default(), Direction::ToClient);
        let mut deflaters = [new(), new()];
        let (mut histories, mut inflater) = ([History::new(), History::new()], Inflater::new());
        for (session, text, missing) in messages {
            let place = usize::from(session);
            let payload = deflaters[place].compress(text.as_bytes()).unwrap();
            let payload = &payload[..payload.len().saturating_sub(missing).max(1)];
            let expected = by_itself(payload, histories[place].window());
            let found = together(payload, &mut histories[place], &mut inflater);
            prop_assert_eq!(&found, &expected);
            if found.is_none() {
                // The sender's window is another from here on.
                (deflaters[place], histories[place]) = (new(), History::new());
            }
        }
    }
}

/// `Hello`, compressed (RFC 7692 7.2.3.1).
const HELLO: [u8; 7] = [0xf2, 0x48, 0xcd, 0xc9, 0xc9, 0x07, 0x00];
/// The same again, behind it: it refers to the first (RFC 7692 7.2.3.2).
const AGAIN: [u8; 5] = [0xf2, 0x00, 0x11, 0x00, 0x00];

#[test]
fn a_message_may_end_in_the_last_block_of_its_stream() {
    // 7.2.3.4 of RFC 7692 has a stored block with the bit of a last one.
    let hello = [0xf3, 0x48, 0xcd, 0xc9, 0xc9, 0x07, 0x00];
    let (mut history, mut inflater) = (History::new(), Inflater::new());
    for _ in 0..2 {
        assert_eq!(together(&hello, &mut history, &mut inflater).as_deref(), Some(&b"Hello"[..]));
        assert_eq!(together(&AGAIN, &mut history, &mut inflater).as_deref(), Some(&b"Hello"[..]));
        // An empty last block, its length cut off.
        assert_eq!(together(&[0x01], &mut history, &mut inflater).as_deref(), Some(&b""[..]));
    }
}

#[test]
fn what_follows_a_broken_message_refers_to_what_was_before_it() {
    let (mut history, mut inflater) = (History::new(), Inflater::new());
    assert!(together(&HELLO, &mut history, &mut inflater).is_some());
    for broken in [&[0x07_u8][..], &[0xf2, 0x48, 0xcd], &[0x00, 0x01, 0x00, 0xff, 0xff]] {
        assert_eq!(together(broken, &mut history, &mut inflater), None, "{broken:?}");
        assert_eq!(together(&AGAIN, &mut history, &mut inflater).as_deref(), Some(&b"Hello"[..]));
    }
}

#[test]
fn a_copy_of_a_history_goes_its_own_way() {
    let (mut history, mut inflater) = (History::new(), Inflater::new());
    assert!(together(&HELLO, &mut history, &mut inflater).is_some());
    let mut copy = history.clone();
    copy.push(b"other");
    assert_eq!(together(&AGAIN, &mut copy, &mut inflater).as_deref(), Some(&b"Hther"[..]));
    assert_eq!(together(&AGAIN, &mut history, &mut inflater).as_deref(), Some(&b"Hello"[..]));
}
