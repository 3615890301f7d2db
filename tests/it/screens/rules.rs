//! The rules of the screens, each by name: keys in, screens out.

use ratatui::Terminal;
use ratatui::backend::TestBackend;
use ratatui::buffer::Buffer;
use ratatui::style::Color;
use sockeye::capture::{Event, Flow, Note};
use sockeye::tui::{About, BINDINGS, Console, Effect, Pane, Theme, Zoom};
use sockeye::ws::Direction::{ToClient, ToServer};

use super::Stage;
use crate::sample::{Sample, at};

const SIZE: (u16, u16) = (100, 30);

/// A session with `count` messages, numbered in their text.
pub fn numbered(count: u64) -> Sample {
    let mut sample = Sample::empty();
    sample.open(1, 0, "/feed", "");
    for number in 1..=count {
        let direction = if number % 2 == 0 { ToClient } else { ToServer };
        sample.text(1, number * 10, direction, &format!("message number {number}."));
    }
    sample
}

pub fn feed(count: u64) -> Stage {
    let mut stage = Stage::new(numbered(count), SIZE);
    stage.keys("tab");
    stage
}

pub fn chosen(stage: &Stage) -> Option<u64> {
    stage.console.page().messages.number
}

#[test]
fn arriving_messages_do_not_move_the_cursor() {
    let mut stage = feed(40);
    stage.keys("g j j");
    let before = stage.line_with("number 3.");
    let screen = stage.screen();
    for number in 41..=300 {
        stage.sample.text(1, number * 10, ToClient, "more");
        stage.look();
    }
    assert_eq!(chosen(&stage), Some(3));
    assert_eq!(stage.line_with("number 3."), before);
    let rows = |screen: &str| -> Vec<String> {
        let rows = screen.lines().filter(|line| line.contains("message number"));
        rows.map(|line| line.trim_end_matches('▐').trim_end().to_owned()).collect()
    };
    assert_eq!(rows(&stage.screen()), rows(&screen), "the rows in view stay where they are");
}

#[test]
fn arriving_sessions_do_not_change_what_is_chosen() {
    let mut stage = feed(5);
    let line = stage.line_with("/feed");
    for session in 2..40 {
        stage.sample.open(session, 100 + u64::from(session), "/other", "");
        stage.look();
    }
    assert_eq!(stage.console.app().flow, Some(Flow::Session(1)));
    assert_eq!(stage.line_with("/feed").trim_end_matches('▐').trim_end(), line);
}

#[test]
fn following_is_a_mode_that_scrolling_up_suspends() {
    let mut stage = feed(40);
    assert_eq!(chosen(&stage), Some(40), "an open session is followed from the start");
    stage.sample.text(1, 500, ToClient, "one more");
    stage.look();
    assert_eq!(chosen(&stage), Some(41));
    stage.keys("k");
    assert_eq!(chosen(&stage), Some(40));
    stage.sample.text(1, 510, ToClient, "and another");
    stage.look();
    assert_eq!(chosen(&stage), Some(40));
    stage.keys("G");
    assert_eq!(chosen(&stage), Some(42));
    stage.sample.text(1, 520, ToClient, "followed again");
    stage.look();
    assert_eq!(chosen(&stage), Some(43));
    stage.keys("F");
    stage.sample.text(1, 530, ToClient, "not followed");
    stage.look();
    assert_eq!(chosen(&stage), Some(43));
    stage.keys("F");
    assert_eq!(chosen(&stage), Some(44));
}

#[test]
fn control_frames_are_hidden_and_shown() {
    let mut stage = Stage::new(Sample::full(), SIZE);
    stage.keys("g j j j tab g");
    assert!(stage.screen().contains("ping"));
    stage.keys("c");
    assert!(!stage.screen().contains(" ping "));
    assert!(stage.line_with("Messages of #3").contains("8 of 10"));
    stage.keys("c");
    assert!(stage.screen().contains(" ping "));
}

#[test]
fn a_search_goes_forward_backward_and_round_the_end() {
    let mut stage = feed(50);
    stage.keys("g");
    stage.line("/", "\"number 4\"");
    assert_eq!(chosen(&stage), Some(4));
    stage.keys("n");
    assert_eq!(chosen(&stage), Some(40));
    stage.keys("N N");
    assert_eq!(chosen(&stage), Some(49));
    assert!(stage.screen().contains("from the last again"));
    stage.keys("n");
    assert_eq!(chosen(&stage), Some(4));
}

#[test]
fn a_search_that_finds_nothing_says_so_and_moves_nothing() {
    let mut stage = feed(50);
    stage.keys("g j");
    stage.line("/", "nowhere");
    assert_eq!(chosen(&stage), Some(2));
    assert!(stage.screen().contains("not found"));
}

#[test]
fn a_paused_view_stands_still_while_it_can_be_scrolled() {
    let mut stage = feed(40);
    stage.keys("p");
    for number in 41..=80 {
        stage.sample.text(1, number * 10, ToClient, "after the pause");
    }
    stage.sample.open(2, 900, "/late", "");
    stage.look();
    assert_eq!(chosen(&stage), Some(40));
    assert!(stage.screen().contains("PAUSED"));
    assert!(!stage.screen().contains("after the pause") && !stage.screen().contains("/late"));
    stage.keys("g");
    assert_eq!(chosen(&stage), Some(1));
    stage.keys("p G");
    assert_eq!(chosen(&stage), Some(80));
    assert!(stage.screen().contains("/late"));
}

#[test]
fn enter_goes_in_and_escape_comes_out() {
    let mut stage = feed(5);
    stage.keys("shift-tab");
    let place = |stage: &Stage| (stage.console.app().zoom, stage.console.app().focus);
    assert_eq!(place(&stage), (Zoom::All, Pane::Sessions));
    stage.keys("enter");
    assert_eq!(place(&stage), (Zoom::Session, Pane::Messages));
    stage.keys("enter");
    assert_eq!(place(&stage), (Zoom::Detail, Pane::Detail));
    stage.keys("esc");
    assert_eq!(place(&stage), (Zoom::Session, Pane::Messages));
    stage.keys("q");
    assert_eq!(place(&stage), (Zoom::All, Pane::Sessions));
    assert_eq!(stage.keys("q"), None);
    assert_eq!(stage.keys("Q"), Some(Effect::Quit));
}

#[test]
fn a_closed_session_is_read_from_its_beginning() {
    let sample = numbered(20);
    sample.end(1, 900);
    let mut stage = Stage::new(sample, SIZE);
    stage.keys("tab");
    assert_eq!(chosen(&stage), Some(1));
}

#[test]
fn a_session_is_read_on_where_it_was_left() {
    let mut stage = Stage::new(Sample::full(), SIZE);
    stage.keys("g j j j tab g j j shift-tab k");
    assert_ne!(stage.console.app().flow, Some(Flow::Session(3)));
    stage.keys("j");
    assert_eq!((stage.console.app().flow, chosen(&stage)), (Some(Flow::Session(3)), Some(3)));
}

#[test]
fn escape_sequences_in_payloads_never_reach_the_terminal() {
    for keys in ["", "1", "2", "3", "4", "5", "6"] {
        let mut stage = Stage::new(Sample::full(), SIZE);
        stage.keys("g j j j tab g j j j j j j");
        stage.keys(keys);
        let screen = stage.screen();
        let raw = |character: char| character.is_control() && character != '\n' || character == '\u{202e}';
        assert!(!screen.contains(raw), "tab {keys}: {screen}");
        assert!(screen.contains("hostile"));
    }
}

#[test]
fn wide_and_combining_characters_line_up() {
    let mut stage = Stage::new(Sample::full(), (80, 24));
    stage.keys("g j j j tab m");
    for _ in 0..6 {
        stage.keys("k");
    }
    for line in stage.screen().lines() {
        assert!(unicode_width::UnicodeWidthStr::width(line) <= 80, "{line}");
    }
    let flags = stage.line_with("⚠");
    assert!(flags.ends_with('⚠') || flags.contains("⚠"));
}

#[test]
fn an_absurdly_small_terminal_does_no_harm() {
    for size in [(1, 1), (2, 3), (10, 4), (20, 6), (39, 9), (300, 3)] {
        let mut stage = Stage::new(Sample::full(), size);
        for row in BINDINGS {
            stage.keys(row.keys[0]);
            stage.screen();
            if stage.console.app().input.is_some() {
                stage.keys("esc");
            }
        }
    }
}

#[test]
fn every_key_is_alive_in_its_panes() {
    for pane in Pane::ALL {
        for row in BINDINGS.iter().filter(|row| row.when.includes(pane)) {
            let sample = Sample::full();
            sample.hold(1, 3, Some(1), (12_000, ToServer));
            let mut stage = Stage::new(sample, SIZE);
            stage.keys("g j j j");
            while stage.console.app().focus != pane {
                stage.keys("tab");
            }
            stage.keys(row.keys[0]);
            assert!(!stage.screen().contains("does nothing here"), "{} in {pane:?}", row.keys[0]);
        }
    }
}

#[test]
fn files_are_named_before_they_are_written() {
    let mut stage = feed(5);
    stage.keys("b");
    let proposed = stage.console.app().input.as_ref().map(|input| input.text().to_owned());
    assert_eq!(proposed.as_deref(), Some("session-1-message-5.txt"));
    assert_eq!(stage.keys("enter"), Some(Effect::SavePayload("session-1-message-5.txt".into())));
}

#[test]
fn copying_gives_what_the_pane_is_about() {
    let mut stage = feed(5);
    assert_eq!(stage.keys("y"), Some(Effect::Copy));
    assert_eq!(stage.console.copied().as_deref(), Some("message number 5."));
    stage.keys("shift-tab");
    assert_eq!(stage.console.copied().as_deref(), Some("ws://localhost:3000/feed"));
    stage.keys("tab tab 5");
    assert!(stage.console.copied().is_some_and(|text| text.contains("GET /feed HTTP/1.1")));
}

#[test]
fn clearing_forgets_what_is_over_and_keeps_what_is_chosen() {
    let mut stage = Stage::new(Sample::full(), SIZE);
    stage.keys("g j j j");
    assert_eq!(stage.keys("z"), Some(Effect::Clear));
    stage.sample.log.clear();
    stage.look();
    assert_eq!(stage.console.app().flow, Some(Flow::Session(3)));
    assert!(!stage.screen().contains("/admin"));
}

#[test]
fn the_page_of_keys_is_the_table() {
    let path = concat!(env!("CARGO_MANIFEST_DIR"), "/docs/keys.md");
    let page = sockeye::tui::keys_page();
    if std::env::var_os("UPDATE_DOCS").is_some() {
        std::fs::write(path, &page).expect("docs can be written");
    }
    let written = std::fs::read_to_string(path).unwrap_or_default();
    assert_eq!(written.replace("\r\n", "\n"), page, "UPDATE_DOCS=1 cargo test the_page_of_keys writes it");
}

#[test]
fn without_colours_everything_is_still_there() {
    let sample = Sample::full();
    let draw = |theme: Theme| {
        let mut console = Console::new(sample.log.clone(), About::default(), theme, SIZE);
        for key in ["g", "j", "j", "j", "tab", "/"] {
            console.key(key);
            console.refresh(at(12_400));
        }
        let mut terminal = Terminal::new(TestBackend::new(SIZE.0, SIZE.1)).expect("a terminal in memory");
        terminal.draw(|frame| console.draw(frame)).expect("drawing in memory");
        terminal.backend().buffer().clone()
    };
    let (plain, coloured) = (draw(Theme::PLAIN), draw(Theme::COLOUR));
    assert!(plain.content().iter().all(|cell| (cell.fg, cell.bg) == (Color::Reset, Color::Reset)));
    assert!(coloured.content().iter().any(|cell| cell.fg != Color::Reset));
    let symbols =
        |buffer: &Buffer| buffer.content().iter().map(|cell| cell.symbol().to_owned()).collect::<String>();
    assert_eq!(symbols(&plain), symbols(&coloured));
}

#[test]
fn a_recording_is_shown_as_of_its_end() {
    let sample = Sample::full();
    sample.log.close();
    let about = About { source: Some("chat.jsonl".into()), ..About::default() };
    let mut stage = Stage::about(sample, about, SIZE);
    stage.now = at(99_999_999);
    stage.look();
    assert!(stage.line_with("/admin").contains("10s"), "the age of a session at the recording's end");
    assert!(stage.line_with("sockeye").contains("chat.jsonl"));
    assert!(!stage.line_with("sockeye").contains("log "));
}

#[test]
fn before_the_first_key_the_first_session_that_opens_is_shown() {
    let sample = Sample::empty();
    sample.exchange(1);
    let mut stage = Stage::new(sample, SIZE);
    assert_eq!(stage.console.app().flow, Some(Flow::Exchange(1)));
    stage.sample.open(1, 7_000, "/chat", "");
    stage.look();
    assert_eq!(stage.console.app().flow, Some(Flow::Session(1)));
    stage.keys("k");
    stage.sample.open(2, 7_100, "/other", "");
    stage.look();
    assert_eq!(stage.console.app().flow, Some(Flow::Exchange(1)), "the user's choice stays");
}

#[test]
fn what_the_proxy_has_to_say_is_announced_and_can_be_read_again() {
    let mut stage = Stage::new(Sample::full(), SIZE);
    let text = "a connection could not be accepted: too many open files".to_owned();
    stage.sample.add(Event::Note(Note { time: at(9_000), flow: None, text }));
    stage.look();
    assert!(
        stage.screen().lines().last().is_some_and(|line| line.starts_with("✗ a connection could not be"))
    );
    assert!(stage.screen().lines().next().is_some_and(|line| line.contains("1 note")), "{}", stage.screen());
    stage.keys("j");
    assert!(!stage.screen().contains("could not be accepted"));
    stage.keys("!");
    assert!(stage.line_with("could not be accepted").contains("UTC"), "{}", stage.screen());
    stage.keys("!");
    assert!(!stage.screen().contains("could not be accepted"));
}

#[test]
fn what_is_out_of_sight_is_neither_killed_nor_marked() {
    let mut stage = Stage::new(Sample::full(), SIZE);
    stage.keys("g j j j");
    stage.line("f", "path:/graphql");
    assert_eq!((stage.keys("X"), stage.console.app().marks.len()), (None, 0));
    assert!(stage.screen().contains("#3 is not in this list"), "{}", stage.screen());
    stage.keys("m");
    assert_eq!(stage.console.app().marks.len(), 0);
    stage.line(":", "filter path:/chat");
    assert_eq!(stage.keys("X"), Some(Effect::Kill(Flow::Session(3))));
}
