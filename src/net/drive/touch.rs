//! A session whose traffic is touched: its rules, and the directions that are off the short way.

use std::cell::RefCell;
use std::future::Future;
use std::pin::Pin;
use std::task::{Context, Poll, ready};
use std::time::{Duration, Instant};

use tokio::sync::oneshot;
use tokio::time::Sleep;

use super::Pair;
use super::told::About;
use crate::capture::{Agreed, Deed, Opening};
use crate::control::Controller;
use crate::relay::{Gate, HELD_LIMIT, Lane, Passing, Room, Shut, Surroundings, Who};
use crate::rules::{Effect, Flow, Judge, Rate, Reach, Step};
use crate::ws::inflate::History;
use crate::ws::{Direction, PermessageDeflate};

/// What rules and commands do with one session.
pub(in crate::net) struct Touch {
    pub(super) judge: Judge,
    pub(super) flow: Flow,
    pub(super) reach: Reach,
    pub(super) closing: Option<Closing>,
    deflate: Option<PermessageDeflate>,
    ways: [Way; 2],
    timer: Option<Pin<Box<Sleep>>>,
}

/// Which way the bytes of a direction take.
pub(super) enum Way {
    /// Straight on.
    Short,
    /// Straight on until the message under way is over; then this is to be done.
    Leaving(Vec<Task>),
    /// Nothing goes on until it is known what compressed messages may refer to; then this is done, and these are read.
    Asking(oneshot::Receiver<History>, Vec<Task>, Vec<u8>),
    /// Message by message.
    Lane(Box<Lane>),
}

/// Something to be done with a direction.
pub(super) enum Task {
    /// Frames are sent.
    Send(Vec<u8>, Who),
    /// A close frame is sent, and nothing of the sender behind it.
    Close(Vec<u8>, Who),
    Stall(Option<Duration>, Who),
    Throttle(Rate, Who),
}

/// A closing handshake of ours with both ends.
pub(super) struct Closing {
    /// When the ends are not waited for any more.
    pub(super) until: Instant,
    /// Who has answered: the client, the server.
    pub(super) answered: [bool; 2],
}

impl Touch {
    /// With what the handshake agreed on.
    pub(in crate::net) fn new(judge: Judge, opening: &Opening) -> Touch {
        let agreed = Agreed::read(opening);
        Touch {
            judge,
            flow: agreed.flow(opening),
            reach: Reach::default(),
            closing: None,
            deflate: agreed.deflate,
            ways: [Way::Short, Way::Short],
            timer: None,
        }
    }

    /// Directions that the rules reach leave the short way when they can.
    pub(super) fn leave_short_way(&mut self) {
        for (way, reached) in self.ways.iter_mut().zip(self.reach.directions) {
            if reached && matches!(way, Way::Short) {
                *way = Way::Leaving(Vec::new());
            }
        }
    }

    /// Whether nothing is off the short way, nor is to be.
    pub(super) fn is_idle(&self) -> bool {
        self.closing.is_none() && self.ways.iter().all(|way| matches!(way, Way::Short))
    }

    fn wake_at(&self) -> Option<Instant> {
        let lanes = self.ways.iter().filter_map(|way| match way {
            Way::Lane(lane) => lane.wake_at(),
            _ => None,
        });
        lanes.chain(self.closing.as_ref().map(|closing| closing.until)).min()
    }

    /// Whether a compressed message of `direction` may refer to those before it.
    fn takes_context_over(&self, direction: Direction) -> bool {
        self.deflate.is_some_and(|deflate| !deflate.no_context_takeover(direction))
    }
}

/// What a lane asks of its session.
pub(super) struct Around<'a> {
    judge: &'a mut Judge,
    flow: &'a Flow,
    controller: &'a Controller,
}

impl Surroundings for Around<'_> {
    fn passes(&mut self, passing: &Passing<'_>) -> bool {
        self.judge.passes(&passing.seen(self.flow))
    }

    fn judge(&mut self, passing: &Passing<'_>) -> Vec<Step<Effect>> {
        self.judge.message(&passing.seen(self.flow))
    }

    fn hold(&mut self) -> u64 {
        self.controller.hold_message(self.flow.session)
    }

    fn masking_key(&mut self) -> [u8; 4] {
        masking_key()
    }
}

/// A fresh masking key; many are asked of the system at once.
pub(super) fn masking_key() -> [u8; 4] {
    const POOL: usize = 1024;
    thread_local! {
        static RANDOM: RefCell<Vec<u8>> = const { RefCell::new(Vec::new()) };
    }
    RANDOM.with_borrow_mut(|random| {
        if random.len() < 4 {
            *random = vec![0; POOL];
            // Without randomness there is no TLS either, and a mask hides nothing from those on the way.
            let _ = getrandom::fill(random);
        }
        let rest = random.len() - 4;
        let key = random[rest..].try_into().unwrap_or_default();
        random.truncate(rest);
        key
    })
}

impl Pair {
    /// Whether bytes of this direction can be taken in now.
    pub(super) fn may_read(&self, direction: Direction) -> bool {
        match self.touch.as_ref().map(|touch| &touch.ways[direction as usize]) {
            None | Some(Way::Short | Way::Leaving(_)) => true,
            Some(Way::Asking(..)) => false,
            Some(Way::Lane(lane)) => lane.may_read(),
        }
    }

    /// The first `count` octets of `buffer` came.
    pub(super) fn came(
        &mut self,
        direction: Direction,
        buffer: &mut Vec<u8>,
        count: usize,
        context: &mut Context<'_>,
    ) {
        match self.touch.as_ref().map(|touch| &touch.ways[direction as usize]) {
            Some(Way::Lane(_)) => self.came_for_lane(direction, buffer, count, context),
            Some(Way::Leaving(_)) => {
                let end = self.relays[direction as usize].end_of_message(&buffer[..count]);
                let rest = end.map(|end| buffer[end..count].to_vec());
                self.passed(direction, buffer, end.unwrap_or(count), context);
                if let Some(rest) = rest {
                    self.leave(direction, rest, context);
                }
            }
            // In between nothing is read.
            None | Some(Way::Short | Way::Asking(..)) => self.passed(direction, buffer, count, context),
        }
    }

    /// Whether rules may be about messages of this direction.
    pub(super) fn is_reached(&self, direction: Direction) -> bool {
        self.touch.as_ref().is_some_and(|touch| touch.reach.directions[direction as usize])
    }

    /// Does what there is to do off the short way, besides reading.
    pub(super) fn poll_touch(&mut self, direction: Direction, context: &mut Context<'_>) -> Poll<()> {
        let Some(touch) = &mut self.touch else { return Poll::Ready(()) };
        match &mut touch.ways[direction as usize] {
            Way::Short => {}
            Way::Leaving(_) if self.relays[direction as usize].at_message_boundary() => {
                self.leave(direction, Vec::new(), context);
            }
            Way::Leaving(_) => {}
            Way::Asking(window, ..) => {
                // Without the capture thread there is nobody to ask, and nothing to be read right.
                let history = ready!(Pin::new(window).poll(context)).unwrap_or_default();
                let way = std::mem::replace(&mut touch.ways[direction as usize], Way::Short);
                if let Way::Asking(_, tasks, rest) = way {
                    self.enter_lane(direction, history, tasks, rest, context);
                }
            }
            Way::Lane(_) => {
                self.with_lane(direction, |lane, around| lane.run(Instant::now(), around));
                self.return_to_short_way(direction);
            }
        }
        Poll::Ready(())
    }

    /// Ready where something has become due.
    pub(super) fn poll_clock(&mut self, context: &mut Context<'_>) -> Poll<()> {
        let Some(touch) = &mut self.touch else { return Poll::Pending };
        let now = Instant::now();
        if let Some(closing) = &touch.closing
            && (closing.answered == [true; 2] || closing.until <= now)
        {
            touch.closing = None;
            self.relays.iter_mut().for_each(|relay| relay.finish(Shut::Fin));
            return Poll::Ready(());
        }
        let Some(time) = touch.wake_at() else {
            touch.timer = None;
            return Poll::Pending;
        };
        let timer = touch.timer.get_or_insert_with(|| Box::pin(tokio::time::sleep_until(time.into())));
        if timer.deadline() != time.into() {
            timer.as_mut().reset(time.into());
        }
        timer.as_mut().poll(context)
    }

    /// Whether a close frame went on in a direction: nothing may follow it (RFC 6455 5.5.1).
    pub(super) fn has_closed(&self, direction: Direction) -> bool {
        let way = self.touch.as_ref().map(|touch| &touch.ways[direction as usize]);
        let by_lane = matches!(way, Some(Way::Lane(lane)) if lane.has_closed());
        by_lane || self.relays[direction as usize].has_closed()
    }

    /// Has something done in a direction, as soon as it can be.
    pub(super) fn task(&mut self, direction: Direction, task: Task) {
        self.touch_by_hand();
        let Some(touch) = &mut self.touch else { return };
        match &mut touch.ways[direction as usize] {
            way @ Way::Short => *way = Way::Leaving(vec![task]),
            Way::Leaving(tasks) | Way::Asking(_, tasks, _) => tasks.push(task),
            Way::Lane(_) => {
                self.with_lane(direction, |lane, around| perform(lane, task, around));
            }
        }
        self.again = true;
    }

    /// What `by` began in a direction, or is to begin there, is over.
    pub(super) fn lift(&mut self, direction: Direction, by: &Who) {
        let Some(touch) = &mut self.touch else { return };
        match &mut touch.ways[direction as usize] {
            Way::Short => {}
            Way::Leaving(tasks) | Way::Asking(_, tasks, _) => {
                let is_meant = |task: &mut Task| matches!(task, Task::Stall(_, who) | Task::Throttle(_, who) if who == by);
                if tasks.extract_if(.., is_meant).count() > 0 {
                    self.act(&About::SESSION.or_side(direction), Deed::Lifted, by.clone());
                }
            }
            Way::Lane(_) => {
                self.with_lane(direction, |lane, around| lane.lift(by, Instant::now(), around));
            }
        }
        self.again = true;
    }

    /// The next byte begins a message: the short way ends here, and `rest` has come already.
    fn leave(&mut self, direction: Direction, rest: Vec<u8>, context: &mut Context<'_>) {
        let before = self.octets[direction as usize];
        let Some(touch) = &mut self.touch else { return };
        let way = std::mem::replace(&mut touch.ways[direction as usize], Way::Short);
        let Way::Leaving(tasks) = way else { return };
        if before == 0 || !touch.takes_context_over(direction) {
            return self.enter_lane(direction, History::new(), tasks, rest, context);
        }
        let (answer, window) = oneshot::channel();
        // A session that is over by then needs no answer.
        self.tap.window(self.session, direction, move |history| drop(answer.send(history)));
        touch.ways[direction as usize] = Way::Asking(window, tasks, rest);
        self.again = true;
    }

    fn enter_lane(
        &mut self,
        direction: Direction,
        history: History,
        tasks: Vec<Task>,
        mut rest: Vec<u8>,
        context: &mut Context<'_>,
    ) {
        let count = rest.len();
        let position = self.octets[direction as usize];
        let Some(touch) = &mut self.touch else { return };
        let gate = Gate::new(direction, touch.deflate, history, position, HELD_LIMIT);
        touch.ways[direction as usize] = Way::Lane(Box::new(Lane::new(direction, gate, HELD_LIMIT)));
        for task in tasks {
            self.with_lane(direction, |lane, around| perform(lane, task, around));
        }
        if count > 0 {
            self.came_for_lane(direction, &mut rest, count, context);
        }
    }

    fn return_to_short_way(&mut self, direction: Direction) {
        let Some(touch) = &mut self.touch else { return };
        let way = &mut touch.ways[direction as usize];
        if !touch.reach.directions[direction as usize] && matches!(way, Way::Lane(lane) if lane.can_leave()) {
            *way = Way::Short;
            self.relays[direction as usize].between_messages();
        }
    }

    /// The first `count` octets of `buffer` came, for a lane. Where recordings may end with a message, the log hears of what
    /// is behind it only after that.
    fn came_for_lane(
        &mut self,
        direction: Direction,
        buffer: &mut Vec<u8>,
        count: usize,
        context: &mut Context<'_>,
    ) {
        if !self.touch.as_ref().is_some_and(|touch| touch.judge.may_stop_recording()) {
            return self.lane_takes(direction, buffer, count, context);
        }
        let all = buffer[..count].to_vec();
        let mut rest = &all[..];
        while !rest.is_empty() {
            let end = self.end_of_message(direction, rest);
            self.lane_takes(direction, &mut rest[..end].to_vec(), end, context);
            rest = &rest[end..];
        }
    }

    /// Octets up to where the next message of a lane ends.
    fn end_of_message(&self, direction: Direction, bytes: &[u8]) -> usize {
        match self.touch.as_ref().map(|touch| &touch.ways[direction as usize]) {
            Some(Way::Lane(lane)) => lane.end_of_message(bytes),
            _ => bytes.len(),
        }
    }

    fn lane_takes(
        &mut self,
        direction: Direction,
        buffer: &mut Vec<u8>,
        count: usize,
        context: &mut Context<'_>,
    ) {
        thread_local! {
            static ROOM: RefCell<Room> = RefCell::new(Room::default());
        }
        let now = Instant::now();
        self.octets[direction as usize] += count as u64;
        let error = ROOM.with_borrow_mut(|room| {
            let Touch { judge, flow, ways, .. } = &mut **self.touch.as_mut()?;
            let Way::Lane(lane) = &mut ways[direction as usize] else { return None };
            let mut around = Around { judge, flow, controller: &self.controller };
            let first = lane.pass(&buffer[..count], room, now, &mut around);
            let (taken, error) = self.write_at_once(direction, first, context);
            self.relays[direction as usize].push(first[taken..].to_vec());
            error
        });
        // First the bytes, then what was done with them.
        self.tap.chunk(self.session, direction, buffer, count, now);
        self.take_in(direction);
        if let Some(error) = error {
            self.receiver_gone(direction, &error);
        }
    }

    /// The sender of a direction has ended; whether what goes on before its end is a lane's to say.
    pub(super) fn end_lane(&mut self, direction: Direction, shut: Shut) -> bool {
        self.with_lane(direction, |lane, around| lane.ended(shut, Instant::now(), around))
    }

    pub(super) fn each_lane(&mut self, mut each: impl FnMut(&mut Lane, &mut Around<'_>)) {
        for direction in Direction::BOTH {
            self.with_lane(direction, &mut each);
        }
        self.again = true;
    }

    /// Has something done with a direction's lane, where it has one, and takes in what comes of it.
    pub(super) fn with_lane(
        &mut self,
        direction: Direction,
        each: impl FnOnce(&mut Lane, &mut Around<'_>),
    ) -> bool {
        let Some(touch) = &mut self.touch else { return false };
        let Touch { judge, flow, ways, .. } = &mut **touch;
        let Way::Lane(lane) = &mut ways[direction as usize] else { return false };
        each(lane, &mut Around { judge, flow, controller: &self.controller });
        self.take_in(direction);
        true
    }

    /// Takes in what came of something that a lane did.
    fn take_in(&mut self, direction: Direction) {
        let Some(touch) = &mut self.touch else { return };
        let Way::Lane(lane) = &mut touch.ways[direction as usize] else { return };
        let (out, told, end) = (lane.take_out(), lane.take_told(), lane.end());
        let relay = &mut self.relays[direction as usize];
        relay.push(out);
        if let Some(shut) = end {
            relay.finish(shut);
        }
        for told in told {
            self.told(direction, told);
        }
    }
}

fn perform(lane: &mut Lane, task: Task, around: &mut Around<'_>) {
    let now = Instant::now();
    match task {
        Task::Send(frames, by) => lane.send(frames, by, now, around),
        Task::Close(frame, by) => lane.close(frame, by, now, around),
        Task::Stall(time, by) => lane.stall(by, time, now),
        Task::Throttle(rate, by) => lane.throttle(by, rate),
    }
}
