//! What the streams of all threads read, and the tail, the workers and the threads that save fill.

#[cfg(test)]
pub(super) mod tests;

use std::{
    sync::{
        Arc, Mutex, MutexGuard,
        atomic::{AtomicBool, Ordering},
    },
    time::{Instant, SystemTime},
};

use tracing::Span;

use super::{
    notifiers::Notifiers,
    readiness::Readiness,
    revocations::{ANY_NAME, Revocations},
    ring::Ring,
    ring_check::RingChecks,
    ring_entry::{Content, RingEntry},
    worker_reader::ReadSource,
};
use crate::{
    config::Config,
    entry::Entry,
    epoch::{Epoch, Epochs},
    event_id::{Cursor, EventId},
    observe::Observations,
    runtime::lock,
    spans,
};

/// The ring, the notifiers that wake the streams that wait for it, and whether the hub closes.
pub(crate) struct SharedState {
    pub(crate) ring: Ring,
    /// Held while the ring is changed: the tail, the workers and the threads that save do so.
    changing: Mutex<()>,
    /// What the workers read from; `None` while only the tail reads.
    read_source: Mutex<Option<Arc<ReadSource>>>,
    pub(super) ring_checks: RingChecks,
    pub(super) notifiers: Notifiers,
    pub(super) revocations: Revocations,
    pub(super) readiness: Readiness,
    is_closing: AtomicBool,
    pub(super) observations: Observations,
}

/// Wakes the streams that want new entries, also if a subscriber of the app panics before.
struct NotificationOnDrop<'a>(&'a Notifiers);

impl Drop for NotificationOnDrop<'_> {
    fn drop(&mut self) {
        self.0.notify_new_entries();
    }
}

impl SharedState {
    pub(crate) fn new(config: &Config, observations: Observations) -> Self {
        Self {
            ring: Ring::new(config.entries_in_memory()),
            changing: Mutex::default(),
            read_source: Mutex::default(),
            ring_checks: RingChecks::new(),
            notifiers: Notifiers::default(),
            revocations: Revocations::default(),
            readiness: Readiness::new(),
            is_closing: AtomicBool::new(false),
            observations,
        }
    }

    /// Adds the entry with this document, which is seen now, as [`publish`](Self::publish) does.
    pub(super) fn publish_document(
        &self,
        at: EventId,
        epochs: &Epochs,
        document: &[u8],
        config: &Config,
    ) {
        let number = at.cursor.next;
        let entry = Entry::parse(epochs.epoch_of(number), number, document);
        let ring_entry = RingEntry::of(number, &entry, config.events(), SystemTime::now());
        self.publish(at, vec![ring_entry], |_| {
            entry.as_ref().ok().and_then(spans::deliver)
        });
    }

    /// Adds consecutive entries, and wakes the streams that want them. `at` is the position before the first.
    ///
    /// Leaves out those that the ring has already. If they do not follow its newest, another journal has taken the
    /// place of theirs, or entries between them are not read yet; then none is added. For each entry that is added and
    /// triggers an event, `delivery_span` gets its index in `entries` and starts the span of its delivery, which ends
    /// when the streams were woken.
    pub(super) fn publish(
        &self,
        at: EventId,
        entries: Vec<RingEntry>,
        delivery_span: impl Fn(usize) -> Option<Span>,
    ) {
        let Some(with_events) = self.add(at, entries) else {
            return;
        };
        // Without the lock: a subscriber of the app or its recorder may save something.
        let deliveries: Vec<Span> = {
            let _notification = NotificationOnDrop(&self.notifiers);
            with_events.into_iter().filter_map(delivery_span).collect()
        };
        drop(deliveries);
        // Not the last of these: another thread may have added later ones.
        let end = self.ring.end().cursor.next;
        self.observations.journal_read(end - 1);
    }

    /// Adds those of the entries that are next. Returns the indexes of those that trigger an event; `None` if none is
    /// next.
    fn add(&self, at: EventId, mut entries: Vec<RingEntry>) -> Option<Vec<usize>> {
        let _changing = lock(&self.changing);
        let end = self.ring.end();
        let known = end.cursor.next.checked_sub(at.cursor.next);
        let known = known.filter(|_| end.epoch == at.epoch)?;
        let known = usize::try_from(known).unwrap_or(usize::MAX);
        if known >= entries.len() {
            return None;
        }
        entries.drain(..known);
        let with_events = (known..)
            .zip(&entries)
            .filter_map(|(index, entry)| entry.content.has_frames().then_some(index));
        let with_events = with_events.collect();
        // An entry that was encoded earlier may come after one that was encoded later by another thread.
        let mut seen_at = self.ring.newest_seen_at();
        for entry in &mut entries {
            seen_at = entry.seen_at.max(seen_at);
            entry.seen_at = seen_at;
        }
        let first_number = end.cursor.next;
        let newest = first_number + entries.len() as u64 - 1;
        let revocations = (first_number..)
            .zip(&entries)
            .filter_map(|(number, entry)| {
                let name = match &entry.content {
                    Content::Revocation(names) => names.first()?.as_str(),
                    Content::Unreadable => ANY_NAME,
                    Content::Frames(_) | Content::Lost(_) => return None,
                };
                Some((number, entry.seen_at, name))
            });
        // Before the ring, so that a stream that starts after a revocation finds it.
        self.revocations.add(newest, revocations);
        self.ring.push(entries);
        Some(with_events)
    }

    /// Empties the ring, see [`Ring::restart`], and wakes the streams. Entries before `next` that were saved
    /// before `unknown_until` may be revocations.
    pub(super) fn restart(&self, epochs: Epochs, next: u64, unknown_until: Option<Instant>) {
        let changing = lock(&self.changing);
        self.restart_with(changing, epochs, next, unknown_until);
    }

    /// Does the same if the ring has not yet reached `next` of this journal: another thread may have added entries
    /// meanwhile.
    pub(super) fn skip_to(&self, epochs: Epochs, next: u64, unknown_until: Option<Instant>) {
        let changing = lock(&self.changing);
        let end = self.ring.end();
        if end.epoch == epochs.current() && end.cursor < Cursor::before(next) {
            self.restart_with(changing, epochs, next, unknown_until);
        }
    }

    fn restart_with(
        &self,
        changing: MutexGuard<'_, ()>,
        epochs: Epochs,
        next: u64,
        unknown_until: Option<Instant>,
    ) {
        let (former, current) = (self.ring.end().epoch, epochs.current());
        (self.revocations).restart(current, next, unknown_until);
        self.ring.restart(epochs, next);
        drop(changing);
        self.notifiers.notify_new_entries();
        if former != Epoch::default() && former != current {
            self.observations.epoch_changed();
        }
        self.observations.journal_read(next - 1);
    }

    pub(super) fn read_source(&self) -> Option<Arc<ReadSource>> {
        lock(&self.read_source).clone()
    }

    /// Lets the workers read from this source from now on.
    pub(super) fn set_read_source(&self, source: Option<ReadSource>) {
        *lock(&self.read_source) = source.map(Arc::new);
        // Each worker's task looks for a new source when it is woken.
        self.notifiers.notify_new_entries();
    }

    /// Has the workers measure how far behind their streams are, unless that cannot have changed: an idle server must
    /// not wake for it. `measured` is how often the ring had changed at the last call.
    pub(super) fn measure_slowest_stream(&self, measured: &mut u64) {
        let change_count = self.ring.change_count();
        let former = std::mem::replace(measured, change_count);
        if former != change_count || self.notifiers.slowest_stream() > 0 {
            self.notifiers.request_measurement();
        }
    }

    /// A worker has measured.
    pub(super) fn report_slowest_stream(&self) {
        let entries = self.notifiers.slowest_stream();
        self.observations.slowest_stream(entries);
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
