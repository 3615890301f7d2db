//! Draws docs/screen.svg, the picture in the README: the real screen over a recorded demo.
//!
//! `cargo run --example picture > docs/screen.svg`, or `UPDATE_DOCS=1 cargo test --test it docs`.

use std::fmt::Write;
use std::path::Path;
use std::time::Duration;

use anyhow::Result;
use ratatui::Terminal;
use ratatui::backend::TestBackend;
use ratatui::buffer::{Buffer, Cell};
use ratatui::style::{Color, Modifier};
use unicode_width::UnicodeWidthStr;

use sockeye::capture::{Log, LogConfig, Stamp};
use sockeye::headless;
use sockeye::headless::schema::Item;
use sockeye::net::{Entrance, Listening};
use sockeye::tui::{About, Console, Theme};

#[allow(dead_code, reason = "a test takes the picture and has no use for this")]
fn main() -> Result<()> {
    print!("{}", draw()?);
    Ok(())
}

/// The screen's size, in cells.
const SIZE: (u16, u16) = (118, 34);
/// When the picture is taken, after the demo began.
const MOMENT: Duration = Duration::from_millis(5_450);
/// The keys that were pressed, by their names.
const KEYS: &str = "H tab k k k k k k k k k k";

/// The picture.
pub fn draw() -> Result<String> {
    let (width, height) = SIZE;
    let console = console()?;
    let mut terminal = Terminal::new(TestBackend::new(width, height))?;
    terminal.draw(|frame| console.draw(frame))?;
    Ok(svg(terminal.backend().buffer()))
}

/// Screens that look at the demo in its midst.
fn console() -> Result<Console> {
    let recording = Path::new(env!("CARGO_MANIFEST_DIR")).join("docs/demo.jsonl");
    let mut reader = headless::open(&recording)?;
    let log = Log::of_recording(&LogConfig::default(), reader.recording().started)?;
    let now = Stamp(MOMENT.as_nanos() as u64);
    while let Some(record) = reader.next()? {
        match record.item {
            Item::Event(event) if event.time() <= now => log.append(event)?,
            _ => {}
        }
    }
    let about = About {
        listen: vec![Listening {
            address: "127.0.0.1:8080".parse()?,
            entrance: Entrance::Reverse("ws://localhost:3000".parse()?),
        }],
        ..About::default()
    };
    let mut console = Console::new(log, about, Theme::COLOUR, SIZE);
    let look = |console: &mut Console| {
        console.refresh(now);
        console.work();
        console.refresh(now);
    };
    look(&mut console);
    for key in KEYS.split_whitespace() {
        console.key(key);
        look(&mut console);
    }
    Ok(console)
}

/// A cell's size, and the frame around the screen, in SVG's units.
const CELL: (f32, f32) = (8.4, 18.0);
const MARGIN: (f32, f32) = (14.0, 40.0);
const TEXT: &str = "#d3dae3";
const GROUND: &str = "#161b22";

fn svg(buffer: &Buffer) -> String {
    let (columns, rows) = (f32::from(buffer.area.width), f32::from(buffer.area.height));
    let (width, height) = (columns * CELL.0 + 2.0 * MARGIN.0, rows * CELL.1 + MARGIN.1 + MARGIN.0);
    let mut svg = format!(
        r##"<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {width:.1} {height:.1}" font-family="ui-monospace, 'SF Mono', Menlo, Consolas, 'DejaVu Sans Mono', monospace" font-size="14">
<title>sockeye in a terminal, with its demo running</title>
<rect width="100%" height="100%" rx="10" fill="{GROUND}"/>
<circle cx="22" cy="20" r="6" fill="#f0655b"/><circle cx="42" cy="20" r="6" fill="#f0bd4b"/><circle cx="62" cy="20" r="6" fill="#57c15b"/>
<text x="50%" y="25" text-anchor="middle" fill="#8b949e">sockeye demo</text>
"##
    );
    for row in 0..buffer.area.height {
        for run in runs(buffer, row) {
            run.write(row, &mut svg);
        }
    }
    svg.push_str("</svg>\n");
    svg
}

/// Cells of a row that look the same.
struct Run {
    column: u16,
    columns: u16,
    text: String,
    ink: &'static str,
    ground: &'static str,
    modifier: Modifier,
}

fn runs(buffer: &Buffer, row: u16) -> Vec<Run> {
    let mut runs: Vec<Run> = Vec::new();
    let mut column = 0;
    while column < buffer.area.width {
        let cell = &buffer[(column, row)];
        let columns = (cell.symbol().width() as u16).max(1);
        let run = Run::of(cell, column, columns);
        match runs.last_mut() {
            // What is not ASCII may be wider or narrower in the reader's font: it gets its place for itself.
            Some(last) if last.looks_like(&run) && last.text.is_ascii() && run.text.is_ascii() => {
                last.text.push_str(&run.text);
                last.columns += columns;
            }
            _ => runs.push(run),
        }
        column += columns;
    }
    runs
}

impl Run {
    fn of(cell: &Cell, column: u16, columns: u16) -> Run {
        let (mut ink, mut ground) = (colour(cell.fg).unwrap_or(TEXT), colour(cell.bg).unwrap_or(GROUND));
        if cell.modifier.contains(Modifier::REVERSED) {
            std::mem::swap(&mut ink, &mut ground);
        }
        Run { column, columns, text: cell.symbol().to_owned(), ink, ground, modifier: cell.modifier }
    }

    fn looks_like(&self, other: &Run) -> bool {
        (self.ink, self.ground, self.modifier) == (other.ink, other.ground, other.modifier)
    }

    fn write(&self, row: u16, svg: &mut String) {
        let (x, y) = (MARGIN.0 + f32::from(self.column) * CELL.0, MARGIN.1 + f32::from(row) * CELL.1);
        let width = f32::from(self.columns) * CELL.0;
        if self.ground != GROUND {
            let ground = self.ground;
            svg.push_str(&format!(
                "<rect shape-rendering=\"crispEdges\" x=\"{x:.1}\" y=\"{y:.1}\" width=\"{width:.1}\" height=\"{:.1}\" fill=\"{ground}\"/>\n",
                CELL.1
            ));
        }
        if self.text.trim().is_empty() {
            return;
        }
        let blanks = self.text.len() - self.text.trim_start().len();
        let text = self.text.trim();
        let x = x + blanks as f32 * CELL.0;
        let width = text.width() as f32 * CELL.0;
        let mut looks = String::new();
        if self.modifier.contains(Modifier::BOLD) {
            looks.push_str(" font-weight=\"bold\"");
        }
        if self.modifier.contains(Modifier::DIM) {
            looks.push_str(" opacity=\"0.6\"");
        }
        if self.modifier.contains(Modifier::UNDERLINED) {
            looks.push_str(" text-decoration=\"underline\"");
        }
        let escaped = text.replace('&', "&amp;").replace('<', "&lt;").replace('>', "&gt;");
        // The length is given so that columns stay columns in whatever font there is.
        let _ = writeln!(
            svg,
            "<text x=\"{x:.1}\" y=\"{:.1}\" textLength=\"{width:.1}\" lengthAdjust=\"spacingAndGlyphs\" \
             xml:space=\"preserve\" fill=\"{}\"{looks}>{escaped}</text>",
            y + 13.5,
            self.ink
        );
    }
}

/// The sixteen colours as they look in the picture; `None` for the terminal's own.
fn colour(colour: Color) -> Option<&'static str> {
    Some(match colour {
        Color::Reset => return None,
        Color::Black => "#161b22",
        Color::Red | Color::LightRed => "#ff7b72",
        Color::Green | Color::LightGreen => "#7ee787",
        Color::Yellow | Color::LightYellow => "#e3b341",
        Color::Blue | Color::LightBlue => "#79c0ff",
        Color::Magenta | Color::LightMagenta => "#d2a8ff",
        Color::Cyan | Color::LightCyan => "#56d4dd",
        Color::Gray => "#b1bac4",
        Color::DarkGray => "#6e7681",
        _ => TEXT,
    })
}
