//! The demo: what it shows, and that it is the same every time.

use sockeye::capture::{Event, Kind, Log, Message, Next};
use sockeye::demo::{Demo, Rounds};
use sockeye::ws::{Direction, Opcode};

use crate::support::reverse;

/// Plays the script once, as fast as it goes.
fn play() -> Log {
    let demo = Demo::start().unwrap();
    let running = reverse(demo.target());
    let mut playing = demo.play(running.address, Rounds::Once { tempo: 1000.0 }).unwrap();
    let runtime = tokio::runtime::Builder::new_current_thread().build().unwrap();
    runtime.block_on(playing.over()).unwrap();
    drop(playing);
    running.finish()
}

fn events(log: &Log) -> Vec<Event> {
    log.close();
    let mut cursor = log.cursor();
    let mut events = Vec::new();
    while let Next::Event(event) = cursor.next().unwrap() {
        events.push(event);
    }
    events
}

/// What does not differ from run to run; `None` for what comes when it comes.
fn steady(log: &Log, event: &Event) -> Option<String> {
    let path = |url: &str| url.splitn(4, '/').last().unwrap_or_default().to_owned();
    Some(match event {
        Event::Opened(opening) => format!("#{} {:?}", opening.session, path(&opening.url)),
        Event::Refused(refused) => format!("refused {:?}", refused.why),
        Event::Exchanged(exchange) => {
            format!("{} {}", exchange.request_size, exchange.response_size)
        }
        Event::Message(message) => {
            let Message { session, number, direction, kind, compressed, wire_size, faults, .. } = message;
            let payload = log.read(&message.payload, 0, message.size as usize).unwrap();
            format!(
                "#{session} {number} {direction:?} {kind:?} {compressed} {wire_size} {faults:?} {payload:?}"
            )
        }
        Event::Ended(ended) => {
            format!(
                "#{} {:?} {:?} {:?} {:?}",
                ended.session, ended.client, ended.server, ended.first, ended.octets
            )
        }
        _ => return None,
    })
}

#[test]
fn the_demo_is_the_same_every_time() {
    let [first, second] = [play(), play()]
        .map(|log| events(&log).iter().filter_map(|event| steady(&log, event)).collect::<Vec<_>>());
    assert_eq!(first, second);
}

#[test]
fn the_demo_shows_what_there_is_to_see() {
    let log = play();
    let events = events(&log);
    let messages: Vec<_> = events
        .iter()
        .filter_map(|event| if let Event::Message(message) = event { Some(message) } else { None })
        .collect();
    let some = |what: &str, test: &dyn Fn(&&&Message) -> bool| {
        assert!(messages.iter().any(|message| test(&message)), "no {what}");
    };
    for direction in Direction::BOTH {
        some("compressed message", &|message| message.compressed && message.direction == direction);
        some("violation", &|message| !message.faults.is_empty() && message.direction == direction);
        some("close", &|message| {
            message.kind == Kind::Frame(Opcode::Close) && message.direction == direction
        });
        some("pong", &|message| message.kind == Kind::Frame(Opcode::Pong) && message.direction == direction);
    }
    some("message in fragments", &|message| message.frames.len() > 2);
    some("opcode that is reserved", &|message| message.kind == Kind::Frame(Opcode::Reserved(3)));
    let count = |test: &dyn Fn(&&Event) -> bool| events.iter().filter(|event| test(event)).count();
    assert_eq!(count(&|event| matches!(event, Event::Refused(_))), 2);
    assert_eq!(count(&|event| matches!(event, Event::Opened(_))), 8);
    assert_eq!(count(&|event| matches!(event, Event::Ended(_))), 8);
    assert_eq!(count(&|event| matches!(event, Event::Exchanged(_))), 5);
}

#[cfg(feature = "cli")]
#[test]
fn the_program_plays_one_round_and_ends_well() {
    let mut command = std::process::Command::new(env!("CARGO_BIN_EXE_sockeye"));
    let output = command.args(["demo", "--headless", "--output", "json"]).output().unwrap();
    assert_eq!((output.status.code(), String::from_utf8(output.stderr).unwrap()), (Some(0), String::new()));
    let printed = String::from_utf8(output.stdout).unwrap();
    assert!(printed.starts_with(r#"{"type":"recording""#), "{printed:.80}");
    let ends = printed.lines().filter(|line| line.starts_with(r#"{"type":"end""#)).count();
    assert_eq!(ends, 8);
}
