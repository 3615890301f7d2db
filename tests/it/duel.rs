//! Both parts of a recorded session played to each other, without sockets and clocks; fuzz/fuzz_targets/replay.rs uses
//! it, too.

use std::time::Duration;

use sockeye::capture::Ending;
use sockeye::headless::schema::ReadError;
use sockeye::replay::{Cast, Heard, Output, Player, Report, Settings, Step, Wire};
use sockeye::ws::{Direction, Examination, Opcode};

type Steps<'a> = Box<dyn Iterator<Item = Result<Step, ReadError>> + 'a>;

struct End<'a> {
    player: Player<Steps<'a>>,
    wire: Wire,
    is_over: bool,
}

/// Rounds after which a play has to have ended.
const MOST: usize = 100_000;

/// Plays the two parts of a session to each other; gives what came of the client's and of the server's.
///
/// # Panics
/// Where the play does not end.
pub fn duel(cast: &Cast, part: usize, settings: &Settings) -> Result<[Report; 2], ReadError> {
    let end = |ours| -> Result<End<'_>, ReadError> {
        let steps: Steps<'_> = Box::new(cast.steps(part)?);
        let player = Player::new(ours, steps, settings.clone(), Duration::ZERO);
        Ok(End { player, wire: Wire::new(ours, &Examination::default()), is_over: false })
    };
    let mut ends = [end(Direction::ToServer)?, end(Direction::ToClient)?];
    let mut now = Duration::ZERO;
    for _ in 0..MOST {
        let mut moved = false;
        for one in 0..2 {
            while let Some(output) = ends[one].player.poll() {
                moved = true;
                let other = 1 - one;
                let bytes = ends[one].say(output);
                let is_over = ends[one].is_over;
                ends[other].hear(&bytes, now);
                if is_over {
                    ends[other].player.ended(&Ending::Fin, now);
                }
            }
        }
        if ends.iter().all(|end| end.is_over) {
            return Ok(ends.map(|end| end.player.report().clone()));
        }
        if !moved {
            let wake = ends.iter().filter_map(|end| end.player.wake_at()).min();
            now = now.max(wake.expect("who is not over has something to wait for"));
        }
        for end in &mut ends {
            end.player.wake(now);
        }
    }
    panic!("the play does not end");
}

impl End<'_> {
    fn say(&mut self, output: Output) -> Vec<u8> {
        match output {
            Output::Send(message) => self.wire.write_message(&message, [1, 2, 3, 4]),
            Output::SendFrames(message, frames) => self.wire.write_frames(&message, frames, || [1, 2, 3, 4]),
            Output::Pong(payload) => self.wire.write(Opcode::Pong, &payload, [1, 2, 3, 4]),
            Output::HalfClose => Vec::new(),
            Output::Finish(_) => {
                self.is_over = true;
                Vec::new()
            }
        }
    }

    fn hear(&mut self, bytes: &[u8], now: Duration) {
        for heard in self.wire.read(bytes) {
            match heard {
                Heard::Said(said) => self.player.received(&said, now),
                Heard::Raw(bytes) => self.player.received_raw(&bytes, now),
                Heard::Violation(what) => self.player.violated(&what),
            }
        }
    }
}
