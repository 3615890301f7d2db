//! Offers and answers, good and bad.

use super::*;

fn read(value: &str) -> (Vec<Extension>, Vec<Fault>) {
    parse([value.as_bytes()])
}

/// The extensions in one spelling, faults behind them.
fn spelled(value: &str) -> String {
    let (extensions, faults) = read(value);
    let mut words = vec![];
    for extension in extensions {
        let parameters = extension.parameters.iter().map(|parameter| match &parameter.value {
            Some(value) => format!(";{}={value}", parameter.name),
            None => format!(";{}", parameter.name),
        });
        words.push(extension.name + &parameters.collect::<String>());
    }
    words.extend(faults.into_iter().map(|fault| format!("! {}", fault.sentence)));
    words.join(" ")
}

#[test]
fn lists_are_read() {
    for (value, expected) in [
        ("permessage-deflate", "permessage-deflate"),
        (" a ; b ;c = 1 , d;e=\"2\" ", "a;b;c=1 d;e=2"),
        ("a;b=\"\\x\\y\"", "a;b=xy"),
        ("a,,b,", "a b"),
        ("a;b=\"1,2\", c", "c ! Sec-WebSocket-Extensions cannot be read at \"a;b=\\\"1,2\\\"\""),
        ("a;, b", "b ! Sec-WebSocket-Extensions cannot be read at \"a;\""),
        ("a b", "! Sec-WebSocket-Extensions cannot be read at \"a b\""),
        ("a;b=", "! Sec-WebSocket-Extensions cannot be read at \"a;b=\""),
        ("  ", "! Sec-WebSocket-Extensions is there, but empty; leave it out"),
    ] {
        assert_eq!(spelled(value), expected, "{value}");
    }
    let (extensions, faults) = parse([&b"a;x"[..], b"b"]);
    assert_eq!((extensions.len(), faults.len()), (2, 0), "lines add up");
}

#[track_caller]
fn agreed(offer: &str, answer: &str) -> Agreement {
    let (offers, _) = read(offer);
    let (chosen, faults) = read(answer);
    assert_eq!(faults, []);
    agree(&offers, &chosen)
}

#[test]
fn answers_that_fit_their_offer() {
    let browser = "permessage-deflate; client_max_window_bits";
    for (offer, answer, expected) in [
        (browser, "permessage-deflate", "permessage-deflate"),
        (
            browser,
            "permessage-deflate;client_max_window_bits=9",
            "permessage-deflate; client_max_window_bits=9",
        ),
        (
            browser,
            "permessage-deflate; server_max_window_bits=8",
            "permessage-deflate; server_max_window_bits=8",
        ),
        (
            browser,
            "permessage-deflate; client_no_context_takeover; server_no_context_takeover",
            "permessage-deflate; server_no_context_takeover; client_no_context_takeover",
        ),
        (
            "permessage-deflate; server_max_window_bits=10, permessage-deflate",
            "permessage-deflate",
            "permessage-deflate",
        ),
        (
            "permessage-deflate; server_max_window_bits=10; server_no_context_takeover",
            "permessage-deflate; server_no_context_takeover; server_max_window_bits=\"9\"",
            "permessage-deflate; server_no_context_takeover; server_max_window_bits=9",
        ),
    ] {
        let agreement = agreed(offer, answer);
        assert_eq!(agreement.faults, [], "{answer}");
        assert_eq!(agreement.deflate.map(|deflate| deflate.to_string()).as_deref(), Some(expected));
        assert_eq!(agreement.other, OtherExtension::None);
    }
    assert_eq!(agree(&read(browser).0, &[]), Agreement::default());
}

/// Offer, answer, what is wrong, section.
const MISFITS: [(&str, &str, &str, &str); 12] = [
    (
        "",
        "permessage-deflate",
        "the server chose the extension permessage-deflate, which the client did not offer",
        "RFC 6455 4.1",
    ),
    (
        "permessage-deflate",
        "permessage-deflate, permessage-deflate",
        "the server chose permessage-deflate twice",
        "RFC 7692 5",
    ),
    (
        "permessage-deflate",
        "permessage-deflate; client_max_window_bits=10",
        "the server sets client_max_window_bits, which the client did not offer",
        "RFC 7692 7.1.2.2",
    ),
    (
        "permessage-deflate; server_no_context_takeover",
        "permessage-deflate",
        "the client demanded server_no_context_takeover, which the server's answer leaves out",
        "RFC 7692 7.1.1.1",
    ),
    (
        "permessage-deflate; server_max_window_bits=9",
        "permessage-deflate; server_max_window_bits=10",
        "the client demanded server_max_window_bits of at most 9, and the server answered 10",
        "RFC 7692 7.1.2.1",
    ),
    (
        "permessage-deflate; server_max_window_bits=9",
        "permessage-deflate",
        "the client demanded server_max_window_bits of at most 9, which the server's answer leaves out",
        "RFC 7692 7.1.2.1",
    ),
    (
        "permessage-deflate; client_max_window_bits",
        "permessage-deflate; client_max_window_bits",
        "client_max_window_bits needs a value from 8 to 15, and has none",
        "RFC 7692 7.1.2.2",
    ),
    (
        "permessage-deflate",
        "permessage-deflate; server_max_window_bits=16",
        "server_max_window_bits must be a number from 8 to 15, not 16",
        "RFC 7692 7.1.2.1",
    ),
    (
        "permessage-deflate",
        "permessage-deflate; server_max_window_bits=09",
        "server_max_window_bits must be a number from 8 to 15, not 09",
        "RFC 7692 7.1.2.1",
    ),
    (
        "permessage-deflate",
        "permessage-deflate; server_no_context_takeover=1",
        "server_no_context_takeover takes no value, but has 1",
        "RFC 7692 7.1.1.1",
    ),
    (
        "permessage-deflate",
        "permessage-deflate; server_no_context_takeover; server_no_context_takeover",
        "permessage-deflate names server_no_context_takeover twice",
        "RFC 7692 7.1",
    ),
    ("permessage-deflate", "permessage-deflate; x", "permessage-deflate has no parameter x", "RFC 7692 7.1"),
];

#[test]
fn answers_that_do_not_fit_are_explained_and_taken_at_their_word() {
    for (offer, answer, sentence, section) in MISFITS {
        let agreement = agreed(offer, answer);
        assert_eq!(agreement.faults, [Fault { sentence: sentence.into(), section }], "{offer} | {answer}");
        assert!(agreement.deflate.is_some());
    }
}

#[test]
fn an_extension_that_is_not_known() {
    let agreement = agreed("x-secret; a=1, permessage-deflate", "x-secret, permessage-deflate");
    assert_eq!(agreement.other, OtherExtension::Unknown);
    assert_eq!(agreement.deflate, Some(PermessageDeflate::default()));
    assert_eq!(agreement.faults, []);
}

#[test]
fn offers_are_checked_too() {
    let (offers, _) = read(
        "permessage-deflate; client_max_window_bits; server_max_window_bits, other; server_max_window_bits",
    );
    let sentences: Vec<_> = check_offers(&offers).into_iter().map(|fault| fault.sentence).collect();
    assert_eq!(sentences, ["server_max_window_bits needs a value from 8 to 15, and has none"]);
}
