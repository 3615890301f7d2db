//! What a filter is told about a session before its messages are looked at.

use std::borrow::Cow;

use crate::capture::{Flow, FlowKind, State, Summary};
use crate::filter::{Flag, Kind, Subject};
use crate::ws::Opcode;

/// A session, a tunnel or an exchange.
pub(super) struct FlowSubject<'a> {
    pub(super) summary: &'a Summary,
    pub(super) marked: bool,
}

impl Subject for FlowSubject<'_> {
    fn kind(&self) -> Kind {
        match (self.summary.kind, self.summary.state) {
            (FlowKind::Exchange, _) => Kind::Exchange,
            (FlowKind::Tunnel, _) => Kind::Tunnel,
            (FlowKind::Session, State::Failed) => Kind::Refused,
            (FlowKind::Session, _) => Kind::Session,
        }
    }

    fn opcode(&self) -> Option<Opcode> {
        None
    }

    fn size(&self) -> Option<u64> {
        Some(self.summary.bytes.iter().sum())
    }

    fn code(&self) -> Option<u16> {
        match &self.summary.close {
            Some((_, code, _)) => *code,
            None => self.summary.status,
        }
    }

    fn url(&self) -> &str {
        &self.summary.url
    }

    fn method(&self) -> &str {
        self.summary.method.as_deref().unwrap_or("GET")
    }

    fn subprotocol(&self) -> &str {
        self.summary.subprotocol.as_deref().unwrap_or_default()
    }

    fn tls(&self) -> Cow<'_, str> {
        Cow::Borrowed(&self.summary.tls)
    }

    fn session(&self) -> Option<u32> {
        match self.summary.flow {
            Flow::Session(number) => Some(number),
            Flow::Exchange(_) => None,
        }
    }

    fn exchange(&self) -> Option<u32> {
        match self.summary.flow {
            Flow::Session(_) => None,
            Flow::Exchange(number) => Some(number),
        }
    }

    fn text(&self) -> Cow<'_, str> {
        let method = self.summary.method.as_deref().unwrap_or_default();
        Cow::Owned(format!("{method} {} {} {}", self.summary.url, self.subprotocol(), self.summary.end))
    }

    fn has_rule(&self, is_meant: &dyn Fn(&str) -> bool) -> bool {
        self.summary.acts.rules.iter().any(|name| is_meant(name))
    }

    fn has(&self, flag: Flag) -> bool {
        match flag {
            Flag::Marked => self.marked,
            Flag::Violation => self.summary.violations > 0,
            Flag::Compressed => self.summary.deflate,
            Flag::Held => self.summary.acts.held > 0,
            Flag::Edited => self.summary.acts.edited > 0,
            Flag::Dropped => self.summary.acts.dropped > 0,
            Flag::Injected => self.summary.acts.injected > 0,
            Flag::Fragmented => false,
        }
    }
}
