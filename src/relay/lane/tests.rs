//! A lane, one step after the other; and many at random: whatever is done to some messages, the receiver gets all others
//! as they were, in order.

mod mixes;

use proptest::prelude::*;

use super::*;
use crate::ws::encode::{deflated, message};
use crate::ws::inflate::History;
use crate::ws::message::{Finished, MessageReader, Part, Scratch, Sink};
use crate::ws::{Deflater, FrameHeader, OtherExtension, PermessageDeflate, Violation};

/// What the rules of a test want done with a message, by its payload.
type Rules = Vec<(&'static str, Effect)>;

struct World {
    rules: Rules,
    held: u64,
}

impl Surroundings for World {
    fn judge(&mut self, passing: &Passing<'_>) -> Vec<Step<Effect>> {
        let rules = self.rules.iter().filter(|(payload, _)| passing.payload == Some(payload.as_bytes()));
        rules.map(|(_, effect)| Step { rule: Some("test".into()), effect: effect.clone() }).collect()
    }

    fn hold(&mut self) -> u64 {
        self.held += 1;
        self.held
    }

    fn masking_key(&mut self) -> [u8; 4] {
        [0; 4]
    }
}

/// A conversation with a lane of a server's messages.
struct Dialogue {
    lane: Lane,
    world: World,
    start: Instant,
    now: Instant,
    told: Vec<Done>,
}

fn dialogue(rules: Rules) -> Dialogue {
    let gate = Gate::new(Direction::ToClient, None, History::new(), 0, 1 << 20);
    let now = Instant::now();
    Dialogue {
        lane: Lane::new(Direction::ToClient, gate, 1 << 20),
        world: World { rules, held: 0 },
        start: now,
        now,
        told: Vec::new(),
    }
}

fn rule(name: &str) -> Who {
    Who::Rule(name.into())
}

fn text(payload: &str) -> Vec<u8> {
    message(Direction::ToClient, Opcode::Text, payload.as_bytes(), [0; 4])
}

impl Dialogue {
    fn says(self, payload: &str) -> Dialogue {
        self.sends(&text(payload))
    }

    fn sends(mut self, bytes: &[u8]) -> Dialogue {
        self.lane.feed(bytes, self.now, &mut self.world);
        self
    }

    /// So many milliseconds after the beginning.
    fn at(mut self, millis: u64) -> Dialogue {
        self.now = self.start + Duration::from_millis(millis);
        self.lane.run(self.now, &mut self.world);
        self
    }

    fn settles(mut self, held: u64, verdict: Verdict) -> Dialogue {
        assert!(self.lane.settle(held, verdict, Who::User, self.now, &mut self.world));
        self
    }

    /// What the rule of a test began is over.
    fn lifts(mut self) -> Dialogue {
        self.lane.lift(&rule("test"), self.now, &mut self.world);
        self
    }

    fn ends(mut self, shut: Shut) -> Dialogue {
        self.lane.ended(shut, self.now, &mut self.world);
        self
    }

    /// What goes on is these messages, and nothing else.
    #[track_caller]
    fn gives(mut self, payloads: &[&str]) -> Dialogue {
        let expected: Vec<u8> = payloads.iter().flat_map(|payload| text(payload)).collect();
        assert_eq!(self.lane.take_out().escape_ascii().to_string(), expected.escape_ascii().to_string());
        self
    }

    #[track_caller]
    fn gives_bytes(mut self, bytes: &[u8]) -> Dialogue {
        assert_eq!(self.lane.take_out().escape_ascii().to_string(), bytes.escape_ascii().to_string());
        self
    }

    #[track_caller]
    fn tells(mut self, expected: &[Done]) -> Dialogue {
        self.told = self.lane.take_told().into_iter().map(|told| told.what).collect();
        assert_eq!(self.told, expected);
        self
    }
}

#[test]
fn a_held_message_holds_back_what_is_behind_it() {
    dialogue(vec![("a", Effect::Hold)])
        .says("a")
        .says("b")
        .tells(&[Done::Held])
        .gives(&[])
        .settles(1, Verdict::FORWARD)
        .tells(&[Done::Released])
        .gives(&["a", "b"]);
}

#[test]
fn one_that_is_let_go_by_hand_may_overtake() {
    dialogue(vec![("a", Effect::Hold), ("b", Effect::Hold)])
        .says("a")
        .says("b")
        .says("c")
        .settles(2, Verdict::FORWARD)
        .gives(&["b"])
        .settles(1, Verdict::DROP)
        .gives(&["c"])
        .tells(&[Done::Held, Done::Held, Done::Released, Done::Dropped]);
}

#[test]
fn one_that_is_let_go_by_hand_overtakes_what_waits_behind_the_held_too() {
    dialogue(vec![("a", Effect::Hold), ("c", Effect::Hold)])
        .says("a")
        .says("b")
        .says("c")
        .settles(2, Verdict::FORWARD)
        .gives(&["c"])
        .settles(1, Verdict::FORWARD)
        .gives(&["a", "b"]);
    // What waits for its time is not overtaken.
    dialogue(vec![("a", Effect::Delay(Duration::from_millis(9))), ("b", Effect::Hold)])
        .says("a")
        .says("b")
        .settles(1, Verdict::FORWARD)
        .gives(&[])
        .at(9)
        .gives(&["a", "b"]);
}

#[test]
fn control_frames_pass_what_is_held_and_a_close_does_not() {
    dialogue(vec![("a", Effect::Hold)])
        .says("a")
        .sends(b"\x89\x01p\x88\x02\x03\xe8")
        .gives_bytes(b"\x89\x01p")
        .settles(1, Verdict::FORWARD)
        .gives_bytes(b"\x81\x01a\x88\x02\x03\xe8");
}

#[test]
fn the_end_of_the_sender_waits_behind_what_is_held() {
    let held = dialogue(vec![("a", Effect::Hold)]).says("a").ends(Shut::Fin).gives(&[]);
    assert_eq!(held.lane.end(), None);
    let over = held.settles(1, Verdict::FORWARD).gives(&["a"]);
    assert_eq!(over.lane.end(), Some(Shut::Fin));
    let reset = dialogue(vec![("a", Effect::Hold)]).says("a").ends(Shut::Reset).gives(&[]);
    assert_eq!(reset.lane.end(), Some(Shut::Reset));
    reset.tells(&[Done::Held, Done::Dropped]);
}

#[test]
fn a_delayed_message_goes_when_it_is_due_and_those_behind_it_after_it() {
    let time = Duration::from_millis(100);
    let waits = dialogue(vec![("a", Effect::Delay(time))]).says("a").says("b").gives(&[]).at(99).gives(&[]);
    assert_eq!(waits.lane.wake_at(), Some(waits.start + time));
    let gone = waits.at(100).gives(&["a", "b"]).tells(&[Done::Delayed(time)]);
    assert_eq!(gone.lane.wake_at(), None);
}

/// Each that comes would take minutes in all, if what waits already were looked through for it.
#[test]
fn a_flood_waits_and_goes_on_in_order_and_its_sender_waits_where_that_is_too_many() {
    const MANY: usize = 100_000;
    let limit = Duration::from_secs(1);
    let ask = Effect::Ask { hook: "hook".into(), limit };
    for effect in [Effect::Hold, Effect::Delay(limit), ask] {
        let words = ["a", "b", "c", "d", "e", "f", "g"];
        let flood: Vec<u8> = words.iter().cycle().take(MANY).flat_map(|word| text(word)).collect();
        let mut dialogue = dialogue(words.map(|word| (word, effect.clone())).to_vec());
        let (few, many) = flood.split_at(flood.len() / 2);
        dialogue = dialogue.sends(few);
        assert!(dialogue.lane.may_read());
        dialogue = dialogue.sends(many).gives(&[]);
        assert!(!dialogue.lane.may_read(), "{MANY} messages wait");
        dialogue = dialogue.at(1000);
        dialogue.lane.release_all(&Who::User, dialogue.now, &mut dialogue.world);
        assert!(dialogue.lane.take_out() == flood);
        assert!(dialogue.lane.may_read());
    }
}

#[test]
fn a_throttled_direction_keeps_its_rate_and_lets_its_sender_wait() {
    let rate = Rate::Messages(10.0);
    let mut slow = dialogue(vec![("a", Effect::Throttle(Direction::ToClient, rate))])
        .says("a")
        .says("b")
        .says("c")
        .gives(&["a"])
        .at(99)
        .gives(&[])
        .at(100)
        .gives(&["b"])
        .at(250)
        .gives(&["c"]);
    assert!(slow.lane.may_read());
    slow = slow.says(&"x".repeat(40_000)).says(&"y".repeat(40_000));
    assert!(!slow.lane.may_read() || slow.lane.queue.is_empty());
}

#[test]
fn a_message_goes_on_when_its_last_octet_is_due() {
    let rate = Effect::Throttle(Direction::ToClient, Rate::Octets(100.0));
    dialogue(vec![("a", rate)])
        .says("a")
        .says("12345678")
        .gives(&[])
        .at(29)
        .gives(&[])
        .at(30)
        .gives(&["a"])
        .at(129)
        .gives(&[])
        .at(130)
        .gives(&["12345678"])
        // A line that was idle has saved nothing up.
        .at(500)
        .says("b")
        .gives(&[])
        .at(530)
        .gives(&["b"]);
}

#[test]
fn a_stalled_direction_gives_nothing_until_it_is_over() {
    let stall = Effect::Stall(Direction::ToClient, Some(Duration::from_millis(50)));
    dialogue(vec![("a", stall)])
        .says("a")
        .sends(b"\x89\x00")
        .gives(&[])
        .at(50)
        .gives_bytes(b"\x81\x01a\x89\x00");
    let ever =
        dialogue(vec![("a", Effect::Stall(Direction::ToClient, None))]).says("a").at(1 << 30).gives(&[]);
    assert_eq!(ever.ends(Shut::Fin).lane.end(), Some(Shut::Fin));
    // Nor does what came of a message by the end.
    let stall = Effect::Stall(Direction::ToClient, None);
    let ever =
        dialogue(vec![("a", stall)]).says("a").sends(IN_TWO).sends(&IN_TWO[..7]).ends(Shut::Fin).gives(&[]);
    let dropped = [Done::Stalled(None), Done::Dropped, Done::Dropped, Done::Dropped, Done::Dropped];
    assert_eq!(ever.tells(&dropped).lane.end(), Some(Shut::Fin));
}

#[test]
fn a_stall_that_is_lifted_lets_all_go_on_in_order() {
    for time in [None, Some(Duration::from_secs(50))] {
        let stall = Effect::Stall(Direction::ToClient, time);
        let lifted = dialogue(vec![("a", stall)])
            .says("a")
            .says("b")
            .sends(b"\x89\x00")
            .gives(&[])
            .tells(&[Done::Stalled(time)])
            .lifts()
            .tells(&[Done::Lifted])
            .gives_bytes(b"\x81\x01a\x81\x01b\x89\x00");
        assert!(lifted.lane.can_leave());
        lifted.lifts().tells(&[]);
    }
}

#[test]
fn a_stall_that_is_over_by_itself_is_not_lifted() {
    let stall = Effect::Stall(Direction::ToClient, Some(Duration::from_millis(50)));
    let over = dialogue(vec![("a", stall)]).says("a").at(50).gives(&["a"]).at(60).lifts();
    over.tells(&[Done::Stalled(Some(Duration::from_millis(50)))]);
    let mut nothing_came = dialogue(vec![]);
    nothing_came.lane.stall(rule("test"), Some(Duration::from_millis(50)), nothing_came.now);
    nothing_came.at(50).lifts().tells(&[]);
}

#[test]
fn a_slower_pace_that_is_lifted_lets_all_go_on_at_once() {
    for rate in [Rate::Messages(0.01), Rate::Octets(0.1)] {
        let throttle = Effect::Throttle(Direction::ToClient, rate);
        let lifted = dialogue(vec![("b", throttle)])
            .says("a")
            .says("b")
            .says("c")
            .lifts()
            .gives(&["a", "b", "c"])
            .says("d")
            .gives(&["d"])
            .tells(&[Done::Throttled(rate), Done::Lifted]);
        assert!(lifted.lane.can_leave());
    }
}

#[test]
fn a_direction_that_two_rules_hold_up_goes_on_as_the_one_that_stays_has_it() {
    let mut two = dialogue(vec![("a", Effect::Stall(Direction::ToClient, None))]).says("a").says("b");
    two.lane.stall(rule("other"), Some(Duration::from_millis(50)), two.now);
    let two = two.lifts().gives(&[]).at(49).gives(&[]).at(50).gives(&["a", "b"]);
    assert!(two.at(51).says("c").gives(&["c"]).lane.can_leave());
    // A shorter one does not end it.
    let mut two = dialogue(vec![("a", Effect::Stall(Direction::ToClient, None))]).says("a");
    two.lane.stall(rule("other"), Some(Duration::from_millis(50)), two.now);
    two.at(60).gives(&[]).lifts().gives(&["a"]);
    // The later word on the pace holds, then the earlier again.
    let slow = Effect::Throttle(Direction::ToClient, Rate::Messages(0.01));
    let mut two = dialogue(vec![("b", slow)]);
    two.lane.throttle(rule("other"), Rate::Messages(10.0));
    let two =
        two.says("a").gives(&["a"]).says("b").says("c").at(100).gives(&["b"]).at(200).gives(&[]).lifts();
    let two = two.gives(&["c"]).says("d").at(299).gives(&[]).at(300).gives(&["d"]);
    assert!(!two.lane.can_leave());
}

#[test]
fn a_message_goes_behind_others() {
    dialogue(vec![("a", Effect::Reorder(2))])
        .says("a")
        .says("b")
        .gives(&["b"])
        .says("c")
        .says("d")
        .gives(&["c", "a", "d"]);
    // Where none follows, it goes with the end.
    dialogue(vec![("a", Effect::Reorder(2))]).says("a").gives(&[]).ends(Shut::Fin).gives(&["a"]);
}

#[test]
fn a_message_that_is_to_go_behind_others_goes_before_a_close() {
    dialogue(vec![("a", Effect::Reorder(2))])
        .says("a")
        .says("b")
        .gives(&["b"])
        .sends(b"\x88\x02\x03\xe8")
        .gives_bytes(b"\x81\x01a\x88\x02\x03\xe8");
}

#[test]
fn where_there_is_no_room_for_those_to_go_before_it_a_message_goes() {
    let gate = Gate::new(Direction::ToClient, None, History::new(), 0, 12);
    let mut small = dialogue(vec![("aaaa", Effect::Reorder(3)), ("bbbb", Effect::Reorder(3))]);
    small.lane = Lane::new(Direction::ToClient, gate, 12);
    let small = small.says("aaaa").says("c").gives(&["c"]).says("bbbb").gives(&["aaaa", "bbbb"]);
    assert!(small.lane.may_read());
    // A slow direction has room for little, and reads on.
    let long = std::str::from_utf8(&[b'x'; SLOW_ROOM]).unwrap();
    let throttle = Effect::Throttle(Direction::ToClient, Rate::Messages(1000.0));
    assert!(dialogue(vec![(long, throttle), (long, Effect::Reorder(1))]).says(long).lane.may_read());
}

#[test]
fn messages_are_dropped_doubled_and_replaced() {
    let other = Effect::Replace(Opcode::Text, b"other".to_vec());
    dialogue(vec![
        ("a", Effect::Drop),
        ("b", Effect::Duplicate(2)),
        ("c", other),
        ("c", Effect::Duplicate(1)),
    ])
    .says("a")
    .says("b")
    .says("c")
    .gives(&["b", "b", "b", "other", "other"]);
}

#[test]
fn a_ping_is_swallowed_or_changed() {
    let changed = Effect::Replace(Opcode::Ping, b"other".to_vec());
    dialogue(vec![("a", Effect::Drop), ("b", changed)])
        .sends(b"\x89\x01a\x89\x01b\x89\x01c")
        .gives_bytes(b"\x89\x05other\x89\x01c");
}

#[test]
fn octets_are_changed_on_the_wire() {
    dialogue(vec![("abc", Effect::Corrupt(vec![(0, 0x20), (2, 0x80), (9, 1)]))])
        .says("abc")
        .gives_bytes(b"\x81\x03Ab\xe3");
}

#[test]
fn a_frame_is_cut_and_the_direction_ends() {
    let cut = Effect::Truncate { octets: 4, reset: true };
    let over = dialogue(vec![("abc", cut)]).says("abc").says("more").gives_bytes(b"\x81\x03ab");
    assert_eq!(over.lane.end(), Some(Shut::Reset));
}

#[test]
fn frames_of_our_own_go_before_the_message_that_they_are_for() {
    let send =
        Effect::Send { direction: Direction::ToClient, opcode: Opcode::Text, payload: b"mine".to_vec() };
    dialogue(vec![("a", send)]).says("a").gives(&["mine", "a"]);
}

#[test]
fn what_is_sent_by_hand_passes_what_is_held_and_enters_no_message() {
    let mut under_way = dialogue(vec![("a", Effect::Hold)]).says("a");
    under_way.lane.send(text("mine"), Who::User, under_way.now, &mut under_way.world);
    under_way.gives(&["mine"]);
    // A message too long to be held flows while it comes: nothing may go into it but control frames.
    let mut flows =
        dialogue(vec![]).sends(b"\x01\x7f\x00\x00\x00\x00\x00\x20\x00\x00").sends(&[b'x'; 1 << 21]);
    assert!(!flows.lane.take_out().is_empty());
    flows.lane.send(text("mine"), Who::User, flows.now, &mut flows.world);
    flows.lane.send(b"\x89\x00".to_vec(), Who::User, flows.now, &mut flows.world);
    flows.gives_bytes(b"\x89\x00").sends(b"\x80\x00").gives_bytes(b"\x80\x00\x81\x04mine");
}

#[test]
fn what_is_sent_by_hand_goes_before_the_end_of_a_slow_direction() {
    let rate = Effect::Throttle(Direction::ToClient, Rate::Messages(10.0));
    let mut slow = dialogue(vec![("a", rate)]).says("a").gives(&["a"]);
    slow.lane.send(text("mine"), Who::User, slow.now, &mut slow.world);
    let slow = slow.ends(Shut::Fin).gives(&[]);
    assert_eq!(slow.lane.end(), None);
    let over = slow.at(100).gives(&["mine"]);
    assert_eq!(over.lane.end(), Some(Shut::Fin));
    // Where the sender ends in the middle of a message, there is no place for it.
    let mut cut = dialogue(vec![]).sends(b"\x01\x7f\x00\x00\x00\x00\x00\x20\x00\x00").sends(&[b'x'; 1 << 20]);
    cut.lane.send(text("mine"), Who::User, cut.now, &mut cut.world);
    let cut = cut.ends(Shut::Fin);
    assert_eq!(cut.lane.end(), Some(Shut::Fin));
}

#[test]
fn a_hook_that_does_not_answer_in_time_lets_the_message_go() {
    let limit = Duration::from_millis(30);
    let asked =
        dialogue(vec![("a", Effect::Ask { hook: "hook".into(), limit })]).says("a").says("b").gives(&[]);
    assert_eq!(asked.lane.wake_at(), Some(asked.start + limit));
    asked.at(30).gives(&["a", "b"]);
}

#[test]
fn the_user_is_asked_after_the_hook() {
    let ask = Effect::Ask { hook: "hook".into(), limit: Duration::from_secs(1) };
    dialogue(vec![("a", ask), ("a", Effect::Hold)])
        .says("a")
        .settles(1, Verdict::FORWARD)
        .gives(&[])
        .settles(2, Verdict::FORWARD)
        .gives(&["a"]);
}

#[test]
fn the_user_is_asked_also_where_the_hook_does_not_answer() {
    let limit = Duration::from_millis(30);
    let ask = Effect::Ask { hook: "hook".into(), limit };
    dialogue(vec![("a", ask), ("a", Effect::Hold)])
        .says("a")
        .at(30)
        .gives(&[])
        .settles(2, Verdict::FORWARD)
        .gives(&["a"]);
}

#[test]
fn after_a_close_of_ours_nothing_of_the_sender_goes_on() {
    let mut closing = dialogue(vec![("a", Effect::Hold)]).says("a");
    closing.lane.close(b"\x88\x02\x0f\xa1".to_vec(), Who::User, closing.now, &mut closing.world);
    closing.gives_bytes(b"\x88\x02\x0f\xa1").says("b").sends(b"\x88\x02\x0f\xa1").gives(&[]).tells(&[
        Done::Held,
        Done::Dropped,
        Done::Sent(b"\x88\x02\x0f\xa1".to_vec()),
        Done::Dropped,
        Done::Dropped,
        Done::CloseSeen,
    ]);
}

#[test]
fn what_was_on_its_way_when_a_direction_was_cut_off_is_told_as_dropped_because_of_that() {
    let cut = Effect::Truncate { octets: 3, reset: false };
    let rules = vec![("a", Effect::Delay(Duration::from_millis(50))), ("cut", cut), ("gone", Effect::Drop)];
    let mut cut = dialogue(rules).says("a").says("cut").says("gone").says("b").at(60).says("c");
    assert_eq!(cut.lane.take_out(), b"\x81\x01a\x81\x03c");
    let told = cut.lane.take_told();
    let dropped: Vec<_> = told.iter().filter(|told| told.what == Done::Dropped).collect();
    assert_eq!(dropped.iter().map(|told| told.offset).collect::<Vec<_>>(), [Some(8), Some(14), Some(17)]);
    let by = dropped.iter().map(|told| &told.by);
    assert_eq!(by.collect::<Vec<_>>(), [&Who::Rule("test".into()), &Who::Proxy, &Who::Proxy]);
}

#[test]
fn nothing_of_what_came_along_with_a_message_that_ends_the_session_goes_on() {
    for end in [Effect::Reset, Effect::Close { code: 4001, reason: String::new() }] {
        let came = [text("a"), text("end"), text("b"), b"\x88\x02\x03\xe8".to_vec()].concat();
        dialogue(vec![("end", end.clone())]).sends(&came).gives(&["a"]).tells(&[
            Done::Dropped,
            Done::Session(end),
            Done::Dropped,
            Done::Dropped,
            Done::CloseSeen,
        ]);
    }
}

#[test]
fn what_a_rule_does_to_the_session_is_told_with_its_message() {
    let stall = Effect::Stall(Direction::ToClient, None);
    let close = Effect::Close { code: 4001, reason: String::new() };
    let other = Effect::Stall(Direction::ToServer, None);
    let rules = vec![("close", close.clone()), ("other", other.clone()), ("stall", stall)];
    let mut told = dialogue(rules).says("other").says("stall").says("close").lane.take_told();
    told.retain(|told| told.offset.is_some());
    let told: Vec<_> = told.into_iter().map(|told| (told.offset.unwrap(), told.what)).collect();
    assert_eq!(
        told,
        [
            (0, Done::Session(other)),
            (7, Done::Stalled(None)),
            (14, Done::Dropped),
            (14, Done::Session(close)),
        ]
    );
}

#[test]
fn a_message_too_long_to_be_kept_goes_on_and_it_is_told_that_nobody_was_asked() {
    let gate = || Gate::new(Direction::ToClient, None, History::new(), 0, 12);
    let long = "0123456789abc";
    let mut small = dialogue(vec![(long, Effect::Drop)]);
    small.lane = Lane::new(Direction::ToClient, gate(), 12);
    let small = small.says("short").says(long).tells(&[Done::Unjudged]).gives(&["short", long]);
    let mut told = small.says(long).says("short").lane.take_told();
    let told = told.remove(0);
    assert_eq!((told.offset, told.what, told.by), (Some(22), Done::Unjudged, Who::Proxy));
    // Behind a cut it does not go on, as nothing does.
    let cut = Effect::Truncate { octets: 3, reset: false };
    let mut small = dialogue(vec![("cut", cut)]);
    small.lane = Lane::new(Direction::ToClient, gate(), 12);
    small.says("cut").says(long).gives_bytes(b"\x81\x03c").tells(&[Done::Truncated(3), Done::Dropped]);
}

#[test]
fn where_too_much_is_held_the_sender_waits() {
    let gate = Gate::new(Direction::ToClient, None, History::new(), 0, 12);
    let mut small = dialogue(vec![("aaaa", Effect::Hold)]);
    small.lane = Lane::new(Direction::ToClient, gate, 12);
    let mut small = small.says("aaaa");
    assert!(small.lane.may_read());
    small = small.says("bbbb");
    assert!(!small.lane.may_read());
    small = small.tells(&[Done::Held, Done::Full]).settles(1, Verdict::FORWARD).gives(&["aaaa", "bbbb"]);
    assert!(small.lane.may_read());
}

#[test]
fn what_nothing_is_to_be_done_with_goes_by_as_it_came() {
    let (mut one, mut room) = (dialogue(vec![("b", Effect::Drop)]), Room::default());
    let bytes = [text("a"), text("b"), text("c"), text("d")].concat();
    let now = one.now;
    // The first goes by; behind the one that is dropped, all that goes on is given in order, and the cut one waits.
    let first = one.lane.pass(&bytes[..bytes.len() - 1], &mut room, now, &mut one.world);
    assert_eq!(first, text("a"));
    let mut one = one.gives(&["c"]).tells(&[Done::Dropped]);
    assert!(!one.lane.can_leave(), "it has the beginning of a message");
    let first = one.lane.pass(&bytes[bytes.len() - 1..], &mut room, now, &mut one.world);
    assert_eq!(first, text("d"));
    assert!(one.lane.can_leave());
}

const IN_TWO: &[u8] = b"\x01\x01a\x89\x01p\x80\x01b";

/// Drops what says `no`, and counts the octets that it was shown.
#[derive(Default)]
struct Shown(usize);

impl Surroundings for Shown {
    fn passes(&mut self, passing: &Passing<'_>) -> bool {
        self.0 += passing.payload.unwrap().len();
        !passing.payload.unwrap().windows(2).any(|two| two == b"no")
    }

    fn judge(&mut self, passing: &Passing<'_>) -> Vec<Step<Effect>> {
        self.0 += passing.payload.unwrap().len();
        let effects = if passing.payload == Some(b"no") { vec![Effect::Drop] } else { vec![] };
        effects.into_iter().map(|effect| Step { rule: None, effect }).collect()
    }

    fn hold(&mut self) -> u64 {
        unreachable!()
    }

    fn masking_key(&mut self) -> [u8; 4] {
        unreachable!()
    }
}

#[test]
fn a_message_is_looked_at_a_few_times_at_the_most_whatever_is_done_with_those_around_it() {
    const MANY: usize = 3000;
    for every in [1, 2, 3, 10, 1000] {
        let words = (0..MANY).map(|number| if number % every == 0 { "no" } else { "ok" });
        let (bytes, passed): (Vec<_>, Vec<_>) =
            words.map(|word| (text(word), if word == "ok" { text(word) } else { vec![] })).unzip();
        let (mut lane, mut shown) = (dialogue(vec![]).lane, Shown::default());
        let mut room = Room::default();
        let mut out = lane.pass(&bytes.concat(), &mut room, Instant::now(), &mut shown).to_vec();
        out.extend(lane.take_out());
        assert!(out == passed.concat(), "every {every}");
        let octets = 2 * MANY;
        assert!(shown.0 <= 5 * octets, "every {every}: {} octets were shown of {octets}", shown.0);
    }
}

#[test]
fn a_ping_inside_a_message_stays_where_it_was() {
    dialogue(vec![])
        .sends(&IN_TWO[..7])
        .gives(&[])
        .sends(&IN_TWO[7..])
        .gives_bytes(IN_TWO)
        .sends(&IN_TWO[..6])
        .ends(Shut::Fin)
        .gives_bytes(&IN_TWO[..6]);
}

#[test]
fn a_ping_goes_before_a_message_that_is_touched_waits_or_is_long_in_coming() {
    let alone = [b"\x89\x01p", &text("b")[..]].concat();
    dialogue(vec![("ab", Effect::Replace(Opcode::Text, b"b".to_vec()))]).sends(IN_TWO).gives_bytes(&alone);
    dialogue(vec![("ab", Effect::Hold)]).sends(IN_TWO).gives_bytes(b"\x89\x01p");
    dialogue(vec![("a", Effect::Hold)]).says("a").sends(&IN_TWO[..6]).gives_bytes(b"\x89\x01p");
    let slow = dialogue(vec![]).sends(&IN_TWO[..6]);
    assert_eq!(slow.lane.wake_at(), Some(slow.now + Duration::from_secs(1)));
    slow.at(999)
        .gives(&[])
        .at(1000)
        .gives_bytes(b"\x89\x01p")
        .sends(&IN_TWO[6..])
        .gives_bytes(b"\x01\x01a\x80\x01b");
}

#[test]
fn what_is_to_be_done_with_a_ping_is_done_inside_a_message_too() {
    dialogue(vec![("p", Effect::Drop)])
        .sends(IN_TWO)
        .gives_bytes(b"\x01\x01a\x80\x01b")
        .tells(&[Done::Dropped]);
}

#[test]
fn what_can_never_be_whole_goes_on_in_order() {
    for wrong in
        [&b"\x01\x01a\x89\x01p\x88\x00"[..], b"\x01\x01a\x09\x00\x80\x01b", b"\x01\x01a\x89\x01p\x81\x01b"]
    {
        dialogue(vec![]).sends(wrong).gives_bytes(wrong);
    }
}

#[test]
fn the_beginning_of_a_message_goes_on_at_the_end() {
    let mut cut = dialogue(vec![]);
    let now = cut.now;
    for byte in &text("abc")[..4] {
        assert!(cut.lane.pass(&[*byte], &mut Room::default(), now, &mut cut.world).is_empty());
    }
    let cut = cut.ends(Shut::Fin).gives_bytes(&text("abc")[..4]);
    assert_eq!(cut.lane.end(), Some(Shut::Fin));
}

/// What a receiver gets.
#[derive(Default)]
struct Received {
    part: Vec<u8>,
    messages: Vec<String>,
    wrong: Vec<Violation>,
}

impl Sink for Received {
    fn frame(&mut self, _: &FrameHeader, _: u64) {}

    fn payload(&mut self, _: Part, bytes: &[u8]) {
        self.part.extend_from_slice(bytes);
    }

    fn violation(&mut self, _: Part, violation: Violation) {
        self.wrong.push(violation);
    }

    fn finished(&mut self, _: Part, _: &Finished) {
        self.messages.push(String::from_utf8(std::mem::take(&mut self.part)).unwrap());
    }

    fn raw(&mut self, bytes: &[u8]) {
        panic!("not a frame: {bytes:?}");
    }
}

/// What a test does with one of its messages.
#[derive(Clone, Copy, Debug)]
enum Act {
    Nothing,
    Drop,
    Replace,
    Duplicate,
    Hold,
    Delay(u64),
    Send,
}

/// Judges the messages of a test by their numbers.
struct Plan {
    acts: Vec<Act>,
    payloads: Vec<String>,
    held: u64,
}

impl Surroundings for Plan {
    fn passes(&mut self, passing: &Passing<'_>) -> bool {
        let several = std::str::from_utf8(passing.payload.unwrap()).unwrap();
        let mut messages = self.acts.iter().zip(&self.payloads);
        messages.all(|(act, payload)| matches!(act, Act::Nothing) || !several.contains(payload))
    }

    fn judge(&mut self, passing: &Passing<'_>) -> Vec<Step<Effect>> {
        let payload = std::str::from_utf8(passing.payload.unwrap()).unwrap();
        let number: usize = payload.split(' ').next().unwrap().parse().unwrap();
        let effect = match self.acts[number] {
            Act::Nothing => return Vec::new(),
            Act::Drop => Effect::Drop,
            Act::Replace => Effect::Replace(Opcode::Text, format!("{number} replaced").into_bytes()),
            Act::Duplicate => Effect::Duplicate(1),
            Act::Hold => Effect::Hold,
            Act::Delay(millis) => Effect::Delay(Duration::from_millis(millis)),
            Act::Send => Effect::Send {
                direction: passing.direction,
                opcode: Opcode::Text,
                payload: format!("{number} ours").into_bytes(),
            },
        };
        vec![Step { rule: None, effect }]
    }

    fn hold(&mut self) -> u64 {
        self.held += 1;
        self.held
    }

    fn masking_key(&mut self) -> [u8; 4] {
        [1, 2, 3, 4]
    }
}

fn acts() -> impl Strategy<Value = Act> {
    prop_oneof![
        6 => Just(Act::Nothing),
        1 => Just(Act::Drop),
        1 => Just(Act::Replace),
        1 => Just(Act::Duplicate),
        1 => Just(Act::Hold),
        1 => (1_u64..20).prop_map(Act::Delay),
        1 => Just(Act::Send),
    ]
}

/// What may come: frames right and wrong, and bytes that are none.
fn traffic() -> impl Strategy<Value = Vec<u8>> {
    let frame = (any::<u8>(), any::<bool>(), prop::collection::vec(any::<u8>(), 0..140));
    let piece = prop_oneof![
        6 => frame.prop_map(|(first, masked, payload)| {
            // Mostly opcodes that there are, with FIN or without.
            let mut bytes = vec![first & 0xcb, u8::from(masked) << 7 | payload.len().min(126) as u8];
            if payload.len() >= 126 {
                bytes.extend((payload.len() as u16).to_be_bytes());
            }
            bytes.extend([1, 2, 3, 4].into_iter().filter(|_| masked));
            bytes.extend(payload);
            bytes
        }),
        1 => prop::collection::vec(any::<u8>(), 0..20),
    ];
    prop::collection::vec(piece, 0..20).prop_map(|pieces| pieces.concat())
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 300, ..ProptestConfig::default() })]

    /// Where nothing is done, whatever comes goes on byte for byte, right or wrong, and however it is cut.
    #[test]
    fn any_bytes_go_on_as_they_came(
        bytes in traffic(),
        deflates in any::<bool>(),
        to_server in any::<bool>(),
        glance in any::<bool>(),
        cuts in prop::collection::vec(1_usize..80, 1..40),
        limit in prop::sample::select(vec![0_usize, 100, 1 << 20]),
    ) {
        struct Nobody(bool);
        impl Surroundings for Nobody {
            fn passes(&mut self, _: &Passing<'_>) -> bool {
                self.0
            }
            fn judge(&mut self, _: &Passing<'_>) -> Vec<Step<Effect>> {
                Vec::new()
            }
            fn hold(&mut self) -> u64 {
                unreachable!()
            }
            fn masking_key(&mut self) -> [u8; 4] {
                unreachable!()
            }
        }
        let direction = if to_server { Direction::ToServer } else { Direction::ToClient };
        let deflate = deflates.then(PermessageDeflate::default);
        let gate = Gate::new(direction, deflate, History::new(), 0, limit);
        let mut lane = Lane::new(direction, gate, limit);
        let (mut out, mut rest, now) = (Vec::new(), &bytes[..], Instant::now());
        for cut in cuts.into_iter().cycle() {
            if rest.is_empty() {
                break;
            }
            let (piece, behind) = rest.split_at(cut.min(rest.len()));
            out.extend_from_slice(lane.pass(piece, &mut Room::default(), now, &mut Nobody(glance)));
            out.extend(lane.take_out());
            rest = behind;
        }
        lane.ended(Shut::Fin, now, &mut Nobody(glance));
        out.extend(lane.take_out());
        prop_assert_eq!(out, bytes);
        prop_assert_eq!(lane.end(), Some(Shut::Fin));
    }

    /// No act loses, changes or reorders anything but what it is about, under any compression, however the bytes are
    /// cut, and whenever held messages are let go.
    #[test]
    fn nothing_is_lost_but_what_is_dropped(
        acts in prop::collection::vec(acts(), 0..20),
        words in prop::collection::vec("(tick|tock|price){0,12}", 20),
        deflate in prop::option::of((any::<bool>(), any::<bool>(), 9_u8..=15)),
        to_server in any::<bool>(),
        cut in 1_usize..60,
        settle_every in 1_usize..6,
    ) {
        let direction = if to_server { Direction::ToServer } else { Direction::ToClient };
        let deflate = deflate.map(|(server, client, bits)| PermessageDeflate {
            server_no_context_takeover: server,
            client_no_context_takeover: client,
            server_max_window_bits: bits,
            client_max_window_bits: bits,
        });
        let mut deflater = deflate.map(|deflate| Deflater::new(&deflate, direction));
        let payloads: Vec<String> = (0..acts.len()).map(|number| format!("{number} {}", words[number])).collect();
        let (mut bytes, mut expected) = (Vec::new(), Vec::new());
        for (number, act) in acts.iter().enumerate() {
            let payload = payloads[number].clone();
            bytes.extend(deflated(
                direction, Opcode::Text, payload.as_bytes(), deflater.as_mut(), [5, 6, 7, 8],
            ));
            match act {
                Act::Drop => {}
                Act::Replace => expected.push(format!("{number} replaced")),
                Act::Duplicate => expected.extend([payload.clone(), payload]),
                Act::Send => expected.extend([format!("{number} ours"), payload]),
                Act::Nothing | Act::Hold | Act::Delay(_) => expected.push(payload),
            }
        }
        let gate = Gate::new(direction, deflate, History::new(), 0, 1 << 20);
        let mut lane = Lane::new(direction, gate, 1 << 20);
        let mut plan = Plan { acts, payloads, held: 0 };
        let (mut out, mut now, mut settled) = (Vec::new(), Instant::now(), 0);
        for (count, piece) in bytes.chunks(cut).enumerate() {
            out.extend_from_slice(lane.pass(piece, &mut Room::default(), now, &mut plan));
            if count % settle_every == 0 && settled < plan.held {
                settled += 1;
                lane.settle(settled, Verdict::FORWARD, Who::User, now, &mut plan);
            }
            now += Duration::from_millis(3);
            lane.run(now, &mut plan);
            out.extend(lane.take_out());
        }
        lane.ended(Shut::Fin, now, &mut plan);
        lane.release_all(&Who::User, now, &mut plan);
        lane.run(now + Duration::from_millis(20), &mut plan);
        out.extend(lane.take_out());
        prop_assert_eq!(lane.end(), Some(Shut::Fin));
        let mut received = Received::default();
        let mut reader = MessageReader::new(direction, deflate, OtherExtension::None, 1 << 30);
        reader.read(&out, &mut Scratch::new(), &mut received);
        prop_assert!(received.wrong.is_empty(), "{:?}", received.wrong);
        prop_assert_eq!(received.messages, expected);
    }
}
