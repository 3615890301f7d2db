//! What the lines of a session count from: its opening, and how far each direction was told.

use std::collections::HashMap;

use super::frames::Offsets;
use crate::capture::Stamp;

/// The sessions that are open. Writer and reader keep the same, so that one reads what the other left unsaid.
#[derive(Clone, Default)]
pub(super) struct Sessions(HashMap<u32, Session>);

/// One of them.
#[derive(Clone, Copy, Default)]
pub(super) struct Session {
    pub opened: Stamp,
    pub offsets: Offsets,
}

impl Sessions {
    /// A session is open; the same again changes nothing.
    pub fn begin(&mut self, session: u32, opened: Stamp) {
        let known = self.0.entry(session).or_default();
        if known.opened != opened {
            *known = Session { opened, offsets: [0; 2] };
        }
    }

    pub fn get(&mut self, session: u32) -> Option<&mut Session> {
        self.0.get_mut(&session)
    }

    /// Forgets a session; gives when it was opened, the beginning of the log where that is not known.
    pub fn end(&mut self, session: u32) -> Stamp {
        self.0.remove(&session).unwrap_or_default().opened
    }
}
