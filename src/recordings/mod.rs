//! Recordings as files that are kept: what two of them have in common, and one made anew with little changed.
//!
//! All of it reads and writes lines of [`crate::headless::schema`], and leaves as it stands what it does not change.
//! Readers and writers come from those who call.

mod align;
mod content;
mod input;
pub(crate) mod path;
mod refresh;
mod units;

pub use align::{Mark, Pairing, align};
pub use input::{Input, open};
pub use path::{Path, PathError, Place};
pub use refresh::{Refreshed, refresh, refresh_file, to_the_octet};
