//! The relay, one step after the other.

use proptest::prelude::*;

use super::*;

/// A conversation with a relay: what is told to it (`>`) and what it wants next (`<`).
struct Dialogue(Relay);

impl Dialogue {
    #[track_caller]
    fn wants(self, step: Step<'_>) -> Dialogue {
        assert_eq!(self.0.next(), step);
        self
    }

    fn received(mut self, bytes: &[u8], taken: usize) -> Dialogue {
        self.0.received(bytes, taken);
        self
    }

    fn wrote(mut self, count: usize) -> Dialogue {
        self.0.wrote(count);
        self
    }

    fn ended(mut self, shut: Shut) -> Dialogue {
        self.0.ended(shut);
        self
    }

    fn shut(mut self) -> Dialogue {
        self.0.shut();
        self
    }
}

fn dialogue() -> Dialogue {
    Dialogue(Relay::new())
}

#[test]
fn half_a_frame_does_not_wait_for_its_other_half() {
    dialogue()
        .wants(Step::Read)
        .received(b"\x81", 1)
        .wants(Step::Read)
        .received(b"\x02hi", 3)
        .wants(Step::Read);
}

#[test]
fn nothing_is_read_while_the_receiver_is_slow() {
    dialogue()
        .received(b"abcdef", 2)
        .wants(Step::Write(b"cdef"))
        .wrote(3)
        .wants(Step::Write(b"f"))
        .wrote(1)
        .wants(Step::Read);
}

#[test]
fn a_fin_follows_the_last_byte() {
    dialogue()
        .received(b"abc", 0)
        .ended(Shut::Fin)
        .wants(Step::Write(b"abc"))
        .wrote(3)
        .wants(Step::Shut(Shut::Fin))
        .shut()
        .wants(Step::Nothing);
}

#[test]
fn a_reset_does_not_wait_for_bytes() {
    dialogue()
        .received(b"abc", 0)
        .ended(Shut::Reset)
        .wants(Step::Shut(Shut::Reset))
        .shut()
        .wants(Step::Nothing);
}

#[test]
fn a_reset_after_a_fin_counts_and_not_the_other_way_round() {
    dialogue().received(b"abc", 0).ended(Shut::Fin).ended(Shut::Reset).wants(Step::Shut(Shut::Reset));
    dialogue().ended(Shut::Reset).ended(Shut::Fin).wants(Step::Shut(Shut::Reset));
}

#[test]
fn the_frame_boundary_is_known_in_any_state() {
    let mut relay = Relay::new();
    assert!(relay.at_message_boundary());
    relay.received(b"\x81\x02h", 0);
    assert!(!relay.at_message_boundary());
    relay.received(b"i", 0);
    assert!(relay.at_message_boundary());
}

proptest! {
    #[test]
    fn what_goes_in_comes_out(
        chunks in prop::collection::vec((prop::collection::vec(any::<u8>(), 0..40), 0..50usize, 1..20usize), 0..40)
    ) {
        let mut relay = Relay::new();
        let (mut came, mut left) = (Vec::new(), Vec::new());
        for (chunk, taken, step) in chunks {
            let taken = taken.min(chunk.len());
            came.extend_from_slice(&chunk);
            left.extend_from_slice(&chunk[..taken]);
            relay.received(&chunk, taken);
            while let Step::Write(waiting) = relay.next() {
                let count = step.min(waiting.len());
                left.extend_from_slice(&waiting[..count]);
                relay.wrote(count);
            }
            prop_assert_eq!(relay.next(), Step::Read);
        }
        prop_assert_eq!(left, came);
    }
}
