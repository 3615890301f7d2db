//! What to do next while nothing has come: where to point the app, with lines to copy.

use ratatui::Frame;
use ratatui::layout::Rect;

use super::draw::{View, styled};
use super::text;
use super::theme::{Look, Words};
use crate::capture::Program;
use crate::decode::visible;
use crate::net::{Entrance, Listening};

pub(super) fn render(frame: &mut Frame<'_>, area: Rect, view: &View<'_>) {
    let lines = match &view.about.listen[..] {
        _ if view.about.program.is_some() => view.about.program.as_ref().map(unheard).unwrap_or_default(),
        [] if view.about.replay.is_some() => view.about.printed().map(running).unwrap_or_default(),
        [] => vec![vec![(Look::Heading, "There is nothing in this recording.".to_owned())]],
        [Listening { address, entrance }, others @ ..] => {
            let listen = address.to_string();
            let mut lines = match entrance {
                Entrance::Reverse(target) => {
                    let server = view
                        .about
                        .printed()
                        .map_or_else(|| target.to_string(), |replay| replay.name().to_owned());
                    reverse(&listen, &visible(&server))
                }
                Entrance::Forward => forward(&listen),
                Entrance::Transparent => transparent(&listen, address.port()),
            };
            lines.extend(also(others));
            lines.extend(closing());
            lines
        }
    };
    let lines: Vec<Words> =
        lines.into_iter().flat_map(|line| broken(line, usize::from(area.width).saturating_sub(2))).collect();
    let top = area.height.saturating_sub(lines.len() as u16) / 3;
    let widest = lines.iter().map(line_width).max().unwrap_or(0) as u16;
    let left = (area.width.saturating_sub(widest) / 2).clamp(1, 12);
    for (at, words) in lines.iter().enumerate().take((area.height.saturating_sub(top)) as usize) {
        let place = Rect {
            x: area.x + left,
            y: area.y + top + at as u16,
            width: area.width.saturating_sub(left),
            height: 1,
        };
        frame.render_widget(styled(words, view.theme, None), place);
    }
}

fn line_width(line: &Words) -> usize {
    line.iter().map(|(_, text)| text::width(text)).sum()
}

/// An example that is too wide goes on in a second line, as a shell takes it.
fn broken(mut line: Words, columns: usize) -> Vec<Words> {
    let [(_, name), (look, words)] = &mut line[..] else { return vec![line] };
    let indent = text::width(name);
    if indent + text::width(words) <= columns {
        return vec![line];
    }
    let room = columns.saturating_sub(indent + 2);
    let Some(at) = words.match_indices(' ').map(|(at, _)| at).take_while(|at| *at <= room).last() else {
        return vec![line];
    };
    let rest = words.split_off(at);
    words.push_str(" \\");
    let rest = vec![(Look::Key, " ".repeat(indent)), (*look, format!("  {}", rest.trim_start()))];
    vec![line, rest]
}

fn reverse(listen: &str, server: &str) -> Vec<Words> {
    let (scheme, path) = match server.split_once("://") {
        Some((scheme, rest)) => (scheme, rest.find('/').map_or("/", |at| &rest[at..])),
        None => ("ws", "/"),
    };
    let ws = format!("ws://{listen}{path}");
    let http = format!("http://{listen}{path}");
    let mut lines = opening(&[
        ("Point your app at", if scheme.starts_with("http") { &http } else { &ws }),
        ("and it talks to", server),
    ]);
    lines.extend(examples(&[
        ("browser", format!("new WebSocket(\"{ws}\")")),
        ("Node", format!("node -e 'new WebSocket(\"{ws}\")'")),
        ("Python", format!("python3 -m websockets {ws}")),
        ("curl", format!("curl -i {http}")),
    ]));
    lines
}

fn forward(listen: &str) -> Vec<Words> {
    let proxy = format!("http://{listen}");
    let mut lines = opening(&[
        ("Set your app's proxy to", &proxy),
        ("or, as SOCKS5, to", &format!("socks5h://{listen}")),
    ]);
    lines.extend(examples(&[
        ("browser", format!("chromium --proxy-server={proxy} --proxy-bypass-list='<-loopback>'")),
        ("Node", format!("NODE_USE_ENV_PROXY=1 HTTP_PROXY={proxy} node app.js")),
        ("Python", format!("websockets.connect(url, proxy=\"{proxy}\")")),
        ("curl", format!("curl -x {proxy} http://example.com/")),
    ]));
    lines.push(Words::new());
    lines.push(vec![(Look::Dim, "To look at one server only, no proxy setting needed:".to_owned())]);
    lines.push(vec![(Look::Text, "  sockeye ws://localhost:3000".to_owned())]);
    lines
}

fn transparent(listen: &str, port: u16) -> Vec<Words> {
    let mut lines = opening(&[("Have connections redirected to", listen)]);
    lines.extend(examples(&[
        ("nftables", format!("tcp dport 443 meta skuid app redirect to :{port}")),
        ("iptables", format!("-m owner --uid-owner app -j REDIRECT --to-ports {port}")),
    ]));
    lines.push(Words::new());
    lines.push(vec![(Look::Dim, "The whole lines are in docs/transparent.md.".to_owned())]);
    lines
}

/// The listeners beside the first.
fn also(others: &[Listening]) -> Vec<Words> {
    if others.is_empty() {
        return Vec::new();
    }
    let mut lines = vec![Words::new(), vec![(Look::Dim, "Listening too".to_owned())]];
    let width = others.iter().map(|other| other.address.to_string().len()).max().unwrap_or(0);
    for Listening { address, entrance } in others {
        let leads = match entrance {
            Entrance::Reverse(target) => format!("for {}", visible(&target.to_string())),
            Entrance::Forward => "as a forward proxy".to_owned(),
            Entrance::Transparent => "for redirected connections".to_owned(),
        };
        let address = text::left(&address.to_string(), width);
        lines.push(vec![(Look::Accent, format!("  {address}   ")), (Look::Text, leads)]);
    }
    lines
}

/// What is awaited of a program, and the last that it printed.
fn running(program: &Program) -> Vec<Words> {
    let name = visible(program.name()).into_owned();
    let mut lines = vec![vec![(Look::Heading, "Nothing has come through yet.".to_owned())], Words::new()];
    lines.push(match program.ended() {
        None => vec![
            (Look::Accent, name),
            (Look::Text, " is running; what it says to servers shows up here.".to_owned()),
        ],
        Some(end) => vec![(Look::Accent, name), (Look::Text, format!(" has ended: {end}."))],
    });
    let (_, printed) = program.lines(LAST_LINES);
    if !printed.is_empty() {
        lines.extend([Words::new(), vec![(Look::Dim, "It prints (O shows all)".to_owned())]]);
        lines.extend(printed.iter().map(|line| vec![(Look::Text, format!("  {}", visible(&line.text)))]));
    }
    lines
}

/// A program that ended without a word to a server may not have heeded what it was told.
fn unheard(program: &Program) -> Vec<Words> {
    let mut lines = running(program);
    if program.ended().is_some() {
        let why = "Who heeds which part of the environment: docs/run.md";
        lines.extend([Words::new(), vec![(Look::Dim, why.to_owned())]]);
    }
    lines
}

/// So many of what a program printed are shown while there is nothing else.
const LAST_LINES: usize = 6;

fn opening(pairs: &[(&str, &str)]) -> Vec<Words> {
    let mut lines = vec![vec![(Look::Heading, "Nothing has come through yet.".to_owned())], Words::new()];
    let width = pairs.iter().map(|(name, _)| name.len()).max().unwrap_or(0);
    for (at, (name, value)) in pairs.iter().enumerate() {
        let look = if at == 0 { Look::Accent } else { Look::Text };
        lines
            .push(vec![(Look::Text, format!("{}   ", text::left(name, width))), (look, (*value).to_owned())]);
    }
    lines
}

fn examples(pairs: &[(&str, String)]) -> Vec<Words> {
    let mut lines = vec![Words::new(), vec![(Look::Dim, "For example".to_owned())]];
    for (name, value) in pairs {
        lines.push(vec![(Look::Key, format!("  {}", text::left(name, 9))), (Look::Text, value.clone())]);
    }
    lines
}

fn closing() -> Vec<Words> {
    let words = "What passes shows up here. No app at hand?  sockeye demo";
    vec![Words::new(), vec![(Look::Dim, words.to_owned())]]
}
