//! An opening handshake that rules or the user touch: held, edited, delayed, or refused before the server hears of it.

use bytes::Bytes;
use http::StatusCode;

use super::accept::Asked;
use super::drive::Touch;
use super::edit::{remove_header, set_header};
use super::exchange::Kind;
use super::report::Report;
use super::serve::{Serving, plain};
use crate::capture::{Act, By, Deed, Event, Opening, Payload};
use crate::control::Verdict;
use crate::rules::{HandshakeEdit, Judge, Refusal, Step};
use crate::ws::{Direction, Opcode};

/// What rules do with one handshake, and then with its session. The default does nothing.
#[derive(Default)]
pub(super) struct Intervention {
    judge: Option<Judge>,
    /// What was edited in the request, a sentence each.
    pub(super) notes: Vec<String>,
}

/// What a handshake comes to before the server hears of it.
enum Fate {
    GoesOn,
    Refused(Refusal, By),
    Dropped(By),
}

impl Serving {
    /// Has rules and the user do what they want with a request; none where the server is not to hear of it, and the
    /// client was told.
    pub(super) async fn intervene(
        &self,
        mut asked: Asked,
        report: &mut Report,
        kind: Kind,
    ) -> Option<(Asked, Intervention)> {
        let rules = self.shared.controller.rules();
        let Some(opening) = report.opening().filter(|_| kind == Kind::WebSocket && !rules.is_empty()) else {
            return Some((asked, Intervention::default()));
        };
        let mut judge = Judge::new(rules);
        let steps = judge.request(&opening.flow());
        let session = opening.session;
        let mut notes = Vec::new();
        let mut steps = steps.into_iter().peekable();
        while let Some(Step { rule, effect }) = steps.next() {
            let by = rule.clone().map_or(By::User, By::Rule);
            // All that one rule does to the head is one act.
            let more = steps.peek().is_some_and(|next| next.rule == rule && is_edit(&next.effect));
            let is_edited = is_edit(&effect) && !more;
            match self.edit_request(&mut asked, session, effect, by.clone(), &mut notes).await {
                Fate::GoesOn if is_edited => {
                    let head = Payload::from(asked.head.clone());
                    self.act(session, None, Deed::Edited(Opcode::Text, head), by);
                }
                Fate::GoesOn => {}
                Fate::Refused(Refusal { status, body }, by) => {
                    report.over(Some(format!("refused with {status} by {by}; the server was not asked")));
                    let status = StatusCode::from_u16(status).unwrap_or(StatusCode::SERVICE_UNAVAILABLE);
                    let mut response = plain(status, "");
                    *response.body_mut() = body.into();
                    asked.answer(response).await;
                    return None;
                }
                Fate::Dropped(by) => {
                    report.over(Some(format!("dropped by {by}; the server was not asked")));
                    asked.take_over().reset();
                    return None;
                }
            }
        }
        Some((asked, Intervention { judge: Some(judge), notes }))
    }

    async fn edit_request(
        &self,
        asked: &mut Asked,
        session: u32,
        effect: HandshakeEdit,
        by: By,
        notes: &mut Vec<String>,
    ) -> Fate {
        match effect {
            HandshakeEdit::Hold => return self.hold_handshake(asked, session, by).await,
            HandshakeEdit::Refuse(refusal) => {
                self.act(session, None, Deed::Refused(refusal.status), by.clone());
                return Fate::Refused(refusal, by);
            }
            HandshakeEdit::Delay(time) => {
                self.act(session, None, Deed::Delayed(time), by);
                tokio::time::sleep(time).await;
            }
            HandshakeEdit::Set(name, value) => {
                asked.head = set_header(&asked.head, &name, &value).into();
                notes.push(edited(&name, "set", &by));
            }
            HandshakeEdit::Remove(name) => {
                asked.head = remove_header(&asked.head, &name).into();
                notes.push(edited(&name, "removed", &by));
            }
        }
        Fate::GoesOn
    }

    /// Waits for the user's word on a handshake.
    async fn hold_handshake(&self, asked: &mut Asked, session: u32, by: By) -> Fate {
        let (held, verdict) = self.shared.controller.hold_handshake(session);
        self.act(session, Some(held), Deed::Held, by);
        // No word comes any more where the proxy is being shut down.
        let (verdict, by) = verdict.await.map_or((Verdict::Drop, By::Proxy), |verdict| (verdict, By::User));
        self.shared.controller.let_go(held);
        let (deed, fate) = match verdict {
            Verdict::Forward | Verdict::Repeat(_) | Verdict::Replace(..) | Verdict::Answer(..) => {
                (Deed::Released, Fate::GoesOn)
            }
            Verdict::ReplaceHead(head) => {
                asked.head = whole_head(&head);
                let edited = Payload::from(asked.head.clone());
                (Deed::Edited(Opcode::Text, edited), Fate::GoesOn)
            }
            Verdict::Refuse(status, body) => {
                (Deed::Refused(status), Fate::Refused(Refusal { status, body }, by.clone()))
            }
            Verdict::Drop | Verdict::Close(..) => (Deed::Dropped, Fate::Dropped(by.clone())),
        };
        self.act(session, Some(held), deed, by);
        fate
    }

    /// Tells the log of something done to a handshake.
    fn act(&self, session: u32, held: Option<u64>, deed: Deed, by: By) {
        let tap = &self.shared.tap;
        let (time, direction) = (tap.log().now(), Direction::ToServer);
        tap.event(Event::Act(Act { session, time, direction, number: None, held, deed, by }));
    }
}

impl Intervention {
    /// What the client gets in place of the server's 101, with what was done; none where that is the same.
    pub(super) fn response(&mut self, report: &Report, head: &Bytes) -> Option<(Bytes, Vec<String>)> {
        let judge = self.judge.as_mut()?;
        let flow = Opening { response: head.clone(), ..report.opening()?.clone() }.flow();
        let (mut edited_head, mut notes) = (head.to_vec(), Vec::new());
        let mut steps = judge.response(&flow).into_iter().peekable();
        while let Some(Step { rule, effect }) = steps.next() {
            let by = rule.clone().map_or(By::User, By::Rule);
            let is_edit = is_edit(&effect);
            match effect {
                HandshakeEdit::Set(name, value) => {
                    edited_head = set_header(&edited_head, &name, &value);
                    notes.push(edited(&format!("the answer's {name}"), "set", &by));
                }
                HandshakeEdit::Remove(name) => {
                    edited_head = remove_header(&edited_head, &name);
                    notes.push(edited(&format!("the answer's {name}"), "removed", &by));
                }
                // The server has agreed: what is left to choose is what the client hears of it.
                HandshakeEdit::Hold | HandshakeEdit::Refuse(_) | HandshakeEdit::Delay(_) => {}
            }
            if is_edit && steps.peek().is_none_or(|next| next.rule != rule) {
                report.edited_response(Bytes::copy_from_slice(&edited_head), by);
            }
        }
        (!notes.is_empty()).then(|| (edited_head.into(), notes))
    }

    /// What is done with the session that the handshake opened.
    pub(super) fn touch(self, report: &Report) -> Option<Box<Touch>> {
        Some(Box::new(Touch::new(self.judge?, report.opening()?)))
    }
}

/// Whether it changes the head.
fn is_edit(effect: &HandshakeEdit) -> bool {
    matches!(effect, HandshakeEdit::Set(..) | HandshakeEdit::Remove(_))
}

fn edited(name: &str, how: &str, by: &By) -> String {
    format!("{name} {how} by {by}")
}

/// A head as a user wrote it, with the line ends and the empty line that it needs (RFC 9112 2.1).
fn whole_head(head: &[u8]) -> Bytes {
    let mut whole = Vec::with_capacity(head.len() + 4);
    for line in head.trim_ascii_end().split(|octet| *octet == b'\n') {
        whole.extend_from_slice(line.strip_suffix(b"\r").unwrap_or(line));
        whole.extend_from_slice(b"\r\n");
    }
    whole.extend_from_slice(b"\r\n");
    whole.into()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_head_written_by_hand_gets_its_line_ends() {
        let whole = "GET / HTTP/1.1\r\nHost: a\r\n\r\n";
        for written in
            ["GET / HTTP/1.1\nHost: a", "GET / HTTP/1.1\r\nHost: a\r\n\r\n", "GET / HTTP/1.1\nHost: a\n\n\n"]
        {
            assert_eq!(whole_head(written.as_bytes()), whole);
        }
    }
}
