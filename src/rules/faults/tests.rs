//! Every fault's example does what the page says.

use super::*;
use crate::rules::RuleSet;

#[test]
fn every_example_is_a_rule_that_does_something() {
    for fault in &FAULTS {
        let rule = format!("[[rule]]\n{}\n", fault.example.rule);
        assert_eq!(RuleSet::parse(&rule).map(|_| ()), Ok(()), "{}", fault.name);
        assert!(rule.contains(fault.name), "{}", fault.name);
        let (_, done) = fault.example.played();
        assert!(!done.is_empty(), "{} does nothing in its example", fault.name);
    }
}

#[test]
fn only_what_is_about_control_frames_reaches_them_unnamed() {
    let ping = |when: &str, then: &str| {
        let given = Given::Message(Direction::ToServer, Opcode::Ping, b"p");
        let rules = RuleSet::parse(&format!("[[rule]]\non='message'\nwhen='{when}'\n{then}\n")).unwrap();
        given.play(&mut crate::rules::Judge::new(rules))
    };
    let of_messages = FAULTS.iter().filter(|fault| fault.on.contains(&Occasion::Message));
    let thens = of_messages.map(|fault| {
        let then = fault.example.rule.lines().find(|line| line.starts_with("then"));
        (fault.name, then.expect("an example does something"))
    });
    let unnamed: Vec<_> = thens.filter(|(_, then)| !ping("dir:client", then).is_empty()).collect();
    assert_eq!(unnamed, [], "swallow's example is about pongs");
    assert_eq!(ping("dir:client", "then = { swallow = 'ping' }"), ["dropped"]);
    assert_eq!(ping("op:ping", "then = { drop = true }"), ["dropped"]);
}

#[test]
fn options_are_explained() {
    for fault in &FAULTS {
        let explained =
            |option: &&str| fault.forms.iter().any(|(form, _)| form.contains(&format!("{option} =")));
        assert!(fault.options.iter().all(explained), "{}", fault.name);
    }
}

#[test]
fn what_examples_come_to() {
    let played = |name: &str| named(name).map(|fault| fault.example.played().1.join("; "));
    for (name, expected) in [
        ("set", r#"replaced by {"type":"order","price":0,"user":{"id":7,"role":"admin"}}"#),
        ("remove", r#"replaced by {"items":[{"id":1}]}"#),
        ("substitute", "replaced by join hall-12"),
        ("replace", r#"replaced by {"price":-1,"type":"price"}"#),
        ("corrupt", "corrupted on the wire: octet 1 xored with 0xff"),
        ("send", r#"sent to the client: {"error":"closed"}; dropped"#),
        ("stall", "nothing that the server sends goes on for 5s"),
        ("close", r#"the session is closed with 1013 "try again later""#),
        ("reorder", "sent after the next 2 messages"),
        ("refuse", "refused with 503"),
        ("throttle", "the server is slowed down to 16384 octets a second"),
    ] {
        assert_eq!(played(name).as_deref(), Some(expected), "{name}");
    }
}
