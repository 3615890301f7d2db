//! The proxies that are compared: where each is found, how each is started, and that none outlives the run.

use std::fs::{self, File};
use std::io::{BufRead as _, BufReader, Read as _, Write as _};
use std::net::TcpListener;
use std::path::{Path, PathBuf};
use std::process::{Child, ChildStdin, ChildStdout, Command, Stdio};
use std::time::{Duration, Instant};
use std::{env, process, thread};

use anyhow::{Context as _, Result, bail, ensure};
use tempfile::TempDir;

use crate::load::Outcome;
use crate::measure::Tree;
use crate::scenario::{Limit, Scenario};
use crate::secure::{self, HOST, Security};

const START_LIMIT: Duration = Duration::from_secs(30);
const STOP_LIMIT: Duration = Duration::from_secs(5);

/// One of the compared, in the order of the tables.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Proxy {
    /// None at all: what load client and load server manage between themselves.
    Direct,
    /// `copy.rs`.
    Copy,
    Sockeye,
    /// Sockeye with a rule about a word that no message has.
    Armed,
    /// Sockeye with a rule about the value of a field that each message has, and that none fulfils.
    ArmedField,
    /// Sockeye with a rule that does something with every message, and leaves all its octets as they came.
    Acting,
    /// Another build of sockeye, to see what a change does under the same noise.
    Baseline,
    Haproxy,
    Nginx,
    Mitmdump,
}

impl Proxy {
    /// All of them.
    pub const ALL: [Proxy; 10] = [
        Proxy::Direct,
        Proxy::Copy,
        Proxy::Sockeye,
        Proxy::Armed,
        Proxy::ArmedField,
        Proxy::Acting,
        Proxy::Baseline,
        Proxy::Haproxy,
        Proxy::Nginx,
        Proxy::Mitmdump,
    ];

    /// As it is called on the command line and in the tables.
    pub fn name(self) -> &'static str {
        match self {
            Proxy::Direct => "direct",
            Proxy::Copy => "copy",
            Proxy::Sockeye => "sockeye",
            Proxy::Armed => "armed",
            Proxy::ArmedField => "armed-field",
            Proxy::Acting => "acting",
            Proxy::Baseline => "baseline",
            Proxy::Haproxy => "haproxy",
            Proxy::Nginx => "nginx",
            Proxy::Mitmdump => "mitmdump",
        }
    }

    /// Its program, if there is one on this machine.
    pub fn program(self) -> Option<PathBuf> {
        match self {
            Proxy::Direct | Proxy::Copy => env::current_exe().ok(),
            Proxy::Sockeye | Proxy::Armed | Proxy::ArmedField | Proxy::Acting => {
                Some(env!("CARGO_BIN_EXE_sockeye").into())
            }
            Proxy::Baseline => env::var_os("SOCKEYE_BASELINE").map(PathBuf::from),
            Proxy::Haproxy | Proxy::Nginx | Proxy::Mitmdump => {
                let path = env::var_os("PATH").unwrap_or_default();
                // Debian keeps servers where an ordinary user's PATH does not look.
                let more = ["/usr/sbin", "/usr/local/sbin"].map(PathBuf::from);
                let candidates =
                    env::split_paths(&path).chain(more).map(|directory| directory.join(self.name()));
                candidates.into_iter().find(|program| program.is_file())
            }
        }
    }

    /// The first line of what it says about its version.
    pub fn version(self) -> String {
        let flag = if matches!(self, Proxy::Haproxy | Proxy::Nginx) { "-v" } else { "--version" };
        let said = self.program().and_then(|program| Command::new(program).arg(flag).output().ok());
        let said = said.map(|output| [output.stdout, output.stderr].concat()).unwrap_or_default();
        String::from_utf8_lossy(&said).lines().next().unwrap_or_default().to_owned()
    }

    /// Whether it takes part where there is TLS: it ends the client's and begins its own with the server.
    pub fn takes_tls(self) -> bool {
        !matches!(self, Proxy::Copy | Proxy::Mitmdump)
    }

    /// How many times slower than the others it may be taken to be, so that one run stays within minutes.
    pub fn is_slow(self) -> bool {
        self == Proxy::Mitmdump
    }
}

/// Where processes may run.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Place {
    /// Wherever the scheduler puts them.
    Anywhere,
    /// All on one core: nobody wakes a core that sleeps, and one run is like the other.
    OneCore,
}

impl Place {
    fn command(self, program: &Path) -> Command {
        if self == Place::Anywhere {
            return Command::new(program);
        }
        let mut command = Command::new("taskset");
        command.args(["-c", &first_core()]).arg(program);
        command
    }
}

fn first_core() -> String {
    let status = fs::read_to_string("/proc/self/status").unwrap_or_default();
    let allowed = status.lines().find_map(|line| line.strip_prefix("Cpus_allowed_list:")).unwrap_or_default();
    allowed.trim().chars().take_while(char::is_ascii_digit).collect()
}

/// A proxy that takes sessions.
#[derive(Debug)]
pub struct Running {
    /// Which one.
    pub proxy: Proxy,
    /// Where load clients connect to.
    pub address: String,
    child: Option<Child>,
    // Holds its configuration and its files.
    _directory: TempDir,
}

impl Running {
    /// Starts it in front of the load server, and returns once a message has come back through it.
    pub fn start(proxy: Proxy, server: &LoadServer) -> Result<Running> {
        let directory = tempfile::Builder::new().prefix("relay-bench-").tempdir()?;
        if proxy == Proxy::Direct {
            return Ok(Running {
                proxy,
                address: server.address.clone(),
                child: None,
                _directory: directory,
            });
        }
        let program = proxy.program().context("not installed")?;
        let address = free_address()?;
        let mut command = server.place.command(&program);
        configure(&mut command, proxy, (&address, server), directory.path())?;
        let errors = directory.path().join("stderr");
        let child =
            command.stdin(Stdio::piped()).stdout(Stdio::null()).stderr(File::create(&errors)?).spawn()?;
        let mut running = Running { proxy, address, child: Some(child), _directory: directory };
        running.wait_until_ready(server).with_context(|| last_words(&errors))?;
        Ok(running)
    }

    /// Its processes; none for no proxy.
    pub fn tree(&self) -> Option<Tree> {
        self.child.as_ref().map(|child| Tree(child.id()))
    }

    fn wait_until_ready(&mut self, server: &LoadServer) -> Result<()> {
        let begun = Instant::now();
        let limit = Limit { time: START_LIMIT, messages: 1 };
        let once = Scenario::NewSessions { at_a_time: 1, size: 64 };
        loop {
            if let Some(status) = self.child.as_mut().and_then(|child| child.try_wait().transpose()) {
                bail!("ended at once: {}", status?);
            }
            let outcome = LoadClient::open(&self.address, once, limit, server);
            match outcome.and_then(|mut client| client.go()) {
                Ok(outcome) if outcome.count == 1 => return Ok(()),
                _ if begun.elapsed() > START_LIMIT => bail!("no message came back within {START_LIMIT:?}"),
                _ => thread::sleep(Duration::from_millis(100)),
            }
        }
    }
}

impl Drop for Running {
    fn drop(&mut self) {
        let Some(mut child) = self.child.take() else { return };
        // A master that is asked to ends its workers; one that is killed may leave them behind.
        if matches!(child.try_wait(), Ok(None)) {
            let _ = Command::new("kill").arg(child.id().to_string()).status();
        }
        let begun = Instant::now();
        while begun.elapsed() < STOP_LIMIT {
            if !matches!(child.try_wait(), Ok(None)) {
                return;
            }
            thread::sleep(Duration::from_millis(10));
        }
        let _ = child.kill();
        let _ = child.wait();
    }
}

/// Looks into every message, and never does anything.
const ABOUT_A_WORD: &str = "[[rule]]\nwhen = 'words-that-nobody-says'\nthen = { drop = true }\n";
/// The same: all numbers of the load are smaller.
const ABOUT_A_FIELD: &str = "[[rule]]\nwhen = 'id>50000'\nthen = { drop = true }\n";
/// Marks every message.
const ABOUT_ALL: &str = "[[rule]]\nthen = { mark = true }\n";

fn configure(command: &mut Command, proxy: Proxy, ends: (&str, &LoadServer), directory: &Path) -> Result<()> {
    let (listen, load) = ends;
    let server = load.address.as_str();
    let certificates = load.certificates();
    let file = directory.join("configuration");
    match proxy {
        Proxy::Direct => {}
        Proxy::Copy => {
            command.args(["--role", "copy", listen, server]);
        }
        Proxy::Sockeye | Proxy::Armed | Proxy::ArmedField | Proxy::Acting | Proxy::Baseline => {
            let scheme = if certificates.is_some() { "wss" } else { "ws" };
            command.arg(format!("{scheme}://{server}"));
            command.args(["--listen", listen, "--headless", "--output", "none"]);
            let rules = match proxy {
                Proxy::Armed => Some(ABOUT_A_WORD),
                Proxy::ArmedField => Some(ABOUT_A_FIELD),
                Proxy::Acting => Some(ABOUT_ALL),
                _ => None,
            };
            if let Some(rules) = rules {
                fs::write(&file, rules)?;
                command.arg("--rules").arg(&file);
            }
            if let Some(folder) = certificates {
                command.arg("--ca-dir").arg(folder).arg("--server-ca").arg(folder.join("sockeye-ca.pem"));
            }
        }
        Proxy::Haproxy => {
            fs::write(&file, haproxy_configuration(listen, server, certificates))?;
            // Master and worker, as Debian's unit starts it, but in the foreground.
            command.args(["-W", "-db", "-f"]).arg(&file);
        }
        Proxy::Nginx => {
            fs::write(&file, nginx_configuration(listen, server, directory, certificates))?;
            command.arg("-c").arg(&file).arg("-p").arg(directory).args(["-e", "stderr"]);
        }
        Proxy::Mitmdump => {
            let (host, port) = listen.split_once(':').context("host and port")?;
            command.args(["--quiet", "--mode", &format!("reverse:http://{server}")]);
            command.args(["--listen-host", host, "--listen-port", port]);
            command.arg("--set").arg(format!("confdir={}", directory.display()));
        }
    }
    Ok(())
}

/// Debian's defaults but for the time limits, the number of connections, and no log.
fn haproxy_configuration(listen: &str, server: &str, certificates: Option<&Path>) -> String {
    let [bind, ca] = certificates.map_or_else(Default::default, |folder| {
        let folder = folder.display();
        [
            // Its own default is P-256 alone, which the load client does not offer.
            format!(" ssl crt {folder}/host.pem alpn http/1.1 curves X25519"),
            format!(" ssl verify required ca-file {folder}/sockeye-ca.pem sni str({HOST}) alpn http/1.1"),
        ]
    });
    format!(
        "global\n  maxconn 9000\n\
         defaults\n  mode http\n  timeout connect 10s\n  timeout client 1h\n  timeout server 1h\n  timeout tunnel 1h\n\
         listen bench\n  bind {listen}{bind}\n  server load {server}{ca}\n"
    )
}

/// Debian's defaults but for the time limits, the number of connections, and no log.
fn nginx_configuration(listen: &str, server: &str, directory: &Path, certificates: Option<&Path>) -> String {
    let here = directory.display();
    let scheme = if certificates.is_some() { "https" } else { "http" };
    let tls = certificates.map_or_else(String::new, |folder| {
        let folder = folder.display();
        format!(
            "ssl_certificate {folder}/host.pem;\n ssl_certificate_key {folder}/host.pem;\n\
             ssl_protocols TLSv1.3;\n ssl_ecdh_curve X25519;\n ssl_session_cache shared:bench:10m;\n\
             proxy_ssl_protocols TLSv1.3;\n proxy_ssl_verify on;\n proxy_ssl_server_name on;\n\
             proxy_ssl_name {HOST};\n proxy_ssl_trusted_certificate {folder}/sockeye-ca.pem;\n"
        )
    });
    let ssl = if certificates.is_some() { " ssl" } else { "" };
    let paths: String = ["client_body", "proxy", "fastcgi", "uwsgi", "scgi"]
        .iter()
        .map(|name| format!("  {name}_temp_path {here}/{name};\n"))
        .collect();
    format!(
        "daemon off;\nworker_processes auto;\nworker_rlimit_nofile 20000;\npid {here}/pid;\nerror_log stderr;\n\
         events {{ worker_connections 18000; }}\n\
         http {{\n{paths}  access_log off;\n  server {{\n    listen {listen}{ssl};\n{tls}    location / {{\n\
         proxy_pass {scheme}://{server};\n proxy_http_version 1.1;\n proxy_set_header Host $host;\n\
         proxy_set_header Upgrade $http_upgrade;\n proxy_set_header Connection \"upgrade\";\n\
         proxy_read_timeout 1h;\n proxy_send_timeout 1h;\n    }}\n  }}\n}}\n"
    )
}

fn free_address() -> Result<String> {
    Ok(TcpListener::bind("127.0.0.1:0")?.local_addr()?.to_string())
}

fn last_words(errors: &Path) -> String {
    let text = fs::read_to_string(errors).unwrap_or_default();
    text.lines()
        .last()
        .map_or("it printed no error".to_owned(), |line| format!("its last words were {line:?}"))
}

/// The load server, in a process of its own.
#[derive(Debug)]
pub struct LoadServer {
    /// Where it listens.
    pub address: String,
    /// Where it runs, and with it everything that is measured against it.
    pub place: Place,
    /// Whether it speaks TLS, and with it everything in front of it.
    pub security: Security,
    child: Child,
    folder: TempDir,
}

impl LoadServer {
    /// Starts it.
    pub fn start(place: Place, security: Security) -> Result<LoadServer> {
        let folder = tempfile::Builder::new().prefix("relay-bench-").tempdir()?;
        if security.is_tls() {
            secure::make_certificates(folder.path())?;
        }
        let mut command = role("server", place)?;
        command.arg(security.to_string()).arg(folder.path());
        let mut child = command.stdin(Stdio::piped()).stdout(Stdio::piped()).spawn()?;
        let mut address = String::new();
        let stdout = child.stdout.take().context("its stdout is a pipe")?;
        BufReader::new(stdout).read_line(&mut address)?;
        Ok(LoadServer { address: address.trim().to_owned(), place, security, child, folder })
    }

    /// Its process.
    pub fn tree(&self) -> Tree {
        Tree(self.child.id())
    }

    /// The folder with the certificates, where there is TLS.
    fn certificates(&self) -> Option<&Path> {
        self.security.is_tls().then_some(self.folder.path())
    }
}

impl Drop for LoadServer {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

/// A load client whose sessions are open.
#[derive(Debug)]
pub struct LoadClient {
    child: Child,
    stdin: ChildStdin,
    stdout: BufReader<ChildStdout>,
}

impl LoadClient {
    /// Starts it, and returns once it is ready to begin.
    pub fn open(address: &str, scenario: Scenario, limit: Limit, server: &LoadServer) -> Result<LoadClient> {
        let mut command = role("load", server.place)?;
        command.args([address, &server.security.to_string()]).arg(server.folder.path());
        command.arg(scenario.to_string());
        command.args([limit.time.as_millis().to_string(), limit.messages.to_string()]);
        let mut child =
            command.stdin(Stdio::piped()).stdout(Stdio::piped()).stderr(Stdio::piped()).spawn()?;
        let stdin = child.stdin.take().context("its stdin is a pipe")?;
        let stdout = BufReader::new(child.stdout.take().context("its stdout is a pipe")?);
        let mut client = LoadClient { child, stdin, stdout };
        let line = client.line()?;
        ensure!(line == "ready\n", "the load client printed {line:?}");
        Ok(client)
    }

    /// Lets it do its work, and returns once that is done; the process stays, to be looked at.
    pub fn go(&mut self) -> Result<Outcome> {
        self.stdin.write_all(b"go\n")?;
        Outcome::from_line(&self.line()?)
    }

    /// Its process.
    pub fn tree(&self) -> Tree {
        Tree(self.child.id())
    }

    fn line(&mut self) -> Result<String> {
        let mut line = String::new();
        if self.stdout.read_line(&mut line)? == 0 {
            let mut said = String::new();
            if let Some(stderr) = &mut self.child.stderr {
                stderr.read_to_string(&mut said)?;
            }
            bail!("the load client ended: {}", said.trim().replace('\n', " "));
        }
        Ok(line)
    }
}

impl Drop for LoadClient {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

/// This program again, in another role.
fn role(name: &str, place: Place) -> Result<Command> {
    let mut command = place.command(&env::current_exe()?);
    command.args(["--role", name]);
    Ok(command)
}

/// Ends this process when its stdin does, which is when the parent is gone, whatever the cause.
pub fn end_with_parent() {
    thread::spawn(|| {
        let _ = std::io::copy(&mut std::io::stdin(), &mut std::io::sink());
        process::exit(0);
    });
}
