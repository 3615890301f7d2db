//! Unix sockets: connecting to a path.

use std::path::Path;

use super::super::stream::Stream;

/// Connects to the socket at `path`.
///
/// # Errors
/// In words, without the path.
#[cfg(unix)]
pub(super) async fn connect(path: &Path) -> Result<Stream, String> {
    use std::io::ErrorKind;
    use std::time::Duration;

    use tokio::net::UnixStream;
    loop {
        let error = match UnixStream::connect(path).await {
            Ok(stream) => return Ok(Stream::Unix(stream)),
            Err(error) => error,
        };
        return Err(match error.kind() {
            // Where TCP waits by itself for a server that is slow to accept, a Unix socket asks to come again.
            ErrorKind::WouldBlock => {
                tokio::time::sleep(Duration::from_millis(10)).await;
                continue;
            }
            ErrorKind::NotFound => "there is no such socket; is the server running?".to_owned(),
            ErrorKind::ConnectionRefused => "nobody listens there; is the server running?".to_owned(),
            ErrorKind::PermissionDenied => {
                "permission denied; the socket's owner and mode say who may connect".to_owned()
            }
            _ => super::plain(&error),
        });
    }
}

/// There are none.
#[cfg(not(unix))]
pub(super) async fn connect(_: &Path) -> Result<Stream, String> {
    Err("this system has no Unix sockets; name the server by host:port".to_owned())
}
