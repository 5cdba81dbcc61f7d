//! The file cache: a folder whose journal is one file per entry, named by its number.
//!
//! Three rules keep many processes in one order without a lock:
//!
//! 1. A number is claimed by renaming a finished temporary file to it *without replacing*
//!    ([`append`]).
//! 2. A folder of numbers is born from the one before it ([`append`]).
//! 3. The oldest folder leaves whole ([`sweep`]).

mod append;
mod create;
mod find;
mod folder;
mod layout;
#[cfg(test)]
#[cfg(unix)]
pub(crate) mod odd_files;
mod open;
mod orphans;
mod probe;
#[cfg(test)]
mod stress;
mod sweep;
mod watch;

use std::{
    io,
    path::Path,
    sync::{Arc, Mutex, PoisonError},
};

pub(crate) use self::{
    folder::CacheFolder,
    open::{open_regular, read_all, same_file},
    orphans::sweep_orphans,
};
use self::{layout::Layout, watch::FolderWatch};
use super::{Journal, Read, Watch};
use crate::{epoch::Epoch, error::Error};

/// One journal in a cache folder. When the folder is deleted or replaced, this one is no longer
/// [current](Journal::is_current), and another is opened.
pub(crate) struct FileJournal {
    folder: Arc<CacheFolder>,
    layout: Layout,
    epoch: Epoch,
    /// The highest number known to be taken, where one is known.
    known: Mutex<Option<u64>>,
}

impl FileJournal {
    pub(crate) fn folder(&self) -> &Arc<CacheFolder> {
        &self.folder
    }

    fn known(&self) -> Option<u64> {
        *self.known.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn set_known(&self, number: Option<u64>) {
        let mut known = self.known.lock().unwrap_or_else(PoisonError::into_inner);
        // Threads finish in any order; only forgetting goes back.
        *known = match (*known, number) {
            (Some(old), Some(new)) => Some(old.max(new)),
            (_, new) => new,
        };
    }
}

impl Journal for FileJournal {
    fn epoch(&self) -> Epoch {
        self.epoch
    }

    fn append(&self, entry: &[u8]) -> Result<u64, Error> {
        self.append_bytes(entry)
            .map_err(|error| self.layout.in_the_open(error))
    }

    fn read(&self, number: u64) -> Result<Read, Error> {
        let path = self.layout.entry(number);
        match open::regular_file(&path) {
            Ok(bytes) => Ok(Read::Entry(bytes)),
            Err(error) if error.kind() == io::ErrorKind::NotFound => self.absent(number, &path),
            Err(error) if is_passing(&error) => Err(Error::io("read the entry", &path, error)),
            Err(error) => Ok(Read::Broken(error.to_string())),
        }
        .map_err(|error| self.layout.in_the_open(error))
    }

    fn newest(&self) -> Result<u64, Error> {
        find::newest(&self.layout).map_err(|error| self.layout.in_the_open(error))
    }

    fn sweep(&self, keep: u64) -> Result<(), Error> {
        let trash = self.folder.trash();
        self.folder
            .make(&trash)
            .and_then(|()| sweep::sweep(&self.layout, &trash, keep))
            .map_err(|error| self.layout.in_the_open(error))
    }

    fn is_current(&self) -> bool {
        self.layout.is_current()
    }

    fn watch(&self) -> Box<dyn Watch> {
        Box::new(FolderWatch::new(self.layout.clone()))
    }
}

impl FileJournal {
    /// Tells "not yet" from "no more".
    fn absent(&self, number: u64, path: &Path) -> Result<Read, Error> {
        let folder = self.layout.folder_of(number);
        if self.layout.has(folder)? {
            return Ok(Read::NotYet);
        }
        // The folder of a number that is next in turn is born with it.
        if number == self.layout.first(folder) && folder > 0 && self.layout.has(folder - 1)? {
            return Ok(Read::NotYet);
        }
        let oldest = self.layout.first(find::oldest_folder(&self.layout)?);
        if oldest > number {
            return Ok(Read::Swept { oldest });
        }
        // It lies ahead; or its folder was born, and the one before swept, between the looks.
        match open::regular_file(path) {
            Ok(bytes) => Ok(Read::Entry(bytes)),
            Err(_) => Ok(Read::NotYet),
        }
    }
}

/// Errors of the machine rather than of the file: they pass, and the entry is there afterwards.
pub(crate) fn is_passing(error: &io::Error) -> bool {
    #[cfg(unix)]
    {
        use rustix::io::Errno;
        matches!(
            Errno::from_io_error(error),
            Some(Errno::MFILE | Errno::NFILE | Errno::NOMEM | Errno::INTR | Errno::STALE)
        )
    }
    #[cfg(not(unix))]
    {
        error.kind() == io::ErrorKind::Interrupted
    }
}
