//! An opening handshake or an exchange as a HAR entry.

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use serde_json::{Value, json};

use super::{OWN, Object, plain_request_line, plain_status_line};
use crate::capture::{Payload, Timing};
use crate::interchange::head::Head;

/// What an entry is made of.
pub struct Entry<'a> {
    /// When the request was sent, RFC 3339.
    pub started: String,
    /// Milliseconds from then until all was over.
    pub took: f64,
    /// The server's URL.
    pub url: &'a str,
    /// Its address.
    pub server: &'a str,
    /// The request's head as the client sent it.
    pub request: Head,
    /// The response's head; an empty line where none came.
    pub response: Head,
    /// The request's body and its true size.
    pub request_body: (&'a Payload, u64),
    /// The response's body and its true size.
    pub response_body: (&'a Payload, u64),
    /// The steps before the response.
    pub timing: Timing,
    /// `websocket` or `other`.
    pub kind: &'a str,
}

/// The keys of our line that the entry says in its own way.
const SAID: &[&str] = &["url", "http", "request", "response", "subprotocol", "extensions"];

impl Entry<'_> {
    /// The entry; `line` is our own line about it, `session` or `exchange` its number.
    pub fn to_object(&self, line: Object, number: (&str, u32)) -> Object {
        let mut own = Object::new();
        let (request, request_own) = self.request(line.get("request"));
        let (response, response_own) = self.response(line.get("response"));
        for (key, value) in line {
            if !SAID.contains(&key.as_str()) {
                own.insert(key, value);
            }
        }
        own.insert(number.0.to_owned(), number.1.into());
        for (key, object) in [("request", request_own), ("response", response_own)] {
            if !object.is_empty() {
                own.insert(key.to_owned(), object.into());
            }
        }
        let mut entry = Object::new();
        let mut put = |key: &str, value: Value| entry.insert(key.to_owned(), value);
        put("startedDateTime", self.started.clone().into());
        put("time", self.took.into());
        put("request", request);
        put("response", response);
        put("cache", json!({}));
        put("timings", self.timings());
        // Chrome and Firefox expect a bare address.
        if let Some((address, _)) = self.server.rsplit_once(':') {
            put("serverIPAddress", address.trim_matches(['[', ']']).into());
        }
        put("_resourceType", self.kind.into());
        put(OWN, own.into());
        entry
    }

    fn request(&self, line: Option<&Value>) -> (Value, Object) {
        let [method, _, version] = self.request.request_line();
        let (body, size) = self.request_body;
        let mut own = beyond(line, &self.request, &plain_request_line(method, self.url, version));
        let mut request = json!({
            "method": method,
            "url": self.url,
            "httpVersion": version,
            "cookies": [],
            "headers": pairs(&self.request.headers),
            "queryString": query(self.url),
            "headersSize": -1,
            "bodySize": size,
        });
        let bytes = body.in_memory().cloned().unwrap_or_default();
        if !bytes.is_empty() {
            let mime = self.request.value("Content-Type").unwrap_or_default();
            let mut data = json!({ "mimeType": mime });
            fill_body(&mut data, &bytes);
            request["postData"] = data;
        }
        tell_size(&mut own, size, bytes.len());
        (request, own)
    }

    fn response(&self, line: Option<&Value>) -> (Value, Object) {
        let (version, status, reason) = self.response.status_line();
        let (body, size) = self.response_body;
        let mut own = beyond(line, &self.response, &plain_status_line(version, u64::from(status), reason));
        let bytes = body.in_memory().cloned().unwrap_or_default();
        let mut content = json!({
            "size": size,
            "mimeType": self.response.value("Content-Type").unwrap_or("x-unknown"),
        });
        if !bytes.is_empty() {
            fill_body(&mut content, &bytes);
        }
        tell_size(&mut own, size, bytes.len());
        let response = json!({
            "status": status,
            "statusText": reason,
            "httpVersion": version,
            "cookies": [],
            "headers": pairs(&self.response.headers),
            "content": content,
            "redirectURL": self.response.value("Location").unwrap_or_default(),
            "headersSize": -1,
            "bodySize": size,
        });
        (response, own)
    }

    fn timings(&self) -> Value {
        let step = |step: Option<std::time::Duration>| step.map_or(-1.0, |step| step.as_secs_f64() * 1e3);
        // In HAR the time of TLS is part of connecting as well.
        let connect = match (self.timing.tcp, self.timing.tls) {
            (None, tls) => step(tls),
            (Some(tcp), tls) => step(Some(tcp + tls.unwrap_or_default())),
        };
        json!({
            "blocked": -1,
            "dns": step(self.timing.dns),
            "connect": connect,
            "ssl": step(self.timing.tls),
            "send": 0,
            "wait": step(Some(self.timing.response.unwrap_or_default())),
            "receive": 0,
        })
    }
}

/// What a head's own line says beyond line and headers: its exact bytes where those do not give them, and a first line that
/// the URL does not give.
fn beyond(line: Option<&Value>, head: &Head, plain: &str) -> Object {
    let mut own = Object::new();
    if !head.line.is_empty() && head.line != plain {
        own.insert("line".to_owned(), head.line.clone().into());
    }
    for key in ["raw", "raw_base64"] {
        if let Some(raw) = line.and_then(|line| line.get(key)) {
            own.insert(key.to_owned(), raw.clone());
        }
    }
    own
}

fn tell_size(own: &mut Object, size: u64, captured: usize) {
    if size != captured as u64 {
        own.insert("size".to_owned(), size.into());
    }
}

fn fill_body(object: &mut Value, bytes: &[u8]) {
    match std::str::from_utf8(bytes) {
        Ok(text) => object["text"] = text.into(),
        Err(_) => {
            object["text"] = STANDARD.encode(bytes).into();
            object["encoding"] = "base64".into();
        }
    }
}

fn pairs(pairs: &[(String, String)]) -> Value {
    pairs.iter().map(|(name, value)| json!({ "name": name, "value": value })).collect()
}

/// The parameters as they stand in the URL.
fn query(url: &str) -> Value {
    let url = url.split('#').next().unwrap_or_default();
    let Some((_, query)) = url.split_once('?') else { return json!([]) };
    let pair = |part: &str| {
        let (name, value) = part.split_once('=').unwrap_or((part, ""));
        (name.to_owned(), value.to_owned())
    };
    pairs(&query.split('&').filter(|part| !part.is_empty()).map(pair).collect::<Vec<_>>())
}
