//! Secrets of HTTP heads, replaced by placeholders before anything is printed or recorded.
//!
//! What counts as a secret is decided in [`head`], [`query`], [`subprotocol`] and [`token`]; [`secrets`] numbers what
//! was found, so that the same secret has the same placeholder throughout a recording, and finds it again elsewhere in
//! the same event. Payloads of messages are left as they are.

mod head;
mod query;
mod secrets;
mod subprotocol;
mod token;

#[cfg(test)]
mod tests;

use std::borrow::Cow;

use bytes::Bytes;

use super::schema::Payloads;
use crate::capture::{Act, Deed, Event, Exchange, Note, Opening, Payload, Refused};
use crate::ws::Direction;
use query::Extent;
use secrets::{Finds, Numbers, Origin};

/// Replaces secrets in one event after the other.
#[derive(Default)]
pub struct Redactor {
    numbers: Numbers,
}

impl Redactor {
    /// What stands for a secret that was found elsewhere: the same as where it stands in a head. A placeholder stands
    /// for itself.
    pub fn placeholder(&mut self, secret: &str) -> String {
        let mut finds = Finds::new(&mut self.numbers);
        let placeholder = finds.replace(secret.as_bytes(), Origin::Named, "");
        String::from_utf8(placeholder).unwrap_or_default()
    }

    /// The event without its secrets. Bodies are read from `source` where they are not in memory; one that cannot be
    /// read any more is left for the writer to miss.
    pub fn redact<'e>(&mut self, event: &'e Event, source: &dyn Payloads) -> Cow<'e, Event> {
        let mut finds = Finds::new(&mut self.numbers);
        match event {
            Event::Opened(opening) => {
                let mut opening = opening.clone();
                heads(&mut opening, &mut finds);
                repeats(&mut opening, &mut finds);
                Cow::Owned(Event::Opened(opening))
            }
            Event::Refused(refused) => {
                let mut refused = refused.clone();
                redact_refused(&mut refused, &mut finds, source);
                Cow::Owned(Event::Refused(refused))
            }
            Event::Exchanged(exchange) => {
                let mut exchange = exchange.clone();
                redact_exchange(&mut exchange, &mut finds, source);
                Cow::Owned(Event::Exchanged(exchange))
            }
            Event::Note(note) => {
                let mut note = Note { text: note.text.clone(), ..*note };
                text(&mut note.text, "text", &mut finds);
                Cow::Owned(Event::Note(note))
            }
            Event::Act(act @ Act { number: None, deed: Deed::Edited(opcode, head), direction, .. }) => {
                let mut after = head.clone();
                let place = if *direction == Direction::ToServer { "request" } else { "response" };
                body(&mut after, source, |bytes| {
                    Some(head::redact(bytes, place, &mut finds)).filter(|read| read != bytes)
                });
                Cow::Owned(Event::Act(Act { deed: Deed::Edited(*opcode, after), ..act.clone() }))
            }
            // Requests that nobody has answered have no line; the others have no heads.
            Event::Act(_)
            | Event::Asked(_)
            | Event::Requested(_)
            | Event::Responded(_)
            | Event::Tunnel(_)
            | Event::Message(_)
            | Event::Ended(_) => Cow::Borrowed(event),
        }
    }
}

/// Finds the secrets of an opening's heads, and replaces them where they stand.
fn heads(opening: &mut Opening, finds: &mut Finds) {
    opening.url = query::redact_url(&opening.url, finds);
    opening.request = head::redact(&opening.request, "request", finds);
    opening.sent = head::redact(&opening.sent, "request", finds);
    opening.response = head::redact(&opening.response, "response", finds);
}

/// Replaces what was found wherever it appears again, and says what was replaced.
fn repeats(opening: &mut Opening, finds: &mut Finds) {
    finds.again_in_text(&mut opening.url, "url");
    finds.again_in_head(&mut opening.request, "request");
    finds.again_in_head(&mut opening.sent, "request");
    finds.again_in_head(&mut opening.response, "response");
    for note in &mut opening.notes {
        text(note, "notes", finds);
    }
    finds.tell_into(&mut opening.redacted);
}

fn redact_refused(refused: &mut Refused, finds: &mut Finds, source: &dyn Payloads) {
    heads(&mut refused.opening, finds);
    if refused.opening.response.is_empty() {
        // What came was no HTTP, as far as it can be read: it may be a head all the same.
        body(&mut refused.body, source, |bytes| {
            let read = head::redact(bytes, "response body", finds);
            finds.again(&read, "response body").or_else(|| (read != *bytes).then_some(read))
        });
    } else {
        body(&mut refused.body, source, |bytes| finds.again(bytes, "response body"));
    }
    text(&mut refused.why, "why", finds);
    repeats(&mut refused.opening, finds);
}

fn redact_exchange(exchange: &mut Exchange, finds: &mut Finds, source: &dyn Payloads) {
    let heads = [
        (&mut exchange.request, "request"),
        (&mut exchange.sent, "request"),
        (&mut exchange.response, "response"),
    ];
    exchange.url = query::redact_url(&exchange.url, finds);
    for (head, side) in heads {
        *head = head::redact(head, side, finds);
    }
    finds.again_in_text(&mut exchange.url, "url");
    finds.again_in_head(&mut exchange.request, "request");
    finds.again_in_head(&mut exchange.sent, "request");
    finds.again_in_head(&mut exchange.response, "response");
    for (payload, size, place) in [
        (&mut exchange.request_body, &mut exchange.request_size, "request body"),
        (&mut exchange.response_body, &mut exchange.response_size, "response body"),
    ] {
        let captured = payload.len();
        body(payload, source, |bytes| {
            // What the log has let go meanwhile stays missing.
            let whole = bytes.len() as u64 == captured && captured == *size;
            let changed = finds.again(bytes, place)?;
            if whole {
                *size = changed.len() as u64;
            }
            Some(changed)
        });
    }
    for note in &mut exchange.notes {
        text(note, "notes", finds);
    }
    if let Some(error) = &mut exchange.error {
        text(error, "error", finds);
    }
    finds.tell_into(&mut exchange.redacted);
}

/// A sentence: what was found is replaced in it, and what it quotes of URLs.
fn text(text: &mut String, place: &str, finds: &mut Finds) {
    finds.again_in_text(text, place);
    let read = query::redact(text.as_bytes(), Extent::Prose, place, finds);
    let read = token::redact(&read, place, finds);
    if read != text.as_bytes() {
        *text = String::from_utf8_lossy(&read).into_owned();
    }
}

/// A body, changed where `redact` gives something else.
fn body(body: &mut Payload, source: &dyn Payloads, redact: impl FnOnce(&Bytes) -> Option<Bytes>) {
    if body.is_empty() {
        return;
    }
    let length = usize::try_from(body.len()).unwrap_or(usize::MAX);
    let Ok(bytes) = source.read(body, 0, length) else { return };
    if let Some(changed) = redact(&bytes) {
        *body = Payload::from(changed);
    }
}
