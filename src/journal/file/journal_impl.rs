//! [`FileJournal`] as a [`Journal`].

use std::sync::Arc;

use super::{file_journal::FileJournal, journal_watcher::JournalWatcher, orphans::sweep_orphans};
use crate::{
    entry::Entry,
    epoch::Epochs,
    error::Error,
    journal::{
        address::CacheAddress,
        batch::{self, Batch},
        contract::{EntryWatcher, Journal},
    },
    runtime::lock,
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
            return Err(self.address().replaced_error());
        }
        Ok(number)
    }

    fn append_once(&self, token: &str, after: u64, entry: &[u8]) -> Result<u64, Error> {
        let _impersonation = self.cache_folder.impersonate_owner()?;
        match self.find_token(token, after)? {
            Some(number) => Ok(number),
            None => self.append(entry),
        }
    }

    fn read_from(&self, number: u64, limit: u64) -> Result<Batch, Error> {
        let _impersonation = self.cache_folder.impersonate_owner()?;
        batch::forward(self.id.epochs(), number, limit, |number| {
            self.look_up(number)
        })
    }

    fn read_back(&self, number: u64, limit: u64) -> Result<Batch, Error> {
        let _impersonation = self.cache_folder.impersonate_owner()?;
        batch::backward(self.id.epochs(), number, limit, |number| {
            self.look_up(number)
        })
    }

    fn latest(&self, key: &str) -> Result<Option<Entry>, Error> {
        self.index.latest(self, key)
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
        // It is needed again only if another process is killed.
        *lock(&self.token_index) = None;
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
