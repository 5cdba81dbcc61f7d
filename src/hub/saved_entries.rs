//! Takes entries from the threads of this process that save them.
//!
//! The tail is woken for the same entries, by the journal. Whichever is faster adds an entry to the ring, and the other
//! one finds it there.

#[cfg(test)]
mod tests;

use std::sync::Arc;

use super::shared_state::SharedState;
use crate::{
    cache::{EntryReceiver, SavedEntry},
    config::Config,
    event_id::EventId,
};

/// Adds an entry to the ring if all entries before it are there.
pub(super) struct SavedEntries<W> {
    shared_state: Arc<SharedState>,
    wake_tail: W,
}

impl<W> SavedEntries<W> {
    pub(super) fn new(shared_state: Arc<SharedState>, wake_tail: W) -> Self {
        Self {
            shared_state,
            wake_tail,
        }
    }
}

impl<W: Fn() + Send + Sync> EntryReceiver for SavedEntries<W> {
    fn receive(&self, saved: &SavedEntry<'_>, config: &Config) {
        let at = EventId::before(saved.epochs.current(), saved.number);
        let end = self.shared_state.ring.end();
        if end == at {
            (self.shared_state).publish_document(at, saved.epochs, saved.document, config);
        } else if end.epoch == at.epoch && end.cursor < at.cursor {
            // The entries before it come from other threads or processes. Without file notifications, the tail would
            // find all of them late.
            (self.wake_tail)();
        }
    }
}
