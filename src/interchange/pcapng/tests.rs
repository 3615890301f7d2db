//! Packets read back: what a TCP stack would make of them is what was recorded.

use super::*;
use crate::headless::schema::Reader;

/// The packets of a file: nanoseconds, and the packet from Ethernet on.
fn packets(file: &[u8]) -> Vec<(u64, Vec<u8>)> {
    let word = |at: usize| u32::from_le_bytes(file[at..at + 4].try_into().unwrap());
    let mut all = Vec::new();
    let mut at = 0;
    while at < file.len() {
        let length = word(at + 4) as usize;
        assert_eq!(word(at + length - 4) as usize, length);
        if word(at) == 6 {
            let time = u64::from(word(at + 12)) << 32 | u64::from(word(at + 16));
            let size = word(at + 20) as usize;
            all.push((time, file[at + 28..at + 28 + size].to_vec()));
        }
        at += length;
    }
    all
}

/// What each end sent on the only connection, over IPv4, put together by sequence numbers.
fn streams(packets: &[(u64, Vec<u8>)], server: u16) -> [Vec<u8>; 2] {
    let mut streams = [Vec::new(), Vec::new()];
    let mut expected: [Option<u32>; 2] = [None; 2];
    for (_, packet) in packets {
        let tcp = &packet[34..];
        let from_server = u16::from_be_bytes([tcp[0], tcp[1]]) == server;
        let own = usize::from(from_server);
        let sequence = u32::from_be_bytes(tcp[4..8].try_into().unwrap());
        assert_eq!(sequence, expected[own].unwrap_or(sequence));
        streams[own].extend_from_slice(&tcp[20..]);
        expected[own] = Some(sequence.wrapping_add(tcp.len() as u32 - 20 + u32::from(tcp[13] & 3 != 0)));
    }
    streams
}

fn exported(lines: &str) -> (Vec<u8>, Vec<String>) {
    let head = r#"{"type":"recording","version":1,"tool":"x","started":"2026-11-22T14:30:00.000Z"}
{"type":"open","session":1,"time":"2026-11-22T14:30:01.000Z","mode":"reverse","url":"ws://h/","client":"127.0.0.1:5000","server":"127.0.0.1:3000","request":{"line":"GET / HTTP/1.1","headers":[]},"response":{"line":"HTTP/1.1 101 OK","headers":[]}}"#;
    let recording = format!("{head}\n{lines}");
    let mut out = Vec::new();
    let mut reader = Reader::new("x", recording.as_bytes()).unwrap();
    let remarks = write(&mut reader, &mut out).unwrap();
    (out, remarks)
}

#[test]
fn each_end_sends_its_head_and_the_frames_as_they_were() {
    let (file, remarks) = exported(
        r#"{"type":"message","session":1,"n":1,"at":5.25,"from":"client","op":"text","text":"hi"}
{"type":"message","session":1,"n":2,"at":6,"from":"server","op":"binary","base64":"AAEC","frames":[2,{"length":1,"length_bits":16}],"frames_at":[5.5,6]}
{"type":"end","session":1,"at":7,"client":"fin","server":"reset","first":"client"}"#,
    );
    let packets = packets(&file);
    let [client, server] = streams(&packets, 3000);
    assert_eq!(
        client.escape_ascii().to_string(),
        "GET / HTTP/1.1\\r\\n\\r\\n\\x81\\x82\\x00\\x00\\x00\\x00hi"
    );
    assert_eq!(
        server.escape_ascii().to_string(),
        "HTTP/1.1 101 OK\\r\\n\\r\\n\\x02\\x02\\x00\\x01\\x80~\\x00\\x01\\x02"
    );
    assert_eq!(remarks, [""; 0]);
    // 14:30:01.00525
    assert_eq!(packets[5].0, 1_795_357_801_005_250_000);
    let flags: Vec<_> = packets.iter().map(|packet| packet.1[47]).collect();
    assert_eq!(flags, [0x02, 0x12, 0x10, 0x18, 0x18, 0x18, 0x18, 0x11, 0x14]);
}

#[test]
fn checksums_hold() {
    let (file, _) = exported(r#"{"type":"ping","session":1,"n":1,"at":5,"from":"client","text":"odd"}"#);
    let sum = |bytes: &[u8]| {
        let words =
            bytes.chunks(2).map(|pair| u64::from(pair[0]) << 8 | u64::from(*pair.get(1).unwrap_or(&0)));
        let mut sum: u64 = words.sum();
        while sum > 0xffff {
            sum = (sum & 0xffff) + (sum >> 16);
        }
        sum
    };
    for (_, packet) in packets(&file) {
        let (ip, tcp) = packet[14..].split_at(20);
        assert_eq!(sum(ip), 0xffff);
        let mut with_pseudo = [&ip[12..20], &[0, 6], &(tcp.len() as u16).to_be_bytes()].concat();
        with_pseudo.extend_from_slice(tcp);
        assert_eq!(sum(&with_pseudo), 0xffff);
    }
}

#[test]
fn what_is_not_all_there_is_a_frame_of_what_is() {
    let (file, remarks) = exported(
        r#"{"type":"message","session":1,"n":1,"at":5,"from":"server","op":"text","text":"begin","size":900}"#,
    );
    let [_, server] = streams(&packets(&file), 3000);
    assert!(server.ends_with(b"\r\n\r\n\x81\x05begin"), "{}", server.escape_ascii());
    assert_eq!(remarks, ["1 message is not in the frames that passed: packet comments say why"]);
}

#[test]
fn what_was_compressed_can_be_inflated_and_fragments_are_not_compressed() {
    let head = r#"{"type":"recording","version":1,"tool":"x","started":"2026-11-22T14:30:00.000Z"}
{"type":"open","session":1,"time":"2026-11-22T14:30:01.000Z","url":"ws://h/","client":"[::1]:5000","server":"127.0.0.1:3000","request":{"line":"GET / HTTP/1.1","headers":[["Sec-WebSocket-Extensions","permessage-deflate"]]},"response":{"line":"HTTP/1.1 101 OK","headers":[["Sec-WebSocket-Extensions","permessage-deflate"]]}}"#;
    let lines = r#"{"type":"message","session":1,"n":1,"at":5,"from":"server","op":"text","text":"aaaaaaaaaaaaaaaaaaaa","compressed":9}
{"type":"message","session":1,"n":2,"at":6,"from":"server","op":"text","text":"abcde","compressed":7,"frames":[3,4]}"#;
    let recording = format!("{head}\n{lines}");
    let mut out = Vec::new();
    let remarks = write(&mut Reader::new("x", recording.as_bytes()).unwrap(), &mut out).unwrap();
    let packets = packets(&out);
    let tcp: Vec<_> = packets.iter().map(|packet| packet.1[74..].escape_ascii().to_string()).collect();
    // RSV1, and in six octets what were twenty.
    assert!(tcp[5].starts_with("\\xc1\\x06"), "{}", tcp[5]);
    assert_eq!(tcp[6], "\\x01\\x03abc\\x80\\x02de");
    assert_eq!(remarks.len(), 2, "{remarks:?}");
}
