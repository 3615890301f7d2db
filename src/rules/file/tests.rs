//! What is wrong with a file is told with its place, and what to write instead.

use proptest::prelude::*;

use super::*;

#[track_caller]
fn wrong(text: &str, expected: &str) {
    let errors = parse(text).map(|_| ()).unwrap_err();
    let told: Vec<_> = errors.iter().map(ToString::to_string).collect();
    assert!(told.len() == 1 && told[0].starts_with(expected), "{told:?}");
}

#[track_caller]
fn right(text: &str) {
    assert_eq!(parse(text).map(|_| ()), Ok(()));
}

#[test]
fn unknown_keys_are_named_with_the_nearest_known_one() {
    wrong("sede = 1", "1:1: a file of rules has no sede: did you mean seed?");
    wrong("[[rule]]\nwhne = 'x'\nthen = { drop = true }", "2:1: a rule has no whne: did you mean when?");
    wrong("[[rule]]\nthen = { dorp = true }", "2:10: then has no dorp: did you mean drop?");
    wrong(
        "[[rule]]\nthen = { close = 1000, raeson = 'x' }",
        "2:24: then = { close = … } has no raeson: did you mean reason?",
    );
    wrong(
        "[[rule]]\nthen = { drop = true, x = 1 }",
        "2:23: then = { drop = … } takes nothing else, and no x",
    );
    wrong(
        "[[rule]]\nthen = { completely-other = 1 }",
        "2:10: then has no completely-other: it has hold, drop,",
    );
    wrong("[[rule]]\ndrop = true", "2:1: drop is what a rule does, and stands in then = { drop = … }");
}

#[test]
fn the_form_of_a_rule_is_told() {
    wrong("[rule]\nthen = { drop = true }", "1:1: rules begin with [[rule]], in two brackets");
    wrong("[[rule]]\nname = 'x'", "1:1: x does nothing: give it then = { … }");
    wrong("[[rule]]\nthen = 'drop'", "2:8: then is a table, such as { drop = true }");
    wrong("[[rule]]\nthen = []", "2:8: then is empty");
    wrong(
        "[[rule]]\nthen = { drop = true, mark = true }",
        "2:23: drop and mark at once: write then = [{ drop = … }, { mark = … }]",
    );
    wrong(
        "[[rule]]\nname = 'x'\nthen = { drop = true }\n[[rule]]\nname = 'x'\nthen = { drop = true }",
        "5:8: another rule is called \"x\": give each a name of its own",
    );
    wrong("[[rule]]\nthen = { drop = true", "2:");
}

#[test]
fn values_say_what_they_take() {
    let wrong_then = |then: &str, expected: &str| {
        wrong(&format!("[[rule]]\nthen = {{ {then} }}"), &format!("2:{expected}"));
    };
    wrong_then("drop = 1", "17: drop takes nothing but true");
    wrong_then("duplicate = 0", "22: duplicate takes a whole number from 1 to 1000");
    wrong_then(
        "delay = 'soon'",
        "18: delay takes a time: \"200ms\", \"1.5s\", \"2m\", or seconds as a number",
    );
    wrong_then("delay = ['2s', '1s']", "18: the shorter delay comes first");
    wrong_then("swallow = 'text'", "20: swallow takes \"ping\" or \"pong\" or \"both\"");
    wrong_then("replace = { hex = '8' }", "28: hex takes pairs of hexadecimal digits");
    wrong_then("replace = { json = '{' }", "29: \"{\" is no JSON");
    wrong_then("replace = { xml = '' }", "20: replace takes text, or a table with one of text, json, hex");
    wrong_then("set = { 'a..b' = 1 }", "27: \"a..b\" is no path: the name of a field expected at 2");
    wrong_then("set = { a = nan }", "22: JSON knows no such number");
    wrong_then("substitute = '('", "23: substitute needs with = ");
    wrong_then("substitute = '(', with = ''", "23: substitute is no regular expression: unclosed group");
    wrong_then("send = 'x'", "17: send needs to = \"client\" or to = \"server\"");
    wrong_then("send = 'x', to = 'all'", "27: to takes \"client\" or \"server\"");
    wrong_then("close = 70000", "18: close takes a whole number from 0 to 65535");
    wrong_then("refuse = 200", "19: refuse takes a whole number from 400 to 599");
    wrong_then("throttle = 0", "21: throttle takes one octet a second at least");
    wrong_then("set-header = { 'a b' = 'x' }", "");
    wrong_then("run = ' '", "16: run takes a command");
    wrong(
        "[[rule]]\nprobability = 2\nthen = { drop = true }",
        "2:15: probability takes a number from 0 to 1",
    );
    wrong("[[rule]]\nevery = 0\nthen = { drop = true }", "2:9: every takes a whole number from 1 on");
    wrong("[[rule]]\nper = 'x'\nthen = { drop = true }", "2:7: per takes \"session\" or \"all\"");
}

#[test]
fn occasions_are_checked() {
    right("[[rule]]\non = 'open'\nwhen = 'path:/chat'\nthen = { close = 1013 }");
    wrong(
        "[[rule]]\non = 'open'\nthen = { drop = true }",
        "3:10: drop cannot be done on = \"open\", but on = \"message\"",
    );
    wrong("[[rule]]\non = 'opne'\nthen = { drop = true }", "2:6: on takes \"message\" or \"open\"");
    wrong(
        "[[rule]]\non = 'open'\nwhen = 'type=x'\nthen = { reset = true }",
        "3:8: \"type=x\" asks about a message, and on = \"open\" is before there is one",
    );
}

#[test]
fn a_filter_asks_only_what_is_known_on_the_way() {
    wrong(
        "[[rule]]\nwhen = 'dir:client not n:5'\nthen = { drop = true }",
        "2:8: n is not known of what is still on its way",
    );
    wrong("[[rule]]\nwhen = 'violation'\nthen = { drop = true }", "2:8: violation is not known");
    right("[[rule]]\nwhen = 'compressed wire>10'\nthen = { drop = true }");
}

proptest! {
    #[test]
    fn whatever_a_file_says_is_read_or_told(text in "(\\[\\[rule\\]\\]\n)?((name|when|then|on|every|per|seed|x)( = |=)?('[ -~]{0,9}'|\\{ ?(drop|delay|set|replace|close|x) ?= ?('[ -~]{0,5}'|true|-?[0-9.]{1,4}|\\[[0-9, ']{0,5}\\]) ?\\}|[0-9]{1,3})?\n){0,5}") {
        let (lines, longest) = (text.lines().count() + 1, text.chars().count() + 1);
        if let Err(errors) = parse(&text) {
            prop_assert!(errors.iter().all(|error| (1..=lines).contains(&error.line)));
            prop_assert!(errors.iter().all(|error| (1..=longest).contains(&error.column) && !error.message.is_empty()));
        }
    }
}

#[test]
fn a_fault_in_a_filter_has_its_own_column() {
    wrong("[[rule]]\nwhen = 'ä size>x'\nthen = { drop = true }", "2:16: ");
    wrong("[[rule]]\nwhen = \"\\u0061 size>x\"\nthen = { drop = true }", "2:8: ");
}

#[test]
fn every_rule_that_is_wrong_is_told() {
    let errors =
        parse("seed = -1\n[[rule]]\nthen = {}\n[[rule]]\nthen = { x = 1 }\n").map(|_| ()).unwrap_err();
    assert_eq!(errors.iter().map(|error| error.line).collect::<Vec<_>>(), [1, 3, 5]);
}

#[test]
fn a_rule_can_be_switched_off() {
    let rules = parse("[[rule]]\noff = true\nthen = { drop = true }").unwrap();
    assert!(rules.is_empty());
}
