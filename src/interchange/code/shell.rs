//! Words and commands of a POSIX shell.

use super::{Language, Talk};

/// A word in single quotes; none where it has a NUL, which no program can be given.
pub(super) fn word(text: &str) -> Option<String> {
    let plain = |octet: u8| octet.is_ascii_alphanumeric() || b"-_./:@%+,".contains(&octet);
    if text.contains('\0') {
        None
    } else if !text.is_empty() && text.bytes().all(plain) {
        Some(text.to_owned())
    } else {
        Some(format!("'{}'", text.replace('\'', r"'\''")))
    }
}

/// A word that has no NUL, as headers and URLs have none.
pub(super) fn quoted(text: &str) -> String {
    word(&text.replace('\0', "")).unwrap_or_default()
}

/// A command over as many lines as it has arguments, below what there is to remark.
pub(super) fn command(talk: &Talk, language: Language, remarks: &[String], words: &[String]) -> String {
    format!("{}{}\n", talk.comments(language, remarks), words.join(" \\\n  "))
}
