//! docs/rules.md: what can be done, made from the table of faults.

use super::{check, page};

const BEGIN: &str = "<!-- made from src/rules/faults: UPDATE_DOCS=1 cargo test --test it docs -->\n";
const END: &str = "<!-- end -->\n";

#[test]
fn the_page_of_rules_lists_every_fault() {
    let written = std::fs::read_to_string(page("rules.md")).unwrap().replace("\r\n", "\n");
    let (before, rest) = written.split_once(BEGIN).unwrap();
    let (_, behind) = rest.split_once(END).unwrap();
    check("rules.md", &format!("{before}{BEGIN}\n{}{END}{behind}", sockeye::rules::page()));
}

#[test]
fn the_page_of_rules_has_rules_that_are_right() {
    let written = std::fs::read_to_string(page("rules.md")).unwrap().replace("\r\n", "\n");
    for example in written.split("```toml\n").skip(1) {
        let example = example.split("```").next().unwrap();
        assert_eq!(sockeye::rules::RuleSet::parse(example).map(|_| ()), Ok(()), "{example}");
    }
}
