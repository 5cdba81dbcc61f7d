//! The reading of one journal, until it is replaced.

use std::{
    sync::Arc,
    time::{Duration, Instant},
};

use crate::{
    cache::{FollowedJournal, JournalHandle},
    config::Config,
    error::Error,
    hub::{revocations::DEFAULT_AUTHENTICATION_TIME, shared_state::SharedState},
    journal::{EntryWatcher, MAX_REPLACEMENT_RETRIES, first_within},
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
    /// Whether a notification ended the last wait.
    pub(super) was_notified: bool,
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
            was_notified: false,
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
        self.was_notified = self.watcher.wait(self.next_number, timeout, interrupt);
    }
}
