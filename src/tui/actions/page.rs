//! The page of keys, made from their table.

use super::{BINDINGS, Pane, When};
use crate::tui::edit;

/// The page `docs/keys.md`.
pub fn keys_page() -> String {
    let mut page = String::from(
        "# Keys\n\n\
         Every key is also a command: press `:` and type its name (a beginning that is unique will do).\n\
         This page is made from the table in `src/tui/actions.rs`; `UPDATE_DOCS=1 cargo test the_page_of_keys` writes it.\n",
    );
    let sections = [
        ("Everywhere", When::Anywhere),
        ("In the list of sessions", When::In(Pane::Sessions)),
        ("While two sessions are compared", When::Comparing),
    ];
    for (title, when) in sections {
        page += &format!("\n## {title}\n\n| key | command | does |\n|---|---|---|\n");
        for binding in BINDINGS.iter().filter(|binding| binding.when == when) {
            let keys: Vec<String> = binding.keys.iter().map(|key| format!("`{key}`")).collect();
            let command = format!(":{} {}", binding.command, binding.argument);
            page += &format!("| {} | `{}` | {} |\n", keys.join(" "), command.trim_end(), binding.help);
        }
    }
    page += "\n## In the editor\n\nBeside the usual keys of a text field:\n\n| key | does |\n|---|---|\n";
    for (key, _, help) in edit::KEYS {
        page += &format!("| `{key}` | {help} |\n");
    }
    page
}
