//! A recording to packets, in one pass; what is held is a connection for each open session.

use std::collections::HashMap;
use std::io::{BufRead, Write};
use std::time::{Duration, SystemTime};

use bytes::Bytes;

use super::block::Blocks;
use super::connection::Connection;
use super::frames::{COMPRESSED_ANEW, framed};
use crate::capture::{Act, Ended, Ending, Event, Exchange, Message, Opening, Payload, Stamp, Timing};
use crate::headless::schema::{Item, Reader, wall};
use crate::headless::text::sentence;
use crate::interchange::head::Head;
use crate::interchange::{ExportError, Remarks, count};
use crate::ws::handshake::{RequestHead, ResponseHead, examine};
use crate::ws::{Deflater, Direction};

/// Writes a recording as pcapng. Gives what is to be said about what it cannot hold.
///
/// # Errors
/// Where the recording is damaged, or `out` fails.
pub fn write<R: BufRead>(reader: &mut Reader<R>, out: impl Write) -> Result<Remarks, ExportError> {
    let blocks = Blocks::begin(out, concat!("sockeye ", env!("CARGO_PKG_VERSION")))?;
    let started = reader.recording().started;
    let mut packets =
        Packets { blocks, started, connections: 0, sessions: HashMap::new(), left: Left::default() };
    while let Some(record) = reader.next()? {
        match record.item {
            Item::Event(Event::Opened(opening)) => packets.opened(opening)?,
            Item::Event(Event::Refused(refused)) => {
                let opening = &refused.opening;
                let mut connection = packets.handshake(opening)?;
                let body = body(&opening.response, &refused.body);
                packets.over(&mut connection, &body, opening.time)?;
            }
            Item::Event(Event::Message(message)) => packets.message(&message)?,
            Item::Event(Event::Act(act)) => packets.act(&act),
            Item::Event(Event::Ended(ended)) => packets.ended(&ended)?,
            Item::Event(Event::Exchanged(exchange)) => packets.exchange(&exchange)?,
            Item::Event(Event::Tunnel(_)) => packets.left.tunnels += 1,
            Item::Event(Event::Note(_)) | Item::Gap { .. } => packets.left.notes += 1,
            _ => {}
        }
    }
    packets.blocks.flush()?;
    Ok(packets.left.remarks(reader.unknown()))
}

struct Packets<W> {
    blocks: Blocks<W>,
    started: SystemTime,
    connections: u32,
    sessions: HashMap<u32, Session>,
    left: Left,
}

/// A session that is open.
struct Session {
    connection: Connection,
    /// Of the client's messages and of the server's, where compression was agreed on.
    deflaters: Option<[Deflater; 2]>,
}

/// What has no place, or another form, counted.
#[derive(Default)]
struct Left {
    acts: u64,
    tunnels: u64,
    notes: u64,
    orphans: u64,
    compressed: u64,
    altered: u64,
}

impl Left {
    fn remarks(self, unknown: u64) -> Remarks {
        let mut remarks = Remarks::new();
        let mut say = |number: u64, noun: &str, what: &str| {
            if number > 0 {
                remarks.push(format!("{} {what}", count(number, noun, ["is", "are"])));
            }
        };
        say(
            self.compressed,
            "message",
            "compressed anew, in a frame of another length than the one that passed",
        );
        say(self.altered, "message", "not in the frames that passed: packet comments say why");
        say(self.acts, "act", "in packet comments: the packets are what was sent, not what went on");
        say(self.tunnels, "tunnel", "left out");
        say(self.notes, "line", "left out: notes and gaps");
        say(self.orphans, "message", "left out: its session's opening is not in the recording");
        say(unknown, "line", "left out: of a type that this sockeye does not know");
        remarks
    }
}

impl<W: Write> Packets<W> {
    fn opened(&mut self, opening: Opening) -> Result<(), ExportError> {
        let connection = self.handshake(&opening)?;
        let heads = (RequestHead::parse(&opening.request), ResponseHead::parse(&opening.response));
        let agreed = match heads {
            (Ok(request), Ok(response)) => examine(&request, Some(&response)).deflate,
            _ => None,
        };
        let deflaters =
            agreed.map(|agreed| Direction::BOTH.map(|direction| Deflater::new(&agreed, direction)));
        self.sessions.insert(opening.session, Session { connection, deflaters });
        Ok(())
    }

    /// A connection with both heads on it.
    fn handshake(&mut self, opening: &Opening) -> Result<Connection, ExportError> {
        let Timing { dns: _, tcp, tls, response } = opening.timing;
        let time = self.time(opening.time);
        let asked = time.saturating_sub(nanos(response));
        let connected = asked.saturating_sub(nanos(tls)).saturating_sub(nanos(tcp));
        let comment = format!("session {}: {}", opening.session, opening.url);
        let server = in_the_clear(&opening.server, &opening.url);
        self.connections += 1;
        let (client, number) = (&opening.client, self.connections);
        let mut connection =
            Connection::open(client, &server, number, (connected, comment), &mut self.blocks)?;
        connection.send(Direction::ToServer, &opening.request, asked, &mut self.blocks)?;
        connection.send(Direction::ToClient, &opening.response, time, &mut self.blocks)?;
        Ok(connection)
    }

    fn message(&mut self, message: &Message) -> Result<(), ExportError> {
        let time = self.time(message.time);
        let Some(session) = self.sessions.get_mut(&message.session) else {
            self.left.orphans += 1;
            return Ok(());
        };
        let deflater = session.deflaters.as_mut().map(|both| &mut both[message.direction as usize]);
        let framed = framed(message, deflater);
        if let Some(remark) = framed.remark {
            match remark {
                COMPRESSED_ANEW => self.left.compressed += 1,
                _ => self.left.altered += 1,
            }
            session.connection.remark(&format!("message {}: {remark}", message.number));
        }
        if let Some(by) = &message.injected {
            session
                .connection
                .remark(&format!("message {}: sent by {by} in this end's name", message.number));
        }
        for fault in &message.faults {
            let (number, what, section) = (message.number, &fault.what, &fault.section);
            session.connection.remark(&format!("message {number}: {what} ({section})"));
        }
        session.connection.send(message.direction, &framed.bytes, time, &mut self.blocks)?;
        Ok(())
    }

    /// What was done is told with the next packet.
    fn act(&mut self, act: &Act) {
        self.left.acts += 1;
        if let Some(session) = self.sessions.get_mut(&act.session) {
            let what =
                act.number.map_or_else(|| "the session".to_owned(), |number| format!("message {number}"));
            session.connection.remark(&format!("{what}: {}", sentence(act)));
        }
    }

    fn ended(&mut self, ended: &Ended) -> Result<(), ExportError> {
        let time = self.time(ended.time);
        let Some(Session { mut connection, .. }) = self.sessions.remove(&ended.session) else {
            return Ok(());
        };
        let mut ends = [(Direction::ToServer, &ended.client), (Direction::ToClient, &ended.server)];
        if ended.first == Some(Direction::ToClient) {
            ends.reverse();
        }
        for (direction, how) in ends {
            match how {
                Ending::Fin => connection.finish(direction, time, &mut self.blocks)?,
                Ending::Reset => connection.reset(direction, time, &mut self.blocks)?,
                // The other end saw the proxy close it; this one sent nothing that could be shown.
                other => connection.remark(&format!("the {} ended so: {}", direction.sender(), other.name())),
            }
        }
        Ok(())
    }

    fn exchange(&mut self, exchange: &Exchange) -> Result<(), ExportError> {
        let time = self.time(exchange.time);
        let comment = format!("exchange {}: {}", exchange.exchange, exchange.url);
        let server = in_the_clear(&exchange.server, &exchange.url);
        self.connections += 1;
        let (client, number) = (&exchange.client, self.connections);
        let mut connection = Connection::open(client, &server, number, (time, comment), &mut self.blocks)?;
        connection.send(Direction::ToServer, &exchange.request, time, &mut self.blocks)?;
        let sent = body(&exchange.request, &exchange.request_body);
        connection.send(Direction::ToServer, &sent, time, &mut self.blocks)?;
        let over = exchange.ended.unwrap_or(exchange.time);
        let answer = [&exchange.response[..], &body(&exchange.response, &exchange.response_body)].concat();
        self.over(&mut connection, &answer, over)
    }

    /// The server's last words, and the end.
    fn over(&mut self, connection: &mut Connection, last: &[u8], time: Stamp) -> Result<(), ExportError> {
        let time = self.time(time);
        connection.send(Direction::ToClient, last, time, &mut self.blocks)?;
        connection.finish(Direction::ToClient, time, &mut self.blocks)?;
        connection.finish(Direction::ToServer, time, &mut self.blocks)?;
        Ok(())
    }

    /// Nanoseconds since 1970.
    fn time(&self, time: Stamp) -> u64 {
        let since = wall(self.started, time).duration_since(SystemTime::UNIX_EPOCH).unwrap_or_default();
        u64::try_from(since.as_nanos()).unwrap_or(u64::MAX)
    }
}

fn nanos(step: Option<Duration>) -> u64 {
    u64::try_from(step.unwrap_or_default().as_nanos()).unwrap_or(u64::MAX)
}

/// The server's address, at port 80 where TLS was opened: Wireshark takes what is at 443 for TLS, and this is what was inside.
fn in_the_clear(server: &str, url: &str) -> String {
    if url.starts_with("wss:") || url.starts_with("https:") {
        let host = server.rsplit_once(':').map_or(server, |parts| parts.0);
        return format!("{host}:80");
    }
    server.to_owned()
}

/// A body with the transfer coding that its head announces.
fn body(head: &Bytes, body: &Payload) -> Vec<u8> {
    let bytes = body.in_memory().cloned().unwrap_or_default();
    let chunked = Head::split(head)
        .value("Transfer-Encoding")
        .is_some_and(|coding| coding.to_ascii_lowercase().contains("chunked"));
    if !chunked {
        return bytes.to_vec();
    }
    let mut coded = Vec::with_capacity(bytes.len() + 16);
    if !bytes.is_empty() {
        coded.extend_from_slice(format!("{:x}\r\n", bytes.len()).as_bytes());
        coded.extend_from_slice(&bytes);
        coded.extend_from_slice(b"\r\n");
    }
    coded.extend_from_slice(b"0\r\n\r\n");
    coded
}
