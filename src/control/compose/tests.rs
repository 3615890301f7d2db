//! Lines that are typed, and the frames that they come to.

use proptest::prelude::*;

use super::*;

fn frames(line: &str) -> Vec<FrameSpec> {
    let draft = Draft::parse(line).unwrap_or_else(|error| panic!("{line}: {error}"));
    let Content::Bytes(payload) = &draft.content else { panic!("{line} is of a file") };
    draft.frames(&payload.clone())
}

#[track_caller]
fn check(line: &str, opcode: Opcode, payload: &[u8]) {
    assert_eq!(frames(line), [FrameSpec::new(opcode, payload.to_vec())], "{line}");
}

#[track_caller]
fn refused(line: &str, words: &str) {
    let error = Draft::parse(line).expect_err(line);
    assert!(error.contains(words), "{error}");
}

fn remarks(line: &str, direction: Direction) -> String {
    Draft::parse(line).map(|draft| draft.remarks(direction).join("; ")).unwrap_or_default()
}

#[test]
fn a_line_is_text_unless_it_says_otherwise() {
    check("hello", Opcode::Text, b"hello");
    check("", Opcode::Text, b"");
    check("{\"a\":1}", Opcode::Text, b"{\"a\":1}");
    check("//close is a word", Opcode::Text, b"/close is a word");
    check("/text  two spaces", Opcode::Text, b" two spaces");
    check("/json [1]", Opcode::Text, b"[1]");
    check("/hex 00 ff 0x1a,2b:3c", Opcode::Binary, &[0, 0xff, 0x1a, 0x2b, 0x3c]);
    check("/base64 AAEC", Opcode::Binary, &[0, 1, 2]);
    check("/ping", Opcode::Ping, b"");
    check("/pong k1", Opcode::Pong, b"k1");
    check("/close", Opcode::Close, b"");
    check("/close 4001 go away", Opcode::Close, b"\x0f\xa1go away");
    let draft = Draft::parse("/file a b.bin").unwrap_or_else(|error| panic!("{error}"));
    assert_eq!(draft.file(), Some(Path::new("a b.bin")));
}

#[test]
fn a_frame_can_be_odd_on_purpose() {
    let frame = &frames("/[nomask,rsv1,rsv3,len64,nofin,op=0xb] x")[0];
    assert_eq!(
        frame,
        &FrameSpec {
            opcode: Opcode::Reserved(11),
            payload: Bytes::from_static(b"x"),
            fin: false,
            reserved_bits: 5,
            masked: Some(false),
            length_form: Some(LengthForm::SixtyFour),
        }
    );
    let parts = frames("/hex[frames=3] 00 01 02 03");
    let shape: Vec<_> = parts.iter().map(|part| (part.opcode, part.fin, part.payload.len())).collect();
    assert_eq!(
        shape,
        [(Opcode::Binary, false, 1), (Opcode::Continuation, false, 1), (Opcode::Continuation, true, 2)]
    );
}

#[test]
fn what_cannot_be_sent_says_what_can() {
    refused("/json {a", "column 2");
    refused("/hex 0", "half an octet");
    refused("/hex 0g", "'g' is no hexadecimal");
    refused("/shrug", "//shrug sends it as text");
    refused("/text[colour] x", "is none of op= frames=");
    refused("/text[rsv1 x", "] of the options is missing");
    refused("/text[frames=0] x", "1 to 10000");
    refused("/ping[op=16] x", "no opcode");
    refused("/close soon", "no status code");
    refused("/file ", "which file");
}

#[test]
fn what_breaks_a_rule_is_said_and_sent_all_the_same() {
    use Direction::{ToClient, ToServer};
    assert_eq!(remarks("hello", ToServer), "");
    assert_eq!(remarks("/text[nomask] x", ToClient), "");
    assert!(remarks("/text[nomask] x", ToServer).contains("5.1"));
    assert!(remarks("/text[mask] x", ToClient).contains("5.1"));
    assert!(remarks("{\"a\" 1}", ToServer).contains("no JSON: column 6"));
    assert_eq!(remarks("/text {\"a\" 1}", ToServer), "");
    assert!(remarks("/close 1005", ToServer).contains("7.4"));
    assert!(remarks("/ping[nofin]", ToServer).contains("5.5"));
    assert!(remarks(&format!("/ping {}", "x".repeat(126)), ToServer).contains("125 octets"));
    assert!(remarks(&format!("/[len7] {}", "x".repeat(126)), ToServer).contains("does not fit"));
    assert!(remarks("/[len64] x", ToServer).contains("longer than need be"));
}

#[test]
fn forms_and_options_are_completed() {
    assert_eq!(completions("/p"), (0, vec!["/ping ".to_owned(), "/pong ".to_owned()]));
    assert_eq!(completions("/text[rsv1,len1"), (11, vec!["len16".to_owned()]));
    assert_eq!(completions("hello").1, Vec::<String>::new());
    assert_eq!(completions("/text h").1, Vec::<String>::new());
}

proptest! {
    /// However many frames a payload is cut into, together they are the payload.
    #[test]
    fn fragments_lose_nothing(payload in "[a-zé日]{0,60}", count in 1_usize..80) {
        let parts = frames(&format!("/text[frames={count}] {payload}"));
        prop_assert_eq!(parts.len(), count);
        prop_assert!(parts.iter().enumerate().all(|(at, part)| part.fin == (at + 1 == count)));
        let joined: Vec<u8> = parts.iter().flat_map(|part| part.payload.to_vec()).collect();
        prop_assert_eq!(joined, payload.into_bytes());
    }

    #[test]
    fn no_line_panics(line in "/?[a-z0-9]{0,6}(\\[[^\\]]{0,20}\\]?)?.{0,30}") {
        if let Ok(draft) = Draft::parse(&line) {
            draft.remarks(Direction::ToServer);
            draft.frames(&Bytes::from_static(b"abc"));
        }
        completions(&line);
    }
}
