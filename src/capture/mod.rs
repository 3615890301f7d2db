//! The log: everything seen is appended to it, and everyone who wants to see reads from it at their own pace.
//!
//! [`Log`] is the shared handle: rows by number, flows in short, payloads in part; a [`Cursor`] reads it front to
//! back. The network writes through a [`Tap`], whose queue one capture thread ([`capture`]) empties: it unmasks,
//! joins fragments, inflates, notes violations and appends.

mod act;
mod acts;
mod agreed;
mod batch;
mod format;
mod index;
mod log;
mod neighbours;
mod program;
mod reader;
mod record;
mod rows;
mod rule_acts;
mod scribe;
mod segments;
mod subject;
mod summary;
mod tap;
mod tls;
mod told;

pub use act::{Act, By, Deed, Deeds};
pub use acts::Held;
pub(crate) use agreed::Agreed;
pub use log::{Log, Opened, Stats};
pub use program::{Line, Program, Stream};
pub use reader::{Cursor, Next};
pub use record::{
    Ended, Ending, Event, Exchange, Fault, Flow, Frame, Kind, Message, Mode, Note, Opening, Payload, Refused,
    Stamp, Timing, Tunnel,
};
pub use rule_acts::RuleActs;
pub use segments::{LogConfig, SMALLEST_LIMIT};
pub use subject::Row;
pub use summary::{FlowKind, State, Summary, Tally};
pub use tap::{Capture, CaptureConfig, Tap, capture};
pub use tls::{Certificate, CertificateRequest, Leg, Tls, Verified};

#[cfg(test)]
mod tests;
