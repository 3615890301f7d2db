//! Plain HTTP exchanges of a recording: which one a request is for, and what it is answered.

use bytes::Bytes;
use http::StatusCode;

use super::cast::{origin_form, path};
use super::heads;
use crate::capture::Exchange;
use crate::headless::schema::Bookmark;
use crate::net::written;
use crate::ws::handshake::{RequestHead, ResponseHead};

/// A recorded exchange. What it was answered stays in the file until it is asked for.
pub struct Visit {
    method: String,
    target: String,
    pub(super) bookmark: Bookmark,
    answered: bool,
}

/// What a request is answered.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct Answer {
    pub bytes: Bytes,
    /// Octets of the request that are still to be read.
    pub body: usize,
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
        Answer { bytes: written(StatusCode::BAD_GATEWAY, why).into(), body: 0, then: Then::Close }
    }
}

impl Visit {
    /// One that was recorded; none where the server did not answer. `bookmark` stands before its line.
    pub fn new(exchange: &Exchange, bookmark: Bookmark) -> Option<Visit> {
        let request = RequestHead::parse(&exchange.request).ok()?;
        ResponseHead::parse(&exchange.response).ok()?;
        let target = origin_form(&request.target()).to_owned();
        Some(Visit { method: request.method().into_owned(), target, bookmark, answered: false })
    }
}

/// Which of the exchanges a request is for: the first with its method and its target, less the query's `ignored`
/// parameters, and else with its path, of those that were not asked for yet; and else the last one that was.
pub(super) fn choose(visits: &mut [Visit], request: &RequestHead, ignored: &[String]) -> Option<usize> {
    let method = request.method();
    let target = request.target();
    let target = origin_form(&target);
    let wanted = without(target, ignored);
    let same = |visit: &Visit| visit.method == method && without(&visit.target, ignored) == wanted;
    let alike = |visit: &Visit| visit.method == method && path(&visit.target) == path(target);
    let first =
        |fits: &dyn Fn(&Visit) -> bool| visits.iter().position(|visit| !visit.answered && fits(visit));
    let chosen = first(&same)
        .or_else(|| first(&alike))
        .or_else(|| visits.iter().rposition(same))
        .or_else(|| visits.iter().rposition(alike))?;
    visits[chosen].answered = true;
    Some(chosen)
}

/// The target without these parameters of its query.
fn without(target: &str, ignored: &[String]) -> String {
    let Some((path, query)) = target.split_once('?') else { return target.to_owned() };
    let name = |parameter: &str| parameter.split('=').next().unwrap_or_default().to_owned();
    let kept: Vec<_> = query.split('&').filter(|one| !ignored.contains(&name(one))).collect();
    if kept.is_empty() { path.to_owned() } else { format!("{path}?{}", kept.join("&")) }
}

/// What `request` is answered: as it was recorded, with its body.
pub(super) fn answer(request: &RequestHead, exchange: &Exchange) -> Answer {
    let headers = request.headers();
    let length = headers.text("Content-Length").map_or(Some(0), |length| length.trim().parse().ok());
    let Some(body) = length.filter(|_| !headers.contains("Transfer-Encoding")) else {
        let why = "the mock reads bodies of a known length only: send Content-Length";
        return Answer {
            bytes: written(StatusCode::LENGTH_REQUIRED, why).into(),
            body: 0,
            then: Then::Close,
        };
    };
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
    let closes = headers.has_token("Connection", "close") || request.version() < (1, 1);
    let then = if closes { Then::Close } else { Then::Keep };
    // These have no body whatever their length says (RFC 9110 6.4.1).
    let bare = request.method() == "HEAD" || matches!(recorded.status(), 204 | 304);
    let bytes = heads::response(&recorded, (!bare).then_some(&kept[..]), then);
    Answer { bytes, body, then }
}
