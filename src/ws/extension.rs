//! Extensions: what `Sec-WebSocket-Extensions` offers, and what an answer agrees (RFC 6455 9.1).

mod permessage_deflate;

pub use permessage_deflate::PermessageDeflate;

use permessage_deflate::{Parameters, Role};

/// One extension with its parameters, as offered or agreed.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Extension {
    /// The registered name, as `permessage-deflate`.
    pub name: String,
    /// The parameters in their order.
    pub parameters: Vec<Parameter>,
}

/// A parameter of an extension.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Parameter {
    /// Its name.
    pub name: String,
    /// Its value, without quotes.
    pub value: Option<String>,
}

/// Whether an extension was agreed that is not known here.
///
/// Such an extension may give reserved bits and reserved opcodes a meaning, so neither is then a violation.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
pub enum OtherExtension {
    /// None.
    #[default]
    None,
    /// One at least.
    Unknown,
}

/// A broken rule, in words.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Fault {
    /// What is wrong.
    pub sentence: String,
    /// Where the rule stands.
    pub section: &'static str,
}

/// What a server's answer puts in force.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Agreement {
    /// The parameters of permessage-deflate, when it is on.
    pub deflate: Option<PermessageDeflate>,
    /// Whether anything else is on.
    pub other: OtherExtension,
    /// What the answer does wrong.
    pub faults: Vec<Fault>,
}

/// Reads the values of all `Sec-WebSocket-Extensions` lines of one head. What is not readable is left out and told.
pub fn parse<'a>(values: impl IntoIterator<Item = &'a [u8]>) -> (Vec<Extension>, Vec<Fault>) {
    let (mut extensions, mut faults) = (vec![], vec![]);
    for value in values {
        if value.trim_ascii().is_empty() {
            faults.push(syntax("Sec-WebSocket-Extensions is there, but empty; leave it out".into()));
            continue;
        }
        for element in split(value, b',') {
            match parse_extension(element) {
                Ok(Some(extension)) => extensions.push(extension),
                Ok(None) => {}
                Err(fault) => faults.push(fault),
            }
        }
    }
    (extensions, faults)
}

/// The elements of one `Sec-WebSocket-Extensions` value as sent, each an extension with its parameters.
pub fn elements(value: &[u8]) -> impl Iterator<Item = &[u8]> {
    split(value, b',').into_iter().map(<[u8]>::trim_ascii).filter(|element| !element.is_empty())
}

/// What is wrong with the parameters a client offers.
pub fn check_offers(offers: &[Extension]) -> Vec<Fault> {
    let mut faults = vec![];
    for offer in offers.iter().filter(|offer| offer.name == PermessageDeflate::NAME) {
        Parameters::read(offer, Role::Offer, &mut faults);
    }
    faults
}

/// What a server puts in force by answering `chosen` to `offers`.
///
/// What it was not allowed to choose counts all the same, since it will be used.
pub fn agree(offers: &[Extension], chosen: &[Extension]) -> Agreement {
    let mut agreement = Agreement::default();
    for extension in chosen {
        let name = &extension.name;
        if !offers.iter().any(|offer| offer.name == *name) {
            let sentence = format!("the server chose the extension {name}, which the client did not offer");
            agreement.faults.push(Fault { sentence, section: "RFC 6455 4.1" });
        }
        if *name != PermessageDeflate::NAME {
            agreement.other = OtherExtension::Unknown;
        } else if agreement.deflate.is_some() {
            let sentence = "the server chose permessage-deflate twice".into();
            agreement.faults.push(Fault { sentence, section: "RFC 7692 5" });
        } else {
            agreement.deflate = Some(agree_deflate(offers, extension, &mut agreement.faults));
        }
    }
    agreement
}

fn agree_deflate(offers: &[Extension], answer: &Extension, faults: &mut Vec<Fault>) -> PermessageDeflate {
    let answer = Parameters::read(answer, Role::Answer, faults);
    // RFC 7692 7.1: the answer has to fit one of the offers; which one it accepts is not said
    let mut mismatch = None;
    for offer in offers.iter().filter(|offer| offer.name == PermessageDeflate::NAME) {
        match answer.mismatch(&Parameters::read(offer, Role::Offer, &mut vec![])) {
            None => return answer.agreed(),
            Some(fault) => mismatch = mismatch.or(Some(fault)),
        }
    }
    faults.extend(mismatch);
    answer.agreed()
}

/// Reads `name; parameter; parameter=value; parameter="value"`. An empty list element is nothing (RFC 9110 5.6.1).
fn parse_extension(element: &[u8]) -> Result<Option<Extension>, Fault> {
    let mut parts = split(element, b';').into_iter();
    let first = parts.next().unwrap_or_default().trim_ascii();
    if first.is_empty() && parts.len() == 0 {
        return Ok(None);
    }
    let name = token(first, element)?;
    let mut parameters = vec![];
    for part in parts {
        let (name, value) = match part.iter().position(|byte| *byte == b'=') {
            Some(at) => (&part[..at], Some(part[at + 1..].trim_ascii())),
            None => (part, None),
        };
        let name = token(name.trim_ascii(), element)?;
        let value = value.map(|value| token(&unquoted(value), element)).transpose()?;
        parameters.push(Parameter { name, value });
    }
    Ok(Some(Extension { name, parameters }))
}

/// RFC 6455 9.1: names and values are tokens, also a value that came in quotes.
fn token(bytes: &[u8], element: &[u8]) -> Result<String, Fault> {
    match std::str::from_utf8(bytes) {
        Ok(text) if is_token(bytes) => Ok(text.to_owned()),
        _ => Err(syntax(format!(
            "Sec-WebSocket-Extensions cannot be read at \"{}\"",
            element.trim_ascii().escape_ascii()
        ))),
    }
}

/// Whether `bytes` are a token as RFC 9110 5.6.2 has it: at least one letter, digit or one of a few signs.
pub(super) fn is_token(bytes: &[u8]) -> bool {
    !bytes.is_empty()
        && bytes.iter().all(|byte| byte.is_ascii_alphanumeric() || b"!#$%&'*+-.^_`|~".contains(byte))
}

/// What stands between double quotes, with its backslashes resolved; anything else as it is.
fn unquoted(value: &[u8]) -> Vec<u8> {
    let Some(inner) = value.strip_prefix(b"\"").and_then(|rest| rest.strip_suffix(b"\"")) else {
        return value.to_vec();
    };
    let mut plain = vec![];
    let mut bytes = inner.iter();
    while let Some(byte) = bytes.next() {
        plain.push(if *byte == b'\\' { *bytes.next().unwrap_or(byte) } else { *byte });
    }
    plain
}

/// Cuts at `separator` wherever it does not stand in quotes.
fn split(bytes: &[u8], separator: u8) -> Vec<&[u8]> {
    let (mut quoted, mut escaped) = (false, false);
    bytes
        .split(|byte| {
            if escaped {
                escaped = false;
            } else {
                quoted ^= *byte == b'"';
                escaped = quoted && *byte == b'\\';
            }
            *byte == separator && !quoted
        })
        .collect()
}

fn syntax(sentence: String) -> Fault {
    Fault { sentence, section: "RFC 6455 9.1" }
}

#[cfg(test)]
mod tests;
