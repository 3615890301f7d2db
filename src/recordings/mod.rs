//! Recordings as files that are kept: made smaller, joined, and made anew with little changed.
//!
//! All of it reads and writes lines of [`crate::headless::schema`], and leaves as it stands what it does not change.
//! Readers and writers come from those who call.

mod abreast;
mod align;
pub(crate) mod content;
mod input;
mod merge;
mod numbers;
pub(crate) mod path;
mod payload;
mod redact;
mod refresh;
mod shrink;
mod times;
mod trim;
pub(crate) mod units;

pub use abreast::{abreast, mark};
pub use align::{Mark, Pairing, align};
pub use input::{Input, open};
pub use merge::{MergeError, Merged, merge};
pub use path::{Path, PathError, Place};
pub use redact::{Redacted, redact};
pub use refresh::{Refreshed, refresh, refresh_file, to_the_octet};
pub use shrink::shrink;
pub(crate) use trim::heartbeats;
pub use trim::{Beats, Numbering, Trim, Trimmed, trim};
