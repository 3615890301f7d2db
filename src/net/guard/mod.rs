//! What the listener and the proxy behind it keep from being used against their user.

mod own;

pub(super) use own::Own;
