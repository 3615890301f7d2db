//! What the listener and the proxy behind it keep from being used against their user.

mod auth;
mod limits;
mod login;
mod origin;
mod own;

pub use auth::{Credentials, CredentialsError};
pub use limits::Limits;
pub(super) use limits::{Full, HeadMeter, Seats, TooMuch};
pub(super) use origin::{Stranger, host_name, is_here, stranger};
pub(super) use own::Own;
