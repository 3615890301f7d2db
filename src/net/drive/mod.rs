//! Moves a session's bytes: two [`Relay`]s between two sockets, neither direction waiting for the other.

mod orders;
mod told;
mod touch;

use std::cell::RefCell;
use std::future::poll_fn;
use std::io;
use std::pin::Pin;
use std::task::{Context, Poll};
use std::time::Instant;

use tokio::io::AsyncWrite;

use super::transport::{Transport, is_reset};
use crate::capture::{Ended, Ending, Opening, Tap};
use crate::control::{Controller, Mailbox};
use crate::relay::{Relay, Shut, Step};
use crate::ws::Direction;

pub(super) use touch::Touch;

/// Two connections and who is told about what passes between them.
pub(super) struct Drive {
    pub(super) client: Transport,
    pub(super) server: Transport,
    pub(super) tap: Tap,
    pub(super) session: u32,
    pub(super) watch: Watch,
    /// What the session is told to do.
    pub(super) mailbox: Mailbox,
    pub(super) controller: Controller,
    /// What the session's handshake came to; none of a tunnel.
    pub(super) opening: Option<Box<Opening>>,
    /// What rules do with it from the beginning.
    pub(super) touch: Option<Box<Touch>>,
    /// What the client sent already, of which the server has the first `sent` octets.
    pub(super) early: Vec<u8>,
    pub(super) sent: usize,
}

/// How much of what passes the log gets.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Watch {
    /// All bytes: they are frames.
    Frames,
    /// How many: a tunnel.
    Octets,
    /// Nothing, not even the end: what there was to tell was told.
    Nothing,
}

/// Octets read at a time.
const CHUNK: usize = 128 << 10;

thread_local! {
    /// One for all sessions of the thread: an idle session has no buffer.
    static CHUNK_BUFFER: RefCell<Vec<u8>> = RefCell::new(vec![0; CHUNK]);
}

impl Drive {
    /// Relays until both directions are over, and tells the log how they ended.
    pub(super) async fn run(self) {
        let Drive { client, server, tap, session, watch, mailbox, controller, opening, touch, early, sent } =
            self;
        let mut pair = Pair {
            client: End { transport: Some(client), ending: Ending::Open },
            server: End { transport: Some(server), ending: Ending::Open },
            relays: [Relay::new(), Relay::new()],
            flush: [false; 2],
            first: None,
            octets: [0; 2],
            tap,
            session,
            watch,
            ruled: if watch == Watch::Frames { 0 } else { u64::MAX },
            controller,
            touch,
            fresh: opening.map(|opening| (Instant::now(), opening)),
            again: false,
            end_now: None,
            let_go: false,
        };
        // Before anything is told of what was said.
        pair.opened();
        if !early.is_empty() {
            pair.tell_early(&early);
            pair.relays[Direction::ToServer as usize].received(&early, sent);
        }
        drop(early);
        let killed = poll_fn(|context| {
            for order in mailbox.take(context) {
                pair.obey(order);
            }
            let over = pair.poll(context);
            match pair.end_now.take() {
                Some(how) => Poll::Ready(Some(how)),
                None => over.map(|()| None),
            }
        });
        if let Some(how) = killed.await {
            pair.kill(how);
        }
        pair.tell_end();
    }
}

struct Pair {
    client: End,
    server: End,
    /// To the server, to the client.
    relays: [Relay; 2],
    /// Whether something was written to the receiver that a TLS layer may still hold.
    flush: [bool; 2],
    first: Option<Direction>,
    octets: [u64; 2],
    tap: Tap,
    session: u32,
    watch: Watch,
    controller: Controller,
    /// The version of the rules that is heeded.
    ruled: u64,
    /// What the handshake came to, right after it.
    fresh: Option<(Instant, Box<Opening>)>,
    /// None for as long as nothing is touched.
    touch: Option<Box<Touch>>,
    /// Whether something was done to the other direction than the one at hand.
    again: bool,
    /// How it ends, where it is to end at once.
    end_now: Option<Ending>,
    /// Whether something that was held went on at the end.
    let_go: bool,
}

struct End {
    transport: Option<Transport>,
    ending: Ending,
}

impl Pair {
    fn poll(&mut self, context: &mut Context<'_>) -> Poll<()> {
        loop {
            self.again = false;
            self.heed_rules();
            for direction in Direction::BOTH {
                // Pending means that the context's waker is known to what this direction waits for.
                let _ = self.poll_touch(direction, context);
                let _ = self.poll_direction(direction, context);
            }
            if !self.again && self.poll_clock(context).is_pending() {
                break;
            }
        }
        if self.relays.iter().all(Relay::is_over) { Poll::Ready(()) } else { Poll::Pending }
    }

    fn poll_direction(&mut self, direction: Direction, context: &mut Context<'_>) -> Poll<()> {
        loop {
            match self.relays[direction as usize].next() {
                Step::Nothing => return Poll::Ready(()),
                Step::Read => {
                    self.poll_flush(direction, context);
                    if !self.may_read(direction) {
                        return Poll::Pending;
                    }
                    std::task::ready!(self.poll_pass(direction, context));
                }
                Step::Write(_) => std::task::ready!(self.poll_write(direction, context)),
                Step::Shut(Shut::Fin) => std::task::ready!(self.poll_shutdown(direction, context)),
                Step::Shut(Shut::Reset) => self.reset(direction),
            }
        }
    }

    /// Reads a chunk and writes as much of it as the receiver takes at once.
    fn poll_pass(&mut self, direction: Direction, context: &mut Context<'_>) -> Poll<()> {
        std::task::ready!(self.tap.poll_room(context));
        CHUNK_BUFFER.with_borrow_mut(|buffer| {
            let Some(sender) = &mut self.end(direction.opposite()).transport else {
                self.relays[direction as usize].shut();
                return Poll::Ready(());
            };
            match std::task::ready!(sender.poll_read_into(context, buffer)) {
                Ok(0) => self.sender_ended(direction, Ending::Fin),
                Ok(count) => self.came(direction, buffer, count, context),
                Err(error) => self.sender_ended(direction, ending_of(&error)),
            }
            Poll::Ready(())
        })
    }

    /// The first `count` octets of `buffer` came.
    fn passed(
        &mut self,
        direction: Direction,
        buffer: &mut Vec<u8>,
        count: usize,
        context: &mut Context<'_>,
    ) {
        let time = Instant::now();
        let bytes = &buffer[..count];
        let (taken, error) = self.write_at_once(direction, bytes, context);
        if let Some(error) = error {
            self.receiver_gone(direction, &error);
        }
        if !self.relays[direction as usize].is_over() {
            self.relays[direction as usize].received(bytes, taken);
        }
        self.octets[direction as usize] += count as u64;
        match self.watch {
            Watch::Frames => self.tap.chunk(self.session, direction, buffer, count, time),
            Watch::Octets => self.tap.octets(self.session, direction, count as u64, time),
            Watch::Nothing => {}
        }
    }

    fn poll_write(&mut self, direction: Direction, context: &mut Context<'_>) -> Poll<()> {
        let Step::Write(waiting) = self.relays[direction as usize].next() else { return Poll::Ready(()) };
        // Taken out for the call, as the relay and the sockets are parts of one thing.
        let Some(receiver) = receiver(direction, &mut self.client, &mut self.server) else {
            self.relays[direction as usize].shut();
            return Poll::Ready(());
        };
        let result = std::task::ready!(Pin::new(receiver).poll_write(context, waiting));
        match result {
            Ok(count) => {
                self.flush[direction as usize] = true;
                self.relays[direction as usize].wrote(count);
            }
            Err(error) => self.receiver_gone(direction, &error),
        }
        Poll::Ready(())
    }

    /// Writes as much of `bytes` as the receiver takes now, where nothing else waits to be written. Says how much that is,
    /// and what the receiver's end came to, if it has ended.
    fn write_at_once(
        &mut self,
        direction: Direction,
        bytes: &[u8],
        context: &mut Context<'_>,
    ) -> (usize, Option<io::Error>) {
        let mut taken = 0;
        if matches!(self.relays[direction as usize].next(), Step::Write(_)) {
            return (0, None);
        }
        while taken < bytes.len() {
            let Some(receiver) = receiver(direction, &mut self.client, &mut self.server) else { break };
            match Pin::new(receiver).poll_write(context, &bytes[taken..]) {
                Poll::Ready(Ok(count)) => {
                    self.flush[direction as usize] = true;
                    taken += count;
                }
                Poll::Ready(Err(error)) => return (taken, Some(error)),
                Poll::Pending => break,
            }
        }
        (taken, None)
    }

    /// Pushes out what a TLS layer holds. Whether that is done now or later, reading goes on.
    fn poll_flush(&mut self, direction: Direction, context: &mut Context<'_>) {
        if !self.flush[direction as usize] {
            return;
        }
        let Some(receiver) = receiver(direction, &mut self.client, &mut self.server) else { return };
        if !receiver.is_tls() || Pin::new(receiver).poll_flush(context).is_ready() {
            self.flush[direction as usize] = false;
        }
    }

    fn poll_shutdown(&mut self, direction: Direction, context: &mut Context<'_>) -> Poll<()> {
        if let Some(receiver) = receiver(direction, &mut self.client, &mut self.server) {
            // A receiver that is gone already needs no FIN.
            let _ = std::task::ready!(Pin::new(receiver).poll_shutdown(context));
        }
        self.relays[direction as usize].shut();
        Poll::Ready(())
    }

    /// The sender of `direction` will send no more.
    fn sender_ended(&mut self, direction: Direction, ending: Ending) {
        let end = self.end(direction.opposite());
        // The other direction may have seen, and told, the reset that makes this one end.
        if end.ending == Ending::Open {
            end.ending = ending.clone();
        }
        let reset = end.ending != Ending::Fin;
        self.first.get_or_insert(direction);
        if reset {
            // A reset ends both directions: nobody is there to write to.
            self.relays[direction.opposite() as usize].shut();
        }
        let shut = if reset { Shut::Reset } else { Shut::Fin };
        if reset {
            self.end_lane(direction.opposite(), Shut::Reset);
        }
        if !self.end_lane(direction, shut) || reset {
            self.relays[direction as usize].ended(shut);
        }
    }

    /// The receiver of `direction` does not take any more: its connection was reset. What it had sent before that
    /// is still relayed by the other direction, which then sees the end.
    fn receiver_gone(&mut self, direction: Direction, error: &io::Error) {
        self.relays[direction as usize].shut();
        self.end_lane(direction, Shut::Reset);
        let end = self.end(direction);
        if matches!(end.ending, Ending::Open | Ending::Fin) {
            let finished = end.ending == Ending::Fin;
            end.ending = ending_of(error);
            self.first.get_or_insert(direction.opposite());
            if finished {
                // It had finished sending, so the other direction will not see the reset: it is passed on from here.
                self.reset(direction.opposite());
            }
        }
    }

    /// Closes the receiver's connection with a reset, and with it both directions.
    fn reset(&mut self, direction: Direction) {
        if let Some(transport) = self.end(direction).transport.take() {
            transport.reset();
        }
        self.relays.iter_mut().for_each(Relay::shut);
    }

    fn tell_early(&mut self, bytes: &[u8]) {
        let (direction, count, now) = (Direction::ToServer, bytes.len() as u64, Instant::now());
        self.octets[direction as usize] += count;
        match self.watch {
            Watch::Frames => self.tap.bytes(self.session, direction, bytes, now),
            Watch::Octets => self.tap.octets(self.session, direction, count, now),
            Watch::Nothing => {}
        }
    }

    fn kill(&mut self, how: Ending) {
        for end in [&mut self.client, &mut self.server] {
            end.ending = how.clone();
            // What went on at the last moment is to arrive.
            if let Some(transport) = end.transport.take().filter(|_| !self.let_go) {
                transport.reset();
            }
        }
    }

    fn tell_end(mut self) {
        // What is held still is not held any more.
        for direction in Direction::BOTH {
            self.end_lane(direction, Shut::Reset);
        }
        if self.watch == Watch::Nothing {
            return;
        }
        self.tap.event(crate::capture::Event::Ended(Ended {
            session: self.session,
            time: self.tap.log().now(),
            client: self.client.ending,
            server: self.server.ending,
            first: self.first,
            octets: self.octets,
        }));
    }

    /// The end that receives what goes in `direction`.
    fn end(&mut self, direction: Direction) -> &mut End {
        match direction {
            Direction::ToServer => &mut self.server,
            Direction::ToClient => &mut self.client,
        }
    }
}

fn receiver<'a>(direction: Direction, client: &'a mut End, server: &'a mut End) -> Option<&'a mut Transport> {
    let end = match direction {
        Direction::ToServer => server,
        Direction::ToClient => client,
    };
    end.transport.as_mut()
}

fn ending_of(error: &io::Error) -> Ending {
    match error.kind() {
        // TLS without its close alert: the connection itself ended well.
        io::ErrorKind::UnexpectedEof => Ending::Fin,
        _ if is_reset(error) => Ending::Reset,
        _ => Ending::Failed(error.to_string()),
    }
}
