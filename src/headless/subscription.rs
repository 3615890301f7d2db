//! What is printed, to be changed while it is.

use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex, PoisonError};

use crate::filter::Filter;

/// What is printed from here on. Cheap to clone: those who change it and those who print share it.
#[derive(Clone, Debug)]
pub struct Subscription(Arc<Inner>);

#[derive(Debug)]
struct Inner {
    filter: Mutex<Option<Filter>>,
    version: AtomicU64,
}

impl Subscription {
    /// To what `filter` is true of.
    pub fn to(filter: Filter) -> Subscription {
        Subscription(Arc::new(Inner { filter: Mutex::new(Some(filter)), version: AtomicU64::new(0) }))
    }

    /// Another filter from here on; none for nothing.
    pub fn change(&self, filter: Option<Filter>) {
        *self.0.filter.lock().unwrap_or_else(PoisonError::into_inner) = filter;
        self.0.version.fetch_add(1, Ordering::Release);
    }

    /// The filter, where it is another than at `seen`, which is moved on.
    pub(super) fn changed(&self, seen: &mut u64) -> Option<Option<Filter>> {
        let version = self.0.version.load(Ordering::Acquire);
        if version == *seen {
            return None;
        }
        *seen = version;
        Some(self.0.filter.lock().unwrap_or_else(PoisonError::into_inner).clone())
    }
}
