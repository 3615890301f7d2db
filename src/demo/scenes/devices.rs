//! Things that speak WebSocket, more or less: a buoy whose server goes away, a label printer fed with Latin-1, scales
//! with an opcode of their own.

use std::io;

use super::super::dialogue::Line;
use super::super::pack::Value::{Map, Real, Text, Whole};
use super::super::stage::{Stage, scatter};
use crate::ws::Direction::{ToClient, ToServer};
use crate::ws::{Frame, Opcode};

const BUOY: &str = "\
GET /buoys/7 HTTP/1.1
Host: {host}
Upgrade: websocket
Connection: Upgrade
Sec-WebSocket-Key: {ticket}
Sec-WebSocket-Version: 13
Sec-WebSocket-Extensions: permessage-deflate; server_max_window_bits=12; client_max_window_bits=12
User-Agent: Python/3.12 websockets/15.0
";

const AGREED: &str = "\
HTTP/1.1 101 Switching Protocols
Upgrade: websocket
Connection: Upgrade
Sec-WebSocket-Accept: {accept}
Server: harbour/2.3
";

/// A buoy that measures, in CBOR; one day its server ends without a word.
pub(super) async fn buoy(stage: &mut Stage<'_>) -> io::Result<()> {
    let line = Line::ask(stage, BUOY).await?;
    let mut buoy = line.switch(AGREED).await?;
    for number in 0..stage.times(5, 90) {
        stage.pause(800).await;
        let about = |seed: u64, least: u64| {
            Real((least + scatter(u64::from(number) << 8 | seed) % 50) as f64 / 100.0)
        };
        let measured = Map(vec![
            ("buoy", Whole(7)),
            ("seq", Whole(u64::from(number) + 1)),
            ("wave_m", about(1, 110)),
            ("water_c", about(2, 900)),
            ("wind", Map(vec![("from", Text("NW")), ("m_s", about(3, 640))])),
        ]);
        buoy.binary(ToServer, measured.to_cbor()).await?;
        if number % 4 == 2 {
            stage.pause(400).await;
            buoy.ping(ToServer, "keepalive").await?;
        }
    }
    stage.pause(300).await;
    buoy.hang_up(ToClient).await
}

const LABELS: &str = "\
GET /labels HTTP/1.1
Host: {host}
Upgrade: websocket
Connection: Upgrade
Sec-WebSocket-Key: {ticket}
Sec-WebSocket-Version: 13
User-Agent: label-printer/3.0
";

/// A printer of labels, fed with text that is not UTF-8.
pub(super) async fn labels(stage: &mut Stage<'_>) -> io::Result<()> {
    let line = Line::ask(stage, LABELS).await?;
    let mut labels = line.switch(AGREED).await?;
    stage.pause(120).await;
    labels.text(ToClient, "Sockeye fillet\t184 kr/kg\tKittiwake").await?;
    stage.pause(60).await;
    labels.text(ToServer, "printed 1").await?;
    stage.pause(400).await;
    labels.text(ToClient, b"R\xf8kt laks\t249 kr/kg\tLofoten").await?;
    stage.pause(5).await;
    labels.close(ToServer, 1007, "text is not UTF-8").await
}

const SCALES: &str = "\
GET /scales/2 HTTP/1.1
host: {host}
upgrade: WebSocket
connection: keep-alive, Upgrade
sec-websocket-key: {ticket}
sec-websocket-version: 13
";

/// Scales that found an opcode nobody was using.
pub(super) async fn scales(stage: &mut Stage<'_>) -> io::Result<()> {
    let line = Line::ask(stage, SCALES).await?;
    let mut scales = line.switch(AGREED).await?;
    stage.pause(90).await;
    scales.text(ToServer, "ready").await?;
    stage.pause(300).await;
    scales.frame(ToServer, Frame::new(Opcode::Reserved(3), b"12.85 kg")).await?;
    stage.pause(6).await;
    scales.close(ToClient, 1002, "opcode 3 is reserved").await
}
