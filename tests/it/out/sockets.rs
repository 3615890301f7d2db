//! Servers on Unix sockets.

use std::io::{Read, Write};
use std::net::Shutdown;
use std::os::unix::fs::PermissionsExt;
use std::os::unix::net::{UnixListener, UnixStream};
use std::path::Path;
use std::thread::JoinHandle;

use sockeye::capture::{Ending, Opened};
use sockeye::net::Entrance;

use crate::support::{PATIENCE, Running, config, request, start, switching};

/// A proxy in front of the socket at `path`.
fn in_front_of(path: &Path) -> Running {
    let mut config = config(None);
    config.listeners[0].entrance = Entrance::Reverse(format!("unix:{}", path.display()).parse().unwrap());
    start(config)
}

/// A server that gets an opening handshake, opens the session, and goes on with `script`.
fn serve(path: &Path, script: impl FnOnce(UnixStream) + Send + 'static) -> JoinHandle<()> {
    let listener = UnixListener::bind(path).unwrap();
    std::thread::spawn(move || {
        let (mut stream, _) = listener.accept().unwrap();
        stream.set_read_timeout(Some(PATIENCE)).unwrap();
        let expected = request("127.0.0.1:1".parse().unwrap()).replace("127.0.0.1:1", "localhost");
        expect(&mut stream, expected.as_bytes());
        stream.write_all(switching().as_bytes()).unwrap();
        script(stream);
    })
}

#[track_caller]
fn expect(stream: &mut UnixStream, bytes: &[u8]) {
    let mut got = vec![0; bytes.len()];
    stream.read_exact(&mut got).unwrap();
    assert_eq!(got.escape_ascii().to_string(), bytes.escape_ascii().to_string());
}

#[test]
fn a_session_crosses_as_it_came_and_each_half_ends_by_itself() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("app.sock");
    let server = serve(&path, |mut stream| {
        expect(&mut stream, b"\x81\x82\x01\x02\x03\x04ij");
        // The client has finished; the server has not.
        assert_eq!(stream.read(&mut [0]).unwrap(), 0);
        stream.write_all(b"\x81\x7e\0\x02hi").unwrap();
    });
    let running = in_front_of(&path);
    let mut client = running.client();
    client.send(request(running.address)).expect(switching());
    client.send(b"\x81\x82\x01\x02\x03\x04ij").finish();
    client.expect(b"\x81\x7e\0\x02hi").expect_fin();
    server.join().unwrap();
    let ended = running.until(|log| log.ended(1).unwrap());
    assert_eq!((ended.client, ended.server), (Ending::Fin, Ending::Fin));
    let log = running.finish();
    let Some(Opened::Session(opening)) = log.opening(1).unwrap() else { panic!("not opened") };
    assert_eq!(opening.url, "ws://localhost/chat?x=1");
    assert_eq!(opening.server, format!("unix:{}", path.display()));
    assert_eq!(log.rows(1), 1..3);
}

#[test]
fn a_client_that_resets_has_the_socket_closed() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("app.sock");
    let server = serve(&path, |mut stream| {
        stream.write_all(b"\x81\x02hi").unwrap();
        assert_eq!(stream.read(&mut [0]).unwrap(), 0);
        stream.shutdown(Shutdown::Both).unwrap();
    });
    let running = in_front_of(&path);
    let mut client = running.client();
    client.send(request(running.address)).expect(switching()).expect(b"\x81\x02hi");
    client.reset();
    server.join().unwrap();
    running.finish();
}

#[track_caller]
fn refusal(path: &Path) -> String {
    super::refusal(in_front_of(path))
}

#[test]
fn a_socket_that_cannot_be_reached_is_told_of() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("app.sock");
    let about = |why: &str| format!("sockeye: cannot reach unix:{}: {why}", path.display());
    assert_eq!(refusal(&path), about("there is no such socket; is the server running?"));
    drop(UnixListener::bind(&path).unwrap());
    assert_eq!(refusal(&path), about("nobody listens there; is the server running?"));
    std::fs::set_permissions(&path, std::fs::Permissions::from_mode(0o000)).unwrap();
    let privileged =
        UnixStream::connect(&path).is_err_and(|error| error.kind() == std::io::ErrorKind::ConnectionRefused);
    // Permissions do not bind root.
    if !privileged {
        assert!(refusal(&path).contains("permission denied"));
    }
}
