//! The load client: a process that opens its sessions, says `ready`, and on the word `go` does its work and prints what it saw.

use std::io::{BufRead as _, Read as _, Write as _};
use std::rc::Rc;
use std::time::{Duration, Instant};

use anyhow::{Context as _, Result, bail, ensure};
use tokio::io::AsyncReadExt as _;
use tokio::task::JoinSet;
use tokio_rustls::TlsConnector;

use crate::flood::Flood;
use crate::scenario::{Limit, Scenario, Way, Writes};
use crate::secure::Stream;
use crate::wire::{self, CLOSE, COMMAND, Counted, Seen, Service, TEXT};

/// How long a run may take beyond its time before it counts as stuck.
const PATIENCE: Duration = Duration::from_secs(60);
/// Sessions that are being opened at one time when there are thousands.
const OPENING: usize = 16;

/// What a run brought.
#[derive(Clone, Debug, Default)]
pub struct Outcome {
    /// Messages that arrived, or sessions that came and went.
    pub count: u64,
    /// From `go` until the last of them.
    pub elapsed: Duration,
    /// Median round trip.
    pub p50: Duration,
    /// The round trip that one in a hundred exceeds.
    pub p99: Duration,
}

impl Outcome {
    /// From the line that the load client prints.
    pub fn from_line(line: &str) -> Result<Outcome> {
        let numbers: Vec<u64> = line.split_whitespace().map(str::parse).collect::<Result<_, _>>()?;
        let [count, elapsed, p50, p99] = numbers[..] else { bail!("the load client printed {line:?}") };
        let nanos = Duration::from_nanos;
        Ok(Outcome { count, elapsed: nanos(elapsed), p50: nanos(p50), p99: nanos(p99) })
    }
}

/// Where sessions are opened, and with what TLS.
#[derive(Clone)]
pub struct Door {
    /// Host and port.
    pub address: String,
    /// Nothing where it is in the clear.
    pub connector: Option<TlsConnector>,
}

/// The whole life of the process.
pub fn run(door: &Door, scenario: Scenario, limit: Limit) -> Result<()> {
    let outcome = if let Scenario::PingPong { size } = scenario {
        ensure!(door.connector.is_none(), "ping-pong is in the clear only");
        ping_pong(&door.address, size, limit)?
    } else {
        let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build()?;
        let local = tokio::task::LocalSet::new();
        let work = async { tokio::time::timeout(limit.time + PATIENCE, drive(door, scenario, limit)).await };
        local.block_on(&runtime, work).context("it did not come to an end")??
    };
    let Outcome { count, elapsed, p50, p99 } = outcome;
    println!("{count} {} {} {}", elapsed.as_nanos(), p50.as_nanos(), p99.as_nanos());
    // The parent looks at what this process has used before it lets go of it.
    std::io::copy(&mut std::io::stdin(), &mut std::io::sink())?;
    Ok(())
}

async fn drive(door: &Door, scenario: Scenario, limit: Limit) -> Result<Outcome> {
    match scenario {
        Scenario::RoundTrips { sessions, in_flight, size, writes } => {
            let service = if writes == Writes::Together { Service::Echo(size) } else { Service::Reply(size) };
            let sessions = open(door, service, sessions).await?;
            let share = limit.messages / sessions.len() as u64;
            let load =
                Rc::new(RoundTrips { in_flight, frames: wire::client_frames(TEXT, size, in_flight), writes });
            run_all(sessions, limit.time, move |session, until| load.clone().run(session, until, share)).await
        }
        Scenario::Flood { way, sessions, size, compression } => {
            let share = limit.messages / sessions as u64;
            let service = match way {
                Way::ToServer => Service::Sink(compression),
                Way::ToClient => Service::Flood(size, share, compression),
            };
            let sessions = open(door, service, sessions).await?;
            match way {
                Way::ToServer => {
                    let flood = Rc::new(Flood::new(way, size, compression)?);
                    run_all(sessions, limit.time, move |s, until| send(s, flood.clone(), until, share)).await
                }
                Way::ToClient => run_all(sessions, limit.time, receive).await,
            }
        }
        Scenario::NewSessions { at_a_time, size } => {
            let share = limit.messages / at_a_time as u64;
            let doors = vec![door.clone(); at_a_time];
            run_all(doors, limit.time, move |door, until| come_and_go(door, size, until, share)).await
        }
        Scenario::Idle { sessions } => idle(door, sessions).await,
        Scenario::PingPong { .. } => bail!("ping-pong does not run on tokio"),
    }
}

/// What one session brought: how many, and how long each took where that was looked at.
type Part = (u64, Vec<Duration>);

/// Says `ready`, waits for `go`, and runs one task for each.
async fn run_all<T, F, W>(each: Vec<T>, time: Duration, work: F) -> Result<Outcome>
where
    F: Fn(T, Instant) -> W,
    W: Future<Output = Result<Part>> + 'static,
{
    wait_for_go()?;
    let begun = Instant::now();
    let mut tasks = JoinSet::new();
    for one in each {
        tasks.spawn_local(work(one, begun + time));
    }
    let mut count = 0;
    let mut times = Vec::new();
    while let Some(part) = tasks.join_next().await {
        let (more, their_times) = part??;
        count += more;
        times.extend(their_times);
    }
    Ok(outcome(count, begun.elapsed(), times))
}

fn outcome(count: u64, elapsed: Duration, mut times: Vec<Duration>) -> Outcome {
    times.sort_unstable();
    let at = |percent: usize| times.get(times.len() * percent / 100).copied().unwrap_or_default();
    Outcome { count, elapsed, p50: at(50), p99: at(99) }
}

/// Blocks the only thread: nothing else has anything to do until then.
fn wait_for_go() -> Result<()> {
    println!("ready");
    std::io::stdout().flush()?;
    let mut line = String::new();
    std::io::stdin().lock().read_line(&mut line)?;
    ensure!(line == "go\n", "the parent did not say go");
    Ok(())
}

async fn open(door: &Door, service: Service, count: usize) -> Result<Vec<Counted>> {
    let mut sessions = Vec::with_capacity(count);
    while sessions.len() < count {
        let mut tasks = JoinSet::new();
        for _ in 0..OPENING.min(count - sessions.len()) {
            let door = door.clone();
            tasks.spawn_local(async move { connect(&door, service).await });
        }
        while let Some(session) = tasks.join_next().await {
            let at = sessions.len() + 1;
            sessions.push(session?.with_context(|| format!("session {at} of {count}"))?);
        }
    }
    Ok(sessions)
}

async fn connect(door: &Door, service: Service) -> Result<Counted> {
    let mut stream = Stream::connect(&door.address, door.connector.as_ref()).await?;
    stream.send(&wire::request(service, &door.address)).await?;
    let mut head = Vec::new();
    let end = loop {
        ensure!(stream.read_buf(&mut head).await? > 0, "closed during the handshake");
        if let Some(end) = wire::end_of_head(&head)? {
            break end;
        }
    };
    wire::check_answer(&head[..end])?;
    // A load server says nothing unasked.
    ensure!(head.len() == end, "bytes came behind the handshake");
    Ok(Counted::new(stream, &[], &mut Seen::default()))
}

async fn close(mut session: Counted) -> Result<()> {
    session.stream.send(&wire::client_frames(CLOSE, 0, 1)).await?;
    while session.read().await?.is_some() {}
    Ok(())
}

struct RoundTrips {
    in_flight: usize,
    frames: Vec<u8>,
    writes: Writes,
}

impl RoundTrips {
    async fn run(self: Rc<Self>, mut session: Counted, until: Instant, share: u64) -> Result<Part> {
        let mut sent_at = std::collections::VecDeque::with_capacity(self.in_flight);
        let mut times = Vec::new();
        self.send(&mut session, self.in_flight, &mut sent_at).await?;
        while !sent_at.is_empty() {
            let seen = session.read().await?.context("closed in the middle")?;
            let now = Instant::now();
            times.extend(sent_at.drain(..seen.messages.min(sent_at.len())).map(|at| now - at));
            if now < until && (times.len() as u64) < share {
                self.send(&mut session, seen.messages, &mut sent_at).await?;
            }
        }
        close(session).await?;
        Ok((times.len() as u64, times))
    }

    async fn send(
        &self,
        session: &mut Counted,
        count: usize,
        sent_at: &mut std::collections::VecDeque<Instant>,
    ) -> Result<()> {
        let one = self.frames.len() / self.in_flight;
        match self.writes {
            Writes::Together => {
                sent_at.extend(std::iter::repeat_n(Instant::now(), count));
                session.stream.send(&self.frames[..count * one]).await?;
            }
            Writes::Single => {
                for frame in self.frames.chunks_exact(one).take(count) {
                    sent_at.push_back(Instant::now());
                    session.stream.send(frame).await?;
                }
            }
        }
        Ok(())
    }
}

async fn send(mut session: Counted, flood: Rc<Flood>, until: Instant, share: u64) -> Result<Part> {
    let mut sent = 0;
    while sent < share && Instant::now() < until {
        session.stream.send(if sent == 0 { &flood.first } else { &flood.again }).await?;
        sent += flood.count as u64;
    }
    command(&mut session).await?;
    // The answer comes behind the last message, so all of them have arrived.
    while session.read().await?.context("closed in the middle")?.commands == 0 {}
    close(session).await?;
    Ok((sent, Vec::new()))
}

async fn receive(mut session: Counted, until: Instant) -> Result<Part> {
    command(&mut session).await?;
    let mut received = 0;
    let mut stopped = false;
    loop {
        let seen = session.read().await?.context("closed in the middle")?;
        received += seen.messages as u64;
        if seen.commands > 0 {
            break;
        }
        if !stopped && Instant::now() >= until {
            stopped = true;
            command(&mut session).await?;
        }
    }
    close(session).await?;
    Ok((received, Vec::new()))
}

async fn command(session: &mut Counted) -> Result<()> {
    Ok(session.stream.send(&wire::client_frames(COMMAND, 4, 1)).await?)
}

async fn come_and_go(door: Door, size: usize, until: Instant, share: u64) -> Result<Part> {
    let frame = wire::client_frames(TEXT, size, 1);
    let mut times = Vec::new();
    while (times.len() as u64) < share && Instant::now() < until {
        let begun = Instant::now();
        let mut session = connect(&door, Service::Echo(size)).await?;
        answered(&mut session, &frame).await?;
        close(session).await?;
        times.push(begun.elapsed());
    }
    Ok((times.len() as u64, times))
}

async fn idle(door: &Door, count: usize) -> Result<Outcome> {
    let begun = Instant::now();
    let mut sessions = open(door, Service::Echo(64), count).await?;
    let frame = wire::client_frames(TEXT, 64, 1);
    for session in &mut sessions {
        answered(session, &frame).await?;
    }
    let elapsed = begun.elapsed();
    wait_for_go()?;
    for session in sessions {
        close(session).await?;
    }
    Ok(outcome(count as u64, elapsed, Vec::new()))
}

async fn answered(session: &mut Counted, frame: &[u8]) -> Result<()> {
    session.stream.send(frame).await?;
    while session.read().await?.context("closed in the middle")?.messages == 0 {}
    Ok(())
}

/// Blocking calls only: nothing but the proxy and the server between a message and its answer.
fn ping_pong(address: &str, size: usize, limit: Limit) -> Result<Outcome> {
    let mut stream = std::net::TcpStream::connect(address)?;
    stream.set_nodelay(true)?;
    stream.set_read_timeout(Some(PATIENCE))?;
    stream.write_all(&wire::request(Service::Echo(size), address))?;
    let mut head = vec![0; 4096];
    let mut held = 0;
    while wire::end_of_head(&head[..held])?.is_none() {
        let read = stream.read(&mut head[held..])?;
        ensure!(read > 0, "closed during the handshake");
        held += read;
    }
    wire::check_answer(&head[..held])?;
    let frame = wire::client_frames(TEXT, size, 1);
    let mut answer = wire::server_frames(TEXT, size, 1);
    wait_for_go()?;
    let begun = Instant::now();
    let mut times = Vec::new();
    while begun.elapsed() < limit.time && (times.len() as u64) < limit.messages {
        let sent = Instant::now();
        stream.write_all(&frame)?;
        stream.read_exact(&mut answer)?;
        times.push(sent.elapsed());
    }
    Ok(outcome(times.len() as u64, begun.elapsed(), times))
}
