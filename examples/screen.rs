//! Prints the screens over made-up traffic: `cargo run --example screen -- [WIDTH HEIGHT [KEYS...]]`.
//!
//! The keys are pressed one after the other, by their names: `j`, `ctrl-d`, `enter`; other words are typed out.

#[path = "../tests/it/sample.rs"]
#[allow(dead_code, reason = "the tests use all of it")]
mod sample;

use ratatui::Terminal;
use ratatui::backend::TestBackend;
use sockeye::net::{Entrance, Listening};
use sockeye::tui::{About, Console, Theme};

fn main() -> Result<(), Box<dyn std::error::Error>> {
    let mut arguments = std::env::args().skip(1);
    let width: u16 = arguments.next().map_or(Ok(140), |word| word.parse())?;
    let height: u16 = arguments.next().map_or(Ok(45), |word| word.parse())?;
    let mut keys: Vec<String> = arguments.collect();
    let sample = match keys.first().map(String::as_str) {
        Some("EMPTY") => sample::Sample::empty(),
        _ => sample::Sample::full(),
    };
    keys.retain(|key| key != "EMPTY" && key != "FORWARD");
    let entrance = if std::env::args().any(|key| key == "FORWARD") {
        Entrance::Forward
    } else {
        Entrance::Reverse("ws://localhost:3000".parse()?)
    };
    let about = About {
        listen: vec![Listening { address: "127.0.0.1:8080".parse()?, entrance }],
        recording: Some("chat.jsonl".into()),
        ..About::default()
    };
    let mut console = Console::new(sample.log.clone(), about, Theme::COLOUR, (width, height));
    let mut terminal = Terminal::new(TestBackend::new(width, height))?;
    console.refresh(sample::at(12_400));
    for key in keys {
        let known = sockeye::tui::BINDINGS.iter().any(|row| row.keys.contains(&key.as_str()));
        let pressed =
            if known || key == "backspace" { vec![key] } else { key.chars().map(String::from).collect() };
        for key in pressed {
            console.key(if key == " " { "space" } else { &key });
            console.work();
            console.refresh(sample::at(12_400));
        }
    }
    terminal.draw(|frame| console.draw(frame))?;
    print!("{}", terminal.backend());
    Ok(())
}
