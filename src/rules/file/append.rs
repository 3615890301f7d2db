//! A rule made from a message, put at the end of a file of rules; what the file says, comments included, stays.

use toml_edit::{ArrayOfTables, DocumentMut, Item, Table, Value, value};

use super::RulesError;
use crate::rules::RuleSet;

/// A rule that is to be written.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct NewRule {
    /// Its name. Where another rule has it, a number is added.
    pub name: String,
    /// Its filter.
    pub when: String,
    /// What it does, as TOML: `{ drop = true }`.
    pub then: String,
    /// How often at the most.
    pub times: Option<u32>,
}

/// The file's `text` with `rule` added at its end.
///
/// # Errors
/// Where the text is no file of rules, or would be none with the rule in it.
pub fn append(text: &str, rule: &NewRule) -> Result<String, RulesError> {
    let first = |errors: Vec<RulesError>| {
        errors.into_iter().next().unwrap_or(RulesError { line: 1, column: 1, message: String::new() })
    };
    let no_toml =
        |error: toml_edit::TomlError| RulesError { line: 1, column: 1, message: error.message().to_owned() };
    let before = RuleSet::parse(text).map_err(first)?;
    let mut document: DocumentMut = text.parse().map_err(no_toml)?;
    let then: Value = rule.then.parse().map_err(no_toml)?;
    let mut table = Table::new();
    table.decor_mut().set_prefix(if text.trim().is_empty() { "" } else { "\n" });
    table.insert("name", value(free_name(&before, &rule.name)));
    if !rule.when.trim().is_empty() {
        table.insert("when", value(&rule.when));
    }
    table.insert("then", Item::Value(then));
    if let Some(times) = rule.times {
        table.insert("times", value(i64::from(times)));
    }
    let rules = document.entry("rule").or_insert_with(|| ArrayOfTables::new().into());
    let Some(rules) = rules.as_array_of_tables_mut() else {
        return Err(RulesError {
            line: 1,
            column: 1,
            message: "rules have to begin with [[rule]] for another to be added".to_owned(),
        });
    };
    rules.push(table);
    let written = document.to_string();
    RuleSet::parse(&written).map_err(first)?;
    Ok(written)
}

fn free_name(rules: &RuleSet, wanted: &str) -> String {
    let names: Vec<&str> = rules.names().collect();
    let numbered = (2..).map(|number| format!("{wanted} {number}"));
    let mut candidates = [wanted.to_owned()].into_iter().chain(numbered);
    candidates.find(|name| !names.contains(&name.as_str())).unwrap_or_default()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn new_rule() -> NewRule {
        NewRule {
            name: "drop ticks".to_owned(),
            when: r#"text~"a\"b""#.to_owned(),
            then: "{ drop = true }".to_owned(),
            times: Some(1),
        }
    }

    #[test]
    fn a_rule_is_added_and_comments_stay() {
        let text = "# ours\nseed = 7 # lucky\n\n[[rule]] # first\nname = 'drop ticks'\nthen = { drop = true }\n# last words\n";
        let written = append(text, &new_rule()).unwrap();
        assert!(written.starts_with(text.trim_end_matches("# last words\n")), "{written}");
        assert!(written.contains("# last words"), "{written}");
        let rules = RuleSet::parse(&written).unwrap();
        assert_eq!(rules.names().collect::<Vec<_>>(), ["drop ticks", "drop ticks 2"]);
    }

    #[test]
    fn an_empty_file_gets_its_first_rule() {
        let written = append("", &new_rule()).unwrap();
        assert_eq!(
            written,
            "[[rule]]\nname = \"drop ticks\"\nwhen = 'text~\"a\\\"b\"'\nthen = { drop = true }\ntimes = 1\n"
        );
    }

    #[test]
    fn what_would_be_no_rule_is_not_written() {
        let wrong = NewRule { then: "{ dorp = true }".to_owned(), ..new_rule() };
        assert!(append("", &wrong).unwrap_err().message.contains("did you mean drop?"));
        assert!(append("[[rule", &new_rule()).is_err());
    }
}
