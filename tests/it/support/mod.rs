//! A proxy in this process, and peers that say exactly what a test scripts.

pub mod tls;

use std::io::{Read, Write};
use std::net::{SocketAddr, TcpListener, TcpStream};
use std::thread::JoinHandle;
use std::time::{Duration, Instant};

use sockeye::capture::{Capture, CaptureConfig, Log, LogConfig, capture};
use sockeye::control::Controller;
use sockeye::net::{Entrance, Listen, Listening, Proxy, ProxyConfig};

/// How long a peer waits before a test fails: far longer than anything takes.
pub const PATIENCE: Duration = Duration::from_secs(20);

/// The key of RFC 6455 1.3, and what it is answered with.
pub const KEY: &str = "dGhlIHNhbXBsZSBub25jZQ==";
pub const ACCEPT: &str = "s3pPLMBiTxaQ9kYGzzhZRbK+xOo=";

/// A running proxy.
pub struct Running {
    pub log: Log,
    pub controller: Controller,
    pub address: SocketAddr,
    proxy: Proxy,
    capture: Capture,
}

pub fn config(server: Option<SocketAddr>) -> ProxyConfig {
    ProxyConfig {
        listeners: vec![Listen::new(
            SocketAddr::from(([127, 0, 0, 1], 0)),
            server.map_or(Entrance::Forward, |server| {
                Entrance::Reverse(format!("ws://{server}").parse().unwrap())
            }),
        )],
        handshake_limit: PATIENCE,
        ..ProxyConfig::default()
    }
}

/// A proxy in front of `server`.
pub fn reverse(server: SocketAddr) -> Running {
    start(config(Some(server)))
}

/// A forward proxy.
pub fn forward() -> Running {
    start(config(None))
}

pub fn start(config: ProxyConfig) -> Running {
    let log = Log::create(&LogConfig::default()).unwrap();
    let (tap, capture) = capture(&log, CaptureConfig::default()).unwrap();
    let controller = Controller::new();
    let proxy = Proxy::start(config, tap, &controller).unwrap();
    Running { address: proxy.address(), log, controller, proxy, capture }
}

impl Running {
    /// Shuts it down; all that happened is in the log then.
    pub fn finish(self) -> Log {
        self.proxy.finish();
        self.capture.finish(&self.log);
        self.log
    }

    /// All that it listens on.
    pub fn listening(&self) -> &[Listening] {
        self.proxy.listening()
    }

    /// Connects to it.
    pub fn client(&self) -> Peer {
        Peer::connect(self.address)
    }

    /// Waits until the log shows what `look` is after.
    #[track_caller]
    pub fn until<T>(&self, look: impl Fn(&Log) -> Option<T>) -> T {
        let begun = Instant::now();
        loop {
            let version = self.log.version();
            if let Some(found) = look(&self.log) {
                return found;
            }
            assert!(begun.elapsed() < PATIENCE, "the log never showed it: {:?}", self.log.stats());
            self.log.wait(version, PATIENCE);
        }
    }
}

/// One end of a TCP connection.
pub struct Peer(pub TcpStream);

impl Peer {
    pub fn connect(address: SocketAddr) -> Peer {
        Peer::over(TcpStream::connect(address).unwrap())
    }

    fn over(stream: TcpStream) -> Peer {
        stream.set_read_timeout(Some(PATIENCE)).unwrap();
        stream.set_write_timeout(Some(PATIENCE)).unwrap();
        stream.set_nodelay(true).unwrap();
        Peer(stream)
    }

    #[track_caller]
    pub fn send(&mut self, bytes: impl AsRef<[u8]>) -> &mut Peer {
        self.0.write_all(bytes.as_ref()).unwrap();
        self
    }

    /// Reads exactly these bytes.
    #[track_caller]
    pub fn expect(&mut self, bytes: impl AsRef<[u8]>) -> &mut Peer {
        let bytes = bytes.as_ref();
        let mut got = vec![0; bytes.len()];
        let mut count = 0;
        while count < got.len() {
            match self.0.read(&mut got[count..]) {
                Ok(0) => break,
                Ok(more) => count += more,
                Err(error) => {
                    panic!(
                        "{error} after {:?}, expected {:?}",
                        got[..count].escape_ascii().to_string(),
                        bytes.escape_ascii().to_string()
                    )
                }
            }
            if got[..count] != bytes[..count] {
                break;
            }
        }
        assert_eq!(got[..count].escape_ascii().to_string(), bytes.escape_ascii().to_string());
        self
    }

    /// Reads a head, up to and with its empty line.
    #[track_caller]
    pub fn head(&mut self) -> String {
        let mut head = Vec::new();
        let mut octet = [0];
        while !head.ends_with(b"\r\n\r\n") {
            assert_eq!(
                self.0.read(&mut octet).unwrap(),
                1,
                "ended after {:?}",
                head.escape_ascii().to_string()
            );
            head.push(octet[0]);
        }
        String::from_utf8(head).unwrap()
    }

    /// The other end has finished (FIN).
    #[track_caller]
    pub fn expect_fin(&mut self) -> &mut Peer {
        let mut rest = Vec::new();
        let read = self.0.read_to_end(&mut rest);
        assert_eq!(
            (read.map_err(|error| error.kind()), rest.escape_ascii().to_string()),
            (Ok(0), String::new())
        );
        self
    }

    /// The other end has reset the connection (RST).
    #[track_caller]
    pub fn expect_reset(&mut self) -> &mut Peer {
        let read = self.0.read_to_end(&mut Vec::new()).map_err(|error| error.kind());
        assert_eq!(read, Err(std::io::ErrorKind::ConnectionReset));
        self
    }

    /// All there is until the end.
    #[track_caller]
    pub fn rest(&mut self) -> Vec<u8> {
        let mut rest = Vec::new();
        self.0.read_to_end(&mut rest).unwrap();
        rest
    }

    pub fn finish(&mut self) -> &mut Peer {
        self.0.shutdown(std::net::Shutdown::Write).unwrap();
        self
    }

    pub fn reset(self) {
        socket2::SockRef::from(&self.0).set_linger(Some(Duration::ZERO)).unwrap();
    }
}

/// A server that plays `script` with each of its connections in turn, one for each script.
pub struct Server {
    pub address: SocketAddr,
    thread: JoinHandle<()>,
}

impl Server {
    pub fn once(script: impl FnOnce(Peer) + Send + 'static) -> Server {
        Server::play(vec![Box::new(script)])
    }

    pub fn play(scripts: Vec<Box<dyn FnOnce(Peer) + Send>>) -> Server {
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let address = listener.local_addr().unwrap();
        let thread = std::thread::spawn(move || {
            for script in scripts {
                let (stream, _) = listener.accept().unwrap();
                script(Peer::over(stream));
            }
        });
        Server { address, thread }
    }

    /// Waits for its scripts to end, and fails as they did.
    #[track_caller]
    pub fn finish(self) {
        if let Err(panic) = self.thread.join() {
            std::panic::resume_unwind(panic);
        }
    }
}

/// An opening handshake's request to `host`, odd in spacing, case and order on purpose.
pub fn request(host: SocketAddr) -> String {
    format!(
        "GET /chat?x=1 HTTP/1.1\r\nhost:   {host}\r\nUPGRADE: websocket\r\nCookie: a=1\r\nConnection: keep-alive, Upgrade\r\n\
         cookie:b=2 \r\nSec-WebSocket-Version: 13\r\nSec-WebSocket-Key: {KEY}\r\n\r\n"
    )
}

/// An answer that opens a session.
pub fn switching() -> String {
    format!(
        "HTTP/1.1 101 Off we go\r\nServer:odd\r\nUpgrade: WebSocket\r\nset-cookie: a\r\nConnection: Upgrade\r\n\
         Set-Cookie: b\r\nSec-WebSocket-Accept: {ACCEPT}\r\n\r\n"
    )
}
