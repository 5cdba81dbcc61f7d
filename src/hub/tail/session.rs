//! The reading of one journal, until it is replaced.

use std::{
    mem,
    sync::Arc,
    time::{Duration, Instant},
};

use crate::{
    cache::{FollowedJournal, JournalHandle},
    config::Config,
    error::Error,
    hub::{
        revocations::DEFAULT_AUTHENTICATION_TIME, ring::Ring, shared_state::SharedState,
        worker_reader::ReadSource,
    },
    journal::{EntryWatcher, MAX_REPLACEMENT_RETRIES, Notified, first_within},
    runtime::Interrupt,
};

pub(super) struct TailSession {
    pub(super) followed: FollowedJournal,
    /// The number of the entry that is read next.
    pub(super) next_number: u64,
    watcher: Box<dyn EntryWatcher>,
    /// Entries before this number were saved before the journal was opened here.
    pub(super) first_new_number: u64,
    /// When the newest of those that were read was saved; `None` if that is unknown.
    last_saved_at: Option<Instant>,
    /// When the journal was last known to be the current one.
    pub(super) checked_at: Instant,
    /// What ended the last wait.
    pub(super) notification: Notified,
    /// The highest number of an entry that was notified, or that had one when the journal was opened.
    highest_notified: u64,
    /// Whether the workers may read, too.
    is_shared: bool,
    /// Which of the regular sweeps was the last; `None` before the first.
    pub(super) last_sweep: Option<u64>,
}

impl TailSession {
    /// Opens the current journal, and opens it again if it is replaced meanwhile.
    ///
    /// `unread_for` is how long this process may have read nothing although clients were connected.
    pub(super) fn open(
        journal_handle: &JournalHandle,
        shared_state: &SharedState,
        unread_for: Duration,
    ) -> Result<Self, Error> {
        let mut retries = 0..MAX_REPLACEMENT_RETRIES;
        loop {
            let followed = journal_handle.follow()?;
            let journal = Arc::clone(&followed.opened.journal);
            match Self::start(followed, &journal_handle.config(), shared_state, unread_for) {
                Err(_) if journal.is_replaced() && retries.next().is_some() => {}
                result => return result,
            }
        }
    }

    /// Starts at the lookback, so that new clients of a restarted server have the same lookback as those
    /// of a server that kept running. Connected clients also need what was saved while this process read
    /// nothing, so it starts earlier by `unread_for`.
    fn start(
        followed: FollowedJournal,
        config: &Config,
        shared_state: &SharedState,
        unread_for: Duration,
    ) -> Result<Self, Error> {
        let journal = &followed.opened.journal;
        // Watching starts before the journal is read, so that no entry is missed in between.
        let watcher = journal.watch();
        let first_new_number = journal.newest_number()? + 1;
        // Streams whose app has not noted when it authenticated their requests end at recent revocations.
        let age = config.lookback().max(DEFAULT_AUTHENTICATION_TIME);
        let age = age.saturating_add(unread_for);
        let max_entries = config.entries_in_memory() as u64;
        let next_number = first_within(&**journal, age, max_entries)?;
        // After it, because entries may be saved meanwhile.
        let end = journal.newest_number()? + 1;
        // Otherwise everything before is older.
        let is_limited = next_number > 1 && end.saturating_sub(next_number) >= max_entries;
        let session = Self {
            followed,
            next_number,
            watcher,
            first_new_number,
            last_saved_at: None,
            checked_at: Instant::now(),
            notification: Notified::Nothing,
            highest_notified: first_new_number - 1,
            is_shared: false,
            last_sweep: None,
        };
        session.restart_ring(shared_state, is_limited.then(Instant::now));
        Ok(session)
    }

    /// Empties the ring: it continues with the next entry. Entries before that were saved before
    /// `unknown_until` may be revocations.
    pub(super) fn restart_ring(&self, shared_state: &SharedState, unknown_until: Option<Instant>) {
        let journal = &self.followed.opened.journal;
        shared_state.restart(journal.epochs(), self.next_number, unknown_until);
    }

    /// Lets the workers read new entries from now on. Call it when all earlier entries were read: only the tail finds
    /// out when those were saved.
    pub(super) fn share(
        &mut self,
        journal_handle: &Arc<JournalHandle>,
        shared_state: &SharedState,
    ) {
        if mem::replace(&mut self.is_shared, true) {
            return;
        }
        let journal = &self.followed.opened.journal;
        let notifications = (journal.can_read_cached())
            .then(|| self.watcher.notifications())
            .flatten();
        let source = notifications.map(|notifications| {
            ReadSource::new(
                Arc::clone(journal),
                Arc::clone(journal_handle),
                notifications,
            )
        });
        shared_state.set_read_source(source);
    }

    /// Whether a number was notified that had an entry before. Call it once for each notification. A number gets an
    /// entry only once, unless another program has removed the newest entries.
    pub(super) fn is_assigned_again(&mut self, notification: Notified) -> bool {
        let Notified::Entries { lowest, highest } = notification else {
            return false;
        };
        let is_assigned_again = lowest <= self.highest_notified;
        self.highest_notified = self.highest_notified.max(highest);
        is_assigned_again
    }

    /// Skips the entries that threads which have saved them, or workers, have added to the ring.
    pub(super) fn skip_to_ring_end(&mut self, ring: &Ring) {
        let end = ring.end();
        if end.epoch == self.followed.opened.journal.epoch() {
            self.next_number = self.next_number.max(end.cursor.next);
        }
    }

    /// When an entry was saved that the journal already had when the tail opened it, if its time says that
    /// it has this age. `None` if that is unknown. Call it once for each of these entries, in order.
    ///
    /// An entry is no older than those before it, whatever its time is.
    pub(super) fn saved_at(&mut self, age: Option<Duration>) -> Option<Instant> {
        let by_its_time = age.and_then(|age| Instant::now().checked_sub(age));
        self.last_saved_at = self.last_saved_at.max(by_its_time);
        self.last_saved_at
    }

    /// Waits for new entries, but for `timeout` at most.
    pub(super) fn wait(&mut self, timeout: Duration, interrupt: &Interrupt) {
        self.notification = (self.watcher).wait(self.next_number, timeout, interrupt);
    }
}
