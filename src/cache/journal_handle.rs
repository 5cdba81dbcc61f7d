//! The journal that is in force at the configured address, whatever happens to its folder.

use std::{
    path::PathBuf,
    sync::{Arc, Mutex, PoisonError},
};

use crate::{
    config::{Config, ConfigWatcher},
    entry::Entry,
    error::Error,
    ingest,
    journal::{
        Clocks, Journal, KeyIndex,
        file::{CacheFolder, FileJournal},
    },
    runtime::BackgroundThread,
};

/// How often the journal is opened again because its folder was removed or replaced meanwhile.
const ATTEMPTS: u32 = 20;

/// Opens the journal, and opens it anew after its folder was deleted or replaced, or another one
/// configured.
pub(crate) struct JournalHandle {
    config: Arc<ConfigWatcher>,
    current: Mutex<Arc<FileJournal>>,
    /// Of the journal that was asked last for a key's value.
    index: Mutex<Option<KeyIndex>>,
}

/// A journal to follow. What other programs drop into the cache gets into it as long as this
/// lives.
pub(crate) struct FollowedJournal {
    pub(crate) journal: Arc<dyn Journal>,
    address: PathBuf,
    intake: BackgroundThread,
}

impl FollowedJournal {
    /// Looks again for what other programs drop: the configuration has changed.
    pub(crate) fn rescan_drop_ins(&self) {
        self.intake.waker().wake();
    }
}

impl JournalHandle {
    pub(crate) fn open(config: Config) -> Result<Self, Error> {
        let current = Mutex::new(open(&config)?);
        Ok(Self {
            config: Arc::new(ConfigWatcher::new(config)),
            current,
            index: Mutex::new(None),
        })
    }

    /// The configuration in force.
    pub(crate) fn config(&self) -> Arc<Config> {
        self.config.current()
    }

    /// What keeps the configuration so.
    pub(crate) fn config_watcher(&self) -> &ConfigWatcher {
        &self.config
    }

    /// Appends an entry. When the folder is replaced at that very moment, the entry may be in what
    /// was there before, so it is appended once more.
    pub(crate) fn append(&self, entry: &[u8]) -> Result<u64, Error> {
        self.with_current(|journal| journal.append(entry))
    }

    /// Does something with the journal, and does it again, up to [`ATTEMPTS`] times, if the journal
    /// was removed or replaced meanwhile.
    fn with_current<T>(
        &self,
        work: impl Fn(Arc<FileJournal>) -> Result<T, Error>,
    ) -> Result<T, Error> {
        for _ in 0..ATTEMPTS {
            let journal = self.file_journal()?;
            let result = work(Arc::clone(&journal));
            if journal.is_in_place() {
                return result;
            }
            // Only its id was replaced: what was done there counts.
            if result.is_ok() && self.file_journal()?.is_same_folder(&journal) {
                return result;
            }
        }
        let config = self.config();
        let replaced = std::io::Error::other("another program replaces it again and again");
        Err(Error::io(
            "use the cache folder",
            config.cache_dir(),
            replaced,
        ))
    }

    /// A key's newest entry, if it is alive.
    pub(crate) fn get(&self, key: &str) -> Result<Option<Entry>, Error> {
        self.with_current(|journal| self.look_up(&(journal as Arc<dyn Journal>), key))
    }

    fn look_up(&self, journal: &Arc<dyn Journal>, key: &str) -> Result<Option<Entry>, Error> {
        let mut index = self.index.lock().unwrap_or_else(PoisonError::into_inner);
        let index = match &mut *index {
            Some(index) if index.is_of(journal) => index,
            other => other.insert(KeyIndex::new(Arc::clone(journal))?),
        };
        let found = index.get(key, Clocks::read())?;
        if !journal.is_intact_up_to(index.last_indexed())? {
            // The index would pass over numbers that are given again.
            journal.discard()?;
        }
        Ok(found)
    }

    /// The journal to read from now.
    pub(crate) fn current(&self) -> Result<Arc<dyn Journal>, Error> {
        Ok(self.file_journal()?)
    }

    pub(crate) fn follow(&self) -> Result<FollowedJournal, Error> {
        let journal = self.file_journal()?;
        let intake = ingest::start(Arc::clone(&journal), Arc::clone(&self.config))?;
        Ok(FollowedJournal {
            address: journal.folder().path().to_owned(),
            journal,
            intake,
        })
    }

    /// Whether what is followed is still the journal at the configured address, and still has the
    /// entry `last`, which was read there. If it has not, the journal is put away: its newest entries
    /// were removed, and their numbers would be passed over when they are given again.
    pub(crate) fn is_current(&self, followed: &FollowedJournal, last: u64) -> Result<bool, Error> {
        let journal = &followed.journal;
        if !journal.is_in_place() || followed.address != self.config().cache_dir() {
            return Ok(false);
        }
        if !journal.is_intact_up_to(last)? {
            journal.discard()?;
        }
        Ok(journal.is_in_place())
    }

    fn file_journal(&self) -> Result<Arc<FileJournal>, Error> {
        let config = self.config();
        let mut current = self.current.lock().unwrap_or_else(PoisonError::into_inner);
        if !current.is_in_place() || current.folder().path() != config.cache_dir() {
            *current = open(&config)?;
        }
        Ok(Arc::clone(&current))
    }
}

/// Opens the journal, or creates it. If the folder is moved away at that very moment, the next
/// attempt creates another.
fn open(config: &Config) -> Result<Arc<FileJournal>, Error> {
    let mut attempts = 0..ATTEMPTS;
    loop {
        let opened = CacheFolder::prepare(config).map(Arc::new);
        match opened.and_then(|folder| FileJournal::open(&folder)) {
            Err(error) if error.is_about_a_missing_file() && attempts.next().is_some() => {}
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
    fn a_folder_that_is_moved_away_at_any_moment_fails_no_save() {
        let app = tempfile::tempdir().unwrap();
        let config = Config::new(app.path(), "a:k").unwrap();
        let mut usual = Duration::from_millis(1);
        for former in 0..60 {
            let (start, pause) = (Instant::now(), usual * (former % 20) / 20);
            thread::scope(|scope| {
                scope.spawn(|| {
                    thread::sleep(pause);
                    let _ = fs::rename(config.cache_dir(), app.path().join(former.to_string()));
                });
                JournalHandle::open(config.clone())
                    .unwrap()
                    .append(b"1")
                    .unwrap();
                usual = start.elapsed();
            });
        }
    }

    #[test]
    fn of_many_that_make_the_folder_at_once_all_can_use_it() {
        for _ in 0..10 {
            let app = tempfile::tempdir().unwrap();
            let config = Config::new(app.path(), "a:k").unwrap();
            let all = Barrier::new(8);
            thread::scope(|scope| {
                for _ in 0..8 {
                    scope.spawn(|| {
                        all.wait();
                        JournalHandle::open(config.clone()).unwrap();
                    });
                }
            });
        }
    }
}
