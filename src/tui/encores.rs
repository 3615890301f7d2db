//! `R`: a session's client part played again, and what is said of how that goes.

use super::app::{App, Effect};
use super::comparison::Comparison;
use super::input::Purpose;
use super::page::Page;
use crate::capture::{Flow, FlowKind, Log, State, Summary};
use crate::net::Target;
use crate::replay::Encore;

impl App {
    /// Asks for the server that a session's client part is played to, or takes the one that a command brought.
    pub(super) fn play(&mut self, server: Option<&str>, page: &Page) -> Option<Effect> {
        let (session, url) = self.playable(page)?;
        self.playing = Some(session);
        match server {
            Some(server) => self.play_to(server),
            None => {
                self.ask(Purpose::Server, None, page);
                if let Some(input) = &mut self.input {
                    input.paste(&url);
                }
                None
            }
        }
    }

    /// The session to be played, and its own server.
    fn playable(&mut self, page: &Page) -> Option<(u32, String)> {
        if self.is_hidden(page) {
            return None;
        }
        let why = match &page.chosen {
            Some(summary) => match (summary.flow, summary.kind) {
                (Flow::Session(_), FlowKind::Session) if summary.state == State::Asked => {
                    "the server has not answered it yet"
                }
                (Flow::Session(number), FlowKind::Session) => return Some((number, server(&summary.url))),
                (_, FlowKind::Tunnel) => "a tunnel is relayed unread, and cannot be played",
                _ => "only WebSocket sessions are played",
            },
            None => "no session is chosen",
        };
        self.say(why);
        None
    }

    /// What is asked for while a server is typed.
    pub(super) fn server_prompt(&self) -> String {
        format!("play #{} again to: ", self.playing.unwrap_or_default())
    }

    /// A server was given.
    pub(super) fn play_to(&mut self, server: &str) -> Option<Effect> {
        let session = self.playing.take()?;
        match server.trim().parse::<Target>() {
            Ok(target) => Some(Effect::Play(session, target)),
            Err(error) => {
                self.complain(error.to_string());
                None
            }
        }
    }
}

/// A URL without its path.
fn server(url: &str) -> String {
    let after = url.find("://").map_or(0, |at| at + 3);
    let end = url[after..].find(['/', '?', '#']).map_or(url.len(), |at| after + at);
    url[..end].to_owned()
}

/// The play that is looked at.
#[derive(Default)]
pub(super) struct Stage {
    encore: Option<Encore>,
    told: bool,
}

impl Stage {
    /// A play has begun: it is shown beside what it plays.
    pub(super) fn begin(&mut self, encore: Encore, app: &mut App) {
        app.comparison = Some(Comparison::new(encore.session(), None));
        *self = Stage { encore: Some(encore), told: false };
    }

    /// Finds its session, and tells of its end once.
    pub(super) fn look(&mut self, log: &Log, app: &mut App) {
        let Some(encore) = &self.encore else { return };
        let (of, found) = (encore.session(), session(encore, log));
        let shown = app.comparison.as_mut().filter(|shown| shown.left == of && shown.right.is_none());
        if let (Some(shown), Some(found)) = (shown, found) {
            shown.right = Some(found);
        }
        let Some(over) = encore.over().filter(|_| !self.told) else { return };
        let name = found.map_or_else(|| "it".to_owned(), |found| format!("#{found}"));
        self.told = true;
        match over {
            Ok(report) if report.is_ok() => {
                app.say(format!("{name} went as #{of} did ({} messages as recorded)", report.matched));
            }
            Ok(report) => {
                let first = report.problems.first().map(|problem| problem.to_string().replace("\n ", ""));
                let more = report.problems.len() as u64 + report.left_out - 1;
                let more = if more > 0 { format!(" (and {more} more)") } else { String::new() };
                let first = first.unwrap_or_default();
                app.complain(format!("{name} went otherwise than #{of}: {first}{more}"));
            }
            Err(why) => {
                app.comparison = None;
                app.complain(format!("#{of} cannot be played: {why}"));
            }
        }
    }

    /// Goes up with all that happens to it.
    pub(super) fn version(&self) -> u64 {
        self.encore.as_ref().map_or(0, Encore::version)
    }
}

/// The session that a play has become.
fn session(encore: &Encore, log: &Log) -> Option<u32> {
    let address = encore.address()?;
    let is_it = |summary: &&Summary| *summary.client == *address && summary.kind == FlowKind::Session;
    // A port may have been another client's before.
    log.summaries(|all| {
        let last = all.filter(is_it).filter_map(|summary| match summary.flow {
            Flow::Session(number) if number > encore.session() => Some(number),
            _ => None,
        });
        last.max()
    })
}
