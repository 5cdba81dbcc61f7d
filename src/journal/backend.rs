//! Opens the journal that a configuration names. Code above this module does not know how entries are
//! stored.

use std::sync::Arc;

#[cfg(any(test, feature = "testing"))]
use super::memory::MemoryStore;
use super::{
    address::CacheAddress,
    contract::Journal,
    file::{CacheFolder, FileJournal},
};
use crate::{
    config::Config,
    error::{Error, ErrorKind},
};

/// How often a read or save is repeated because the journal was replaced meanwhile. One repetition is
/// enough for one replacement, so only a program that replaces the cache folder in a loop needs more
/// than 20.
pub(crate) const MAX_REPLACEMENT_RETRIES: u32 = 20;

/// Where a cache keeps its journal.
pub(crate) enum Backend {
    /// In the configured folder.
    Folder,
    /// In the memory of this process, for tests.
    #[cfg(any(test, feature = "testing"))]
    Memory(MemoryStore),
}

/// A journal with what belongs to the place where it was opened.
#[derive(Clone)]
pub(crate) struct OpenedJournal {
    pub(crate) journal: Arc<dyn Journal>,
    /// The cache folder, where other programs put drop-ins for this journal; `None` for a journal in memory.
    pub(crate) drop_in_folder: Option<Arc<CacheFolder>>,
}

impl Backend {
    /// Where a cache of this configuration is.
    pub(crate) fn address(&self, config: &Config) -> CacheAddress {
        match self {
            Self::Folder => CacheAddress::Folder(config.cache_dir().to_owned()),
            #[cfg(any(test, feature = "testing"))]
            Self::Memory(_) => CacheAddress::Memory,
        }
    }

    /// Opens the journal, and creates it if it does not exist.
    pub(crate) fn open(&self, config: &Config) -> Result<OpenedJournal, Error> {
        match self {
            Self::Folder => open_folder(config).map(OpenedJournal::in_folder),
            #[cfg(any(test, feature = "testing"))]
            Self::Memory(store) => Ok(OpenedJournal {
                journal: store.open()?,
                drop_in_folder: None,
            }),
        }
    }

    /// Opens the journal that an edit of `.env` names, and checks that this process can use it.
    pub(crate) fn open_changed(&self, config: &Config) -> Result<OpenedJournal, Error> {
        match self {
            Self::Folder => open_usable_folder(config).map(OpenedJournal::in_folder),
            #[cfg(any(test, feature = "testing"))]
            Self::Memory(_) => self.open(config),
        }
    }
}

impl OpenedJournal {
    fn in_folder(journal: FileJournal) -> Self {
        Self {
            drop_in_folder: Some(Arc::clone(journal.cache_folder())),
            journal: Arc::new(journal),
        }
    }

    /// Whether the configuration names the place where this journal was opened.
    pub(crate) fn is_configured(&self, config: &Config) -> bool {
        let folder = self.drop_in_folder.as_ref();
        folder.is_none_or(|folder| folder.path() == config.cache_dir())
    }
}

/// If the folder is moved away at the same moment, it tries again.
fn open_folder(config: &Config) -> Result<FileJournal, Error> {
    let mut retries = 0..MAX_REPLACEMENT_RETRIES;
    loop {
        let opened = CacheFolder::prepare(config).map(Arc::new);
        match opened.and_then(|folder| FileJournal::open(&folder)) {
            Err(error) if error.is_not_found() && retries.next().is_some() => {}
            opened => return opened,
        }
    }
}

fn open_usable_folder(config: &Config) -> Result<FileJournal, Error> {
    let opened = open_folder(config).and_then(|journal| journal.check_usable().map(|()| journal));
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
