//! One TCP connection between the client and the server, as packets.

use std::io::{self, Write};
use std::net::{IpAddr, Ipv4Addr, SocketAddr};

use super::block::Blocks;
use crate::ws::Direction;

/// A connection that is being written.
#[derive(Debug)]
pub struct Connection {
    /// Client and server.
    ends: [SocketAddr; 2],
    /// The sequence numbers that each sends next (RFC 9293 3.4).
    sent: [u32; 2],
    /// What is said of its next packet.
    comment: String,
}

const FIN: u8 = 0x01;
const SYN: u8 = 0x02;
const RST: u8 = 0x04;
const PSH: u8 = 0x08;
const ACK: u8 = 0x10;

/// The most octets in a packet, so that it fits IPv4's length with its headers.
const LARGEST: usize = 32 * 1024;

/// How far the first sequence numbers of two connections are apart, at least for long.
const APART: u32 = 0x9e37_79b1;

impl Connection {
    /// Opens the connection `number` at `time`. What is no address (a Unix socket, none) is made up: 192.0.2.1 for clients and
    /// 192.0.2.2 for servers (RFC 5737), with a port by `number`.
    /// Sequence numbers begin by it as well: clients use a port again.
    ///
    /// # Errors
    /// Those of the writer.
    pub fn open(
        client: &str,
        server: &str,
        number: u32,
        (time, comment): (u64, String),
        blocks: &mut Blocks<impl Write>,
    ) -> io::Result<Connection> {
        let port = 10_000 + (number % 50_000) as u16;
        let made_up = |host, port| SocketAddr::from((Ipv4Addr::new(192, 0, 2, host), port));
        let client = client.parse().unwrap_or_else(|_| made_up(1, port));
        let server = server.parse().unwrap_or_else(|_| made_up(2, 80));
        let first = number.wrapping_mul(APART);
        let mut connection = Connection { ends: one_family([client, server]), sent: [first; 2], comment };
        connection.packet(Direction::ToServer, (SYN, &[]), time, blocks)?;
        connection.packet(Direction::ToClient, (SYN | ACK, &[]), time, blocks)?;
        connection.packet(Direction::ToServer, (ACK, &[]), time, blocks)?;
        Ok(connection)
    }

    /// Sends octets, in as many packets as they take.
    ///
    /// # Errors
    /// Those of the writer.
    pub fn send(
        &mut self,
        direction: Direction,
        bytes: &[u8],
        time: u64,
        blocks: &mut Blocks<impl Write>,
    ) -> io::Result<()> {
        for piece in bytes.chunks(LARGEST) {
            self.packet(direction, (PSH | ACK, piece), time, blocks)?;
        }
        Ok(())
    }

    /// Ends one direction.
    ///
    /// # Errors
    /// Those of the writer.
    pub fn finish(
        &mut self,
        direction: Direction,
        time: u64,
        blocks: &mut Blocks<impl Write>,
    ) -> io::Result<()> {
        self.packet(direction, (FIN | ACK, &[]), time, blocks)
    }

    /// Ends the connection at once.
    ///
    /// # Errors
    /// Those of the writer.
    pub fn reset(
        &mut self,
        direction: Direction,
        time: u64,
        blocks: &mut Blocks<impl Write>,
    ) -> io::Result<()> {
        self.packet(direction, (RST | ACK, &[]), time, blocks)
    }

    /// Says something about the packet that is sent next.
    pub fn remark(&mut self, sentence: &str) {
        if !self.comment.is_empty() {
            self.comment.push('\n');
        }
        self.comment.push_str(sentence);
    }

    fn packet(
        &mut self,
        direction: Direction,
        (flags, payload): (u8, &[u8]),
        time: u64,
        blocks: &mut Blocks<impl Write>,
    ) -> io::Result<()> {
        let (own, other) = match direction {
            Direction::ToServer => (0, 1),
            Direction::ToClient => (1, 0),
        };
        let acknowledged = if flags & ACK != 0 { self.sent[other] } else { 0 };
        let mut tcp = Vec::with_capacity(20 + payload.len());
        tcp.extend_from_slice(&self.ends[own].port().to_be_bytes());
        tcp.extend_from_slice(&self.ends[other].port().to_be_bytes());
        tcp.extend_from_slice(&self.sent[own].to_be_bytes());
        tcp.extend_from_slice(&acknowledged.to_be_bytes());
        // Five words of header; the largest window; checksum and urgent pointer.
        tcp.extend_from_slice(&[5 << 4, flags, 0xff, 0xff, 0, 0, 0, 0]);
        tcp.extend_from_slice(payload);
        let counted = payload.len() as u32 + u32::from(flags & (SYN | FIN) != 0);
        self.sent[own] = self.sent[own].wrapping_add(counted);
        let packet = ethernet(own, &ip(self.ends[own].ip(), self.ends[other].ip(), tcp));
        blocks.packet(time, &packet, &std::mem::take(&mut self.comment))
    }
}

/// Both as IPv6 where one is: an IPv4 address as the IPv6 address that stands for it (RFC 4291 2.5.5.2).
fn one_family(ends: [SocketAddr; 2]) -> [SocketAddr; 2] {
    if ends.iter().all(SocketAddr::is_ipv4) {
        return ends;
    }
    ends.map(|end| match end.ip() {
        IpAddr::V4(ip) => SocketAddr::from((ip.to_ipv6_mapped(), end.port())),
        IpAddr::V6(_) => end,
    })
}

/// Between two addresses that nobody else has (locally administered).
fn ethernet(sender: usize, packet: &[u8]) -> Vec<u8> {
    let kind = if packet[0] >> 4 == 4 { [0x08, 0x00] } else { [0x86, 0xdd] };
    let (own, other) = (sender as u8 + 1, 2 - sender as u8);
    let head = [&[2, 0, 0, 0, 0, other, 2, 0, 0, 0, 0, own], &kind[..]].concat();
    [&head, packet].concat()
}

/// A TCP segment in an IP packet, with the checksums of both.
fn ip(from: IpAddr, to: IpAddr, mut tcp: Vec<u8>) -> Vec<u8> {
    const TCP: u8 = 6;
    let length = tcp.len() as u32;
    let (mut head, pseudo) = match (from, to) {
        (IpAddr::V4(from), IpAddr::V4(to)) => {
            let total = (length as u16 + 20).to_be_bytes();
            let mut head = vec![0x45, 0, total[0], total[1], 0, 0, 0x40, 0, 64, TCP, 0, 0];
            head.extend_from_slice(&from.octets());
            head.extend_from_slice(&to.octets());
            let sum = checksum(&[&head]).to_be_bytes();
            head[10..12].copy_from_slice(&sum);
            (head, [&from.octets()[..], &to.octets()].concat())
        }
        (from, to) => {
            let six = |ip| match ip {
                IpAddr::V4(ip) => Ipv4Addr::to_ipv6_mapped(&ip),
                IpAddr::V6(ip) => ip,
            };
            let size = (length as u16).to_be_bytes();
            let addresses = [six(from).octets(), six(to).octets()].concat();
            ([&[0x60, 0, 0, 0, size[0], size[1], TCP, 64], &addresses[..]].concat(), addresses)
        }
    };
    let sum = checksum(&[&pseudo, &u32::from(TCP).to_be_bytes(), &length.to_be_bytes(), &tcp]);
    tcp[16..18].copy_from_slice(&sum.to_be_bytes());
    head.append(&mut tcp);
    head
}

/// The Internet checksum (RFC 1071) over parts, of which all but the last are of even length.
fn checksum(parts: &[&[u8]]) -> u16 {
    let words = parts.iter().flat_map(|part| part.chunks(2));
    let mut sum: u64 =
        words.map(|pair| u64::from(pair[0]) << 8 | u64::from(pair.get(1).copied().unwrap_or(0))).sum();
    while sum > 0xffff {
        sum = (sum & 0xffff) + (sum >> 16);
    }
    !(sum as u16)
}
