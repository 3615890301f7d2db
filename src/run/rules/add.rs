//! A rule that was made on the screen, added to the user's file of rules.

use std::io::{self, Write};
use std::path::Path;

use sockeye::control::{Command, Controller};
use sockeye::headless;

use super::parse;

/// Where rules go where no file was named.
const FILE: &str = "rules.toml";

/// Adds a rule at the end of the file; what the file says, comments included, stays. Gives what there is to say.
///
/// # Errors
/// Where the file cannot be read or written, and where it would be wrong with the rule in it: in words.
pub fn add(file: Option<&Path>, rule: &str, controller: &Controller) -> Result<String, String> {
    let path = file.unwrap_or(Path::new(FILE));
    let before = match std::fs::read_to_string(path) {
        Ok(text) => text,
        Err(error) if error.kind() == io::ErrorKind::NotFound => String::new(),
        Err(error) => return Err(format!("cannot read the rules {}: {error}", path.display())),
    };
    let text = with(&before, rule);
    let rules = parse(path, &text).map_err(|errors| errors.lines().next().unwrap_or_default().to_owned())?;
    headless::replace(path, |out| out.write_all(text.as_bytes()))
        .map_err(|error| format!("cannot write the rules {}: {error}", path.display()))?;
    if file.is_some() {
        // Whoever looks after the file sees that it has changed.
        return Ok(format!("saved in {}, and holds", path.display()));
    }
    controller.send(Command::Rules(rules));
    Ok(format!("saved in {FILE}, and holds; --rules {FILE} has it hold next time"))
}

/// The text with a rule behind it.
fn with(before: &str, rule: &str) -> String {
    let before = before.trim_end();
    let between = if before.is_empty() { "" } else { "\n\n" };
    format!("{before}{between}{}\n", rule.trim())
}

#[cfg(test)]
mod tests {
    use super::*;

    const RULE: &str = "[[rule]]\nname = 'one'\nthen = { drop = true }\n";

    #[test]
    fn a_rule_is_added_and_what_is_there_stays() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("rules.toml");
        let controller = Controller::new();
        let add = |rule: &str| add(Some(&path), rule, &controller);
        add(RULE).unwrap();
        assert_eq!(std::fs::read_to_string(&path).unwrap(), RULE);
        std::fs::write(&path, "# ours\nseed = 7 # lucky\n\n").unwrap();
        add(RULE).unwrap();
        let text = std::fs::read_to_string(&path).unwrap();
        assert_eq!(text, format!("# ours\nseed = 7 # lucky\n\n{RULE}"));
        let error = add(RULE).unwrap_err();
        assert!(error.contains("one"), "two of one name: {error}");
        assert_eq!(std::fs::read_to_string(&path).unwrap(), text, "the file stays as it was");
    }
}
