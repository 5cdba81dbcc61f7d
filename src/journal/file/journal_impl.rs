//! [`FileJournal`] as a [`Journal`].

use std::{io, sync::Arc};

use super::{file_journal::FileJournal, journal_watcher::JournalWatcher, orphans::sweep_orphans};
use crate::{
    epoch::Epochs,
    error::Error,
    journal::{
        address::CacheAddress,
        contract::{EntryWatcher, Journal, StoredEntry},
    },
};

impl Journal for FileJournal {
    fn address(&self) -> CacheAddress {
        CacheAddress::Folder(self.cache_folder.path().to_owned())
    }

    fn epochs(&self) -> Epochs {
        self.id.epochs().clone()
    }

    fn append(&self, entry: &[u8]) -> Result<u64, Error> {
        let _impersonation = self.cache_folder.impersonate_owner()?;
        let number = self.append_bytes(entry)?;
        if self.is_replaced() && !self.is_folder_in_place() {
            let cause = io::Error::other("another program has replaced it");
            return Err(Error::io("save", self.folder.path(), cause));
        }
        Ok(number)
    }

    fn read(&self, number: u64) -> Result<StoredEntry, Error> {
        let _impersonation = self.cache_folder.impersonate_owner()?;
        self.look_up(number)
    }

    fn newest_number(&self) -> Result<u64, Error> {
        let _impersonation = self.cache_folder.impersonate_owner()?;
        self.find_newest_number()
    }

    fn sweep(&self, keep: u64) -> Result<bool, Error> {
        let _impersonation = self.cache_folder.impersonate_owner()?;
        self.sweep_keeping(keep)
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
        self.touch();
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
