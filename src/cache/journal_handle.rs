//! The journal in the configured folder, even if that folder is removed or replaced.

use std::{
    path::PathBuf,
    sync::{Arc, Mutex, MutexGuard, PoisonError},
    time::{Duration, Instant},
};

use crate::{
    config::{Config, ConfigPoller},
    entry::Entry,
    error::{Error, ErrorKind},
    ingest,
    journal::{
        ClockReadings, Journal, KeyIndex, MAX_REPLACEMENT_RETRIES,
        file::{CacheFolder, FileJournal},
    },
    runtime::BackgroundThread,
};

/// How long followers stay with the former folder after `SSE_CACHE` was changed: other processes notice
/// the edit up to 2.1 seconds later than this one, and save in the former folder until then.
pub(crate) const FORMER_FOLDER_TIME: Duration = Duration::from_secs(3);

/// Opens the journal, and opens it again after its folder was deleted or replaced, or after
/// `SSE_CACHE` was changed.
pub(crate) struct JournalHandle {
    config_poller: Arc<ConfigPoller>,
    current: Mutex<Arc<FileJournal>>,
    /// When `SSE_CACHE` was changed last; `None` before the first time.
    folder_changed_at: Mutex<Option<Instant>>,
    /// The index of the journal in which a key was looked up last.
    index: Mutex<Option<KeyIndex>>,
}

/// A journal that this process follows. Drop-ins are ingested into it until this is dropped.
pub(crate) struct FollowedJournal {
    pub(crate) journal: Arc<dyn Journal>,
    /// The configured folder when the journal was opened.
    cache_dir: PathBuf,
    ingest_thread: BackgroundThread,
}

impl FollowedJournal {
    /// Whether this is still the journal in its folder and still has the entry `last_read`.
    ///
    /// If it lacks that entry, its newest entries were removed, and their numbers would be assigned
    /// again and skipped by every reader. Then the journal is discarded.
    pub(crate) fn is_current(&self, last_read: u64) -> Result<bool, Error> {
        if self.journal.is_replaced() {
            return Ok(false);
        }
        if !self.journal.is_intact_up_to(last_read)? {
            self.journal.discard()?;
        }
        Ok(!self.journal.is_replaced())
    }

    /// Has the ingest thread check the cache folder now, after the configuration has changed.
    #[cfg_attr(
        not(feature = "actix"),
        expect(
            dead_code,
            reason = "only the hub is notified of a changed configuration"
        )
    )]
    pub(crate) fn rescan_drop_ins(&self) {
        self.ingest_thread.waker().wake();
    }
}

impl JournalHandle {
    pub(crate) fn open(config: Config) -> Result<Self, Error> {
        let current = Mutex::new(open(&config)?);
        Ok(Self {
            config_poller: Arc::new(ConfigPoller::new(config)),
            current,
            folder_changed_at: Mutex::new(None),
            index: Mutex::new(None),
        })
    }

    /// The current configuration.
    pub(crate) fn config(&self) -> Arc<Config> {
        self.config_poller.current()
    }

    /// How often the configuration has changed.
    #[cfg_attr(
        not(feature = "actix"),
        expect(dead_code, reason = "only the hub and its streams wait for changes")
    )]
    pub(crate) fn config_version(&self) -> u32 {
        self.config_poller.version()
    }

    /// Reads `.env` on this thread if that is due. An edit takes effect only if the cache folder that
    /// it names can be used.
    pub(crate) fn reload_config_if_due(&self) {
        self.config_poller
            .reload_if_due(|config| self.open_if_changed(config));
    }

    /// How long until `.env` is to be read again. Until then, the configuration does not change.
    #[cfg_attr(
        not(feature = "actix"),
        expect(dead_code, reason = "only the hub has a thread that polls")
    )]
    pub(crate) fn time_to_config_check(&self) -> Duration {
        self.config_poller.time_to_next_check()
    }

    fn open_if_changed(&self, config: &Config) -> Result<(), Error> {
        if config.cache_dir() != self.config().cache_dir() {
            let journal = open_changed(config)?;
            // A save that still has the former configuration opens the former folder again. That does
            // no harm: `current_file_journal` compares the folder with the configuration each time.
            *self.current.lock().unwrap_or_else(PoisonError::into_inner) = journal;
            let mut changed_at = self.folder_changed_at();
            *changed_at = Some(Instant::now());
        }
        Ok(())
    }

    fn folder_changed_at(&self) -> MutexGuard<'_, Option<Instant>> {
        let changed_at = self.folder_changed_at.lock();
        changed_at.unwrap_or_else(PoisonError::into_inner)
    }

    /// Appends an entry and returns its number. If the folder is replaced at the same moment, the
    /// entry may be in the former folder, so it is appended again.
    pub(crate) fn append(&self, entry: &[u8]) -> Result<u64, Error> {
        self.retry_if_replaced(|journal| journal.append(entry))
    }

    /// Runs `work` with the current journal, and again if the journal was removed or replaced
    /// meanwhile. Only proof of that counts: repeating a save that has succeeded would double it.
    fn retry_if_replaced<T>(
        &self,
        work: impl Fn(Arc<FileJournal>) -> Result<T, Error>,
    ) -> Result<T, Error> {
        for _ in 0..MAX_REPLACEMENT_RETRIES {
            let journal = self.current_file_journal()?;
            let result = work(Arc::clone(&journal));
            if !journal.is_replaced() {
                return result;
            }
            // The folder is the same and only its id is new: the entry is in the current journal.
            if result.is_ok() && self.current_file_journal()?.is_same_folder(&journal) {
                return result;
            }
        }
        let config = self.config();
        let cause = std::io::Error::other("another program keeps replacing it");
        Err(Error::io("use the cache folder", config.cache_dir(), cause))
    }

    /// The newest entry of a key; `None` if it has expired, or was deleted or swept.
    pub(crate) fn get(&self, key: &str) -> Result<Option<Entry>, Error> {
        self.retry_if_replaced(|journal| self.look_up(&(journal as Arc<dyn Journal>), key))
    }

    fn look_up(&self, journal: &Arc<dyn Journal>, key: &str) -> Result<Option<Entry>, Error> {
        let mut index = self.index.lock().unwrap_or_else(PoisonError::into_inner);
        let index = match &mut *index {
            Some(index) if index.is_of(journal) => index,
            other => other.insert(KeyIndex::new(Arc::clone(journal))?),
        };
        let found = index.get(key, ClockReadings::read())?;
        if !journal.is_intact_up_to(index.last_indexed())? {
            // The index would skip the removed numbers when they are assigned again.
            journal.discard()?;
        }
        Ok(found)
    }

    /// The journal in the configured folder.
    #[cfg_attr(
        not(feature = "actix"),
        expect(dead_code, reason = "only replays read a journal without following it")
    )]
    pub(crate) fn current(&self) -> Result<Arc<dyn Journal>, Error> {
        Ok(self.current_file_journal()?)
    }

    pub(crate) fn follow(&self) -> Result<FollowedJournal, Error> {
        let journal = self.current_file_journal()?;
        let ingest_thread = ingest::start(Arc::clone(&journal), Arc::clone(&self.config_poller))?;
        Ok(FollowedJournal {
            cache_dir: journal.cache_folder().path().to_owned(),
            journal,
            ingest_thread,
        })
    }

    /// How long `followed` is still to be read although another folder is configured now; `None` if its
    /// folder is the configured one.
    pub(crate) fn time_to_leave(&self, followed: &FollowedJournal) -> Option<Duration> {
        if followed.cache_dir == self.config().cache_dir() {
            return None;
        }
        let changed_at = *self.folder_changed_at();
        let elapsed = changed_at.map_or(FORMER_FOLDER_TIME, |time| time.elapsed());
        Some(FORMER_FOLDER_TIME.saturating_sub(elapsed))
    }

    fn current_file_journal(&self) -> Result<Arc<FileJournal>, Error> {
        let mut current = self.current.lock().unwrap_or_else(PoisonError::into_inner);
        let config = self.config();
        // Certainly in place: an entry that is saved elsewhere would reach no reader.
        if !current.is_in_place() || current.cache_folder().path() != config.cache_dir() {
            *current = open(&config)?;
        }
        Ok(Arc::clone(&current))
    }
}

/// Opens the journal or creates it. If the folder is moved away at the same moment, it tries again.
fn open(config: &Config) -> Result<Arc<FileJournal>, Error> {
    let mut retries = 0..MAX_REPLACEMENT_RETRIES;
    loop {
        let opened = CacheFolder::prepare(config).map(Arc::new);
        match opened.and_then(|folder| FileJournal::open(&folder)) {
            Err(error) if error.is_not_found() && retries.next().is_some() => {}
            opened => return opened.map(Arc::new),
        }
    }
}

/// Opens the journal in the folder that an edit names, and checks that this process can use it.
fn open_changed(config: &Config) -> Result<Arc<FileJournal>, Error> {
    let opened = open(config).and_then(|journal| journal.check_usable().map(|()| journal));
    opened.map_err(|error| match config.cache_dir_location() {
        None => error,
        Some(location) => Error::new(
            ErrorKind::Cache,
            format!("SSE_CACHE cannot be used: {error}"),
        )
        .with_location(location.clone())
        .with_help(error.help().unwrap_or("set SSE_CACHE to another folder")),
    })
}

#[cfg(test)]
mod tests;
