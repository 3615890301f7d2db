//! As wscat, which sends texts by itself: one, or with its version 6 several.

use super::shell::{command, quoted, word};
use super::{Language, Said, Talk};

pub(super) fn write(talk: &Talk) -> String {
    let mut words = vec![format!("wscat --connect {}", quoted(&talk.url))];
    let mut remarks = Vec::new();
    for (name, value) in headers(talk, &mut remarks) {
        words.push(format!("--header {}", quoted(&format!("{name}: {value}"))));
    }
    for name in &talk.subprotocols {
        words.push(format!("--subprotocol {}", quoted(name)));
    }
    let mut texts = Vec::new();
    for said in &talk.said {
        let text = if let Said::Text(text) = said { word(text) } else { None };
        match text {
            Some(text) => texts.push(text),
            None => remarks
                .push("A message is left out: wscat sends texts alone, and none that has a NUL.".to_owned()),
        }
    }
    if texts.len() > 1 {
        remarks.push("npm install -g wscat@6: older ones send the last of these texts alone.".to_owned());
    }
    if !texts.is_empty() {
        // Answers are waited for.
        words.push("--wait 5".to_owned());
        words.extend(texts.into_iter().map(|text| format!("--execute {text}")));
    }
    command(talk, Language::Wscat, &remarks, &words)
}

/// The headers. Of several of one name it sends the last alone, so that their values go in one (RFC 9110 5.3).
fn headers(talk: &Talk, remarks: &mut Vec<String>) -> Vec<(String, String)> {
    let mut headers: Vec<(String, String)> = Vec::new();
    for (name, value) in &talk.fields {
        let Some((_, before)) = headers.iter_mut().find(|(other, _)| other.eq_ignore_ascii_case(name)) else {
            headers.push((name.clone(), value.clone()));
            continue;
        };
        // RFC 6265 5.4: cookies have a separator of their own.
        let separator = if name.eq_ignore_ascii_case("cookie") { "; " } else { ", " };
        *before += &format!("{separator}{value}");
        let remark = format!("wscat sends one header of a name: the values of {name} stand in one.");
        if !remarks.contains(&remark) {
            remarks.push(remark);
        }
    }
    headers
}
