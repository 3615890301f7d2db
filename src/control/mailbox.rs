//! What one session is told to do, from any thread.

use std::sync::{Arc, Mutex, PoisonError};
use std::task::{Context, Waker};

use super::command::{FrameSpec, Verdict};
use crate::capture::Ending;
use crate::ws::Direction;

/// One thing that a session is told to do.
#[derive(Clone, Debug, PartialEq)]
pub(crate) enum Order {
    /// Something that it holds is settled.
    Settle(u64, Verdict),
    /// All that it holds goes on.
    ReleaseAll,
    /// These are sent.
    Send(Direction, Vec<FrameSpec>),
    /// It is closed by a closing handshake with both ends.
    Close(Option<u16>, String),
    /// It ends so, at once.
    End(Ending),
}

/// Where a session finds its orders. Small: there is one for each session, most of them empty for ever.
#[derive(Clone, Debug, Default)]
pub(crate) struct Mailbox(Arc<Mutex<Inside>>);

#[derive(Debug, Default)]
struct Inside {
    orders: Vec<Order>,
    waker: Option<Waker>,
    /// Whether the session is touched: then other rules concern it before anything passes.
    heeds_rules: bool,
}

impl Mailbox {
    /// Adds an order, and wakes the session.
    pub(super) fn put(&self, order: Order) {
        let waker = {
            let mut inside = self.0.lock().unwrap_or_else(PoisonError::into_inner);
            inside.orders.push(order);
            inside.waker.take()
        };
        if let Some(waker) = waker {
            waker.wake();
        }
    }

    /// From here on, the session is woken when other rules hold.
    pub(super) fn heed_rules(&self) {
        self.0.lock().unwrap_or_else(PoisonError::into_inner).heeds_rules = true;
    }

    /// Wakes the session where it heeds rules: others hold now.
    pub(super) fn tell_of_rules(&self) {
        let waker = {
            let mut inside = self.0.lock().unwrap_or_else(PoisonError::into_inner);
            if inside.heeds_rules { inside.waker.take() } else { None }
        };
        if let Some(waker) = waker {
            waker.wake();
        }
    }

    /// Takes the orders; the task is woken when the next one comes.
    pub(crate) fn take(&self, context: &Context<'_>) -> Vec<Order> {
        let mut inside = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        // Also where there are some: who takes them may not ask again before the next come.
        match &mut inside.waker {
            Some(waker) => waker.clone_from(context.waker()),
            none => *none = Some(context.waker().clone()),
        }
        std::mem::take(&mut inside.orders)
    }
}

#[cfg(test)]
mod tests {
    use std::sync::atomic::{AtomicU32, Ordering};
    use std::task::{Wake, Waker};

    use super::*;

    #[derive(Default)]
    struct Woken(AtomicU32);

    impl Wake for Woken {
        fn wake(self: Arc<Woken>) {
            self.0.fetch_add(1, Ordering::Relaxed);
        }
    }

    #[test]
    fn an_order_wakes_the_session_also_when_it_has_just_taken_another() {
        let (mailbox, woken) = (Mailbox::default(), Arc::new(Woken::default()));
        let waker = Waker::from(Arc::clone(&woken));
        let take = || mailbox.take(&Context::from_waker(&waker));
        assert_eq!(take(), []);
        for times in 1..=3 {
            mailbox.put(Order::ReleaseAll);
            assert_eq!(woken.0.load(Ordering::Relaxed), times);
            assert_eq!(take(), [Order::ReleaseAll]);
        }
    }

    #[test]
    fn other_rules_wake_a_session_that_is_touched_and_no_other() {
        let (mailbox, woken) = (Mailbox::default(), Arc::new(Woken::default()));
        let waker = Waker::from(Arc::clone(&woken));
        assert_eq!(mailbox.take(&Context::from_waker(&waker)), []);
        mailbox.tell_of_rules();
        assert_eq!(woken.0.load(Ordering::Relaxed), 0);
        mailbox.heed_rules();
        mailbox.tell_of_rules();
        assert_eq!(woken.0.load(Ordering::Relaxed), 1);
    }
}
