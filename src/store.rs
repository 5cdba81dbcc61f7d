//! The journal that is in force at the configured address, whatever happens to its folder.

use std::sync::{Arc, Mutex, PoisonError};

use crate::{
    background::Background,
    config::Config,
    drop_ins,
    error::Error,
    journal::{
        Journal,
        file::{CacheFolder, FileJournal},
    },
};

/// Opens the journal, and opens it anew after its folder was deleted or replaced.
pub(crate) struct Store {
    config: Arc<Config>,
    current: Mutex<Arc<FileJournal>>,
}

/// A journal to follow. What other programs drop into the cache gets into it as long as this
/// lives.
pub(crate) struct Followed {
    pub(crate) journal: Arc<dyn Journal>,
    _intake: Background,
}

impl Store {
    pub(crate) fn open(config: Config) -> Result<Self, Error> {
        let current = Mutex::new(open(&config)?);
        Ok(Self {
            config: Arc::new(config),
            current,
        })
    }

    pub(crate) fn config(&self) -> &Arc<Config> {
        &self.config
    }

    /// Appends an entry. When the folder is replaced at that very moment, the entry may be in what
    /// was there before, so it is appended once more.
    pub(crate) fn append(&self, entry: &[u8]) -> Result<u64, Error> {
        loop {
            let journal = self.file_journal()?;
            let result = journal.append(entry);
            if journal.is_current() {
                return result;
            }
        }
    }

    /// The journal to read from now.
    #[cfg(feature = "actix")]
    pub(crate) fn journal(&self) -> Result<Arc<dyn Journal>, Error> {
        Ok(self.file_journal()?)
    }

    pub(crate) fn follow(&self) -> Result<Followed, Error> {
        let journal = self.file_journal()?;
        let intake = drop_ins::start(Arc::clone(&journal), &self.config)?;
        Ok(Followed {
            journal,
            _intake: intake,
        })
    }

    fn file_journal(&self) -> Result<Arc<FileJournal>, Error> {
        let mut current = self.current.lock().unwrap_or_else(PoisonError::into_inner);
        if !current.is_current() {
            *current = open(&self.config)?;
        }
        Ok(Arc::clone(&current))
    }
}

fn open(config: &Config) -> Result<Arc<FileJournal>, Error> {
    let folder = Arc::new(CacheFolder::prepare(config)?);
    FileJournal::open(folder).map(Arc::new)
}
