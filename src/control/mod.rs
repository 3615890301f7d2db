//! The one way back from a view to the network: commands.

mod command;
pub mod compose;
mod mailbox;

use std::collections::{BTreeSet, HashMap};
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, OnceLock, PoisonError};

use tokio::sync::{oneshot, watch};

pub use command::{Ask, Command, FrameSpec, Outcome, Switch, Verdict};
pub(crate) use mailbox::{Mailbox, Order};

use crate::capture::Ending;
use crate::filter::Filter;
use crate::rules::RuleSet;

/// Takes commands from any thread. Cheap to clone.
#[derive(Clone)]
pub struct Controller(Arc<Inner>);

struct Inner {
    open: Mutex<Open>,
    rules: Mutex<Ruling>,
    /// Grows with every change of the rules, to look at without their lock.
    version: AtomicU64,
    shutdown: watch::Sender<bool>,
    hooks: OnceLock<Box<dyn Fn(Ask) + Send + Sync>>,
}

#[derive(Default)]
struct Open {
    sessions: HashMap<u32, Mailbox>,
    held: HashMap<u64, Holder>,
    last_held: u64,
}

/// Who waits for a verdict.
enum Holder {
    Session(u32),
    Handshake(u32, oneshot::Sender<Verdict>),
}

#[derive(Default)]
struct Ruling {
    rules: RuleSet,
    /// The names of those that were switched off by hand.
    off: BTreeSet<Arc<str>>,
    hold: Option<Filter>,
    fault: Option<Arc<str>>,
}

impl Default for Controller {
    fn default() -> Controller {
        Controller::new()
    }
}

impl Controller {
    /// With no session yet, and no rules.
    pub fn new() -> Controller {
        Controller(Arc::new(Inner {
            open: Mutex::default(),
            rules: Mutex::default(),
            version: AtomicU64::new(0),
            shutdown: watch::Sender::new(false),
            hooks: OnceLock::new(),
        }))
    }

    /// Has `command` done.
    pub fn send(&self, command: Command) -> Outcome {
        match command {
            Command::Settle { held, verdict } => self.settle(held, verdict),
            Command::ReleaseAll { session } => self.release(session),
            Command::Send { session, direction, frames } => {
                self.tell(session, Order::Send(direction, frames))
            }
            Command::Close { session, code, reason } => self.tell(session, Order::Close(code, reason)),
            Command::Hold(hold) => self.rule(|ruling| ruling.hold = hold),
            Command::Rules(rules) => self.rule(|ruling| ruling.replace(rules)),
            Command::Switch { rule, to } => self.switch(rule, to),
            Command::Kill { session } => match self.open().sessions.remove(&session) {
                Some(mailbox) => {
                    mailbox.put(Order::End(Ending::Killed));
                    Outcome::Done
                }
                None => Outcome::NotThere,
            },
            Command::ShutDown => {
                self.0.shutdown.send_replace(true);
                let mut open = self.open();
                open.held.clear();
                for (_, mailbox) in open.sessions.drain() {
                    mailbox.put(Order::End(Ending::Shutdown));
                }
                Outcome::Done
            }
        }
    }

    /// Whether [`Command::ShutDown`] was sent, now or later.
    pub fn shutdown(&self) -> watch::Receiver<bool> {
        self.0.shutdown.subscribe()
    }

    /// Has hooks asked by `ask`, which must not block; the answer is a [`Command::Settle`]. Whoever is first stays.
    pub fn answer_asks(&self, ask: impl Fn(Ask) + Send + Sync + 'static) {
        // The first stays.
        let _ = self.0.hooks.set(Box::new(ask));
    }

    /// Asks a hook; where nobody runs hooks, what is asked about goes on as it is.
    pub(crate) fn ask(&self, ask: Ask) {
        match self.0.hooks.get() {
            Some(hooks) => hooks(ask),
            None => drop(self.settle(ask.held, Verdict::Forward)),
        }
    }

    /// How many sessions and tunnels are open.
    pub fn open_sessions(&self) -> usize {
        self.open().sessions.len()
    }

    /// What the user has held, by [`Command::Hold`].
    pub fn hold(&self) -> Option<Filter> {
        self.ruling().hold.clone()
    }

    /// The rules that hold now, the user's wish to hold among them.
    pub fn rules(&self) -> RuleSet {
        let ruling = self.ruling();
        let rules = ruling.rules.holding(ruling.hold.clone());
        if ruling.off.is_empty() { rules } else { rules.without(&ruling.off) }
    }

    /// Why the file of rules cannot be taken as it is now, though the rules from before still hold; none where it is
    /// as they are. For whoever shows them: nothing else is done about it.
    pub fn rules_fault(&self) -> Option<Arc<str>> {
        self.ruling().fault.clone()
    }

    /// Whoever looks after the file of rules tells why it cannot be taken, or that it can again. Other rules end a
    /// fault by themselves.
    pub fn tell_rules_fault(&self, fault: Option<&str>) {
        self.ruling().fault = fault.map(Into::into);
    }

    /// A number that is another after every change of the rules.
    pub(crate) fn rules_version(&self) -> u64 {
        self.0.version.load(Ordering::Acquire)
    }

    /// A session began: where it finds what it is told. [`Controller::forget`] it when it is over.
    pub(crate) fn register(&self, session: u32) -> Mailbox {
        let mailbox = Mailbox::default();
        // Locked first: a shutdown in between would neither be seen here nor find the session.
        let mut open = self.open();
        if *self.0.shutdown.borrow() {
            mailbox.put(Order::End(Ending::Shutdown));
        } else {
            open.sessions.insert(session, mailbox.clone());
        }
        mailbox
    }

    /// A session is touched: from here on it is woken when other rules hold. Whoever asks looks at the rules' version
    /// after this.
    pub(crate) fn heed_rules(&self, session: u32) {
        if let Some(mailbox) = self.open().sessions.get(&session) {
            mailbox.heed_rules();
        }
    }

    /// A session is over.
    pub(crate) fn forget(&self, session: u32) {
        let mut open = self.open();
        open.sessions.remove(&session);
        if !open.held.is_empty() {
            open.held.retain(|_, holder| !matches!(holder, Holder::Session(holding) if *holding == session));
        }
    }

    /// A session holds something from now on: the number that it is held under.
    pub(crate) fn hold_message(&self, session: u32) -> u64 {
        self.open().hold(Holder::Session(session))
    }

    /// An opening handshake is held: under which number, and where the verdict comes. No verdict comes where the proxy is
    /// shut down.
    pub(crate) fn hold_handshake(&self, session: u32) -> (u64, oneshot::Receiver<Verdict>) {
        let (sender, receiver) = oneshot::channel();
        (self.open().hold(Holder::Handshake(session, sender)), receiver)
    }

    /// What was held under this number is not held any more.
    pub(crate) fn let_go(&self, held: u64) {
        self.open().held.remove(&held);
    }

    fn settle(&self, held: u64, verdict: Verdict) -> Outcome {
        let mut open = self.open();
        match open.held.remove(&held) {
            Some(Holder::Session(session)) => match open.sessions.get(&session) {
                Some(mailbox) => mailbox.put(Order::Settle(held, verdict)),
                None => return Outcome::NotThere,
            },
            Some(Holder::Handshake(_, sender)) => {
                if sender.send(verdict).is_err() {
                    return Outcome::NotThere;
                }
            }
            None => return Outcome::NotThere,
        }
        Outcome::Done
    }

    fn release(&self, only: Option<u32>) -> Outcome {
        let mut open = self.open();
        let is_meant = |session: u32| only.is_none_or(|only| only == session);
        if only.is_some_and(|only| !open.sessions.contains_key(&only)) {
            return Outcome::NotThere;
        }
        let all = std::mem::take(&mut open.held);
        for (held, holder) in all {
            match holder {
                Holder::Session(session) if is_meant(session) => {}
                Holder::Handshake(session, sender) if is_meant(session) => {
                    // One that has gone away needs no verdict.
                    let _ = sender.send(Verdict::Forward);
                }
                other => drop(open.held.insert(held, other)),
            }
        }
        for (_, mailbox) in open.sessions.iter().filter(|(session, _)| is_meant(**session)) {
            mailbox.put(Order::ReleaseAll);
        }
        Outcome::Done
    }

    fn tell(&self, session: u32, order: Order) -> Outcome {
        match self.open().sessions.get(&session) {
            Some(mailbox) => {
                mailbox.put(order);
                Outcome::Done
            }
            None => Outcome::NotThere,
        }
    }

    fn switch(&self, rule: Arc<str>, to: Switch) -> Outcome {
        if !self.ruling().rules.names().any(|name| *name == *rule) {
            return Outcome::NotThere;
        }
        self.rule(|ruling| {
            match to {
                Switch::On => ruling.off.remove(&rule),
                Switch::Off => ruling.off.insert(rule),
            };
        })
    }

    fn rule(&self, change: impl FnOnce(&mut Ruling)) -> Outcome {
        change(&mut self.ruling());
        self.0.version.fetch_add(1, Ordering::Release);
        self.open().sessions.values().for_each(Mailbox::tell_of_rules);
        Outcome::Done
    }

    fn open(&self) -> MutexGuard<'_, Open> {
        self.0.open.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn ruling(&self) -> MutexGuard<'_, Ruling> {
        self.0.rules.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Ruling {
    /// Other rules hold; of those that were switched off, the ones that are among them stay so.
    fn replace(&mut self, rules: RuleSet) {
        self.off.retain(|off| rules.names().any(|name| *name == **off));
        (self.rules, self.fault) = (rules, None);
    }
}

impl Open {
    fn hold(&mut self, holder: Holder) -> u64 {
        self.last_held += 1;
        self.held.insert(self.last_held, holder);
        self.last_held
    }
}

#[cfg(test)]
mod tests {
    use std::task::{Context, Waker};

    use super::*;
    use crate::rules::Standing;

    fn orders(mailbox: &Mailbox) -> Vec<Order> {
        mailbox.take(&Context::from_waker(Waker::noop()))
    }

    #[test]
    fn a_session_is_killed_once() {
        let controller = Controller::new();
        let told = controller.register(3);
        assert_eq!(controller.send(Command::Kill { session: 4 }), Outcome::NotThere);
        assert_eq!(controller.send(Command::Kill { session: 3 }), Outcome::Done);
        assert_eq!(orders(&told), [Order::End(Ending::Killed)]);
        assert_eq!(controller.send(Command::Kill { session: 3 }), Outcome::NotThere);
    }

    #[test]
    fn a_session_that_begins_after_the_shutdown_ends_at_once() {
        let controller = Controller::new();
        let early = controller.register(1);
        controller.send(Command::ShutDown);
        assert_eq!(orders(&early), [Order::End(Ending::Shutdown)]);
        assert_eq!(orders(&controller.register(2)), [Order::End(Ending::Shutdown)]);
        assert!(*controller.shutdown().borrow());
    }

    #[test]
    fn what_is_held_is_settled_once() {
        let controller = Controller::new();
        let told = controller.register(7);
        let held = controller.hold_message(7);
        let settle = || controller.send(Command::Settle { held, verdict: Verdict::Drop });
        assert_eq!(settle(), Outcome::Done);
        assert_eq!(orders(&told), [Order::Settle(held, Verdict::Drop)]);
        assert_eq!(settle(), Outcome::NotThere);
    }

    #[test]
    fn all_that_is_held_of_one_session_is_released() {
        let controller = Controller::new();
        let (one, two) = (controller.register(1), controller.register(2));
        let (_, mut handshake) = controller.hold_handshake(1);
        let other = controller.hold_message(2);
        assert_eq!(controller.send(Command::ReleaseAll { session: Some(1) }), Outcome::Done);
        assert_eq!((orders(&one), orders(&two)), (vec![Order::ReleaseAll], vec![]));
        assert_eq!(handshake.try_recv(), Ok(Verdict::Forward));
        assert_eq!(
            controller.send(Command::Settle { held: other, verdict: Verdict::Forward }),
            Outcome::Done
        );
    }

    #[test]
    fn a_change_of_the_rules_is_seen() {
        let controller = Controller::new();
        let before = controller.rules_version();
        controller.send(Command::Hold(Some(Filter::default())));
        assert_ne!(controller.rules_version(), before);
        assert!(!controller.rules().is_empty());
    }

    #[test]
    fn what_the_user_holds_stays_held_when_other_rules_come() {
        let controller = Controller::new();
        controller.send(Command::Hold(Some(Filter::default())));
        controller.send(Command::Rules(RuleSet::parse("[[rule]]\nthen = { mark = true }").unwrap()));
        assert!(controller.hold().is_some());
        assert_eq!(controller.rules().names().count(), 1);
        controller.send(Command::Rules(RuleSet::default()));
        assert!(!controller.rules().is_empty());
    }

    #[test]
    fn a_rule_is_switched_off_and_on_whatever_its_file_says() {
        let controller = Controller::new();
        let rules = |text: &str| controller.send(Command::Rules(RuleSet::parse(text).unwrap()));
        let switch = |rule: &str, to| controller.send(Command::Switch { rule: rule.into(), to });
        let standings = || {
            let rules = controller.rules();
            rules.listed().into_iter().map(|rule| (rule.name.to_owned(), rule.standing)).collect::<Vec<_>>()
        };
        let rule =
            |name: &str, more: &str| format!("[[rule]]\nname='{name}'\nthen={{ mark = true }}\n{more}");
        let three = rule("a", "") + &rule("b", "off=true\n") + &rule("c", "");
        rules(&three);
        let version = controller.rules_version();
        assert_eq!(switch("a", Switch::Off), Outcome::Done);
        assert_ne!(controller.rules_version(), version);
        let expected = |a| {
            let standing = [("a", a), ("b", Standing::Off), ("c", Standing::Holds)];
            standing.map(|(name, standing)| (name.to_owned(), standing)).to_vec()
        };
        assert_eq!(standings(), expected(Standing::SwitchedOff));
        assert_eq!(controller.rules().names().collect::<Vec<_>>(), ["c"]);
        rules(&three);
        assert_eq!(standings(), expected(Standing::SwitchedOff), "read again");
        assert_eq!(switch("a", Switch::On), Outcome::Done);
        assert_eq!(standings(), expected(Standing::Holds));
        assert_eq!(switch("b", Switch::On), Outcome::NotThere, "that is the file's to say");
        assert_eq!(switch("d", Switch::Off), Outcome::NotThere);
        switch("a", Switch::Off);
        rules("");
        rules(&three);
        assert_eq!(standings(), expected(Standing::Holds), "one that went away comes back as it is");
    }
}
