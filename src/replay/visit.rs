//! Plain HTTP exchanges of a recording: which one a request is for, and what it is answered.

use std::cmp::Reverse;
use std::time::Duration;

use bytes::Bytes;
use http::StatusCode;

use super::cast::{origin_form, path};
use super::heads;
use super::kin::Kin;
use crate::capture::{Event, Exchange, Row, Stamp};
use crate::filter::Filter;
use crate::headless::schema::Bookmark;
use crate::net::written;
use crate::ws::handshake::{RequestHead, ResponseHead};

/// A recorded exchange. What it was answered stays in the file until it is asked for.
pub(super) struct Visit {
    /// The exchange, without its bodies.
    pub exchange: Exchange,
    /// The line of the recording that says so, from 1.
    pub line: u64,
    pub bookmark: Bookmark,
    pub kin: Kin,
    /// Whether the play is complete without it.
    pub is_optional: bool,
    /// When the response's head was there; none where the client never got an answer.
    pub answered: Option<Stamp>,
    /// When its client was told that a WebSocket works in place of it.
    pub probe: Option<Stamp>,
    method: String,
    target: String,
    /// How often it was asked for.
    pub begun: u32,
    /// How often all of the request was there.
    pub arrived: u32,
    /// How often it was answered.
    pub done: u32,
}

/// What a request is answered.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct Answer {
    pub bytes: Bytes,
    pub then: Then,
}

/// What becomes of the connection.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Then {
    Keep,
    Close,
}

impl Answer {
    /// It cannot be answered as recorded.
    pub fn failed(why: &str) -> Answer {
        Answer { bytes: written(StatusCode::BAD_GATEWAY, why).into(), then: Then::Close }
    }
}

/// A response whose end follows its head so soon was there as a whole; one that takes longer comes piece by piece, and
/// the client acts on the first.
const AT_ONCE: Duration = Duration::from_millis(20);

impl Visit {
    /// One that was recorded in `line`; none where the server was not reached. `bookmark` stands before that line.
    pub fn new(mut exchange: Exchange, line: u64, bookmark: Bookmark) -> Option<Visit> {
        (exchange.request_body, exchange.response_body) = Default::default();
        let request = RequestHead::parse(&exchange.request).ok()?;
        let target = origin_form(&request.target()).to_owned();
        let answered = match ResponseHead::parse(&exchange.response) {
            Ok(_) => Some(answered(&exchange)),
            // It was reached, and left the client waiting.
            Err(_) if exchange.response.is_empty() && !exchange.server.is_empty() => None,
            Err(_) => return None,
        };
        Some(Visit {
            line,
            bookmark,
            kin: Kin::of(&target),
            is_optional: answered.is_none() || is_browsers_own(&request),
            answered,
            probe: None,
            method: request.method().into_owned(),
            target,
            begun: 0,
            arrived: 0,
            done: 0,
            exchange,
        })
    }

    pub fn is(&self, filter: &Filter) -> bool {
        filter.matches(&Row::of_event(&Event::Exchanged(self.exchange.clone()), None))
    }

    /// The request's method and target.
    pub fn title(&self) -> String {
        format!("{} {}", self.method, self.target)
    }

    /// Whether nothing of it is left to do.
    pub fn is_done(&self) -> bool {
        self.done > 0 || self.answered.is_none() || (self.is_optional && self.begun == self.done)
    }

    /// Whether it does something, so that others may wait for it (RFC 9110 9.2.1).
    pub fn is_act(&self) -> bool {
        !matches!(&*self.method, "GET" | "HEAD" | "OPTIONS" | "TRACE")
    }
}

/// When the client had the answer, or the beginning of one that came piece by piece.
fn answered(exchange: &Exchange) -> Stamp {
    let timing = &exchange.timing;
    let steps = [timing.dns, timing.tcp, timing.tls, timing.response];
    let head = exchange.time.0 + steps.iter().flatten().sum::<Duration>().as_nanos() as u64;
    match exchange.ended {
        Some(ended) if timing.response.is_none() || ended.since(Stamp(head)) < AT_ONCE => ended,
        _ => Stamp(head),
    }
}

/// Whether a browser asks for this by itself, or not at all where it has it still: nothing that a test can count on.
pub(super) fn is_browsers_own(request: &RequestHead) -> bool {
    let target = request.target();
    let path = path(origin_form(&target));
    let name = path.rsplit('/').next().unwrap_or_default();
    let is_page_or_fetch =
        |destination: &str| matches!(destination, "empty" | "document" | "iframe" | "frame");
    let destination = request.headers().text("Sec-Fetch-Dest");
    name == "favicon.ico"
        || name.starts_with("apple-touch-icon")
        || path.starts_with("/.well-known/appspecific/")
        || (request.method() == "OPTIONS" && request.headers().contains("Access-Control-Request-Method"))
        || destination.is_some_and(|destination| !is_page_or_fetch(destination.trim()))
}

/// Which of the exchanges a request is for: the first with its method and its target, less the query's `ignored`
/// parameters, and else with its path and most of its query, of those that were asked for least. Where they are not
/// `repeated`, that is those that were not asked for yet, and else the last one that was.
pub(super) fn choose(
    visits: &[Visit],
    request: &RequestHead,
    ignored: &[String],
    repeated: bool,
) -> Option<usize> {
    let method = request.method();
    let target = request.target();
    let target = origin_form(&target);
    let wanted = without(target, ignored);
    let likeness = |visit: &Visit| {
        let recorded = without(&visit.target, ignored);
        if visit.method != method || path(&recorded) != path(&wanted) {
            return None;
        }
        Some(if recorded == wanted { i64::MAX } else { shared(&recorded, &wanted) })
    };
    let fitting = || visits.iter().enumerate().filter_map(|(at, visit)| Some((at, visit, likeness(visit)?)));
    if repeated {
        let chosen = fitting().min_by_key(|(_, visit, likeness)| (visit.begun, Reverse(*likeness)));
        return chosen.map(|(at, ..)| at);
    }
    let free = fitting().filter(|(_, visit, _)| visit.begun == 0);
    let again = || fitting().max_by_key(|(.., likeness)| *likeness);
    free.min_by_key(|(.., likeness)| Reverse(*likeness)).or_else(again).map(|(at, ..)| at)
}

/// How alike two queries are: parameters that both have, less names that only one has.
fn shared(one: &str, other: &str) -> i64 {
    let parameters = |target: &str| -> Vec<String> {
        let query = target.split_once('?').map_or("", |(_, query)| query);
        query.split('&').filter(|parameter| !parameter.is_empty()).map(str::to_owned).collect()
    };
    let (one, other) = (parameters(one), parameters(other));
    let same = one.iter().filter(|parameter| other.contains(parameter)).count() as i64;
    let lacks = |from: &[String], parameter: &String| !from.iter().any(|it| name(it) == name(parameter));
    let alone =
        one.iter().filter(|it| lacks(&other, it)).count() + other.iter().filter(|it| lacks(&one, it)).count();
    same - alone as i64
}

fn name(parameter: &str) -> &str {
    parameter.split('=').next().unwrap_or_default()
}

/// The target without these parameters of its query.
fn without(target: &str, ignored: &[String]) -> String {
    let Some((path, query)) = target.split_once('?') else { return target.to_owned() };
    let kept: Vec<_> = query.split('&').filter(|one| !ignored.iter().any(|it| it == name(one))).collect();
    if kept.is_empty() { path.to_owned() } else { format!("{path}?{}", kept.join("&")) }
}

/// How many octets of body the request has.
///
/// # Errors
/// Where that is not known, with what to answer.
pub(super) fn body_length(request: &RequestHead) -> Result<usize, Answer> {
    let headers = request.headers();
    let length = headers.text("Content-Length").map_or(Some(0), |length| length.trim().parse().ok());
    length.filter(|_| !headers.contains("Transfer-Encoding")).ok_or_else(|| {
        let why = "the mock reads bodies of a known length only: send Content-Length";
        Answer { bytes: written(StatusCode::LENGTH_REQUIRED, why).into(), then: Then::Close }
    })
}

/// What `request` is answered: as it was recorded, with its body.
pub(super) fn answer(request: &RequestHead, exchange: &Exchange) -> Answer {
    let kept = exchange.response_body.in_memory().cloned().unwrap_or_default();
    if (kept.len() as u64) < exchange.response_size {
        let why = format!(
            "the recording kept only {} of {} octets of this body, so that it cannot be played",
            kept.len(),
            exchange.response_size
        );
        return Answer::failed(&why);
    }
    let Ok(recorded) = ResponseHead::parse(&exchange.response) else {
        return Answer::failed("the recorded response is no HTTP");
    };
    let closes = request.headers().has_token("Connection", "close") || request.version() < (1, 1);
    let then = if closes { Then::Close } else { Then::Keep };
    // These have no body whatever their length says (RFC 9110 6.4.1).
    let bare = request.method() == "HEAD" || matches!(recorded.status(), 204 | 304);
    let bytes = heads::response(&recorded, (!bare).then_some(&kept[..]), then);
    Answer { bytes, then }
}
