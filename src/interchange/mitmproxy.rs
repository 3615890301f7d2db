//! mitmproxy's flow files (`mitmdump -w`): sessions and exchanges, as far as they hold them.
//!
//! They hold messages as they were after reassembly and inflate: no control frames, no fragments, no compression.

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use serde_json::{Value as Json, json};

use super::draft::{Draft, Flow, Happened, Object};
use super::http1::Heads;
use super::tnetstring::{Fault, Value, take};
use super::{ImportError, Remarks};
use crate::ws::{Close, StatusCode};

/// Reads a flow file, which errors call `file`.
///
/// # Errors
/// Where it is no flow file, with the octet.
pub fn read(file: &str, input: &[u8]) -> Result<Draft, ImportError> {
    let mut draft = Draft::default();
    let mut offset = 0;
    let mut number = 0;
    let form = |(offset, fault): Fault| ImportError::Form {
        file: file.to_owned(),
        place: format!("byte {offset}"),
        fault: format!("{fault}; mitmproxy writes flow files with mitmdump -w, write it anew"),
    };
    while offset < input.len() {
        let (value, length) = take(&input[offset..], offset).map_err(form)?;
        number += 1;
        let place = format!("flow {number}");
        match flow(value, place.clone(), &mut draft.remarks).map_err(form)? {
            Some(flow) => draft.flows.push(flow),
            None => draft.remarks.push(format!("{place} is no HTTP, and was left out")),
        }
        offset += length;
    }
    Ok(draft)
}

fn flow(value: Value, place: String, remarks: &mut Remarks) -> Result<Option<Flow>, Fault> {
    let (request, response, websocket) =
        (value.get("request")?, value.get("response")?, value.get("websocket")?);
    if request == Value::Null {
        return Ok(None);
    }
    let open = websocket != Value::Null;
    let scheme = match (request.get("scheme")?.bytes(), open) {
        (b"https", true) => "wss",
        (b"https", false) => "https",
        (_, true) => "ws",
        _ => "http",
    };
    let (host, port) = (request.get("host")?.text(), request.get("port")?.number().unwrap_or(80.0));
    let path = request.get("path")?.text();
    let host = if host.contains(':') { format!("[{host}]:{port}") } else { format!("{host}:{port}") };
    let heads = heads(request, response, &host, open)?;
    let [asked, answered] =
        [request.get("timestamp_start")?.number(), response.get("timestamp_end")?.number()]
            .map(|time| time.and_then(micros));
    let asked = asked.unwrap_or(0);
    let answered = answered.unwrap_or(asked).max(asked);
    let mut line = Object::new();
    let mut put = |key: &str, value: Json| drop(line.insert(key.to_owned(), value));
    put("url", format!("{scheme}://{host}{path}").into());
    put("client", address(value.get("client_conn")?.get("peername")?)?.into());
    put("server", address(value.get("server_conn")?.get("peername")?)?.into());
    put("request", head(&heads.request_line, &heads.request, request.get("content")?.bytes()));
    let shown = if open { &[][..] } else { response.get("content")?.bytes() };
    let answer = if !heads.status_line.is_empty() {
        head(&heads.status_line, &heads.response, shown)
    } else {
        Json::Null
    };
    put("response", answer);
    put("notes", heads.notes.into());
    if !open {
        put("took", (answered.saturating_sub(asked) as f64 / 1e3).into());
        let error = value.get("error")?.get("msg")?;
        if error != Value::Null {
            put("error", error.text().into());
        }
        return Ok(Some(Flow {
            place,
            time: asked.div_euclid(1_000),
            kind: "exchange",
            line,
            events: Vec::new(),
        }));
    }
    let events = happened(websocket, &place, remarks)?;
    let first = events.iter().filter_map(|event| event.time).min().unwrap_or(answered);
    Ok(Some(Flow { place, time: answered.min(first).div_euclid(1_000), kind: "open", line, events }))
}

fn heads(request: Value, response: Value, host: &str, open: bool) -> Result<Heads, Fault> {
    let word = |of: Value, key: &str| of.get(key).map(Value::text);
    let (method, path) = (word(request, "method")?, word(request, "path")?);
    let status_line = match response.get("status_code")?.number() {
        Some(code) => format!("{} {code} {}", word(response, "http_version")?, word(response, "reason")?),
        None => String::new(),
    };
    let mut heads = Heads {
        host: host.to_owned(),
        request_line: format!("{method} {path} {}", word(request, "http_version")?),
        request: headers(request)?,
        status_line,
        response: headers(response)?,
        notes: Vec::new(),
    };
    heads.make_http1(open);
    Ok(heads)
}

/// `(opcode, from_client, content, timestamp, dropped, injected)` each; the last two are not in older files.
fn happened(websocket: Value, place: &str, remarks: &mut Remarks) -> Result<Vec<Happened>, Fault> {
    let mut events = Vec::new();
    let mut touched = 0_u64;
    for message in websocket.get("messages")?.items()? {
        let items = message.items()?;
        let item = |index: usize| items.get(index).copied().unwrap_or(Value::Null);
        touched += u64::from(item(4) == Value::Bool(true) || item(5) == Value::Bool(true));
        let op = if item(0) == Value::Integer(1) { "text" } else { "binary" };
        let line = json!({ "type": "message", "from": sender(item(1)), "op": op, "base64": STANDARD.encode(item(2).bytes()) });
        events.push(event(line, item(3)));
    }
    if touched > 0 {
        let messages = super::count(touched, "message", ["was", "were"]);
        remarks.push(format!(
            "{place}: {messages} dropped or injected by mitmproxy, which is not told in the recording"
        ));
    }
    let (code, by) = (websocket.get("close_code")?, websocket.get("closed_by_client")?);
    let end = websocket.get("timestamp_end")?;
    // 1005 and 1006 are never sent (RFC 6455 7.4.1).
    if let Some(code) = code.number().filter(|code| *code != 1006.0) {
        let code = (code != 1005.0).then_some(StatusCode(code as u16));
        let reason = websocket.get("close_reason")?.bytes();
        let reason = if code.is_some() { reason } else { &[] };
        let payload = Close { code, reason }.to_payload();
        events.push(event(
            json!({ "type": "close", "from": sender(by), "base64": STANDARD.encode(payload) }),
            end,
        ));
    }
    if end != Value::Null {
        events.push(event(
            json!({ "type": "end", "client": "fin", "server": "fin", "first": sender(by) }),
            end,
        ));
    }
    Ok(events)
}

fn event(line: Json, time: Value) -> Happened {
    let line = line.as_object().cloned().unwrap_or_default();
    Happened { time: time.number().and_then(micros), line, violations: Vec::new() }
}

fn sender(from_client: Value) -> &'static str {
    if from_client == Value::Bool(true) { "client" } else { "server" }
}

fn headers(of: Value) -> Result<Vec<(String, String)>, Fault> {
    let mut all = Vec::new();
    for pair in of.get("headers")?.items()? {
        if let [name, value] = pair.items()?[..] {
            all.push((name.text().replace(['\r', '\n'], " "), value.text().replace(['\r', '\n'], " ")));
        }
    }
    Ok(all)
}

fn head(line: &str, headers: &[(String, String)], body: &[u8]) -> Json {
    let mut head = json!({ "line": line.replace(['\r', '\n'], " "), "headers": headers });
    match std::str::from_utf8(body) {
        Ok("") => {}
        Ok(text) => head["body"] = text.into(),
        Err(_) => head["body_base64"] = STANDARD.encode(body).into(),
    }
    head
}

/// `(host, port, …)`
fn address(of: Value) -> Result<String, Fault> {
    let items = of.items()?;
    let [host, port, ..] = items[..] else { return Ok(String::new()) };
    let (host, port) = (host.text(), port.number().unwrap_or(0.0));
    Ok(if host.contains(':') { format!("[{host}]:{port}") } else { format!("{host}:{port}") })
}

/// Microseconds since 1970 of seconds since then.
fn micros(seconds: f64) -> Option<i64> {
    (seconds > 0.0 && seconds < 2.5e11).then(|| (seconds * 1e6).round() as i64)
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    /// A session of `mitmdump -w` 11.0.2, with three messages, closed by the server.
    const FLOW: &[u8] = include_bytes!("mitmproxy.flow");

    fn imported(input: &[u8]) -> Result<(String, Remarks), ImportError> {
        let mut out = Vec::new();
        let remarks = read("x.flow", input)?.write("x.flow", &mut out)?;
        Ok((String::from_utf8(out).unwrap(), remarks))
    }

    #[test]
    fn a_session_and_an_exchange_are_read() {
        let (recording, remarks) = imported(FLOW).unwrap();
        let lines: Vec<_> = recording.lines().collect();
        assert!(lines[1].contains(r#""url":"ws://127.0.0.1:19911/chat?token=x""#), "{}", lines[1]);
        assert!(
            lines[1].contains(r#""response":{"line":"HTTP/1.1 101 Switching Protocols""#),
            "{}",
            lines[1]
        );
        let has = |what: &str| assert!(recording.contains(what), "{what}: {recording}");
        has(r#""from":"client","op":"text","text":"hello"}"#);
        has(r#""from":"server","op":"binary","base64":"AP8="}"#);
        has(r#""from":"client","op":"text","json":{"a":1}}"#);
        has(r#""from":"server","code":4001,"reason":"so long"}"#);
        has(r#""client":"fin","server":"fin","first":"server""#);
        has(r#"{"type":"exchange","exchange":1,"#);
        assert_eq!(remarks, [""; 0]);
    }

    #[test]
    fn a_damaged_file_is_refused_with_its_place() {
        let error = imported(&FLOW[..900]).unwrap_err();
        assert_eq!(
            error.to_string(),
            "x.flow:byte 0: it says that it is longer than the file; mitmproxy writes flow files with mitmdump -w, write it anew"
        );
    }

    proptest! {
        #[test]
        fn no_damage_panics(changes in prop::collection::vec((0..FLOW.len(), any::<u8>()), 1..8)) {
            let mut input = FLOW.to_vec();
            for (place, byte) in changes {
                input[place] = byte;
            }
            let _ = imported(&input);
        }
    }
}
