//! All that can be done to messages, mixed at random: who waits, who is settled in what order, what is sent in between,
//! how the bytes are cut and what was agreed on. Whatever happens to some messages, all others arrive as they were, in order.

use std::collections::BTreeMap;

use proptest::prelude::*;

use super::*;
use crate::ws::encode::Frame as Written;

/// One message of a session, and what becomes of it.
#[derive(Clone, Debug)]
struct Said {
    words: String,
    opcode: Opcode,
    /// Whether it is compressed where that was agreed on.
    compressed: bool,
    /// Into how many frames it is cut, with a ping before each.
    frames: usize,
    /// Whether those pings are swallowed.
    swallowed: bool,
    change: Change,
    reorder: Option<u32>,
    delay: Option<u64>,
    wait: Wait,
    /// Whether a text of ours goes before it.
    announced: bool,
    pace: Pacing,
}

#[derive(Clone, Copy, Debug, PartialEq)]
enum Change {
    Nothing,
    Drop,
    Replace,
    Duplicate(u32),
    /// Of its first octet, where nothing is compressed.
    Corrupt,
    /// Behind so many octets; then the direction ends.
    Truncate(u64, Shut),
}

#[derive(Clone, Copy, Debug, PartialEq)]
enum Wait {
    Nothing,
    User,
    Hook,
    HookThenUser,
}

#[derive(Clone, Copy, Debug, PartialEq)]
enum Pacing {
    Nothing,
    Stall(u64),
    StallForEver,
    Messages,
    Octets,
}

fn said() -> impl Strategy<Value = Said> {
    let change = prop_oneof![
        6 => Just(Change::Nothing),
        1 => Just(Change::Drop),
        1 => Just(Change::Replace),
        1 => (1_u32..3).prop_map(Change::Duplicate),
        1 => Just(Change::Corrupt),
    ];
    let wait = prop_oneof![
        6 => Just(Wait::Nothing),
        2 => Just(Wait::User),
        1 => Just(Wait::Hook),
        1 => Just(Wait::HookThenUser),
    ];
    let pace = prop_oneof![
        20 => Just(Pacing::Nothing),
        1 => (1_u64..20).prop_map(Pacing::Stall),
        1 => Just(Pacing::StallForEver),
        1 => Just(Pacing::Messages),
        1 => Just(Pacing::Octets),
    ];
    let rarely = |strategy| prop::option::weighted(0.15, strategy);
    // Few words, so that messages refer to those before them.
    let sent = (
        "(tick|tock|price|fish){0,12}",
        prop::sample::select(vec![Opcode::Text, Opcode::Binary]),
        any::<bool>(),
        1_usize..4,
        prop::bool::weighted(0.2),
    );
    let fate = (change, rarely(1_u32..4), rarely(1_u32..30), wait, prop::bool::weighted(0.1), pace);
    (sent, fate).prop_map(|((words, opcode, compressed, frames, swallowed), fate)| {
        let (change, reorder, delay, wait, announced, pace) = fate;
        let delay = delay.map(u64::from);
        Said { words, opcode, compressed, frames, swallowed, change, reorder, delay, wait, announced, pace }
    })
}

fn parameters() -> impl Strategy<Value = Option<PermessageDeflate>> {
    let each = (any::<bool>(), any::<bool>(), 9_u8..=15, 9_u8..=15);
    prop::option::of(each.prop_map(|(server, client, one, other)| PermessageDeflate {
        server_no_context_takeover: server,
        client_no_context_takeover: client,
        server_max_window_bits: one,
        client_max_window_bits: other,
    }))
}

/// How a session goes, beside what is said in it.
#[derive(Clone, Debug)]
struct Course {
    direction: Direction,
    deflate: Option<PermessageDeflate>,
    /// Octets that may be held.
    limit: usize,
    /// Into what pieces the bytes are cut, over and over.
    cuts: Vec<usize>,
    /// What is done after each piece, over and over: which of all that waits is settled, if any, and how; and how many
    /// milliseconds go by.
    hands: Vec<(Option<usize>, Hand, u64)>,
    closes: bool,
}

/// What is said, and how that goes.
#[derive(Clone, Debug)]
struct Session {
    said: Vec<Said>,
    course: Course,
}

fn session() -> impl Strategy<Value = Session> {
    (prop::collection::vec(said(), 0..14), course()).prop_map(|(said, course)| Session { said, course })
}

/// The same with room for all that waits, and no close at the end.
fn roomy_session() -> impl Strategy<Value = Session> {
    session().prop_map(|Session { said, course }| Session {
        said,
        course: Course { limit: 1 << 20, closes: false, ..course },
    })
}

impl Session {
    /// Fed, this many pieces of it at the most.
    fn fed(&self, pieces: usize) -> Run<'_> {
        let mut run = Run::new(&self.said, &self.course);
        run.feeds(pieces);
        run
    }

    /// From the beginning to its end. What was stalled for ever is let go on where nothing else would.
    fn over(&self) -> Run<'_> {
        let mut run = Run { lifts: true, ..Run::new(&self.said, &self.course) };
        run.feeds(usize::MAX);
        run.ends();
        run
    }
}

#[derive(Clone, Copy, Debug)]
enum Hand {
    Forward,
    Drop,
    Replace,
}

fn course() -> impl Strategy<Value = Course> {
    let hand = prop_oneof![4 => Just(Hand::Forward), 1 => Just(Hand::Drop), 1 => Just(Hand::Replace)];
    let hands = prop::collection::vec((prop::option::of(0_usize..8), hand, 0_u64..6), 1..12);
    let limit = prop::sample::select(vec![48_usize, 1 << 20, 1 << 20]);
    let cuts = prop::collection::vec(1_usize..120, 1..6);
    (any::<bool>(), parameters(), limit, cuts, hands, any::<bool>()).prop_map(
        |(to_server, deflate, limit, cuts, hands, closes)| {
            let direction = if to_server { Direction::ToServer } else { Direction::ToClient };
            Course { direction, deflate, limit, cuts, hands, closes }
        },
    )
}

const KEY: [u8; 4] = [9, 8, 7, 6];

fn payload(number: usize, words: &str) -> String {
    format!("?{number} {words}")
}

/// The number of the message that a payload is of.
fn number(payload: &[u8]) -> usize {
    let text = std::str::from_utf8(payload).unwrap();
    text[1..].split(' ').next().unwrap().parse().unwrap()
}

/// What the sender sends.
#[derive(Default)]
struct Sent {
    bytes: Vec<u8>,
    /// Where each message begins.
    starts: Vec<u64>,
    /// The data frames of each, without what stands between them.
    raw: Vec<Vec<u8>>,
    /// Where each has ended.
    ends: Vec<usize>,
    /// Pings that are not swallowed, with where they end.
    pings: Vec<(usize, String)>,
}

fn sent(said: &[Said], course: &Course) -> Sent {
    let written = |frame: Written<'_>| match course.direction {
        Direction::ToServer => frame.masked(KEY).to_bytes(),
        Direction::ToClient => frame.to_bytes(),
    };
    let mut deflater = course.deflate.map(|deflate| Deflater::new(&deflate, course.direction));
    let mut sent = Sent::default();
    for (index, one) in said.iter().enumerate() {
        let text = payload(index, &one.words);
        let compressed =
            deflater.as_mut().filter(|_| one.compressed).and_then(|one| one.compress(text.as_bytes()));
        let payload = compressed.as_deref().unwrap_or(text.as_bytes());
        let pieces: Vec<&[u8]> = payload.chunks(payload.len().div_ceil(one.frames)).collect();
        let mut raw = Vec::new();
        for (place, piece) in pieces.iter().enumerate() {
            let ping = if one.swallowed { "swallow".to_owned() } else { format!("{index}.{place}") };
            sent.bytes.extend(written(Written::new(Opcode::Ping, ping.as_bytes())));
            if !one.swallowed {
                sent.pings.push((sent.bytes.len(), ping));
            }
            let mut frame = Written::new(if place == 0 { one.opcode } else { Opcode::Continuation }, piece);
            if place == 0 {
                sent.starts.push(sent.bytes.len() as u64);
                frame = if compressed.is_some() { frame.compressed() } else { frame };
            }
            frame = if place + 1 < pieces.len() { frame.unfinished() } else { frame };
            let bytes = written(frame);
            raw.extend_from_slice(&bytes);
            sent.bytes.extend(bytes);
        }
        sent.raw.push(raw);
        sent.ends.push(sent.bytes.len());
    }
    if course.closes {
        sent.bytes.extend(written(Written::new(Opcode::Close, b"\x03\xe8")));
    }
    sent
}

fn without_control_frames(mut bytes: &[u8]) -> Vec<u8> {
    let mut data = Vec::new();
    while let Some(header) = FrameHeader::parse(bytes) {
        let end = (header.bytes().len() + header.payload_length as usize).min(bytes.len());
        let (frame, rest) = bytes.split_at(end);
        if !header.opcode.is_control() {
            data.extend_from_slice(frame);
        }
        bytes = rest;
    }
    data
}

/// Whether whole messages, and control frames between them, are all that there is.
fn ends_with_a_message(bytes: &[u8]) -> bool {
    let mut walker = FrameWalker::new();
    walker.skip(bytes);
    walker.at_message_boundary()
}

/// What becomes of the messages, and which were asked about.
struct Fates<'a> {
    said: &'a [Said],
    course: &'a Course,
    judged: Vec<usize>,
    held: u64,
}

impl Surroundings for Fates<'_> {
    fn judge(&mut self, passing: &Passing<'_>) -> Vec<Step<Effect>> {
        let payload = passing.payload.unwrap();
        let step = |effect| Step { rule: Some("test".into()), effect };
        if passing.opcode.is_control() {
            return if payload == b"swallow" { vec![step(Effect::Drop)] } else { Vec::new() };
        }
        let number = number(payload);
        assert!(self.judged.last().is_none_or(|last| *last < number), "{number} behind {:?}", self.judged);
        self.judged.push(number);
        self.effects(number).into_iter().map(step).collect()
    }

    fn hold(&mut self) -> u64 {
        self.held += 1;
        self.held
    }

    fn masking_key(&mut self) -> [u8; 4] {
        [1, 2, 3, 4]
    }
}

impl Fates<'_> {
    fn effects(&self, number: usize) -> Vec<Effect> {
        let (one, direction) = (&self.said[number], self.course.direction);
        let mut effects = Vec::new();
        if one.announced {
            let payload = payload(number, "ours").into_bytes();
            effects.push(Effect::Send { direction, opcode: Opcode::Text, payload });
        }
        match one.pace {
            Pacing::Nothing => {}
            Pacing::Stall(millis) => {
                effects.push(Effect::Stall(direction, Some(Duration::from_millis(millis))));
            }
            Pacing::StallForEver => effects.push(Effect::Stall(direction, None)),
            Pacing::Messages => effects.push(Effect::Throttle(direction, Rate::Messages(700.0))),
            Pacing::Octets => effects.push(Effect::Throttle(direction, Rate::Octets(20_000.0))),
        }
        effects.extend(one.reorder.map(Effect::Reorder));
        effects.extend(one.delay.map(|millis| Effect::Delay(Duration::from_millis(millis))));
        match self.change(number) {
            Change::Nothing => {}
            // As for a judge, that is the end.
            Change::Drop => return effects.into_iter().chain([Effect::Drop]).collect(),
            Change::Truncate(octets, shut) => {
                let cut = Effect::Truncate { octets, reset: shut == Shut::Reset };
                return effects.into_iter().chain([cut]).collect();
            }
            Change::Replace => {
                effects.push(Effect::Replace(one.opcode, payload(number, "replaced").into_bytes()));
            }
            Change::Duplicate(times) => effects.push(Effect::Duplicate(times)),
            Change::Corrupt => effects.push(Effect::Corrupt(vec![(0, 1)])),
        }
        let ask = Effect::Ask { hook: "hook".into(), limit: Duration::from_millis(9) };
        match one.wait {
            Wait::Nothing => {}
            Wait::User => effects.push(Effect::Hold),
            Wait::Hook => effects.push(ask),
            Wait::HookThenUser => effects.extend([ask, Effect::Hold]),
        }
        effects
    }

    fn change(&self, number: usize) -> Change {
        match self.said[number].change {
            // What refers to octets that changed on the wire is not read any more.
            Change::Corrupt if self.course.deflate.is_some() => Change::Nothing,
            change => change,
        }
    }

    /// Whether nothing at all is done with it.
    fn is_free(&self, number: usize) -> bool {
        !self.judged.contains(&number) || self.effects(number).is_empty()
    }

    fn is_of_user(&self, number: usize) -> bool {
        let waits = matches!(self.said[number].wait, Wait::User | Wait::HookThenUser);
        let is_asked = !matches!(self.change(number), Change::Drop | Change::Truncate(..));
        waits && is_asked && self.judged.contains(&number)
    }

    fn is_stalled_for_ever(&self) -> bool {
        self.judged.iter().any(|number| self.said[*number].pace == Pacing::StallForEver)
    }
}

/// A session under way.
struct Run<'a> {
    fates: Fates<'a>,
    sent: Sent,
    lane: Lane,
    now: Instant,
    /// What went on.
    out: Vec<u8>,
    /// Octets of what is sent that were fed.
    fed: usize,
    told: Vec<(usize, Done)>,
    /// What waits, the number of each message and whether it is for the user's word, by what it is held under.
    waiting: BTreeMap<u64, (usize, bool)>,
    /// What somebody said of a message.
    verdicts: Vec<(usize, Hand)>,
    /// Whether the rule that stalls for ever is switched off where nothing else would let anything go on.
    lifts: bool,
}

impl<'a> Run<'a> {
    fn new(said: &'a [Said], course: &'a Course) -> Run<'a> {
        let gate = Gate::new(course.direction, course.deflate, History::new(), 0, course.limit);
        Run {
            fates: Fates { said, course, judged: Vec::new(), held: 0 },
            sent: sent(said, course),
            lane: Lane::new(course.direction, gate, course.limit),
            now: Instant::now(),
            out: Vec::new(),
            fed: 0,
            told: Vec::new(),
            waiting: BTreeMap::new(),
            verdicts: Vec::new(),
            lifts: false,
        }
    }

    /// Feeds pieces, this many at the most, with what is done in between; whether there are more.
    fn feeds(&mut self, pieces: usize) -> bool {
        let course = self.fates.course;
        let mut hands = course.hands.iter().cycle();
        for cut in course.cuts.iter().cycle().take(pieces) {
            let (which, hand, millis) = *hands.next().unwrap();
            if self.fed == self.sent.bytes.len() || self.lane.end().is_some() {
                return false;
            }
            if self.lane.may_read() {
                let end = (self.fed + cut).min(self.sent.bytes.len());
                let piece = &self.sent.bytes[self.fed..end];
                let mut room = Room::default();
                let first = self.lane.pass(piece, &mut room, self.now, &mut self.fates);
                self.out.extend_from_slice(first);
                self.fed = end;
                self.take();
            } else if !self.goes_on(hand) {
                return false;
            }
            let place = which.filter(|_| !self.waiting.is_empty()).map(|which| which % self.waiting.len());
            if let Some(held) = place.and_then(|place| self.waiting.keys().nth(place).copied()) {
                self.settle(held, hand);
            }
            self.at(self.now + Duration::from_millis(millis));
        }
        true
    }

    /// Something goes on: what the user is asked about, or what is due next. Whether something will.
    fn goes_on(&mut self, hand: Hand) -> bool {
        let held = self.waiting.iter().find(|(_, (_, user))| *user).map(|(held, _)| *held);
        match (held, self.lane.wake_at()) {
            (Some(held), _) => self.settle(held, hand),
            (None, Some(time)) => self.at(time),
            (None, None) if self.lifts => self.lift(),
            (None, None) => {
                assert!(self.fates.is_stalled_for_ever(), "nothing would ever go on");
                return false;
            }
        }
        true
    }

    /// The rule that stalls for ever is switched off.
    fn lift(&mut self) {
        assert!(self.fates.is_stalled_for_ever(), "nothing would ever go on");
        self.lane.lift(&rule("test"), self.now, &mut self.fates);
        self.take();
    }

    fn at(&mut self, time: Instant) {
        self.now = time;
        self.lane.run(self.now, &mut self.fates);
        self.take();
    }

    fn settle(&mut self, held: u64, hand: Hand) {
        let (number, _) = self.waiting.remove(&held).unwrap();
        let verdict = match hand {
            Hand::Forward => Verdict::FORWARD,
            Hand::Drop => Verdict::DROP,
            Hand::Replace => {
                let settled = payload(number, "settled").into_bytes();
                Verdict { replacement: Some((self.fates.said[number].opcode, settled)), times: 1 }
            }
        };
        self.verdicts.push((number, hand));
        assert!(self.lane.settle(held, verdict, Who::User, self.now, &mut self.fates));
        self.take();
    }

    /// Takes what came of it.
    fn take(&mut self) {
        self.out.extend(self.lane.take_out());
        for Told { offset, held, what, .. } in self.lane.take_told() {
            let Some(offset) = offset else { continue };
            let Some(number) = self.sent.starts.iter().position(|one| *one == offset) else {
                let is_control = self.sent.bytes[offset as usize] & 0x08 != 0;
                assert!(is_control, "{what:?} at {offset}, where none of {:?} begins", self.sent.starts);
                continue;
            };
            match what {
                Done::Held => drop(self.waiting.insert(held.unwrap(), (number, true))),
                Done::Asked { .. } => drop(self.waiting.insert(held.unwrap(), (number, false))),
                // A hook's time may be over.
                Done::Released | Done::Dropped | Done::Replaced(..) if held.is_some() => {
                    self.waiting.remove(&held.unwrap());
                }
                _ => {}
            }
            self.told.push((number, what));
        }
    }

    /// To the end, with nothing waiting any more.
    fn ends(&mut self) {
        if self.lane.end().is_some() {
            return;
        }
        if self.lifts && self.fates.is_stalled_for_ever() {
            self.lift();
            if self.lane.end().is_some() {
                return;
            }
        }
        let mut hands = self.fates.course.hands.iter().map(|(_, hand, _)| *hand).cycle();
        self.lane.ended(Shut::Fin, self.now, &mut self.fates);
        self.take();
        while self.lane.end().is_none() {
            assert!(self.goes_on(hands.next().unwrap()), "it never ends");
        }
    }

    /// How many messages came, whole.
    fn came(&self) -> usize {
        self.sent.ends.iter().filter(|end| **end <= self.fed).count()
    }

    /// What should arrive of a message: each time with its payload.
    fn expected(&self, number: usize) -> Vec<String> {
        let original = payload(number, &self.fates.said[number].words);
        if !self.fates.judged.contains(&number) {
            return vec![original];
        }
        let change = self.fates.change(number);
        let (mut text, mut times) = match change {
            Change::Drop => return Vec::new(),
            Change::Replace => (payload(number, "replaced"), 1),
            Change::Duplicate(more) => (original, 1 + more as usize),
            Change::Nothing | Change::Corrupt | Change::Truncate(..) => (original, 1),
        };
        for (_, hand) in self.verdicts.iter().filter(|(of, _)| *of == number) {
            match hand {
                Hand::Forward => {}
                Hand::Drop => times = 0,
                Hand::Replace => (text, times) = (payload(number, "settled"), 1),
            }
        }
        if change == Change::Corrupt {
            text.replace_range(..1, ">");
        }
        vec![text; times]
    }

    fn arrived(&self) -> Arrived {
        let mut arrived = Arrived::default();
        let Course { direction, deflate, .. } = *self.fates.course;
        let mut reader = MessageReader::new(direction, deflate, OtherExtension::None, 1 << 30);
        reader.read(&self.out, &mut Scratch::new(), &mut arrived);
        arrived
    }
}

/// What arrives: the payloads, in order.
#[derive(Default)]
struct Arrived {
    parts: [Vec<u8>; 2],
    /// Of messages, but for those of ours.
    data: Vec<(Opcode, String)>,
    /// Of ours, with the number of messages that came before.
    ours: Vec<(usize, usize)>,
    pings: Vec<String>,
    /// The last is a close frame.
    closed: bool,
    wrong: Vec<Violation>,
}

impl Sink for Arrived {
    fn frame(&mut self, _: &FrameHeader, _: u64) {}

    fn payload(&mut self, part: Part, bytes: &[u8]) {
        self.parts[usize::from(part == Part::Data)].extend_from_slice(bytes);
    }

    fn violation(&mut self, _: Part, violation: Violation) {
        self.wrong.push(violation);
    }

    fn finished(&mut self, part: Part, finished: &Finished) {
        let payload = std::mem::take(&mut self.parts[usize::from(part == Part::Data)]);
        self.closed = finished.opcode == Opcode::Close;
        if self.closed {
            return;
        }
        let text = String::from_utf8(payload).unwrap();
        match finished.opcode {
            Opcode::Ping => self.pings.push(text),
            _ if text.ends_with(" ours") => self.ours.push((number(text.as_bytes()), self.data.len())),
            opcode => self.data.push((opcode, text)),
        }
    }

    fn raw(&mut self, bytes: &[u8]) {
        panic!("not a frame: {bytes:?}");
    }
}

impl Arrived {
    /// What came of the message of this number.
    fn of(&self, number: usize) -> Vec<String> {
        let of = |text: &&String| self::number(text.as_bytes()) == number;
        self.data.iter().map(|(_, text)| text).filter(of).cloned().collect()
    }
}

impl Run<'_> {
    /// Each message that is complete, but for `cut`, arrived as it should, or it is told that it did not.
    fn nothing_is_lost_in_silence(&self, arrived: &Arrived, cut: Option<usize>) -> Result<(), TestCaseError> {
        prop_assert!(arrived.wrong.is_empty(), "{:?}", arrived.wrong);
        for number in (0..self.came()).filter(|number| cut != Some(*number)) {
            let got = arrived.of(number);
            let is_dropped = self.told.contains(&(number, Done::Dropped));
            prop_assert!(got == self.expected(number) || (got.is_empty() && is_dropped), "{number}: {got:?}");
        }
        Ok(())
    }

    /// Each message that is complete arrived as often as it should, and as what it should.
    fn nothing_is_lost(&self, arrived: &Arrived) -> Result<(), TestCaseError> {
        prop_assert!(arrived.wrong.is_empty(), "{:?}", arrived.wrong);
        let pings = arrived.pings.iter().filter(|ping| *ping != "swallow").count();
        prop_assert_eq!(pings, self.sent.pings.iter().filter(|(end, _)| *end <= self.fed).count());
        let data = without_control_frames(&self.out);
        for number in 0..self.came() {
            prop_assert_eq!(arrived.of(number), self.expected(number), "message {}", number);
            let opcode = self.fates.said[number].opcode;
            let mut of = arrived.data.iter().filter(|(_, text)| self::number(text.as_bytes()) == number);
            prop_assert!(of.all(|(one, _)| *one == opcode));
            let announced = self.fates.said[number].announced && self.fates.judged.contains(&number);
            let ours = arrived.ours.iter().filter(|(of, _)| *of == number).count();
            prop_assert_eq!(ours, usize::from(announced));
            if self.fates.is_free(number) && self.fates.course.deflate.is_none() {
                let raw = &self.sent.raw[number];
                let whole = data.windows(raw.len()).any(|part| part == raw);
                prop_assert!(whole || self.fates.course.limit < 1 << 20, "{} is not as it came", number);
            }
        }
        Ok(())
    }

    /// Messages are in the order in which they came, but for those that were to go behind others, or were let go by hand.
    fn nothing_is_reordered(&self, arrived: &Arrived) -> Result<(), TestCaseError> {
        let mut order: Vec<usize> = arrived.data.iter().map(|(_, text)| number(text.as_bytes())).collect();
        order.dedup();
        for (place, later) in order.iter().enumerate() {
            for earlier in order[place + 1..].iter().filter(|earlier| *earlier < later) {
                let put_back =
                    self.fates.said[*earlier].reorder.filter(|_| self.fates.judged.contains(earlier));
                prop_assert!(
                    put_back.is_some() || self.fates.is_of_user(*later),
                    "{later} before {earlier}: {order:?}"
                );
            }
        }
        for (place, number) in order.iter().enumerate() {
            let passed = order[..place].iter().filter(|one| *one > number && !self.fates.is_of_user(**one));
            let most = self.fates.said[*number].reorder.unwrap_or_default() as usize;
            let bounded = self.fates.course.limit == 1 << 20 && !self.fates.is_of_user(*number);
            prop_assert!(!bounded || passed.count() <= most, "{number} too late: {order:?}");
        }
        for (number, before) in &arrived.ours {
            let own = arrived.data.iter().position(|(_, text)| self::number(text.as_bytes()) == *number);
            let by_hand = self.fates.is_of_user(*number);
            prop_assert!(by_hand || own.is_none_or(|own| *before <= own), "{number} before its announcement");
        }
        let pings: Vec<&String> = arrived.pings.iter().filter(|ping| *ping != "swallow").collect();
        let sent = self.sent.pings.iter().map(|(_, ping)| ping).take(pings.len());
        prop_assert_eq!(&pings, &sent.collect::<Vec<_>>());
        prop_assert!(self.fates.course.limit < 1 << 20 || arrived.pings.len() == pings.len());
        Ok(())
    }

    /// What was done is told once, of the message that it was done to.
    fn all_is_told(&self) -> Result<(), TestCaseError> {
        for number in 0..self.fates.said.len() {
            let one = &self.fates.said[number];
            let told: Vec<&Done> =
                self.told.iter().filter(|(of, _)| *of == number).map(|(_, what)| what).collect();
            let count = |kind: fn(&Done) -> bool| told.iter().filter(|what| kind(what)).count();
            if !self.fates.judged.contains(&number) {
                // It was too long to be kept.
                prop_assert_eq!(told, [&Done::Unjudged]);
                continue;
            }
            let hands = |kind: fn(&Hand) -> bool| {
                self.verdicts.iter().filter(|(of, hand)| *of == number && kind(hand)).count()
            };
            let change = self.fates.change(number);
            let drops = usize::from(change == Change::Drop) + hands(|hand| matches!(hand, Hand::Drop));
            prop_assert_eq!(count(|what| *what == Done::Dropped), drops);
            let edits = usize::from(change == Change::Replace) + hands(|hand| matches!(hand, Hand::Replace));
            prop_assert_eq!(count(|what| matches!(what, Done::Replaced(..))), edits);
            let more = usize::from(matches!(change, Change::Duplicate(_)));
            prop_assert_eq!(count(|what| matches!(what, Done::Duplicated(_))), more);
            let late = usize::from(one.delay.is_some());
            prop_assert_eq!(count(|what| matches!(what, Done::Delayed(_))), late);
            let waits = count(|what| matches!(what, Done::Held | Done::Asked { .. }));
            let settled =
                count(|what| *what == Done::Released) + hands(|hand| !matches!(hand, Hand::Forward));
            prop_assert_eq!(waits, settled, "{:?}", &told);
            if change != Change::Drop && one.wait == Wait::HookThenUser {
                let dropped_by_hook = waits == 1 && hands(|hand| matches!(hand, Hand::Drop)) == 1;
                prop_assert!(waits == 2 || dropped_by_hook, "the user was not asked: {:?}", &told);
            }
        }
        Ok(())
    }
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 300, ..ProptestConfig::default() })]

    #[test]
    fn no_act_loses_or_reorders_anything_else(session in session()) {
        let run = session.over();
        let arrived = run.arrived();
        run.nothing_is_lost(&arrived)?;
        run.nothing_is_reordered(&arrived)?;
        run.all_is_told()?;
        // The sender's own close comes last.
        prop_assert_eq!(arrived.closed, session.course.closes);
    }

    /// Where nothing is done, every byte goes on as it came, those of control frames between fragments included.
    #[test]
    fn what_nothing_is_done_with_goes_on_byte_for_byte(mut session in session()) {
        let untouched = |one| Said {
            swallowed: false,
            change: Change::Nothing,
            reorder: None,
            delay: None,
            wait: Wait::Nothing,
            announced: false,
            pace: Pacing::Nothing,
            ..one
        };
        session.said = session.said.into_iter().map(untouched).collect();
        let run = session.over();
        prop_assert_eq!(run.out.escape_ascii().to_string(), run.sent.bytes.escape_ascii().to_string());
        prop_assert!(run.told.iter().all(|(_, what)| *what == Done::Unjudged), "{:?}", run.told);
    }

    /// When there is no time left, all that has come goes on at once, in order, unless it was to be stalled for ever.
    #[test]
    fn in_a_hurry_nothing_stays_behind(session in roomy_session(), pieces in 0_usize..30) {
        let mut run = session.fed(pieces);
        let before = run.out.len();
        run.lane.hurry(&Who::Proxy, run.now, &mut run.fates);
        run.take();
        let arrived = run.arrived();
        run.nothing_is_reordered(&arrived)?;
        prop_assert!(run.waiting.is_empty(), "{:?}", run.waiting);
        if run.fates.is_stalled_for_ever() {
            prop_assert_eq!(run.out.len(), before);
        } else {
            run.nothing_is_lost(&arrived)?;
        }
    }

    /// Behind a close of ours nothing of the sender goes on, and what went before is as it should be.
    #[test]
    fn behind_a_close_of_ours_nothing_goes_on(session in roomy_session(), pieces in 0_usize..30) {
        let mut run = session.fed(pieces);
        let close = message(session.course.direction, Opcode::Close, b"\x0f\xa1", [0; 4]);
        let before = run.out.len();
        run.lane.close(close.clone(), Who::User, run.now, &mut run.fates);
        run.take();
        prop_assert_eq!(run.out[before..].escape_ascii().to_string(), close.escape_ascii().to_string());
        prop_assert!(run.waiting.is_empty(), "{:?}", run.waiting);
        run.feeds(usize::MAX);
        run.ends();
        prop_assert_eq!(run.out.len(), before + close.len());
        let arrived = run.arrived();
        prop_assert!(arrived.closed);
        run.nothing_is_lost_in_silence(&arrived, None)?;
        run.nothing_is_reordered(&arrived)?;
    }

    /// Behind a cut nothing goes on, what went before is as it should be, and of the message itself goes on what was said.
    #[test]
    fn a_cut_is_the_last_that_goes_on(
        mut session in session(),
        place in any::<prop::sample::Index>(),
        octets in 0_u64..100,
        reset in any::<bool>(),
    ) {
        if session.said.is_empty() {
            return Ok(());
        }
        let cut = place.index(session.said.len());
        let shut = if reset { Shut::Reset } else { Shut::Fin };
        session.said[cut].change = Change::Truncate(octets, shut);
        let run = session.over();
        let arrived = run.arrived();
        if !run.fates.judged.contains(&cut) {
            // It was too long to be kept.
            run.nothing_is_lost(&arrived)?;
            return run.nothing_is_reordered(&arrived);
        }
        prop_assert_eq!(run.lane.end(), Some(shut));
        prop_assert!(!arrived.closed);
        run.nothing_is_lost_in_silence(&arrived, Some(cut))?;
        run.nothing_is_reordered(&arrived)?;
        let came = |number: usize| !arrived.of(number).is_empty() || run.expected(number).is_empty();
        let dropped = |number: usize| run.verdicts.iter().any(|(of, hand)| *of == number && matches!(hand, Hand::Drop));
        for number in 0..cut {
            let may_be_behind = session.said[number].reorder.is_some();
            prop_assert!(came(number) || dropped(number) || may_be_behind, "{number} was before the cut");
        }
        for number in (cut + 1..session.said.len()).filter(|number| !arrived.of(*number).is_empty()) {
            let may_be_before = session.said[cut].reorder.is_some() || run.fates.is_of_user(number);
            prop_assert!(may_be_before, "{number} was behind the cut");
        }
        let raw = &run.sent.raw[cut];
        let kept = raw.len().min(octets as usize);
        if session.course.deflate.is_none() {
            let before = run.out.strip_suffix(&raw[..kept]);
            prop_assert!(before.is_some_and(ends_with_a_message), "{:?}", run.out);
        }
        let last = (0..=run.out.len()).rev().find(|end| ends_with_a_message(&run.out[..*end])).unwrap();
        prop_assert!(run.out.len() - last <= octets as usize);
    }

    /// Behind the message that stalls it, a direction gives nothing more, also when the proxy is in a hurry; and what did
    /// not go on is told.
    #[test]
    fn a_direction_stalled_for_ever_gives_nothing_more(
        mut session in roomy_session(),
        place in any::<prop::sample::Index>(),
        pieces in 0_usize..30,
        more in 0_usize..30,
        hurries in any::<bool>(),
    ) {
        if session.said.is_empty() {
            return Ok(());
        }
        let stalls = place.index(session.said.len());
        session.said[stalls].pace = Pacing::StallForEver;
        let mut run = session.fed(pieces);
        if !run.fates.is_stalled_for_ever() {
            // It has not come.
            return Ok(());
        }
        let before = run.out.len();
        // Perhaps to the middle of a message.
        run.feeds(more);
        if hurries {
            run.lane.hurry(&Who::Proxy, run.now, &mut run.fates);
            run.take();
        }
        run.ends();
        prop_assert_eq!(run.out[before..].escape_ascii().to_string(), "");
        prop_assert_eq!(run.lane.end(), Some(Shut::Fin));
        let arrived = run.arrived();
        prop_assert!(arrived.of(stalls).is_empty());
        run.nothing_is_lost_in_silence(&arrived, None)?;
        run.nothing_is_reordered(&arrived)?;
    }
}
