//! Following what is saved.

use std::{
    sync::Arc,
    time::{Duration, Instant},
};

use super::journal_handle::{FollowedJournal, JournalHandle};
use crate::{
    entry::Entry,
    error::Error,
    journal::{JournalReader, ReadOutcome, Watch},
    runtime::Interrupt,
};

/// What is saved in a cache, one entry after the other.
pub struct Follow {
    store: Arc<JournalHandle>,
    followed: FollowedJournal,
    reader: JournalReader,
    watch: Box<dyn Watch>,
    never: Interrupt,
}

/// What a [`Follow`] meets.
#[derive(Debug, Clone)]
#[non_exhaustive]
pub enum Next {
    /// A saved value.
    Entry(Entry),
    /// Entries were swept or damaged before they were read, or the cache was made anew: something
    /// may have been missed.
    Gap,
}

impl Follow {
    pub(super) fn begin(store: Arc<JournalHandle>) -> Result<Self, Error> {
        let followed = store.follow()?;
        let reader = JournalReader::new(
            Arc::clone(&followed.journal),
            followed.journal.newest()? + 1,
        );
        let watch = followed.journal.watch();
        let never = Interrupt::new()
            .map_err(|error| Error::io("follow the cache", store.config().cache_dir(), error))?;
        Ok(Self {
            store,
            followed,
            reader,
            watch,
            never,
        })
    }

    /// Waits for what comes next, for `timeout` at most; `None`: nothing came.
    ///
    /// # Errors
    ///
    /// When the cache cannot be read.
    pub fn next_timeout(&mut self, timeout: Duration) -> Result<Option<Next>, Error> {
        let start = Instant::now();
        loop {
            self.store.config_watcher().reload_if_due();
            let poll = self.store.config().poll_interval();
            let step = self.reader.read_next();
            match step {
                Ok(ReadOutcome::Entry(entry)) => return Ok(Some(Next::Entry(entry))),
                Ok(ReadOutcome::Tombstone(_)) if start.elapsed() < timeout => continue,
                Ok(ReadOutcome::Tombstone(_)) => return Ok(None),
                Ok(ReadOutcome::Swept | ReadOutcome::Unreadable(_)) => return Ok(Some(Next::Gap)),
                Ok(ReadOutcome::CaughtUp) => {}
                Err(error) if self.is_in_force()? => return Err(error),
                Err(_) => {}
            }
            if !self.is_in_force()? {
                self.follow_anew()?;
                return Ok(Some(Next::Gap));
            }
            let left = timeout.saturating_sub(start.elapsed());
            if left.is_zero() {
                return Ok(None);
            }
            self.watch
                .wait(self.reader.next_number(), left.min(poll), &self.never);
        }
    }

    fn is_in_force(&self) -> Result<bool, Error> {
        self.store
            .is_current(&self.followed, self.reader.next_number() - 1)
    }

    /// Goes on in the journal that has taken the place of ours, with what was saved there since we
    /// looked last.
    fn follow_anew(&mut self) -> Result<(), Error> {
        let config = self.store.config();
        let age = config.lookback() + 2 * config.poll_interval();
        self.followed = self.store.follow()?;
        let journal = &self.followed.journal;
        self.watch = journal.watch();
        self.reader = JournalReader::recent(Arc::clone(journal), age, u64::MAX)?;
        Ok(())
    }
}
