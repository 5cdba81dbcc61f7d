//! One journal in a cache folder.

use std::{
    io,
    sync::{Arc, Mutex},
};

use super::{
    cache_folder::CacheFolder,
    discard::discard_journal,
    entry_folder::EntryFolder,
    id::IdFile,
    layout::{Layout, folder_name},
    open_folder::OpenFolder,
    tokens::TokenIndex,
};
#[cfg(test)]
use crate::journal::batch::StoredEntry;
use crate::{error::Error, journal::index::SharedIndex, runtime::lock};

/// One journal in a cache folder. After the folder is deleted or replaced, this journal is not [in
/// place](crate::journal::Journal::is_in_place) any more, and another is opened.
pub(crate) struct FileJournal {
    pub(super) cache_folder: Arc<CacheFolder>,
    pub(super) folder: Arc<OpenFolder>,
    pub(super) id: IdFile,
    pub(super) layout: Layout,
    /// The newest folder of entries that this process knows.
    newest_folder: Mutex<Option<Arc<EntryFolder>>>,
    last_read_folder: Mutex<Option<Arc<EntryFolder>>>,
    pub(super) index: SharedIndex,
    pub(super) token_index: Mutex<Option<TokenIndex>>,
}

impl FileJournal {
    pub(super) fn new(cache_folder: Arc<CacheFolder>, folder: OpenFolder, id: IdFile) -> Self {
        Self {
            cache_folder,
            folder: Arc::new(folder),
            id,
            layout: Layout::default(),
            newest_folder: Mutex::default(),
            last_read_folder: Mutex::default(),
            index: SharedIndex::default(),
            token_index: Mutex::default(),
        }
    }

    pub(crate) fn cache_folder(&self) -> &Arc<CacheFolder> {
        &self.cache_folder
    }

    /// Whether the journal's path still leads to this folder, although its id may have been replaced.
    pub(super) fn is_folder_in_place(&self) -> bool {
        let found = OpenFolder::open(self.folder.path()).and_then(|found| found.identity());
        matches!((found, self.folder.identity()), (Ok(a), Ok(b)) if a == b)
    }

    /// Makes the journal look new to programs that remove old files. Otherwise a journal without
    /// saves for days would lose its id, and its clients would receive `sse.gap`.
    pub(super) fn touch(&self) {
        IdFile::touch(&self.folder);
        if let Some(folder) = self.known_newest_folder() {
            folder.touch();
        }
    }

    /// The folder of entries with this number; `None` if it does not exist.
    pub(super) fn open_entry_folder(&self, number: u64) -> Result<Option<EntryFolder>, Error> {
        EntryFolder::open(&self.folder, self.layout, number).map_err(|error| {
            let path = self.folder.path_of(&folder_name(number));
            Error::io("open a folder of entries", &path, error)
        })
    }

    /// The same, but the folder that was read last stays open.
    pub(super) fn entry_folder_to_read(
        &self,
        number: u64,
    ) -> Result<Option<Arc<EntryFolder>>, Error> {
        let last_read = lock(&self.last_read_folder).clone();
        if let Some(folder) = last_read
            && folder.number() == number
        {
            return Ok(Some(folder));
        }
        // Without the lock: the tail must not wait while the disk looks for an old folder.
        let opened = self.open_entry_folder(number)?.map(Arc::new);
        if let Some(folder) = &opened {
            *lock(&self.last_read_folder) = Some(Arc::clone(folder));
        }
        Ok(opened)
    }

    /// What the journal has for a number.
    #[cfg(test)]
    pub(crate) fn read(&self, number: u64) -> Result<StoredEntry, Error> {
        let _impersonation = self.cache_folder.impersonate_owner()?;
        self.look_up(number)
    }

    pub(super) fn known_newest_folder(&self) -> Option<Arc<EntryFolder>> {
        lock(&self.newest_folder).clone()
    }

    pub(super) fn remember_newest_folder(&self, folder: EntryFolder) -> Arc<EntryFolder> {
        let folder = Arc::new(folder);
        *lock(&self.newest_folder) = Some(Arc::clone(&folder));
        folder
    }

    pub(super) fn forget_newest_folder(&self) {
        *lock(&self.newest_folder) = None;
    }

    /// Call it before the journal is used.
    #[cfg(test)]
    pub(super) fn set_layout(&mut self, layout: Layout) {
        self.layout = layout;
        // It was opened with the former layout if an epoch was started.
        self.forget_newest_folder();
    }

    /// Discards the journal because it has lost entries that readers may rely on, and returns the
    /// error for the caller.
    pub(super) fn discard_as_damaged(&self, reason: &'static str) -> Error {
        match self.discard_because(reason) {
            Ok(()) => {
                let missing = io::Error::new(io::ErrorKind::NotFound, reason);
                Error::io("use the journal", self.folder.path(), missing)
            }
            Err(error) => error,
        }
    }

    pub(super) fn discard_because(&self, reason: &'static str) -> Result<(), Error> {
        let path = self.folder.path();
        discard_journal(&self.cache_folder, Some(&self.folder))
            .map_err(|error| Error::io("discard the damaged journal", path, error))?;
        log::warn!(
            "{}: this journal is damaged ({reason}) and is replaced by a new one; clients receive \
             sse.gap",
            path.display()
        );
        Ok(())
    }
}
