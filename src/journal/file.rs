//! The file cache: a folder whose journal is one file per entry, named by its number.
//!
//! Three rules keep many processes in one order without a lock:
//!
//! 1. A number is claimed by renaming a finished file to it *without replacing* ([`entry_folder`]).
//! 2. A directory of numbers is created inside the one before it ([`append`]).
//! 3. The oldest directory leaves as a whole ([`sweep`]).
//!
//! Everything is reached through open descriptors ([`dir`]), and root works in another user's folder
//! with that user's rights ([`owner`]).

mod access;
mod append;
mod dir;
mod entry_folder;
mod find;
mod folder;
mod id;
#[cfg(test)]
pub(crate) mod non_regular_files;
mod numbering;
mod open;
mod orphans;
mod owner;
mod probe;
#[cfg(test)]
mod removed;
#[cfg(test)]
mod stress;
mod sweep;
mod watch;

use std::{
    io,
    sync::{Arc, Mutex, PoisonError},
};

pub(crate) use self::{
    dir::{Dir, is_file, is_temporary, read_all},
    folder::CacheFolder,
    orphans::sweep_orphans,
    sweep::{discard, remove_tree},
};
use self::{entry_folder::EntryFolder, id::IdFile, numbering::Numbering, watch::JournalWatch};
use super::contract::{Journal, Lookup, Watch};
use crate::{epoch::Epoch, error::Error};

/// How often a reader looks again for an entry whose directory appears or disappears meanwhile.
const LOOKS: u32 = 3;

/// One journal in a cache folder. When the folder is deleted or replaced, this one is no longer
/// [current](Journal::is_in_place), and another is opened.
pub(crate) struct FileJournal {
    folder: Arc<CacheFolder>,
    dir: Arc<Dir>,
    id: IdFile,
    epoch: Epoch,
    numbering: Numbering,
    /// The newest directory of entries, as far as it is known.
    newest: Mutex<Option<Arc<EntryFolder>>>,
    /// The directory that was read last.
    last_read: Mutex<Option<Arc<EntryFolder>>>,
}

impl Journal for FileJournal {
    fn epoch(&self) -> Epoch {
        self.epoch
    }

    fn first_of_epoch(&self) -> Option<u64> {
        self.id.is_of_this_boot().then_some(1)
    }

    fn append(&self, entry: &[u8]) -> Result<u64, Error> {
        let _impersonation = self.folder.impersonate_owner()?;
        self.append_bytes(entry)
    }

    fn read(&self, number: u64) -> Result<Lookup, Error> {
        let _impersonation = self.folder.impersonate_owner()?;
        if let Some(folder) = self.folder_to_read(self.numbering.folder_of(number))?
            && let Some(read) = read_in(&folder, number)?
        {
            return Ok(read);
        }
        self.read_absent(number)
    }

    fn newest(&self) -> Result<u64, Error> {
        let _impersonation = self.folder.impersonate_owner()?;
        self.find_newest()
    }

    fn sweep(&self, keep: u64) -> Result<(), Error> {
        let _impersonation = self.folder.impersonate_owner()?;
        self.sweep_to(keep)
    }

    fn is_in_place(&self) -> bool {
        self.id.is_in_place()
    }

    fn is_intact_up_to(&self, number: u64) -> Result<bool, Error> {
        if number == 0 {
            return Ok(true);
        }
        let _impersonation = self.folder.impersonate_owner()?;
        let folder = self.numbering.folder_of(number);
        if let Some(found) = self.open_folder(folder)? {
            let cannot = |error| Error::io("read the journal", found.dir().path(), error);
            match found.reaches(number) {
                Err(error) if error.kind() == io::ErrorKind::NotFound => {}
                Ok(true) => {
                    // A folder is full before the next one is created. In this order: both may happen
                    // at any moment.
                    let is_newest = self.find_folder_after(folder)?.is_none();
                    return match found.is_full() {
                        _ if is_newest => Ok(true),
                        // It was swept meanwhile, as only full ones are.
                        Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(true),
                        is_full => is_full.map_err(cannot),
                    };
                }
                reaches => return reaches.map_err(cannot),
            }
        }
        // The folder was swept, unless it was the newest.
        Ok(self.find_folder_after(folder)?.is_some())
    }

    fn discard(&self) -> Result<(), Error> {
        let _impersonation = self.folder.impersonate_owner()?;
        self.discard_because("its newest entries were removed")
    }

    fn watch(&self) -> Box<dyn Watch> {
        let journal = Arc::clone(&self.dir);
        Box::new(JournalWatch::new(&self.folder, journal, self.numbering))
    }
}

impl FileJournal {
    pub(crate) fn folder(&self) -> &Arc<CacheFolder> {
        &self.folder
    }

    /// A file to lock by the one server that takes drop-ins. When it is removed or replaced, this is no
    /// longer the current journal.
    pub(crate) fn open_lock(&self) -> io::Result<std::fs::File> {
        self.id.open_again(&self.dir)
    }

    /// Puts the file back at which programs of the former format stop. Its name has no leading dot, so
    /// a cache clear removes it.
    pub(crate) fn stop_former_programs(&self) -> Result<(), Error> {
        open::replace_former(&self.folder)
    }

    /// Lets the journal look new to programs that remove old files. A journal that nobody saves to
    /// for days would otherwise lose its id, and its clients would be told of a gap.
    pub(crate) fn keep_fresh(&self) {
        IdFile::touch(&self.dir);
        if let Some(folder) = self.known_newest() {
            folder.touch();
        }
    }

    /// The directory to look for an entry in; `None` if there is none by its name.
    fn folder_to_read(&self, number: u64) -> Result<Option<Arc<EntryFolder>>, Error> {
        let mut last = self
            .last_read
            .lock()
            .unwrap_or_else(PoisonError::into_inner);
        if let Some(folder) = &*last
            && folder.number() == number
        {
            return Ok(Some(Arc::clone(folder)));
        }
        let opened = self.open_folder(number)?.map(Arc::new);
        if let Some(folder) = &opened {
            *last = Some(Arc::clone(folder));
        }
        Ok(opened)
    }

    /// Why an entry has no file: it was not saved yet, or was swept, or was removed.
    fn read_absent(&self, number: u64) -> Result<Lookup, Error> {
        let in_folder = self.numbering.folder_of(number);
        for _ in 0..LOOKS {
            // By its name: the one that was read last may have been swept since.
            if let Some(folder) = self.open_folder(in_folder)? {
                let claimed = match folder.claimed() {
                    // It was swept meanwhile.
                    Err(error) if error.kind() == io::ErrorKind::NotFound => continue,
                    claimed => claimed
                        .map_err(|error| Error::io("read the entry", folder.dir().path(), error))?,
                };
                if number > claimed {
                    return Ok(Lookup::NotYet);
                }
                // It was claimed after the first look, or the file was removed.
                let read = read_in(&folder, number)?;
                return Ok(read.unwrap_or_else(|| Lookup::Broken("the file was removed".into())));
            }
            // The directory of a number that is next in turn appears together with it.
            if number == self.numbering.first(in_folder)
                && in_folder > 0
                && self.open_folder(in_folder - 1)?.is_some()
            {
                return Ok(Lookup::NotYet);
            }
            if let Some(next) = self.find_folder_after(in_folder)? {
                let oldest = self.numbering.first(next.number());
                return Ok(Lookup::Swept { oldest });
            }
            // The number lies ahead; or its directory has appeared between the looks.
        }
        Ok(Lookup::NotYet)
    }

    /// Whether both are the same folder of the disk, although the id may have been replaced.
    pub(crate) fn is_same_folder(&self, other: &Self) -> bool {
        matches!((self.dir.identity(), other.dir.identity()), (Ok(a), Ok(b)) if a == b)
    }

    /// Puts the journal away because it has lost entries that readers may rely on. Every process
    /// begins another, and all clients are told of a gap.
    fn damaged(&self, why: &'static str) -> Error {
        let missing = io::Error::new(io::ErrorKind::NotFound, why);
        match self.discard_because(why) {
            Ok(()) => Error::io("use the journal", self.dir.path(), missing),
            Err(error) => error,
        }
    }

    fn discard_because(&self, why: &'static str) -> Result<(), Error> {
        let path = self.dir.path();
        open::put_away(&self.folder, Some(&self.dir))
            .map_err(|error| Error::io("put the damaged journal away", path, error))?;
        log::warn!(
            "{}: this journal is damaged, so another is begun: {why}; clients are told of a gap",
            path.display()
        );
        Ok(())
    }

    fn known_newest(&self) -> Option<Arc<EntryFolder>> {
        let newest = self.newest.lock().unwrap_or_else(PoisonError::into_inner);
        newest.clone()
    }

    fn remember_newest(&self, folder: EntryFolder) -> Arc<EntryFolder> {
        let folder = Arc::new(folder);
        let mut newest = self.newest.lock().unwrap_or_else(PoisonError::into_inner);
        *newest = Some(Arc::clone(&folder));
        folder
    }

    fn forget_newest(&self) {
        *self.newest.lock().unwrap_or_else(PoisonError::into_inner) = None;
    }
}

/// `None`: the entry has no file.
fn read_in(folder: &EntryFolder, number: u64) -> Result<Option<Lookup>, Error> {
    match folder.read(number) {
        Ok(bytes) => Ok(Some(Lookup::Entry(bytes))),
        Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(None),
        Err(error) if is_temporary(&error) => {
            let path = folder.dir().path_of(&numbering::entry_name(number));
            Err(Error::io("read the entry", &path, error))
        }
        Err(error) => Ok(Some(Lookup::Broken(error.to_string()))),
    }
}
