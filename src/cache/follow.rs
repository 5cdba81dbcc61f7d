//! Follows what is saved.

use std::{
    fmt,
    sync::Arc,
    time::{Duration, Instant},
};

use super::journal_handle::{FORMER_FOLDER_TIME, FollowedJournal, JournalHandle};
use crate::{
    config::Config,
    entry::Entry,
    error::Error,
    journal::{EntryWatcher, JournalReader, ReadOutcome},
    runtime::Interrupt,
};

/// For a read that only the entries' age limits.
const NO_ENTRY_LIMIT: u64 = u64::MAX;

/// Yields the values that are saved in a cache, one after the other. [`Cache::follow`] creates it.
///
/// ```no_run
/// use std::time::Duration;
/// use actix_web_sse::{cache, cache::Next};
///
/// # fn main() -> Result<(), actix_web_sse::Error> {
/// let mut follow = cache().follow()?;
/// loop {
///     match follow.next_timeout(Duration::from_secs(60))? {
///         Some(Next::Entry(entry)) => println!("{}: {}", entry.key(), entry.value()),
///         Some(_) => println!("some entries may have been missed"),
///         None => println!("nothing was saved for a minute"),
///     }
/// }
/// # }
/// ```
///
/// [`Cache::follow`]: crate::Cache::follow
pub struct Follow {
    journal_handle: Arc<JournalHandle>,
    followed: FollowedJournal,
    reader: JournalReader,
    watch: Box<dyn EntryWatcher>,
    /// Waits need an interrupt. This one is never raised.
    interrupt: Interrupt,
}

impl fmt::Debug for Follow {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Follow").finish_non_exhaustive()
    }
}

/// An item of [`Follow`].
#[derive(Debug, Clone)]
#[non_exhaustive]
pub enum Next {
    /// A saved value.
    Entry(Entry),
    /// Entries may have been missed: they were swept or damaged before they were read, or the journal
    /// was replaced.
    Gap,
}

impl Follow {
    pub(super) fn start(journal_handle: Arc<JournalHandle>) -> Result<Self, Error> {
        let mut followed = journal_handle.follow()?;
        journal_handle.start_ingest(&mut followed)?;
        let first_number = followed.journal.newest_number()? + 1;
        let reader = JournalReader::new(Arc::clone(&followed.journal), first_number);
        let watch = followed.journal.watch();
        let interrupt = Interrupt::new()
            .map_err(|error| (journal_handle.address()).error("follow the cache folder", error))?;
        Ok(Self {
            journal_handle,
            followed,
            reader,
            watch,
            interrupt,
        })
    }

    /// Waits for the next item, for `timeout` at most. Returns `None` after that.
    ///
    /// # Errors
    ///
    /// Fails if the cache cannot be read.
    pub fn next_timeout(&mut self, timeout: Duration) -> Result<Option<Next>, Error> {
        let start = Instant::now();
        loop {
            self.journal_handle.reload_config_if_due();
            let config = self.journal_handle.config();
            match self.reader.read_next() {
                Ok(ReadOutcome::Entry(entry)) => return Ok(Some(Next::Entry(entry))),
                Ok(ReadOutcome::Tombstone(_)) if start.elapsed() < timeout => continue,
                Ok(ReadOutcome::Tombstone(_)) => return Ok(None),
                Ok(ReadOutcome::Swept | ReadOutcome::Unreadable(_)) => return Ok(Some(Next::Gap)),
                Ok(ReadOutcome::CaughtUp) => {}
                Err(error) if self.is_current()? => return Err(error),
                Err(_) => {}
            }
            if !self.is_current()? {
                self.reopen()?;
                return Ok(Some(Next::Gap));
            }
            let left = timeout.saturating_sub(start.elapsed());
            if left.is_zero() {
                return Ok(None);
            }
            self.wait(left, &config);
        }
    }

    fn is_current(&self) -> Result<bool, Error> {
        let last_read = self.reader.next_number() - 1;
        let must_leave = self.journal_handle.time_to_leave(&self.followed) == Some(Duration::ZERO);
        Ok(!must_leave && self.followed.is_current(last_read)?)
    }

    fn wait(&mut self, timeout: Duration, config: &Config) {
        // Notifications may get lost, so the journal is polled, too.
        let timeout = timeout.min(config.poll_interval());
        let time_to_leave = self.journal_handle.time_to_leave(&self.followed);
        let timeout = time_to_leave.map_or(timeout, |time| time.min(timeout));
        self.watch
            .wait(self.reader.next_number(), timeout, &self.interrupt);
    }

    /// Follows the journal that has replaced the former one. It starts far enough back to yield every
    /// entry that was saved since the former one was last read, so it may yield some older ones, too.
    /// If the caller pauses for longer than `max_age` between two calls, [`Next::Gap`] covers the rest.
    fn reopen(&mut self) -> Result<(), Error> {
        let config = self.journal_handle.config();
        // The replacement is noticed within one poll interval; a second one covers a slow check. The
        // lookback is a margin for drop-ins, which count as saved when their file was written. After a
        // change of SSE_CACHE, other processes may have saved in the new folder twice as long as this
        // one has followed the former.
        let max_age = config.lookback() + 2 * (config.poll_interval() + FORMER_FOLDER_TIME);
        self.followed = self.journal_handle.follow()?;
        self.journal_handle.start_ingest(&mut self.followed)?;
        let journal = &self.followed.journal;
        self.watch = journal.watch();
        self.reader = JournalReader::starting_within(Arc::clone(journal), max_age, NO_ENTRY_LIMIT)?;
        Ok(())
    }
}
