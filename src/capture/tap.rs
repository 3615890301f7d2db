//! From the network into the log: a queue, bounded in octets, that the capture thread empties.

use std::io;
use std::sync::atomic::{AtomicU32, AtomicUsize, Ordering};
use std::sync::{Arc, Condvar, Mutex, MutexGuard, PoisonError};
use std::task::{Context, Poll, Waker};
use std::thread::{self, JoinHandle};
use std::time::{Duration, Instant};

use super::act::{Act, By};
use super::log::Log;
use super::record::{Event, Stamp};
use super::scribe::Scribe;
use crate::ws::Direction;
use crate::ws::inflate::History;

/// Numbers that bound what the capture keeps in memory.
#[derive(Clone, Copy, Debug)]
pub struct CaptureConfig {
    /// Octets that may wait for the capture thread before the relay waits too.
    pub queue_limit: usize,
    /// Octets that are kept of one message after inflating.
    pub inflate_limit: u64,
}

impl Default for CaptureConfig {
    fn default() -> CaptureConfig {
        CaptureConfig { queue_limit: 16 << 20, inflate_limit: 64 << 20 }
    }
}

/// Where the network tells what it sees. Cheap to clone; the capture thread ends when the last one is dropped.
pub struct Tap {
    shared: Arc<Shared>,
    log: Log,
}

/// The running capture thread.
pub struct Capture(JoinHandle<()>);

struct Shared {
    queue: Mutex<Queue>,
    /// Signalled when there is something for a waiting capture thread.
    filled: Condvar,
    /// Octets in the queue, to look at without its lock.
    waiting: AtomicUsize,
    limit: usize,
    taps: AtomicUsize,
    sessions: AtomicU32,
    exchanges: AtomicU32,
}

#[derive(Default)]
struct Queue {
    gathered: Gathered,
    /// Relays that wait for room.
    wakers: Vec<Waker>,
    /// Buffers to be filled again.
    spare: Vec<Vec<u8>>,
    /// Whether the capture thread sleeps until there is something.
    sleeping: bool,
}

/// What came since the capture thread last looked.
#[derive(Default)]
pub(super) struct Gathered {
    pub(super) items: Vec<Item>,
    /// The octets of all [`Item::Bytes`], one after the other.
    pub(super) bytes: Vec<u8>,
    /// Buffers that were read.
    pub(super) spent: Vec<Vec<u8>>,
}

pub(super) enum Item {
    Bytes {
        session: u32,
        direction: Direction,
        time: Stamp,
        length: u32,
    },
    /// As [`Item::Bytes`], with a buffer of its own, whose first `length` octets count.
    Chunk {
        session: u32,
        direction: Direction,
        time: Stamp,
        length: usize,
        buffer: Vec<u8>,
    },
    Octets {
        session: u32,
        direction: Direction,
        time: Stamp,
        count: u64,
    },
    Event(Box<Event>),
    /// Something done to what was told last of its direction: to the message whose first frame began at `offset`.
    Act {
        act: Box<Act>,
        offset: Option<u64>,
    },
    /// Frames of the proxy's own making, `length` octets of the gathered ones, went out in this direction.
    Injected {
        session: u32,
        direction: Direction,
        time: Stamp,
        length: u32,
        by: By,
    },
    /// Somebody wants to know what the next compressed message may refer to.
    Window {
        session: u32,
        direction: Direction,
        answer: Box<dyn FnOnce(History) + Send>,
    },
}

/// From how many octets on a buffer is taken and not copied from.
const WORTH_TAKING: usize = 8 << 10;
/// How many buffers are kept to be filled again: a burst takes more, and gives them back.
const MOST_SPARE: usize = 32;

/// How long the capture thread lets things gather: it wakes once for many.
const PAUSE: Duration = Duration::from_millis(4);

/// Starts the capture thread of `log`, which may be a recording's: its sessions are numbered after those that it has.
///
/// # Errors
/// Where the system gives no thread.
pub fn capture(log: &Log, config: CaptureConfig) -> io::Result<(Tap, Capture)> {
    let [sessions, exchanges] = log.highest();
    let shared = Arc::new(Shared {
        queue: Mutex::default(),
        filled: Condvar::new(),
        waiting: AtomicUsize::new(0),
        limit: config.queue_limit,
        taps: AtomicUsize::new(1),
        sessions: AtomicU32::new(sessions),
        exchanges: AtomicU32::new(exchanges),
    });
    let scribe = Scribe::new(log.clone(), config.inflate_limit);
    let tap = Tap { shared: Arc::clone(&shared), log: log.clone() };
    let thread = thread::Builder::new().name("capture".to_owned()).spawn(move || run(&shared, scribe))?;
    Ok((tap, Capture(thread)))
}

impl Capture {
    /// Waits until all that was told is in the log, which is when every [`Tap`] is dropped, and closes it.
    pub fn finish(self, log: &Log) {
        // A panic there was printed; what it had not written is lost, and the log says no more.
        let _ = self.0.join();
        log.close();
    }
}

impl Tap {
    /// The log that this leads to.
    pub fn log(&self) -> &Log {
        &self.log
    }

    /// A number for a new session or tunnel.
    pub fn next_session(&self) -> u32 {
        self.shared.sessions.fetch_add(1, Ordering::Relaxed) + 1
    }

    /// A number for a new exchange.
    pub fn next_exchange(&self) -> u32 {
        self.shared.exchanges.fetch_add(1, Ordering::Relaxed) + 1
    }

    /// Tells of something other than bytes. Bytes of a session count as frames after its [`Event::Opened`].
    pub fn event(&self, event: Event) {
        let mut queue = self.shared.queue();
        queue.gathered.items.push(Item::Event(Box::new(event)));
        self.shared.added(queue, size_of::<Event>());
    }

    /// Tells of the bytes at the start of `buffer`, as [`Tap::bytes`] does. Where they are many, the buffer itself is
    /// taken, and another of the same length left in its place: to copy them would cost as much as to read them.
    pub fn chunk(
        &self,
        session: u32,
        direction: Direction,
        buffer: &mut Vec<u8>,
        length: usize,
        time: Instant,
    ) {
        if length < WORTH_TAKING {
            return self.bytes(session, direction, &buffer[..length], time);
        }
        let time = self.log.stamp(time);
        let mut queue = self.shared.queue();
        let next = queue.spare.pop().filter(|spare| spare.len() == buffer.len());
        let next = next.unwrap_or_else(|| vec![0; buffer.len()]);
        let buffer = std::mem::replace(buffer, next);
        queue.gathered.items.push(Item::Chunk { session, direction, time, length, buffer });
        self.shared.added(queue, length + size_of::<Item>());
    }

    /// Tells of bytes that came after the opening handshake of `session`.
    pub fn bytes(&self, session: u32, direction: Direction, bytes: &[u8], time: Instant) {
        let time = self.log.stamp(time);
        let mut queue = self.shared.queue();
        let Ok(length) = u32::try_from(bytes.len()) else { return };
        queue.gathered.items.push(Item::Bytes { session, direction, time, length });
        queue.gathered.bytes.extend_from_slice(bytes);
        self.shared.added(queue, bytes.len() + size_of::<Item>());
    }

    /// Tells that `count` octets passed through a tunnel.
    pub fn octets(&self, session: u32, direction: Direction, count: u64, time: Instant) {
        let time = self.log.stamp(time);
        let mut queue = self.shared.queue();
        queue.gathered.items.push(Item::Octets { session, direction, time, count });
        self.shared.added(queue, size_of::<Item>());
    }

    /// Tells of something that was done: where `offset` is given, to the message or control frame whose first header
    /// began there, in octets of its direction after the handshake. Its number is found by the capture; all its
    /// octets must have been told.
    pub fn act(&self, act: Act, offset: Option<u64>) {
        let mut queue = self.shared.queue();
        queue.gathered.items.push(Item::Act { act: Box::new(act), offset });
        self.shared.added(queue, size_of::<Event>());
    }

    /// Tells of whole frames, not compressed, that the proxy sent in this direction in its sender's name.
    pub fn injected(&self, session: u32, direction: Direction, frames: &[u8], time: Instant, by: By) {
        let time = self.log.stamp(time);
        let mut queue = self.shared.queue();
        let Ok(length) = u32::try_from(frames.len()) else { return };
        queue.gathered.items.push(Item::Injected { session, direction, time, length, by });
        queue.gathered.bytes.extend_from_slice(frames);
        self.shared.added(queue, frames.len() + size_of::<Item>());
    }

    /// Asks what the next compressed message of a direction may refer to, after all that was told of it (RFC 7692
    /// 7.2.2); the capture thread answers.
    pub fn window(&self, session: u32, direction: Direction, answer: impl FnOnce(History) + Send + 'static) {
        let mut queue = self.shared.queue();
        queue.gathered.items.push(Item::Window { session, direction, answer: Box::new(answer) });
        self.shared.added(queue, size_of::<Item>());
    }

    /// Whether there is room for more; the task is woken when there is.
    pub fn poll_room(&self, context: &mut Context<'_>) -> Poll<()> {
        if self.shared.waiting.load(Ordering::Relaxed) < self.shared.limit {
            return Poll::Ready(());
        }
        let mut queue = self.shared.queue();
        if self.shared.waiting.load(Ordering::Relaxed) < self.shared.limit {
            return Poll::Ready(());
        }
        queue.wakers.push(context.waker().clone());
        Poll::Pending
    }
}

impl Clone for Tap {
    fn clone(&self) -> Tap {
        self.shared.taps.fetch_add(1, Ordering::Relaxed);
        Tap { shared: Arc::clone(&self.shared), log: self.log.clone() }
    }
}

impl Drop for Tap {
    fn drop(&mut self) {
        if self.shared.taps.fetch_sub(1, Ordering::AcqRel) == 1 {
            // Taken so that the capture thread is either waiting or has yet to look.
            drop(self.shared.queue());
            self.shared.filled.notify_one();
        }
    }
}

impl Shared {
    fn queue(&self) -> MutexGuard<'_, Queue> {
        self.queue.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn added(&self, queue: MutexGuard<'_, Queue>, octets: usize) {
        let before = self.waiting.load(Ordering::Relaxed);
        self.waiting.store(before + octets, Ordering::Relaxed);
        let half = self.limit / 2;
        let wake = queue.sleeping || (before < half && before + octets >= half);
        drop(queue);
        if wake {
            self.filled.notify_one();
        }
    }

    fn is_over(&self) -> bool {
        self.taps.load(Ordering::Acquire) == 0
    }

    /// Waits for something to do and takes it; none when all taps are gone. `emptied` is what was taken before.
    fn take(&self, mut emptied: Gathered) -> Option<Gathered> {
        emptied.reset();
        let mut queue = self.queue();
        let room = MOST_SPARE.saturating_sub(queue.spare.len());
        queue.spare.extend(emptied.spent.drain(..).take(room));
        while queue.gathered.items.is_empty() {
            if self.is_over() {
                return None;
            }
            queue.sleeping = true;
            queue = self.filled.wait(queue).unwrap_or_else(PoisonError::into_inner);
            queue.sleeping = false;
        }
        // Then a pause, so that a steady trickle wakes this thread a few hundred times a second, not for each.
        let room = |_: &mut Queue| self.waiting.load(Ordering::Relaxed) < self.limit / 2 && !self.is_over();
        queue = self.filled.wait_timeout_while(queue, PAUSE, room).unwrap_or_else(PoisonError::into_inner).0;
        let gathered = std::mem::replace(&mut queue.gathered, emptied);
        self.waiting.store(0, Ordering::Relaxed);
        let wakers = std::mem::take(&mut queue.wakers);
        drop(queue);
        wakers.into_iter().for_each(Waker::wake);
        Some(gathered)
    }
}

impl Gathered {
    /// Ready to be filled again; the memory of a burst is given back.
    fn reset(&mut self) {
        const KEPT: usize = 1 << 20;
        if self.bytes.len() < KEPT {
            self.bytes.shrink_to(KEPT);
        }
        if self.items.len() < KEPT / size_of::<Item>() {
            self.items.shrink_to(KEPT / size_of::<Item>());
        }
        self.bytes.clear();
        self.items.clear();
    }
}

fn run(shared: &Shared, mut scribe: Scribe) {
    let mut gathered = Gathered::default();
    while let Some(mut taken) = shared.take(gathered) {
        scribe.write(&mut taken);
        gathered = taken;
    }
}
