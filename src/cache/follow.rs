//! Follows what is saved.

use std::{
    fmt,
    sync::Arc,
    time::{Duration, Instant, SystemTime},
    vec,
};

use super::journal_handle::{FORMER_CACHE_TIME, FollowedJournal, JournalHandle};
use crate::{
    config::Config,
    entry::{Entry, UnreadableEntry},
    error::Error,
    journal::{BatchEnd, EntryWatcher, first_since, first_within},
    runtime::Interrupt,
};

/// Entries that are read together. They wait in memory until the caller takes them.
const BATCH_ENTRIES: u64 = 64;

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
    /// The entries that were read and not taken.
    batch: vec::IntoIter<Result<Entry, UnreadableEntry>>,
    /// The number of the entry after these.
    next_number: u64,
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
    /// Starts with the first entry that was saved since a time, or with the next one.
    pub(super) fn start(
        journal_handle: Arc<JournalHandle>,
        since: Option<SystemTime>,
    ) -> Result<Self, Error> {
        let followed = journal_handle.follow()?;
        let journal = &followed.opened.journal;
        let next_number = match since {
            Some(time) => first_since(&**journal, time)?,
            None => journal.newest_number()? + 1,
        };
        let watch = followed.opened.journal.watch();
        let interrupt = Interrupt::new()
            .map_err(|error| (journal_handle.address()).error("follow the cache", error))?;
        Ok(Self {
            journal_handle,
            followed,
            batch: Vec::new().into_iter(),
            next_number,
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
            match self.batch.next() {
                Some(Ok(entry)) if entry.has_value() => return Ok(Some(Next::Entry(entry))),
                Some(Ok(entry)) if entry.is_loss() => return Ok(Some(Next::Gap)),
                // Otherwise a deletion would hide the entries that were read with it.
                Some(Ok(_)) if self.batch.len() > 0 || start.elapsed() < timeout => continue,
                Some(Ok(_)) => return Ok(None),
                Some(Err(_)) => return Ok(Some(Next::Gap)),
                None => {}
            }
            match self.read_batch() {
                Ok(BatchEnd::Swept { .. }) => return Ok(Some(Next::Gap)),
                Ok(_) if self.batch.len() > 0 => continue,
                Ok(_) => {}
                Err(error) if self.is_current()? => return Err(error),
                Err(_) => {}
            }
            if !self.is_current()? {
                if self.reopen()? {
                    return Ok(Some(Next::Gap));
                }
                continue;
            }
            let left = timeout.saturating_sub(start.elapsed());
            if left.is_zero() {
                return Ok(None);
            }
            self.wait(left, &config);
        }
    }

    /// Reads the next entries, if there are any.
    fn read_batch(&mut self) -> Result<BatchEnd, Error> {
        let journal = &self.followed.opened.journal;
        let batch = journal.read_from(self.next_number, BATCH_ENTRIES)?;
        self.next_number += batch.entries.len() as u64;
        let has_entries = !batch.entries.is_empty();
        self.batch = batch.entries.into_iter();
        match batch.end {
            // The next read tells what follows the entries.
            _ if has_entries => Ok(BatchEnd::More),
            BatchEnd::Swept { oldest } => {
                self.next_number = oldest;
                Ok(batch.end)
            }
            end => Ok(end),
        }
    }

    fn is_current(&self) -> Result<bool, Error> {
        let last_read = self.next_number - 1;
        let must_leave = self.journal_handle.time_to_leave(&self.followed) == Some(Duration::ZERO);
        Ok(!must_leave && self.followed.is_current(last_read)?)
    }

    fn wait(&mut self, timeout: Duration, config: &Config) {
        // Notifications may get lost, so the journal is polled, too.
        let timeout = timeout.min(config.poll_interval());
        let time_to_leave = self.journal_handle.time_to_leave(&self.followed);
        let timeout = time_to_leave.map_or(timeout, |time| time.min(timeout));
        self.watch.wait(self.next_number, timeout, &self.interrupt);
    }

    /// Follows the journal that has replaced the former one. It starts far enough back to yield every
    /// entry that was saved since the former one was last read, so it may yield some older ones, too.
    /// If the caller pauses for longer than `max_age` between two calls, [`Next::Gap`] covers the rest.
    ///
    /// If it is the same journal in another epoch, it continues with the first entry that may be another one.
    /// Returns whether entries may have been missed.
    fn reopen(&mut self) -> Result<bool, Error> {
        let config = self.journal_handle.config();
        // The replacement is noticed within one poll interval; a second one covers a slow check. The
        // lookback is a margin for drop-ins, which count as saved when their file was written. After a
        // change of SSE_CACHE, other processes may have saved in the new cache twice as long as this
        // one has followed the former.
        let max_age = config.lookback() + 2 * (config.poll_interval() + FORMER_CACHE_TIME);
        let former = self.followed.opened.journal.epochs();
        self.followed = self.journal_handle.follow()?;
        let journal = &self.followed.opened.journal;
        self.watch = journal.watch();
        let epochs = journal.epochs().remembering(&former);
        if let Some(last_number) = epochs.last_number_shared_with(former.current()) {
            let is_gap = self.next_number - 1 > last_number;
            self.next_number = self.next_number.min(last_number.saturating_add(1));
            return Ok(is_gap);
        }
        self.next_number = first_within(&**journal, max_age, NO_ENTRY_LIMIT)?;
        Ok(true)
    }
}
