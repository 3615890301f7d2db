//! Any two heads: read without loss, and explained.
//!
//! The input is a request, a byte 0 and a response.
#![no_main]

use libfuzzer_sys::fuzz_target;
use sockeye::ws::handshake::{
    HeadError, Headers, RequestHead, ResponseHead, examine, explain_no_request, explain_no_response,
    head_length, is_upgrade_attempt,
};

fuzz_target!(|input: &[u8]| {
    let middle = input.iter().position(|byte| *byte == 0).unwrap_or(input.len());
    let input = (&input[..middle], input.get(middle + 1..).unwrap_or_default());
    let request = RequestHead::parse(input.0);
    let response = ResponseHead::parse(input.1);
    match &request {
        Ok(head) => check(input.0, head.raw(), head.headers()),
        Err(error) => explained(input.0, *error, &explain_no_request(input.0, *error)),
    }
    match &response {
        Ok(head) => check(input.1, head.raw(), head.headers()),
        Err(error) => explained(input.1, *error, &explain_no_response(input.1, *error)),
    }
    if let Ok(request) = &request {
        is_upgrade_attempt(request);
        let examination = examine(request, response.as_ref().ok());
        for finding in &examination.findings {
            assert!(!finding.sentence.contains(['\r', '\n']));
        }
        if let Ok(response) = &response {
            assert_eq!(examination.accepted, response.status() == 101);
            assert!(examination.accepted || examination.why.is_some());
        }
    }
});

/// The lines and what stands around them are the head, byte for byte.
fn check(bytes: &[u8], raw: &[u8], headers: &Headers) {
    assert_eq!(head_length(bytes), Some(raw.len()));
    assert_eq!(raw, &bytes[..raw.len()]);
    let lines: Vec<u8> = headers.iter().flat_map(|header| header.raw.to_vec()).collect();
    let end = if raw.ends_with(b"\r\n") { 2 } else { 1 };
    assert!(raw[..raw.len() - end].ends_with(&lines));
    let before = &raw[..raw.len() - end - lines.len()];
    assert_eq!(before.trim_ascii(), headers.start_line().trim_ascii());
}

fn explained(bytes: &[u8], error: HeadError, sentence: &str) {
    assert!(!sentence.is_empty() && !sentence.contains(['\r', '\n']));
    assert!(error == HeadError::NotHttp || head_length(bytes).is_none());
}
