//! The reading of one journal, until it is replaced.

use std::{
    sync::Arc,
    time::{Duration, Instant},
};

use crate::{
    cache::{FollowedJournal, JournalHandle},
    config::Config,
    error::Error,
    hub::shared_ring::SharedRing,
    journal::{JournalReader, Watch},
    runtime::Interrupt,
};

/// How often the journal is opened again because it was replaced while it was opened. Only a
/// program that replaces the cache folder all the time exceeds this.
const MAX_RETRIES: u32 = 20;

pub(super) struct TailSession {
    pub(super) followed: FollowedJournal,
    pub(super) reader: JournalReader,
    watch: Box<dyn Watch>,
    /// Entries before this number were saved before the journal was opened here.
    pub(super) first_new: u64,
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
        handle: &JournalHandle,
        shared: &SharedRing,
        unread_for: Duration,
    ) -> Result<Self, Error> {
        let mut retries = 0..MAX_RETRIES;
        loop {
            let followed = handle.follow()?;
            let journal = Arc::clone(&followed.journal);
            match Self::start(followed, &handle.config(), shared, unread_for) {
                Err(_) if !journal.is_in_place() && retries.next().is_some() => {}
                result => return result,
            }
        }
    }

    /// Starts a few seconds back, so that new clients of a restarted server have the same lookback
    /// as those of one that kept running, and before that by `unread_for`.
    fn start(
        followed: FollowedJournal,
        config: &Config,
        shared: &SharedRing,
        unread_for: Duration,
    ) -> Result<Self, Error> {
        let journal = &followed.journal;
        // Watching starts before the journal is read, so that no entry is missed in between.
        let watch = journal.watch();
        let age = config.lookback().saturating_add(unread_for);
        let reader = JournalReader::recent(Arc::clone(journal), age, config.in_memory() as u64)?;
        let first_new = journal.newest()? + 1;
        let session = Self {
            followed,
            reader,
            watch,
            first_new,
            checked_at: Instant::now(),
            was_notified: false,
            last_sweep: None,
        };
        session.restart_ring(shared);
        Ok(session)
    }

    /// Empties the ring: it continues where the reader is.
    pub(super) fn restart_ring(&self, shared: &SharedRing) {
        let journal = &self.followed.journal;
        shared.restart(
            journal.epoch(),
            journal.first_of_epoch(),
            self.reader.next_number(),
        );
    }

    /// Waits for new entries, but for `timeout` at most.
    pub(super) fn wait(&mut self, timeout: Duration, interrupt: &Interrupt) {
        self.was_notified = self
            .watch
            .wait(self.reader.next_number(), timeout, interrupt);
    }
}
