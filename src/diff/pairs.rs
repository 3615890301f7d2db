//! Which session of one recording is which of another, and which exchange.

use std::collections::{HashMap, HashSet};
use std::hash::Hash;

use super::Place;
use crate::capture::{Event, Exchange, Flow};
use crate::recordings::units::{Session, Unit, Units, What};
use crate::ws::handshake::RequestHead;

/// Each session of `a` with the one of `b` that it is, in order; and those that are in `b` only.
///
/// First those of the same path, query and subprotocol find each other, then those of the same path.
pub(super) fn sessions<'u>(
    a: &'u Units,
    b: &'u Units,
) -> (Vec<(&'u Session, Option<&'u Session>)>, Vec<&'u Session>) {
    let path = |session: &Session| session.target.split('?').next().unwrap_or_default().to_owned();
    let mut found = vec![None; a.sessions.len()];
    let mut taken = HashSet::new();
    pair(&a.sessions, &b.sessions, |session| session.place, &mut found, &mut taken);
    pair(&a.sessions, &b.sessions, path, &mut found, &mut taken);
    let pairs =
        a.sessions.iter().zip(found).map(|(one, other)| (one, other.map(|at: usize| &b.sessions[at])));
    let left = b.sessions.iter().enumerate().filter(|(at, _)| !taken.contains(at)).map(|(_, other)| other);
    (pairs.collect(), left.collect())
}

/// Pairs what has the same key, in order, of what has no pair yet.
fn pair<T, K: Hash + Eq>(
    a: &[T],
    b: &[T],
    key: impl Fn(&T) -> K,
    found: &mut [Option<usize>],
    taken: &mut HashSet<usize>,
) {
    let mut free: HashMap<K, Vec<usize>> = HashMap::new();
    for (at, other) in b.iter().enumerate().rev().filter(|(at, _)| !taken.contains(at)) {
        free.entry(key(other)).or_default().push(at);
    }
    for (one, found) in a.iter().zip(found).filter(|(_, found)| found.is_none()) {
        *found = free.get_mut(&key(one)).and_then(Vec::pop);
        taken.extend(*found);
    }
}

/// The same of plain HTTP exchanges, by their places: by method and target.
pub(super) fn exchanges(a: &Units, b: &Units) -> (Vec<(usize, Option<usize>)>, Vec<usize>) {
    let all = |units: &Units| -> Vec<(usize, u64)> {
        let each = units.all.iter().enumerate();
        let exchanges = each.filter(|(_, unit)| matches!(unit.what, What::Exchange(_)));
        exchanges.map(|(at, unit)| (at, unit.mark.shape)).collect()
    };
    let (a, b) = (all(a), all(b));
    let mut found = vec![None; a.len()];
    let mut taken = HashSet::new();
    pair(&a, &b, |(_, shape)| *shape, &mut found, &mut taken);
    let pairs = a.iter().zip(&found).map(|((one, _), other)| (*one, other.map(|at| b[at].0))).collect();
    let left = b.iter().enumerate().filter(|(at, _)| !taken.contains(at)).map(|(_, (other, _))| *other);
    (pairs, left.collect())
}

pub(super) fn exchange_place(unit: &Unit) -> Place {
    let number = if let What::Exchange(number) = unit.what { number } else { 0 };
    Place { number, line: unit.line }
}

/// The number of the session or exchange that an event is about.
pub(super) fn number(event: &Event) -> u32 {
    match event.flow() {
        Some(Flow::Session(number) | Flow::Exchange(number)) => number,
        None => 0,
    }
}

/// What an exchange asked for: its method and target.
pub(super) fn target(event: &Event) -> String {
    let Event::Exchanged(Exchange { request, url, .. }) = event else { return String::new() };
    match RequestHead::parse(request) {
        Ok(request) => format!("{} {}", request.method(), request.target()),
        Err(_) => url.clone(),
    }
}
