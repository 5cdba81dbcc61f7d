//! The journal in the configured folder, even if that folder is removed or replaced.

use std::{
    path::PathBuf,
    sync::{Arc, Mutex, PoisonError},
};

use crate::{
    config::{Config, ConfigPoller},
    entry::Entry,
    error::Error,
    ingest,
    journal::{
        ClockReadings, Journal, KeyIndex, MAX_REPLACEMENT_RETRIES,
        file::{CacheFolder, FileJournal},
    },
    runtime::BackgroundThread,
};

/// Opens the journal, and opens it again after its folder was deleted or replaced, or after
/// `SSE_CACHE` was changed.
pub(crate) struct JournalHandle {
    config_poller: Arc<ConfigPoller>,
    current: Mutex<Arc<FileJournal>>,
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
            index: Mutex::new(None),
        })
    }

    /// The current configuration.
    pub(crate) fn config(&self) -> Arc<Config> {
        self.config_poller.current()
    }

    pub(crate) fn config_poller(&self) -> &ConfigPoller {
        &self.config_poller
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

    /// Whether `followed` is still the journal in the configured folder and still has the entry
    /// `last_read`.
    ///
    /// If it lacks that entry, its newest entries were removed, and their numbers would be assigned
    /// again and skipped by every reader. Then the journal is discarded.
    pub(crate) fn is_current(
        &self,
        followed: &FollowedJournal,
        last_read: u64,
    ) -> Result<bool, Error> {
        let journal = &followed.journal;
        if journal.is_replaced() || followed.cache_dir != self.config().cache_dir() {
            return Ok(false);
        }
        if !journal.is_intact_up_to(last_read)? {
            journal.discard()?;
        }
        Ok(!journal.is_replaced())
    }

    fn current_file_journal(&self) -> Result<Arc<FileJournal>, Error> {
        let config = self.config();
        let mut current = self.current.lock().unwrap_or_else(PoisonError::into_inner);
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

#[cfg(test)]
mod tests {
    use std::{
        fs,
        sync::Barrier,
        thread,
        time::{Duration, Instant},
    };

    use super::*;

    #[test]
    fn a_save_succeeds_although_the_folder_is_moved_away() {
        let app = tempfile::tempdir().unwrap();
        let config = Config::new(app.path(), "a:k").unwrap();
        let mut usual_duration = Duration::from_millis(1);
        for former in 0..60 {
            let (start, pause) = (Instant::now(), usual_duration * (former % 20) / 20);
            thread::scope(|scope| {
                scope.spawn(|| {
                    thread::sleep(pause);
                    let _ = fs::rename(config.cache_dir(), app.path().join(former.to_string()));
                });
                JournalHandle::open(config.clone())
                    .unwrap()
                    .append(b"1")
                    .unwrap();
                usual_duration = start.elapsed();
            });
        }
    }

    #[test]
    fn a_save_counts_although_its_path_cannot_be_checked_afterwards() {
        let app = tempfile::tempdir().unwrap();
        let config = Config::new(app.path(), "a:k").unwrap();
        let handle = JournalHandle::open(config).unwrap();
        let (path, moved) = (app.path().join("writable"), app.path().join("moved"));
        let number = handle.retry_if_replaced(|journal| {
            let number = journal.append(b"1");
            // A link to itself: the system cannot tell what is at this path.
            fs::rename(&path, &moved).unwrap();
            std::os::unix::fs::symlink(&path, &path).unwrap();
            number
        });
        assert_eq!(number.unwrap(), 1);

        // A save that has not begun fails, because it might reach no reader.
        assert!(handle.append(b"2").is_err());
        fs::remove_file(&path).unwrap();
        fs::rename(&moved, &path).unwrap();
        assert_eq!(handle.append(b"2").unwrap(), 2);
    }

    #[test]
    fn threads_that_create_the_folder_at_once_can_all_use_it() {
        for _ in 0..10 {
            let app = tempfile::tempdir().unwrap();
            let config = Config::new(app.path(), "a:k").unwrap();
            let start = Barrier::new(8);
            thread::scope(|scope| {
                for _ in 0..8 {
                    scope.spawn(|| {
                        start.wait();
                        JournalHandle::open(config.clone()).unwrap();
                    });
                }
            });
        }
    }
}
