//! One journal in a cache folder.

#[cfg(feature = "actix")]
use std::os::fd::AsFd;
use std::{
    io,
    sync::{Arc, Mutex},
    time::Instant,
};

use super::{
    cache_folder::CacheFolder,
    discard::discard_journal,
    entry_folder::EntryFolder,
    id::IdFile,
    journal_watcher::JournalWatcher,
    layout::{Layout, folder_name},
    open_folder::OpenFolder,
    orphans::sweep_orphans,
    spare_file::SpareFile,
    test_hooks,
};
#[cfg(test)]
use crate::journal::batch::StoredEntry;
#[cfg(feature = "actix")]
use crate::platform::can_read_cached;
use crate::{
    entry::Entry,
    epoch::Epochs,
    error::Error,
    journal::{
        address::CacheAddress,
        batch::{self, Batch},
        contract::{EntryWatcher, Journal, KeyedAppend},
        index::{SharedIndex, Slot},
        tokens::{DropInIndex, KeyedSaveIndex},
    },
    runtime::{TimedMutex, lock},
};

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
    pub(super) spare_file: SpareFile,
    index: SharedIndex,
    drop_in_index: DropInIndex,
    keyed_saves: KeyedSaveIndex,
    /// Held by the thread that waits for the [lock](Self::lock_keyed_saves) of all processes, or has it.
    pub(super) keyed_save_lock: TimedMutex<()>,
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
            spare_file: SpareFile::default(),
            index: SharedIndex::default(),
            drop_in_index: DropInIndex::default(),
            keyed_saves: KeyedSaveIndex::default(),
            keyed_save_lock: TimedMutex::default(),
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

    /// Another program may have moved the folder that was read last away, and put another one in its place.
    pub(super) fn forget_replaced_folder(&self) {
        let Some(folder) = lock(&self.last_read_folder).clone() else {
            return;
        };
        // Without the lock: no worker must wait while the disk looks for the folder.
        test_hooks::stall_point();
        if !folder.is_in_place(&self.folder).unwrap_or_default() {
            let mut last_read = lock(&self.last_read_folder);
            last_read.take_if(|last_read| Arc::ptr_eq(last_read, &folder));
        }
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
        tracing::warn!(
            "{}: this journal is damaged ({reason}) and is replaced by a new one; clients receive \
             sse.gap",
            path.display()
        );
        Ok(())
    }
}

impl Journal for FileJournal {
    fn address(&self) -> CacheAddress {
        CacheAddress::Folder(self.cache_folder.path().to_owned())
    }

    fn epochs(&self) -> Epochs {
        self.id.epochs().clone()
    }

    fn append_until(&self, entry: &[u8], _: Instant) -> Result<u64, Error> {
        let _impersonation = self.cache_folder.impersonate_owner()?;
        let number = self.append_bytes(entry)?;
        if self.is_replaced() && !self.is_folder_in_place() {
            return Err(self.address().replaced_error());
        }
        Ok(number)
    }

    fn prepare_append(&self) {
        if let Some(folder) = self.known_newest_folder() {
            self.spare_file.request(&folder, &self.cache_folder);
        }
    }

    fn append_once(&self, token: &str, after: u64, entry: &[u8]) -> Result<u64, Error> {
        let _impersonation = self.cache_folder.impersonate_owner()?;
        match self.drop_in_index.find(self, token, after)? {
            Some(number) => Ok(number),
            None => self.append(entry),
        }
    }

    fn append_keyed(
        &self,
        idempotency_key: &str,
        entry: &[u8],
        deadline: Instant,
    ) -> Result<KeyedAppend, Error> {
        let _impersonation = self.cache_folder.impersonate_owner()?;
        // Without the lock: at the first time, this reads the whole journal.
        self.keyed_saves.catch_up(self, deadline)?;
        let _lock = self.lock_keyed_saves(deadline)?;
        match self.keyed_saves.find(self, idempotency_key, deadline)? {
            Some(found) => Ok(KeyedAppend::Found(found)),
            None => (self.append_until(entry, deadline)).map(KeyedAppend::Appended),
        }
    }

    fn read_from(&self, number: u64, limit: u64) -> Result<Batch, Error> {
        let _impersonation = self.cache_folder.impersonate_owner()?;
        batch::forward(self.id.epochs(), number, limit, |number| {
            self.look_up(number)
        })
    }

    #[cfg(feature = "actix")]
    fn can_read_cached(&self) -> bool {
        // Impersonation costs system calls, which the tail makes once for many entries.
        !self.cache_folder.needs_impersonation() && can_read_cached(self.folder.as_fd())
    }

    #[cfg(feature = "actix")]
    fn read_cached(&self, number: u64) -> Option<Vec<u8>> {
        let folder = lock(&self.last_read_folder).clone()?;
        folder.read_cached(number)
    }

    fn read_back(&self, number: u64, limit: u64) -> Result<Batch, Error> {
        let _impersonation = self.cache_folder.impersonate_owner()?;
        batch::backward(self.id.epochs(), number, limit, |number| {
            self.look_up(number)
        })
    }

    fn latest(&self, slot: &Slot<'_>) -> Result<Option<Entry>, Error> {
        self.index.latest(self, slot)
    }

    fn latest_numbers(&self, slots: &[Slot<'_>]) -> Result<Vec<u64>, Error> {
        self.index.latest_numbers(self, slots)
    }

    fn newest_number(&self) -> Result<u64, Error> {
        let _impersonation = self.cache_folder.impersonate_owner()?;
        self.find_newest_number()
    }

    fn sweep(&self, keep: u64) -> Result<bool, Error> {
        let _impersonation = self.cache_folder.impersonate_owner()?;
        self.sweep_keeping(keep)
    }

    fn check_usable(&self) -> Result<(), Error> {
        Self::check_usable(self)
    }

    fn is_in_place(&self) -> bool {
        matches!(self.id.is_in_place(), Ok(true))
    }

    fn is_replaced(&self) -> bool {
        matches!(self.id.is_in_place(), Ok(false))
    }

    fn is_intact_up_to(&self, number: u64) -> Result<bool, Error> {
        if number == 0 {
            return Ok(true);
        }
        let _impersonation = self.cache_folder.impersonate_owner()?;
        self.check_intact_up_to(number)
    }

    fn discard(&self) -> Result<(), Error> {
        let _impersonation = self.cache_folder.impersonate_owner()?;
        self.discard_because("its newest entries were removed, or its folders are out of order")
    }

    fn maintain(&self) -> Result<(), Error> {
        let _impersonation = self.cache_folder.impersonate_owner()?;
        // Otherwise a journal without saves for days would lose its id, and its clients would receive
        // `sse.gap`.
        IdFile::touch(&self.folder);
        if let Some(folder) = self.known_newest_folder() {
            folder.touch();
        }
        self.drop_in_index.forget();
        sweep_orphans(&self.cache_folder)
    }

    fn watch(&self) -> Box<dyn EntryWatcher> {
        let journal = Arc::clone(&self.folder);
        Box::new(JournalWatcher::new(
            &self.cache_folder,
            journal,
            self.layout,
        ))
    }
}
