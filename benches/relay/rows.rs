//! The rows of the comparison, their targets, and the rounds that fill them.

use std::time::Duration;

use anyhow::{Context as _, Result};

use crate::load::Outcome;
use crate::proxies::{LoadClient, LoadServer, Place, Proxy, Running};
use crate::scenario::{Compression, Limit, Scenario, Way, Writes};
use crate::secure::Security;

/// What a slow proxy is given to do in one round, at the most.
const SLOW_MESSAGES: u64 = 6_000;
const SLOW_SESSIONS: usize = 200;
/// Sessions that come and go before an idle one is weighed, so that what is allocated once is not counted.
const WARM_UP: u64 = 200;

/// How much is to be done.
#[derive(Clone, Debug)]
pub struct Plan {
    pub proxies: Vec<Proxy>,
    pub rows: Vec<Row>,
    pub rounds: usize,
    pub time: Duration,
}

/// One row.
#[derive(Clone, Debug)]
pub struct Row {
    /// The letter it is asked for by.
    pub key: &'static str,
    pub title: String,
    pub scenario: Scenario,
    pub place: Place,
    pub security: Security,
    pub targets: &'static [Target],
}

impl Row {
    /// Whether what it counts is sessions, not messages.
    pub fn counts_sessions(&self) -> bool {
        matches!(self.scenario, Scenario::NewSessions { .. } | Scenario::Idle { .. })
    }

    /// Whether a proxy can be measured in it.
    fn is_for(&self, proxy: Proxy) -> bool {
        match proxy {
            Proxy::Direct => !self.is_idle(),
            _ => !self.security.is_tls() || proxy.takes_tls(),
        }
    }

    /// Whether what it is about is memory.
    pub fn is_idle(&self) -> bool {
        matches!(self.scenario, Scenario::Idle { .. })
    }
}

/// What sockeye is to achieve.
#[derive(Clone, Copy, Debug)]
pub enum Target {
    /// CPU time per message or session, as a multiple of haproxy's.
    CpuOfHaproxy(f64),
    /// CPU time per message with an armed rule that never matches, as a multiple of that without: about a word, and about
    /// a field's value.
    ArmedOfSockeye(f64),
    ArmedFieldOfSockeye(f64),
    /// The median round trip less the direct one, as a multiple of the TCP copy's.
    AddedLatencyOfCopy(f64),
    /// The median round trip, as a multiple of the TCP copy's.
    LatencyOfCopy(f64),
    /// Memory of an idle session.
    BytesPerSession(f64),
}

const RELAY: &[Target] =
    &[Target::CpuOfHaproxy(1.5), Target::ArmedOfSockeye(1.2), Target::ArmedFieldOfSockeye(1.2)];
const FLOOD: &[Target] =
    &[Target::CpuOfHaproxy(5.0), Target::ArmedOfSockeye(1.2), Target::ArmedFieldOfSockeye(1.2)];
const COMPRESSED: &[Target] = &[Target::ArmedOfSockeye(1.2), Target::ArmedFieldOfSockeye(1.2)];
const IDLE: &[Target] = &[Target::BytesPerSession(16384.0)];
const LATENCY: &[Target] = &[Target::AddedLatencyOfCopy(1.3), Target::LatencyOfCopy(1.3)];

const ROUND_TRIPS: [&str; 2] = [
    "round trips of 64 B, 32 sessions, 16 in flight, what is due leaves in one write",
    "round trips of 64 B, 32 sessions, 16 in flight, a write for each message",
];
const LARGE: [&str; 2] =
    ["64 KiB messages to the server, 4 sessions", "64 KiB messages to the client, 4 sessions"];
const COME_AND_GO: Scenario = Scenario::NewSessions { at_a_time: 4, size: 64 };

/// All rows; `idle` is how many sessions row e opens.
pub fn all(idle: usize) -> Vec<Row> {
    let mut rows = in_the_clear(idle);
    rows.extend(over_tls());
    rows.extend(compressed());
    rows
}

fn in_the_clear(idle: usize) -> Vec<Row> {
    let ping_pong = "round trips of 64 B, one session, one in flight";
    vec![
        row("a1", ROUND_TRIPS[0], round_trips(Writes::Together), RELAY),
        row("a2", ROUND_TRIPS[1], round_trips(Writes::Single), RELAY),
        row("b1", LARGE[0], flood(Way::ToServer, 65536), RELAY),
        row("b2", LARGE[1], flood(Way::ToClient, 65536), RELAY),
        row("c1", "flood of 64 B messages to the server, 4 sessions", flood(Way::ToServer, 64), FLOOD),
        row("c2", "flood of 64 B messages to the client, 4 sessions", flood(Way::ToClient, 64), FLOOD),
        row("d", "new session, one message of 64 B and its answer, close; 4 at a time", COME_AND_GO, RELAY),
        row(
            "e",
            &format!("{idle} idle sessions, after one message of 64 B and its answer"),
            Scenario::Idle { sessions: idle },
            IDLE,
        ),
        row("f1", ping_pong, Scenario::PingPong { size: 64 }, LATENCY),
        Row {
            place: Place::OneCore,
            ..row("f2", &format!("{ping_pong}, all on one core"), Scenario::PingPong { size: 64 }, LATENCY)
        },
    ]
}

fn over_tls() -> Vec<Row> {
    let tls = |key, title: &str, scenario, security| {
        let row = row(key, &format!("over TLS: {title}"), scenario, RELAY);
        Row { security, ..row }
    };
    let kept = Security::Resumed;
    vec![
        tls("g1", ROUND_TRIPS[0], round_trips(Writes::Together), kept),
        tls("g2", ROUND_TRIPS[1], round_trips(Writes::Single), kept),
        tls("g3", LARGE[0], flood(Way::ToServer, 65536), kept),
        tls("g4", LARGE[1], flood(Way::ToClient, 65536), kept),
        tls("h1", "a session as in d, whole handshakes on both sides", COME_AND_GO, Security::Whole),
        tls("h2", "a session as in d, resumed on both sides", COME_AND_GO, kept),
    ]
}

fn compressed() -> Vec<Row> {
    let deflate = |key, title: &str, way, size, compression| {
        let scenario = Scenario::Flood { way, sessions: 4, size, compression };
        row(key, &format!("permessage-deflate: {title}, 4 sessions"), scenario, COMPRESSED)
    };
    let (together, alone) = (Compression::Together, Compression::Alone);
    vec![
        deflate("i1", "flood of 64 B messages to the server", Way::ToServer, 64, together),
        deflate("i2", "flood of 64 B messages to the client", Way::ToClient, 64, together),
        deflate("i3", "flood of 64 B messages to the client, each by itself", Way::ToClient, 64, alone),
        deflate("i4", "flood of 4 KiB messages to the client", Way::ToClient, 4096, together),
    ]
}

fn row(key: &'static str, title: &str, scenario: Scenario, targets: &'static [Target]) -> Row {
    let (place, security) = (Place::Anywhere, Security::Clear);
    Row { key, title: title.to_owned(), scenario, place, security, targets }
}

fn round_trips(writes: Writes) -> Scenario {
    Scenario::RoundTrips { sessions: 32, in_flight: 16, size: 64, writes }
}

fn flood(way: Way, size: usize) -> Scenario {
    Scenario::Flood { way, sessions: 4, size, compression: Compression::None }
}

/// One proxy in one round.
#[derive(Clone, Debug, Default)]
pub struct Sample {
    pub outcome: Outcome,
    /// CPU time of the proxy, until it had nothing left to do.
    pub cpu: Duration,
    /// CPU time of load client and load server.
    pub load_cpu: Duration,
    /// How much more memory the proxy held while an idle session was open, by session.
    pub bytes_per_session: f64,
}

/// One proxy in all rounds of a row.
#[derive(Debug)]
pub struct Series {
    pub proxy: Proxy,
    pub samples: Vec<Sample>,
    /// Bytes of memory it held after the last round.
    pub memory: f64,
    /// How much more that was than before the first.
    pub growth: f64,
    /// Why there is nothing, or not more.
    pub failure: Option<String>,
}

/// Runs one row: every proxy fresh, then round by round one after the other, so that noise hits all alike.
pub fn run(row: &Row, plan: &Plan) -> Result<Vec<Series>> {
    let server = LoadServer::start(row.place, row.security).context("the load server did not start")?;
    let mut series: Vec<Series> = Vec::new();
    let mut running = Vec::new();
    for &proxy in plan.proxies.iter().filter(|proxy| row.is_for(**proxy)) {
        let started = Running::start(proxy, &server);
        let failure = started.as_ref().err().map(|error| format!("{error:#}"));
        let before = started.as_ref().ok().and_then(Running::tree).map_or(0, |tree| tree.memory());
        running.push((started.ok(), before));
        series.push(Series { proxy, samples: Vec::new(), memory: 0.0, growth: 0.0, failure });
    }
    for round in 0..plan.rounds {
        // Each takes each place in turn: who follows whom is noise as well.
        for turn in 0..series.len() {
            let nth = (turn + round) % series.len();
            let (series, Some(running)) = (&mut series[nth], &running[nth].0) else { continue };
            if series.failure.is_some() || (series.proxy.is_slow() && round % 2 == 1) {
                continue;
            }
            match sample(row, plan, running, &server) {
                Ok(sample) => series.samples.push(sample),
                Err(error) => series.failure = Some(format!("{error:#}")),
            }
        }
    }
    for (series, (running, before)) in series.iter_mut().zip(&running) {
        let after = running.as_ref().and_then(Running::tree).map_or(0, |tree| tree.memory());
        series.memory = after as f64;
        series.growth = series.memory - *before as f64;
    }
    Ok(series)
}

fn sample(row: &Row, plan: &Plan, running: &Running, server: &LoadServer) -> Result<Sample> {
    if let Scenario::Idle { sessions } = row.scenario {
        return idle(sessions, running.proxy, server);
    }
    let limit = Limit { time: plan.time, messages: most_messages(row.scenario, running.proxy) };
    let mut client = LoadClient::open(&running.address, row.scenario, limit, server)?;
    if let Some(tree) = running.tree() {
        tree.settle();
    }
    let cpu = || running.tree().map_or(Duration::ZERO, |tree| tree.cpu());
    let load = |client: &LoadClient| server.tree().cpu() + client.tree().cpu();
    let (cpu_before, load_before) = (cpu(), load(&client));
    let outcome = client.go()?;
    let load_cpu = load(&client).saturating_sub(load_before);
    if let Some(tree) = running.tree() {
        tree.settle();
    }
    Ok(Sample { outcome, cpu: cpu().saturating_sub(cpu_before), load_cpu, bytes_per_session: 0.0 })
}

fn most_messages(scenario: Scenario, proxy: Proxy) -> u64 {
    match scenario {
        _ if !proxy.is_slow() => u64::MAX,
        Scenario::Flood { size, .. } if size > 1024 => SLOW_MESSAGES / 10,
        _ => SLOW_MESSAGES,
    }
}

/// On a proxy just started: what earlier sessions left behind would be used again, and seem free.
fn idle(sessions: usize, proxy: Proxy, server: &LoadServer) -> Result<Sample> {
    let sessions = if proxy.is_slow() { sessions.min(SLOW_SESSIONS) } else { sessions };
    let running = Running::start(proxy, server)?;
    let Some(tree) = running.tree() else { return Ok(Sample::default()) };
    let warm_up = Limit { time: Duration::from_secs(20), messages: WARM_UP };
    LoadClient::open(&running.address, COME_AND_GO, warm_up, server)?.go()?;
    tree.settle();
    let (cpu, memory) = (tree.cpu(), tree.memory());
    let limit = Limit { time: Duration::ZERO, messages: 0 };
    let mut client = LoadClient::open(&running.address, Scenario::Idle { sessions }, limit, server)?;
    tree.settle();
    let grown = tree.memory() as f64 - memory as f64;
    let cpu = tree.cpu().saturating_sub(cpu);
    let outcome = client.go()?;
    Ok(Sample { outcome, cpu, load_cpu: Duration::ZERO, bytes_per_session: grown / sessions as f64 })
}
