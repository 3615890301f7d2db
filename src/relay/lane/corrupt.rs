//! Payloads that are changed on the wire.

use crate::ws::{FrameWalker, Walked};

/// Changes octets of the payloads of whole frames: each place counts payload octets alone.
pub(super) fn corrupt(frames: &mut [u8], octets: &[(u64, u8)]) {
    if octets.is_empty() {
        return;
    }
    let mut places = Vec::new();
    let mut walker = FrameWalker::new();
    let mut walk = walker.walk(frames);
    while let Some(walked) = walk.next() {
        if let Walked::Payload(payload) = walked {
            let end = frames.len() - walk.rest().len();
            places.extend(end - payload.len()..end);
        }
    }
    for (place, changes) in octets {
        if let Some(place) = usize::try_from(*place).ok().and_then(|place| places.get(place)) {
            frames[*place] ^= changes;
        }
    }
}
