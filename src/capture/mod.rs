//! The log: everything seen is appended to it, and everyone who wants to see reads from it at their own pace.
//!
//! [`Log`] is the shared handle. The network writes through a [`Tap`]; views read pages of rows, readers such as
//! the recording follow a [`Cursor`].

mod record;

pub use record::{
    Ended, Ending, Event, Exchange, Fault, Flow, Frame, Kind, Message, Mode, Note, Opening, Payload, Refused,
    Stamp, Timing, Tunnel,
};

// The rest of the interface, which the modules of this folder fill in:
//
// pub struct Log { .. }                         Clone (an Arc inside), Send + Sync
// impl Log {
//     pub fn create(config: &LogConfig) -> io::Result<Log>;   LogConfig { directory: Option<PathBuf>, limit: u64, .. }; spawns no thread
//     pub fn append(&self, event: Event) -> io::Result<()>;   what an importer of recordings uses; assigns no numbers
//     pub fn started(&self) -> SystemTime;                    the wall clock of Stamp(0)
//     pub fn now(&self) -> Stamp;
//     pub fn version(&self) -> u64;                           grows with everything appended
//     pub fn wait(&self, seen: u64, timeout: Duration) -> u64;  blocks until version() > seen, or the timeout
//     pub fn stats(&self) -> Stats;                           open, closed, refused, tunnels, exchanges, messages, bytes, log_bytes, log_limit, evicted_bytes, evicted_rows
//     pub fn summaries<T>(&self, f: impl FnOnce(&mut dyn Iterator<Item = &Summary>) -> T) -> T;  all flows, oldest first, under a read lock
//     pub fn summary(&self, flow: Flow) -> Option<Summary>;
//     pub fn opening(&self, session: u32) -> io::Result<Option<Opened>>;  the handshake as far as known: enum-like struct { opening, refused: Option<(Payload, String)> , tunnel }
//     pub fn ended(&self, session: u32) -> io::Result<Option<Ended>>;
//     pub fn exchange(&self, exchange: u32) -> io::Result<Option<Exchange>>;
//     pub fn rows(&self, session: u32) -> Range<u64>;         numbers of the messages that can still be read: first..next (from 1)
//     pub fn message(&self, session: u32, number: u64) -> io::Result<Option<Message>>;  None: not there (yet, or evicted)
//     pub fn read(&self, payload: &Payload, offset: u64, length: usize) -> io::Result<Bytes>;
//     pub fn cursor(&self) -> Cursor;                         from the oldest that is left
//     pub fn clear(&self);                                    forget all closed flows
//     pub fn close(&self);                                    no more will come: cursors end
// }
// pub struct Cursor; impl Cursor { pub fn next(&mut self) -> io::Result<Next>; }   enum Next { Event(Event), Gap { events_lost.. }, Nothing yet, End }
// pub struct Summary { flow, kind: session|refused|tunnel|exchange, state, url, client, subprotocol, deflate, messages: [u64; 2], bytes: [u64; 2], opened, last, ended, end: String, violations, mode, method/status for exchanges }
