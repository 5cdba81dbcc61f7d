//! What the tail fills and the streams of all threads read.

use std::{
    sync::atomic::{AtomicBool, Ordering},
    time::Instant,
};

use super::{
    notifiers::Notifiers,
    revocations::{ANY_NAME, Revocations},
    ring::Ring,
    ring_check::RingChecks,
    ring_entry::{Content, RingEntry},
};
use crate::{config::Config, epoch::Epochs};

/// The ring, the notifiers that wake the streams that wait for it, and whether the hub closes.
pub(crate) struct SharedState {
    pub(crate) ring: Ring,
    pub(super) ring_checks: RingChecks,
    pub(super) notifiers: Notifiers,
    pub(super) revocations: Revocations,
    is_closing: AtomicBool,
}

impl SharedState {
    pub(crate) fn new(config: &Config) -> Self {
        Self {
            ring: Ring::new(config.entries_in_memory()),
            ring_checks: RingChecks::new(),
            notifiers: Notifiers::default(),
            revocations: Revocations::default(),
            is_closing: AtomicBool::new(false),
        }
    }

    /// Adds entries, of which the first has this number, and wakes the streams that want them.
    pub(super) fn publish(&self, first_number: u64, entries: Vec<RingEntry>) {
        let newest = first_number + entries.len() as u64 - 1;
        let revocations = (first_number..)
            .zip(&entries)
            .filter_map(|(number, entry)| {
                let name = match &entry.content {
                    Content::Revocation(names) => names.first()?.as_str(),
                    Content::Unreadable => ANY_NAME,
                    Content::Frames(_) => return None,
                };
                Some((number, entry.seen_at, name))
            });
        // Before the ring, so that a stream that starts after a revocation finds it.
        self.revocations.add(newest, revocations);
        self.ring.push(entries);
        self.notifiers.notify_new_entries();
    }

    /// Empties the ring, see [`Ring::restart`], and wakes the streams. Entries before `next` that were saved
    /// before `unknown_until` may be revocations.
    pub(super) fn restart(&self, epochs: Epochs, next: u64, unknown_until: Option<Instant>) {
        (self.revocations).restart(epochs.current(), next, unknown_until);
        self.ring.restart(epochs, next);
        self.notifiers.notify_new_entries();
    }

    /// Wakes every stream.
    pub(super) fn wake_all(&self) {
        self.notifiers.notify_all();
        self.ring_checks.wake_all();
    }

    /// Ends every stream.
    pub(super) fn close(&self) {
        // SeqCst although less would do: the lock in `notify_all` orders this store with the list.
        // A worker that adds its notifier later checks the flag after that (`worker_task::start`), and
        // sees it.
        self.is_closing.store(true, Ordering::SeqCst);
        self.wake_all();
    }

    pub(crate) fn is_closing(&self) -> bool {
        self.is_closing.load(Ordering::SeqCst)
    }
}
