//! `sockeye rules check`: what is wrong with rules, or what they would have done to a recording.

use std::collections::{BTreeSet, HashMap};
use std::io::{self, BufWriter, Write};
use std::path::Path;

use bytes::Bytes;
use sockeye::capture::{Event, Frame, Kind, Message, Opening};
use sockeye::decode::{self, json_string, visible};
use sockeye::headless::schema::Item;
use sockeye::headless::{self, Output};
use sockeye::relay;
use sockeye::rules::{Effect, Flow, HandshakeEdit, Judge, RuleSet, Seen, Step};
use sockeye::ws::{Direction, FrameHeader, Opcode};

use super::read;
use crate::cli::rules::RulesCheckOptions;
use crate::run::{DIFFERENT, DONE, Failure, USAGE};

/// Octets of a payload that are shown of it, in characters.
const SHOWN: usize = 200;

/// Carries it out; gives the exit code.
pub fn check(options: &RulesCheckOptions) -> Result<u8, Failure> {
    let (_, rules) = read(&options.file).map_err(|error| Failure::new(USAGE, error))?;
    let out = BufWriter::new(io::stdout().lock());
    let printed = match &options.against {
        None => print_right(&options.file, &rules, options.output, out).map(|()| DONE),
        Some(recording) => {
            let mut trial = Trial::new(rules, options.output, out);
            trial.play(recording)
        }
    };
    match printed {
        Ok(code) => Ok(code),
        Err(Stopped::Failed(failure)) => Err(failure),
        // Nobody reads on (`| head`).
        Err(Stopped::Unwritten(error)) if error.kind() == io::ErrorKind::BrokenPipe => Ok(DONE),
        Err(Stopped::Unwritten(error)) => Err(Failure::new(USAGE, format_args!("cannot write: {error}"))),
    }
}

enum Stopped {
    Failed(Failure),
    Unwritten(io::Error),
}

impl From<io::Error> for Stopped {
    fn from(error: io::Error) -> Stopped {
        Stopped::Unwritten(error)
    }
}

fn print_right(path: &Path, rules: &RuleSet, output: Output, mut out: impl Write) -> Result<(), Stopped> {
    let names: Vec<&str> = rules.names().collect();
    match output {
        Output::Text => {
            let count = if names.len() == 1 { "1 rule".to_owned() } else { format!("{} rules", names.len()) };
            writeln!(out, "{}: {count}, nothing wrong", path.display())?;
        }
        Output::Json => {
            for name in names {
                writeln!(out, r#"{{"type":"rule","rule":{}}}"#, json_string(name))?;
            }
        }
        Output::None => {}
    }
    out.flush()?;
    Ok(())
}

/// Rules at work on a recording.
struct Trial<W> {
    rules: RuleSet,
    output: Output,
    out: W,
    sessions: HashMap<u32, Session>,
    /// How many messages, handshakes and sessions each rule would have touched.
    touched: HashMap<String, u64>,
}

/// One that rules are at work on.
struct Session {
    flow: Flow,
    judge: Judge,
    /// Directions in which the rules would have let nothing go on any more.
    over: [bool; 2],
}

/// What something was done to.
struct Subject<'a> {
    session: u32,
    message: Option<(&'a Message, Opcode, &'a [u8])>,
    /// What it is, where it is no message.
    what: &'static str,
}

impl<W: Write> Trial<W> {
    fn new(rules: RuleSet, output: Output, out: W) -> Trial<W> {
        Trial { rules, output, out, sessions: HashMap::new(), touched: HashMap::new() }
    }

    fn play(&mut self, recording: &Path) -> Result<u8, Stopped> {
        let failed = |error| Stopped::Failed(Failure::new(USAGE, error));
        let mut reader = headless::open(recording).map_err(failed)?;
        while let Some(record) = reader.next().map_err(failed)? {
            if let Item::Event(event) = record.item {
                self.event(&event)?;
            }
        }
        let code = self.sum_up()?;
        self.out.flush()?;
        Ok(code)
    }

    fn event(&mut self, event: &Event) -> Result<(), Stopped> {
        match event {
            Event::Opened(opening) => {
                let session = self.opened(opening)?;
                self.sessions.insert(opening.session, session);
                Ok(())
            }
            Event::Refused(refused) => self.request(&refused.opening).map(|_| ()),
            Event::Message(message) if is_judged(message) => self.message(message),
            Event::Ended(ended) => {
                self.sessions.remove(&ended.session);
                Ok(())
            }
            _ => Ok(()),
        }
    }

    fn opened(&mut self, opening: &Opening) -> Result<Session, Stopped> {
        let (judge, is_refused) = self.request(opening)?;
        let flow = opening.flow();
        let number = flow.session;
        let mut session = Session { flow, judge, over: [is_refused; 2] };
        if !is_refused {
            let edits = edits(session.judge.response(&session.flow));
            self.tell(&Subject { session: number, message: None, what: "response" }, edits)?;
            let steps = session.judge.opened(&session.flow);
            steps.iter().for_each(|step| session.heed(&step.effect, Direction::ToServer));
            self.tell(&Subject { session: number, message: None, what: "open" }, effects(steps))?;
        }
        Ok(session)
    }

    /// The rules at work on a session that is asked for, and whether they refuse it.
    fn request(&mut self, opening: &Opening) -> Result<(Judge, bool), Stopped> {
        let mut judge = Judge::new(self.rules.clone());
        let asked = Opening { response: Bytes::new(), ..opening.clone() };
        let steps = judge.request(&asked.flow());
        let is_refused = steps.iter().any(|step| matches!(step.effect, HandshakeEdit::Refuse(_)));
        let subject = Subject { session: opening.session, message: None, what: "handshake" };
        self.tell(&subject, edits(steps))?;
        Ok((judge, is_refused))
    }

    fn message(&mut self, message: &Message) -> Result<(), Stopped> {
        let Kind::Frame(opcode) = message.kind else { return Ok(()) };
        let payload = message.payload.in_memory().cloned().unwrap_or_default();
        let rules = &self.rules;
        // In a recording that was filtered, sessions may lack their beginning.
        let session = self.sessions.entry(message.session).or_insert_with(|| Session {
            flow: Flow { session: message.session, ..Flow::default() },
            judge: Judge::new(rules.clone()),
            over: [false; 2],
        });
        if session.over[message.direction as usize] {
            return Ok(());
        }
        let steps = session.judge.message(&Seen {
            flow: &session.flow,
            direction: message.direction,
            opcode,
            payload: Some(&payload),
            wire_size: message.wire_size,
            compressed: message.compressed,
        });
        steps.iter().for_each(|step| session.heed(&step.effect, message.direction));
        let subject =
            Subject { session: message.session, message: Some((message, opcode, &payload)), what: "message" };
        self.tell(&subject, effects(steps))
    }

    fn tell(&mut self, subject: &Subject, done: Vec<Done>) -> Result<(), Stopped> {
        if done.is_empty() {
            return Ok(());
        }
        let rules: BTreeSet<&str> = done.iter().map(|one| one.rule.as_str()).collect();
        for rule in rules {
            *self.touched.entry(rule.to_owned()).or_default() += 1;
        }
        match self.output {
            Output::Text => self.tell_eyes(subject, &done)?,
            Output::Json => self.tell_programs(subject, &done)?,
            Output::None => {}
        }
        Ok(())
    }

    fn tell_eyes(&mut self, subject: &Subject, done: &[Done]) -> io::Result<()> {
        let Subject { session, message, what } = subject;
        match message {
            Some((message, opcode, payload)) => {
                let shown = decode::summary(decode::detect(*opcode, *payload), *payload, SHOWN);
                let (number, from) = (message.number, message.direction.sender());
                writeln!(self.out, "session {session} message {number} from the {from}: {opcode} {shown}")?;
            }
            None => writeln!(self.out, "session {session} {what}")?,
        }
        for Done { rule, words, .. } in done {
            writeln!(self.out, "  {}: {}", visible(rule), visible(words))?;
        }
        Ok(())
    }

    fn tell_programs(&mut self, subject: &Subject, done: &[Done]) -> io::Result<()> {
        for Done { rule, words, after, .. } in done {
            let (rule, does) = (json_string(rule), json_string(words));
            write!(self.out, r#"{{"type":"touched","session":{},"on":"{}""#, subject.session, subject.what)?;
            if let Some((message, opcode, payload)) = subject.message {
                let from = message.direction.sender();
                write!(self.out, r#","n":{},"from":"{from}","op":"{opcode}""#, message.number)?;
                write!(self.out, r#","before":{}"#, json_string(&String::from_utf8_lossy(payload)))?;
            }
            write!(self.out, r#","rule":{rule},"does":{does}"#)?;
            if let Some(after) = after {
                write!(self.out, r#","after":{}"#, json_string(after))?;
            }
            writeln!(self.out, "}}")?;
        }
        Ok(())
    }

    /// How often each rule would have acted; the exit code.
    fn sum_up(&mut self) -> io::Result<u8> {
        let mut code = DONE;
        for rule in self.rules.names() {
            let count = self.touched.get(rule).copied().unwrap_or_default();
            if count == 0 {
                code = DIFFERENT;
            }
            match self.output {
                Output::Text => match count {
                    0 => writeln!(self.out, "{}: touched nothing", visible(rule))?,
                    count => writeln!(self.out, "{}: touched {count}", visible(rule))?,
                },
                Output::Json => {
                    writeln!(
                        self.out,
                        r#"{{"type":"rule","rule":{},"touched":{count}}}"#,
                        json_string(rule)
                    )?;
                }
                Output::None => {}
            }
        }
        Ok(code)
    }
}

impl Session {
    /// What is behind something that the rules do this with in `direction` may come no more.
    fn heed(&mut self, effect: &Effect, direction: Direction) {
        match effect {
            Effect::Close { .. } | Effect::Reset => self.over = [true; 2],
            Effect::Truncate { .. } => self.over[direction as usize] = true,
            _ => {}
        }
    }
}

/// Whether rules are asked about it while it passes: not of what the proxy sent itself, nor of what is too long, nor of
/// frames that are no message of their own and no control frame as it should be (RFC 6455 5.4, 5.5).
fn is_judged(message: &Message) -> bool {
    let fin = |frame: &Frame| FrameHeader::parse(&frame.header).is_none_or(|header| header.fin);
    let is_whole = match message.kind {
        Kind::Frame(Opcode::Text | Opcode::Binary) => {
            message.size.max(message.wire_size) <= relay::HELD_LIMIT as u64
        }
        Kind::Frame(opcode) if opcode.is_control() => message.size <= 125 && message.frames.iter().all(fin),
        _ => false,
    };
    is_whole && message.complete && message.injected.is_none()
}

/// What a rule did.
struct Done {
    rule: String,
    words: String,
    /// What goes on in place of a message.
    after: Option<String>,
}

fn effects(steps: Vec<Step<Effect>>) -> Vec<Done> {
    let done = |step: Step<Effect>| Done {
        rule: step.rule.as_deref().unwrap_or_default().to_owned(),
        words: step.effect.to_string(),
        after: match &step.effect {
            Effect::Replace(_, payload) => Some(String::from_utf8_lossy(payload).into_owned()),
            _ => None,
        },
    };
    steps.into_iter().map(done).collect()
}

fn edits(steps: Vec<Step<HandshakeEdit>>) -> Vec<Done> {
    let done = |step: Step<HandshakeEdit>| Done {
        rule: step.rule.as_deref().unwrap_or_default().to_owned(),
        words: step.effect.to_string(),
        after: None,
    };
    steps.into_iter().map(done).collect()
}
