//! A client of our own: asks for a session, says what it is given, and hears the server out.
//!
//! [`Request`] is what it asks for, as a head; [`Client`] speaks on a connection, which may be one of the proxy's own
//! [`Door`](crate::net::Door).

mod client;
mod end;
mod request;
mod url;

pub use client::{Client, Ear, Told, Unopened, Until, Voice, voice};
pub use end::End;
pub use request::{Field, Request};
pub use url::{Url, UrlError};
