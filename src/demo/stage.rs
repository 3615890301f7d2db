//! When each scene goes on: by its own clock, or strictly in turn where every run is to be the same.

use std::collections::BTreeMap;
use std::io;
use std::net::SocketAddr;
use std::time::Duration;

use futures_util::future::join_all;
use tokio::sync::{mpsc, oneshot};
use tokio::time::{Instant, sleep, sleep_until};

use super::Rounds;
use super::scenes::{SCENES, Scene};
use super::server::Lobby;

/// What a scene plays on: the way to the proxy and the server, and the time.
pub(super) struct Stage<'a> {
    pub(super) proxy: SocketAddr,
    pub(super) lobby: &'a Lobby,
    /// How often the scene was played before.
    pub(super) round: u32,
    /// Which of [`SCENES`] it is.
    number: usize,
    connections: u64,
    clock: &'a Clock,
    begun: Instant,
    at: Duration,
}

enum Clock {
    /// Each scene goes on when it is time.
    Free,
    /// One scene at a time goes on.
    Turns(mpsc::UnboundedSender<Cue>),
}

/// What a scene tells the conductor.
enum Cue {
    /// It waits for its turn at this time.
    Wait { at: Duration, scene: usize, go: oneshot::Sender<()> },
    /// It is over.
    Over,
}

/// How long a client whose connection failed waits before it comes back.
const BACK_OFF: Duration = Duration::from_secs(3);

/// Plays all scenes.
pub(super) async fn play(proxy: SocketAddr, lobby: &Lobby, rounds: Rounds) -> io::Result<()> {
    match rounds {
        Rounds::Once { tempo } => play_once(proxy, lobby, tempo).await,
        Rounds::Forever => {
            join_all(SCENES.iter().enumerate().map(|scene| play_forever(proxy, lobby, scene))).await;
            Ok(())
        }
    }
}

async fn play_once(proxy: SocketAddr, lobby: &Lobby, tempo: f64) -> io::Result<()> {
    let (sender, cues) = mpsc::unbounded_channel();
    let clock = Clock::Turns(sender.clone());
    let begun = Instant::now();
    let scenes = join_all(SCENES.iter().enumerate().map(|(number, scene)| {
        let mut stage = Stage::new(proxy, lobby, number, &clock, begun);
        let over = sender.clone();
        async move {
            stage.pause(scene.begins).await;
            let played = (scene.play)(&mut stage).await;
            // The conductor stays until all are over.
            let _ = over.send(Cue::Over);
            played.map_err(|error| io::Error::new(error.kind(), format!("{}: {error}", scene.name)))
        }
    }));
    let (played, ()) = tokio::join!(scenes, conduct(cues, begun, tempo));
    played.into_iter().collect()
}

async fn play_forever(proxy: SocketAddr, lobby: &Lobby, (number, scene): (usize, &Scene)) {
    sleep(Duration::from_millis(scene.begins)).await;
    for round in 0.. {
        let mut stage = Stage { round, ..Stage::new(proxy, lobby, number, &Clock::Free, Instant::now()) };
        let rest = match (scene.play)(&mut stage).await {
            Ok(()) => Duration::from_millis(scene.again),
            // Its session was killed, perhaps, by who looks.
            Err(_) => BACK_OFF,
        };
        sleep(rest).await;
    }
}

/// Gives the turn to the scene whose time comes first, once none has it: so nothing that happens depends on chance.
async fn conduct(mut cues: mpsc::UnboundedReceiver<Cue>, begun: Instant, tempo: f64) {
    let mut waiting = BTreeMap::new();
    let mut at_play = SCENES.len();
    loop {
        while at_play > 0 {
            match cues.recv().await {
                Some(Cue::Wait { at, scene, go }) => {
                    waiting.insert((at, scene), go);
                }
                Some(Cue::Over) => {}
                None => return,
            }
            at_play -= 1;
        }
        let Some(((at, _), go)) = waiting.pop_first() else { return };
        // What the proxy does after the last octet, such as to note an end, is given its time too.
        sleep_until((begun + at.div_f64(tempo)).max(Instant::now() + SETTLE)).await;
        if go.send(()).is_ok() {
            at_play += 1;
        }
    }
}

const SETTLE: Duration = Duration::from_millis(2);

impl<'a> Stage<'a> {
    fn new(
        proxy: SocketAddr,
        lobby: &'a Lobby,
        number: usize,
        clock: &'a Clock,
        begun: Instant,
    ) -> Stage<'a> {
        Stage { proxy, lobby, round: 0, number, connections: 0, clock, begun, at: Duration::ZERO }
    }

    /// Lets `milliseconds` pass.
    pub(super) async fn pause(&mut self, milliseconds: u64) {
        self.at += Duration::from_millis(milliseconds);
        match self.clock {
            Clock::Free => {
                // A word that was held up on its way is not made up for in haste.
                self.at = self.at.max(self.begun.elapsed());
                sleep_until(self.begun + self.at).await;
            }
            Clock::Turns(conductor) => {
                let (go, turn) = oneshot::channel();
                if conductor.send(Cue::Wait { at: self.at, scene: self.number, go }).is_ok() {
                    let _ = turn.await;
                }
            }
        }
    }

    /// How many of a thing there are to be: `once` where the script is played once, else `many`.
    pub(super) fn times(&self, once: u32, many: u32) -> u32 {
        match self.clock {
            Clock::Free => many,
            Clock::Turns(_) => once,
        }
    }

    /// Sixteen octets that no other connection of the demo has.
    pub(super) fn nonce(&mut self) -> [u8; 16] {
        self.connections += 1;
        let seed = u64::from(self.round) << 32 | (self.number as u64) << 16 | self.connections;
        let mut octets = [0; 16];
        octets[..8].copy_from_slice(&scatter(2 * seed + 1).to_be_bytes());
        octets[8..].copy_from_slice(&scatter(2 * seed + 2).to_be_bytes());
        octets
    }
}

/// Looks random, and is the same every time (the finaliser of SplitMix64).
pub(super) fn scatter(seed: u64) -> u64 {
    let mixed = seed.wrapping_mul(0x9e37_79b9_7f4a_7c15);
    let mixed = (mixed ^ mixed >> 30).wrapping_mul(0xbf58_476d_1ce4_e5b9);
    let mixed = (mixed ^ mixed >> 27).wrapping_mul(0x94d0_49bb_1331_11eb);
    mixed ^ mixed >> 31
}
