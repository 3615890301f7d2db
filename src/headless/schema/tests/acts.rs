//! What was done to the traffic, as lines.

use super::*;
use crate::capture::{Act, By, Deed};

fn act(number: Option<u64>, held: Option<u64>, deed: Deed, by: By) -> Event {
    Event::Act(Act { session: 1, time: us(20_500), direction: ToClient, number, held, deed, by })
}

#[test]
fn an_act_is_a_line_of_its_own() {
    let rule = || By::Rule("price".into());
    let edited = |opcode, after: &'static [u8]| Deed::Edited(opcode, Payload::from(after));
    check(
        &[
            act(Some(5), Some(3), Deed::Held, By::User),
            act(Some(5), Some(3), edited(Opcode::Text, b"{\"price\":2}"), By::User),
            act(Some(6), None, edited(Opcode::Close, &[0x03, 0xe8, b'o', b'k']), rule()),
            act(Some(6), None, edited(Opcode::Binary, &[0, 255]), rule()),
            act(Some(7), None, Deed::Delayed(Duration::from_micros(1_500)), rule()),
            act(Some(7), None, Deed::Duplicated(2), rule()),
            act(None, None, Deed::Stalled(ToClient, None), rule()),
            act(Some(8), None, Deed::Stalled(ToServer, Some(Duration::from_secs(5))), rule()),
            act(None, None, Deed::Throttled(ToClient, "10 messages a second".to_owned()), rule()),
            act(Some(8), None, Deed::Throttled(ToServer, "1 octets a second".to_owned()), rule()),
            act(Some(8), None, Deed::Sent(ToServer, Opcode::Ping), rule()),
            act(Some(8), None, Deed::Closed(4000, String::new()), rule()),
            act(Some(8), None, Deed::Reset, rule()),
            act(None, None, Deed::Refused(503), rule()),
        ],
        &[
            r#"{"type":"act","session":1,"n":5,"at":20.500,"from":"server","act":"held","held":3,"by":"user"}"#,
            r#"{"type":"act","session":1,"n":5,"at":20.500,"from":"server","act":"edited","held":3,"by":"user","op":"text","json":{"price":2}}"#,
            r#"{"type":"act","session":1,"n":6,"at":20.500,"from":"server","act":"edited","by":"rule","rule":"price","op":"close","code":1000,"reason":"ok"}"#,
            r#"{"type":"act","session":1,"n":6,"at":20.500,"from":"server","act":"edited","by":"rule","rule":"price","op":"binary","base64":"AP8="}"#,
            r#"{"type":"act","session":1,"n":7,"at":20.500,"from":"server","act":"delayed","by":"rule","rule":"price","for":1.500}"#,
            r#"{"type":"act","session":1,"n":7,"at":20.500,"from":"server","act":"duplicated","by":"rule","rule":"price","count":2}"#,
            r#"{"type":"act","session":1,"at":20.500,"from":"server","act":"stalled","by":"rule","rule":"price"}"#,
            r#"{"type":"act","session":1,"n":8,"at":20.500,"from":"server","act":"stalled","by":"rule","rule":"price","side":"client","for":5000.000}"#,
            r#"{"type":"act","session":1,"at":20.500,"from":"server","act":"throttled","by":"rule","rule":"price","rate":"10 messages a second"}"#,
            r#"{"type":"act","session":1,"n":8,"at":20.500,"from":"server","act":"throttled","by":"rule","rule":"price","side":"client","rate":"1 octets a second"}"#,
            r#"{"type":"act","session":1,"n":8,"at":20.500,"from":"server","act":"sent","by":"rule","rule":"price","to":"server","op":"ping"}"#,
            r#"{"type":"act","session":1,"n":8,"at":20.500,"from":"server","act":"closed","by":"rule","rule":"price","code":4000,"reason":""}"#,
            r#"{"type":"act","session":1,"n":8,"at":20.500,"from":"server","act":"reset","by":"rule","rule":"price"}"#,
            r#"{"type":"act","session":1,"at":20.500,"from":"server","act":"refused","by":"rule","rule":"price","status":503}"#,
        ],
    );
}

#[test]
fn what_was_done_to_a_session_is_of_neither_side() {
    let act = |deed| {
        let (time, direction, by) = (us(20_500), ToServer, By::User);
        Event::Act(Act { session: 1, time, direction, number: None, held: None, deed, by })
    };
    check(
        &[
            act(Deed::Closed(4000, "out".to_owned())),
            act(Deed::Reset),
            act(Deed::RecordingStopped),
            act(Deed::Sent(ToClient, Opcode::Text)),
        ],
        &[
            r#"{"type":"act","session":1,"at":20.500,"act":"closed","by":"user","code":4000,"reason":"out"}"#,
            r#"{"type":"act","session":1,"at":20.500,"act":"reset","by":"user"}"#,
            r#"{"type":"act","session":1,"at":20.500,"act":"recording stopped","by":"user"}"#,
            r#"{"type":"act","session":1,"at":20.500,"act":"sent","by":"user","to":"client","op":"text"}"#,
        ],
    );
}

#[test]
fn an_injected_message_says_who_sent_it_and_moves_nobodys_stream() {
    let said = |number: u64, offset: u64, injected| {
        let message = message(ToClient, Opcode::Text, b"hello");
        let frame = Frame { offset, ..message.frames[0].clone() };
        Event::Message(Message { number, injected, frames: vec![frame], ..message })
    };
    let events = [
        Event::Opened(opening()),
        said(1, 0, None),
        said(2, 0, Some(By::Rule("greet".into()))),
        said(3, 0, Some(By::User)),
        said(4, 7, None),
    ];
    let text = write(&events);
    let keys = |line: &str| line.replace(r#","op":"text","text":"hello"}"#, "");
    assert_eq!(
        text.lines().skip(2).map(keys).collect::<Vec<_>>(),
        [
            r#"{"type":"message","session":1,"n":1,"at":7.431,"from":"server""#,
            r#"{"type":"message","session":1,"n":2,"at":7.431,"from":"server","injected":"rule greet""#,
            r#"{"type":"message","session":1,"n":3,"at":7.431,"from":"server","injected":"user""#,
            r#"{"type":"message","session":1,"n":4,"at":7.431,"from":"server""#,
        ]
    );
    let back: Vec<Option<By>> = read(&text)
        .into_iter()
        .filter_map(|item| if let Item::Event(Event::Message(message)) = item { Some(message) } else { None })
        .inspect(|message| assert_eq!(message.frames[0].offset, if message.number == 4 { 7 } else { 0 }))
        .map(|message| message.injected)
        .collect();
    assert_eq!(back, [None, Some(By::Rule("greet".into())), Some(By::User), None]);
}

#[test]
fn what_is_wrong_with_an_act_is_named() {
    let line = r#"{"type":"act","session":1,"n":5,"at":20.5,"from":"client","act":"edited","by":"rule","rule":"price","op":"text","text":"x"}"#;
    for (from, to, fault) in [
        (r#""act":"edited","#, "", "\"act\" is missing"),
        (r#""by":"rule","#, "", "\"by\" is missing"),
        (r#""by":"rule""#, r#""by":"me""#, "\"by\" is none of \"user\", \"rule\" and \"proxy\": me"),
        (r#","rule":"price""#, "", "\"rule\" is missing"),
        (r#""op":"text","#, "", "\"op\" is missing"),
        (r#""op":"text""#, r#""op":"raw""#, "\"op\" is no opcode: raw"),
        (r#","text":"x""#, "", "one of \"json\", \"text\" and \"base64\" is missing"),
        (r#""edited""#, r#""delayed""#, "\"for\" is missing"),
        (r#""edited""#, r#""duplicated""#, "\"count\" is missing"),
        (r#""edited""#, r#""reordered","count":4294967296"#, "\"count\" is too large"),
        (r#""edited""#, r#""closed""#, "\"code\" is missing"),
        (r#""edited""#, r#""refused""#, "\"status\" is missing"),
        (r#""edited""#, r#""throttled""#, "\"rate\" is missing"),
        (r#""edited""#, r#""stalled","for":-1"#, "\"for\" is not a number of milliseconds: -1"),
        (r#""from":"client""#, r#""from":"me""#, "\"me\" is neither \"client\" nor \"server\""),
        (r#""from":"client","#, "", "\"from\" is missing"),
        (r#""edited""#, r#""sent""#, "\"to\" is missing"),
        (r#""edited""#, r#""stalled","side":"me""#, "\"me\" is neither \"client\" nor \"server\""),
        (
            r#""type":"act""#,
            r#""type":"message","injected":"me""#,
            "\"injected\" is none of \"user\", \"rule NAME\" and \"proxy\": me",
        ),
    ] {
        assert!(line.contains(from), "{from}");
        let text = format!("{HEADER}\n{}\n", line.replace(from, to));
        assert_eq!(read_error(&text), format!("chat.jsonl:2: {fault}; mend this line, or delete it"));
    }
}

#[test]
fn an_act_of_a_later_sockeye_is_passed_over_and_counted() {
    let text = format!(
        "{HEADER}\n{}\n",
        r#"{"type":"act","session":1,"n":5,"at":20.5,"from":"client","act":"sung","by":"user","melody":7}"#
    );
    let mut reader = reader(&text).unwrap();
    assert_eq!(reader.next().unwrap().unwrap().item, Item::Unknown("act sung".to_owned()));
    assert_eq!(reader.unknown(), 1);
}
