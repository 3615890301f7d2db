//! A HAR entry as a session, a refused handshake, or an exchange.

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use serde_json::{Value, json};

use super::messages::{Origin, happened};
use super::read::{Reading, number, object, text};
use super::{CLOSE, CONTROL_FRAMES, MESSAGES, OWN, Object, plain_request_line, plain_status_line};
use crate::headless::schema::parse_time;
use crate::interchange::draft::{Flow, millis};
use crate::interchange::head::host;
use crate::interchange::http1::{Heads, Name};

/// What an entry says; none where it has no URL, which is told.
pub fn flow(entry: &Object, reading: &mut Reading) -> Option<Flow> {
    let (request, response, own) = (object(entry, "request"), object(entry, "response"), object(entry, OWN));
    let url = text(request, "url");
    if url.is_empty() {
        reading.remark("it has no URL, and was left out");
        return None;
    }
    let kind = kind(entry, url);
    let sent = time(entry, reading);
    let mut heads = heads(request, response, url);
    if !own.contains_key("type") {
        heads.make_http1(kind == "open");
    }
    let mut line = Object::new();
    line.insert("mode".to_owned(), Value::Null);
    line.insert("url".to_owned(), url.into());
    line.insert("tls".to_owned(), Value::Null);
    let mut request_line = head(&heads.request_line, &heads.request, object(own, "request"));
    let mut response_line = match heads.status_line.as_str() {
        "" => Object::new(),
        status => head(status, &heads.response, object(own, "response")),
    };
    if kind != "open" {
        body(&mut request_line, object(request, "postData"), reading);
        body(&mut response_line, object(response, "content"), reading);
    }
    line.insert("request".to_owned(), request_line.into());
    let response_line = if response_line.is_empty() { Value::Null } else { response_line.into() };
    line.insert("response".to_owned(), response_line);
    let mut opened = sent;
    if own.contains_key("type") {
        for (key, value) in own {
            if !["type", "request", "response", "end"].contains(&key.as_str()) {
                line.insert(key.clone(), value.clone());
            }
        }
    } else {
        opened += beyond_heads(&mut line, kind, entry, &heads.notes);
    }
    let opened = parse_time(text(own, "time")).map_or(opened, millis);
    let origin = Origin { opened: opened.saturating_mul(1_000), own: own.contains_key("type") };
    let events = if kind == "open" { happened(entry, origin, reading) } else { Vec::new() };
    let earliest =
        events.iter().filter_map(|event| event.time).min().map_or(opened, |first| first.div_euclid(1_000));
    // Nothing is said before the session is open.
    let time = opened.min(earliest);
    Some(Flow { place: reading.place.clone(), time, kind, line, events })
}

fn kind(entry: &Object, url: &str) -> &'static str {
    let (request, response) = (object(entry, "request"), object(entry, "response"));
    match text(object(entry, OWN), "type") {
        "open" => return "open",
        "refused" => return "refused",
        "exchange" => return "exchange",
        _ => {}
    }
    let scheme = url.split("://").next().unwrap_or_default();
    let has = |key: &str| entry.contains_key(key);
    let messages = has(MESSAGES) || has(CONTROL_FRAMES) || has(CLOSE);
    let status = number(response, "status").unwrap_or(0.0) as u16;
    let websocket = messages
        || status == 101
        || text(entry, "_resourceType").eq_ignore_ascii_case("websocket")
        || ["ws", "wss"].contains(&scheme.to_ascii_lowercase().as_str());
    let refused = match status {
        101 => false,
        // Over HTTP/2 and HTTP/3 a session is opened so (RFC 8441).
        200..=299 => !text(request, "method").eq_ignore_ascii_case("CONNECT") && !messages,
        // Old exports have no response.
        0 => {
            entry.get(MESSAGES).and_then(Value::as_array).is_none_or(Vec::is_empty)
                && text(object(response, "content"), "_file").is_empty()
        }
        _ => true,
    };
    match (websocket, refused) {
        (true, false) => "open",
        (true, true) => "refused",
        (false, _) => "exchange",
    }
}

/// When the request was sent, in milliseconds since 1970.
fn time(entry: &Object, reading: &mut Reading) -> i64 {
    match parse_time(text(entry, "startedDateTime")) {
        Some(time) => millis(time),
        None => {
            reading.remark("it has no startedDateTime that is an RFC 3339 time, and was taken to be of 1970");
            0
        }
    }
}

fn heads(request: &Object, response: &Object, url: &str) -> Heads {
    let or = |text: &str, other: &str| if text.is_empty() { other.to_owned() } else { text.to_owned() };
    let method = or(text(request, "method"), "GET");
    let version = or(text(request, "httpVersion"), "HTTP/1.1");
    let status = number(response, "status").unwrap_or(0.0) as u64;
    let status_line = match status {
        0 => String::new(),
        _ => plain_status_line(
            &or(text(response, "httpVersion"), "HTTP/1.1"),
            status,
            text(response, "statusText"),
        ),
    };
    Heads {
        host: host(url).to_owned(),
        request_line: plain_request_line(&method, url, &version),
        request: headers(request),
        status_line,
        response: headers(response),
        notes: Vec::new(),
    }
}

/// Names and values. Chrome has several Set-Cookie in one value, a line each.
fn headers(of: &Object) -> Vec<(Name, String)> {
    let mut all = Vec::new();
    for header in of.get("headers").and_then(Value::as_array).into_iter().flatten() {
        let Some(header) = header.as_object() else { continue };
        let name = text(header, "name");
        if !name.is_empty() && !name.contains(['\r', '\n']) {
            let values = text(header, "value").split(['\r', '\n']);
            all.extend(values.map(|value| (name.to_owned(), value.to_owned())));
        }
    }
    all
}

fn head(line: &str, headers: &[(Name, String)], own: &Object) -> Object {
    let mut head = Object::new();
    head.insert("line".to_owned(), line.replace(['\r', '\n'], " ").into());
    head.insert("headers".to_owned(), headers.iter().map(|(name, value)| json!([name, value])).collect());
    head.extend(own.iter().map(|(key, value)| (key.clone(), value.clone())));
    head
}

/// What stands behind a head. Its size is told where it is not in the file.
fn body(head: &mut Object, content: &Object, reading: &mut Reading) {
    let file = text(content, "_file");
    let bytes = match content.get("text").and_then(Value::as_str) {
        Some(text) if content.get("encoding").and_then(Value::as_str) == Some("base64") => {
            STANDARD.decode(text).unwrap_or_else(|_| {
                reading.remark("a body that should be base64 is not, and was taken as text");
                text.as_bytes().to_vec()
            })
        }
        Some(text) => text.as_bytes().to_vec(),
        None if !file.is_empty() => reading.attachment(file).unwrap_or_default(),
        None => params(content),
    };
    let size = number(content, "size").unwrap_or(0.0) as u64;
    match String::from_utf8(bytes) {
        Ok(text) if text.is_empty() && size > 0 && !head.contains_key("size") => {
            head.insert("size".to_owned(), size.into());
        }
        Ok(text) if text.is_empty() => {}
        Ok(text) => drop(head.insert("body".to_owned(), text.into())),
        Err(error) => {
            head.insert("body_base64".to_owned(), STANDARD.encode(error.as_bytes()).into());
        }
    }
}

/// A form of which only the fields are told.
fn params(content: &Object) -> Vec<u8> {
    let params = content.get("params").and_then(Value::as_array).into_iter().flatten();
    let pair = |param: &Object| format!("{}={}", text(param, "name"), text(param, "value"));
    params.filter_map(Value::as_object).map(pair).collect::<Vec<_>>().join("&").into_bytes()
}

/// What other tools say of an entry beside its heads; gives how many milliseconds after the request it was open.
fn beyond_heads(line: &mut Object, kind: &str, entry: &Object, notes: &[String]) -> i64 {
    let timings = object(entry, "timings");
    let [dns, connect, ssl] = ["dns", "connect", "ssl"].map(|key| number(timings, key));
    let wait = number(timings, "wait").map(|wait| wait + number(timings, "send").unwrap_or(0.0));
    let mut timing = Object::new();
    let tcp = connect.map(|connect| (connect - ssl.unwrap_or(0.0)).max(0.0));
    let steps = [("dns", dns), ("tcp", tcp), ("tls", ssl), ("response", wait)];
    for (key, step) in steps {
        if let Some(step) = step.filter(|step| *step < LONGEST_STEP) {
            timing.insert(key.to_owned(), step.into());
        }
    }
    line.insert("timing".to_owned(), timing.into());
    if !notes.is_empty() {
        line.insert("notes".to_owned(), notes.into());
    }
    let server = text(entry, "serverIPAddress");
    if !server.is_empty() {
        line.insert("server".to_owned(), server.into());
    }
    let failure = text(object(entry, "response"), "_failureText");
    match kind {
        "refused" => {
            let why = if failure.is_empty() { "the server's answer was not 101" } else { failure };
            line.insert("why".to_owned(), why.into());
        }
        "exchange" => {
            let took = number(entry, "time").filter(|took| *took < LONGEST_STEP).unwrap_or(0.0);
            line.insert("took".to_owned(), took.into());
            if !failure.is_empty() {
                line.insert("error".to_owned(), failure.into());
            }
            return 0;
        }
        _ => {}
    }
    steps.iter().filter_map(|step| step.1).filter(|step| *step < LONGEST_STEP).sum::<f64>() as i64
}

/// Milliseconds; what is longer is a mistake.
const LONGEST_STEP: f64 = 1e10;
