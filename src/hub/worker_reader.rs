//! A worker reads an entry that comes alone by itself.
//!
//! Usually the tail reads, and then wakes the workers. A thread that sleeps takes longer to wake up than to read one
//! entry. So the notification itself also wakes each worker with streams. The kernel usually has a new entry in memory;
//! then a worker reads it, and adds it to the ring. If the kernel has to wait for a disk, or if several entries come
//! close together, the worker leaves them to the tail: it never waits for a file.

use std::{
    os::fd::OwnedFd,
    panic::{AssertUnwindSafe, catch_unwind},
    sync::{Arc, Mutex},
    task::{Context, Poll},
    time::{Duration, Instant},
};

use tokio::io::{Interest, unix::AsyncFd};

use super::shared_state::SharedState;
use crate::{cache::JournalHandle, journal::Journal, runtime::try_lock};

/// If two notifications are closer together, the worker leaves the entries to the tail, which reads several together
/// and wakes the streams once for all of them.
const MIN_PAUSE_BETWEEN_ENTRIES: Duration = Duration::from_millis(2);

/// What the workers read from.
pub(super) struct ReadSource {
    journal: Arc<dyn Journal>,
    journal_handle: Arc<JournalHandle>,
    /// Becomes readable when an entry gets its number. Only the tail reads the notifications.
    notifications: OwnedFd,
    /// Held by the worker that reads; the others are woken when it has read.
    reading: Mutex<()>,
}

impl ReadSource {
    pub(super) fn new(
        journal: Arc<dyn Journal>,
        journal_handle: Arc<JournalHandle>,
        notifications: OwnedFd,
    ) -> Self {
        Self {
            journal,
            journal_handle,
            notifications,
            reading: Mutex::default(),
        }
    }

    /// Calls [`read_next`](Self::read_next). Returns `false` if it panics, perhaps in a subscriber of the app: the
    /// worker's task must not end, because without it, no stream of the worker would be woken any more.
    fn try_read_next(&self, shared_state: &SharedState) -> bool {
        let read = catch_unwind(AssertUnwindSafe(|| self.read_next(shared_state)));
        if read.is_err() {
            tracing::error!(
                "a worker panicked while it read an entry, and leaves the next ones to the thread `sse-tail`; please \
                 report this"
            );
        }
        read.is_ok()
    }

    /// Adds the entry after the newest to the ring, if it can be read without waiting.
    pub(super) fn read_next(&self, shared_state: &SharedState) {
        let Some(_reading) = try_lock(&self.reading) else {
            return;
        };
        let at = shared_state.ring.end();
        let epochs = self.journal.epochs();
        if at.epoch == epochs.current()
            && let Some(document) = self.journal.read_cached(at.cursor.next)
        {
            let config = self.journal_handle.config();
            shared_state.publish_document(at, &epochs, &document, &config);
        }
    }
}

/// The reader of one worker.
#[derive(Default)]
pub(super) struct WorkerReader {
    followed: Option<Followed>,
    last_notification: Option<Instant>,
    /// Whether a read has panicked. From then on, the tail reads everything, and reports what persists.
    has_panicked: bool,
}

struct Followed {
    source: Arc<ReadSource>,
    /// `None` if it cannot be waited for.
    notifications: Option<AsyncFd<OwnedFd>>,
}

impl WorkerReader {
    /// Reads after a notification. Call it in each poll of the worker's task, which the next notification wakes.
    pub(super) fn poll(&mut self, shared_state: &SharedState, context: &mut Context<'_>) {
        let source = shared_state.read_source();
        self.follow(source.filter(|_| !self.has_panicked));
        let Some(followed) = &self.followed else {
            return;
        };
        if followed.is_notified(context) {
            let now = Instant::now();
            let last = self.last_notification.replace(now);
            if last.is_none_or(|last| now.duration_since(last) >= MIN_PAUSE_BETWEEN_ENTRIES) {
                self.has_panicked = !followed.source.try_read_next(shared_state);
            }
        }
    }

    fn follow(&mut self, source: Option<Arc<ReadSource>>) {
        let is_followed = match (&self.followed, &source) {
            (Some(followed), Some(source)) => Arc::ptr_eq(&followed.source, source),
            (followed, source) => followed.is_none() && source.is_none(),
        };
        if !is_followed {
            self.followed = source.map(Followed::new);
        }
    }
}

impl Followed {
    fn new(source: Arc<ReadSource>) -> Self {
        // The function that replaces it is unsafe, because some types may close their descriptor too early. An
        // `OwnedFd` does not.
        #[allow(deprecated, reason = "safe for an `OwnedFd`")]
        let wait_for = |fd| AsyncFd::with_interest(fd, Interest::READABLE);
        let notifications = source.notifications.try_clone().and_then(wait_for);
        Self {
            source,
            notifications: notifications.ok(),
        }
    }

    fn is_notified(&self, context: &mut Context<'_>) -> bool {
        let mut is_notified = false;
        if let Some(notifications) = &self.notifications {
            // Until it is pending: only then does the next notification wake the task.
            while let Poll::Ready(Ok(mut ready)) = notifications.poll_read_ready(context) {
                ready.clear_ready();
                is_notified = true;
            }
        }
        is_notified
    }
}

#[cfg(test)]
mod tests {
    use std::{fs::File, path::Path};

    use tracing::{
        Event, Metadata, Subscriber,
        span::{Attributes, Id, Record},
    };

    use super::*;
    use crate::{config::Config, event_id::EventId, observe::Observations};

    /// A subscriber of an app.
    struct PanickingSubscriber;

    impl Subscriber for PanickingSubscriber {
        fn enabled(&self, _: &Metadata<'_>) -> bool {
            true
        }

        fn new_span(&self, _: &Attributes<'_>) -> Id {
            panic!("of the subscriber");
        }

        fn record(&self, _: &Id, _: &Record<'_>) {}

        fn record_follows_from(&self, _: &Id, _: &Id) {}

        fn event(&self, _: &Event<'_>) {}

        fn enter(&self, _: &Id) {}

        fn exit(&self, _: &Id) {}
    }

    const DOCUMENT: &[u8] = br#"{"time":"2026-11-23T15:51:00Z","ttl_ms":0,"key":"k","value":1}"#;

    /// A journal with one entry, which the tail has read, so that its folder is open; what the workers read it with;
    /// and the ring, which is in another journal yet.
    fn read_journal(app: &Path) -> (Arc<dyn Journal>, ReadSource, SharedState) {
        let config = Config::new(app, "a:k").unwrap();
        let shared_state = SharedState::new(&config, Observations::new());
        let journal_handle = Arc::new(JournalHandle::open(config, Observations::new()).unwrap());
        let journal = journal_handle.current().unwrap();
        journal.append(DOCUMENT).unwrap();
        journal.read_from(1, 1).unwrap();
        (journal, source(&journal_handle), shared_state)
    }

    #[test]
    fn a_worker_survives_a_panic_of_the_apps_subscriber() {
        let app = tempfile::tempdir().unwrap();
        let (journal, source, shared_state) = read_journal(app.path());
        if !journal.can_read_cached() {
            return;
        }
        shared_state.restart(journal.epochs(), 1, None);
        tracing::subscriber::with_default(PanickingSubscriber, || {
            // A rename elsewhere at the same moment may make the kernel give up.
            let has_panicked = (0..100).any(|_| !source.try_read_next(&shared_state));
            assert!(has_panicked);
        });
        assert_eq!(shared_state.ring.end().cursor.next, 2);
    }

    fn source(journal_handle: &Arc<JournalHandle>) -> ReadSource {
        ReadSource::new(
            journal_handle.current().unwrap(),
            Arc::clone(journal_handle),
            File::open("/dev/null").unwrap().into(),
        )
    }

    #[test]
    fn a_worker_adds_the_next_entry_and_no_other() {
        let app = tempfile::tempdir().unwrap();
        let (journal, source, shared_state) = read_journal(app.path());
        if !journal.can_read_cached() {
            return;
        }
        let end = || shared_state.ring.end();
        source.read_next(&shared_state);
        assert_eq!(end(), EventId::default(), "the ring is in another journal");
        shared_state.restart(journal.epochs(), 1, None);
        for number in 2..=4 {
            // A rename elsewhere at the same moment may make the kernel give up.
            let reads = (0..100).find(|_| {
                source.read_next(&shared_state);
                end().cursor.next == number
            });
            assert!(reads.is_some(), "{number}");
            source.read_next(&shared_state);
            assert_eq!(end().cursor.next, number, "nothing more is there");
            journal.append(DOCUMENT).unwrap();
        }
        // As if another worker did.
        let _reading = try_lock(&source.reading).unwrap();
        source.read_next(&shared_state);
        assert_eq!(end().cursor.next, 4);
    }
}
