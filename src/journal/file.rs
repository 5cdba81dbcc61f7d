//! The file cache: a folder whose journal is one file per entry, named by its number.
//!
//! Three rules keep many processes in one order without a lock:
//!
//! 1. A number is claimed by renaming a finished temporary file to it *without replacing*
//!    ([`append`]).
//! 2. A folder of numbers is born from the one before it ([`append`]).
//! 3. The oldest folder leaves whole ([`sweep`]).

mod append;
mod find;
mod folder;
mod layout;
mod open;
mod probe;
#[cfg(test)]
mod stress;
mod sweep;
mod watch;

use std::{
    fs::{self, File},
    io::{self, Write},
    path::Path,
    sync::{Arc, Mutex, PoisonError},
};

#[cfg(target_os = "linux")]
pub(crate) use self::watch::imp::drain as drain_notifications;
pub(crate) use self::{
    folder::CacheFolder,
    open::{open_regular, read_all, same_file},
};
use self::{layout::Layout, watch::FolderWatch};
use super::{Epoch, Journal, Read, Watch};
use crate::error::Error;

/// One journal in a cache folder. When the folder is deleted or replaced, this one is no longer
/// [current](Journal::is_current), and another is opened.
pub(crate) struct FileJournal {
    folder: Arc<CacheFolder>,
    layout: Layout,
    epoch: Epoch,
    /// The journal's folder, held open: while it is, its identity is given to no other folder, so
    /// comparing identities tells whether the path still leads here.
    held: File,
    /// The highest number known to be taken, where one is known.
    known: Mutex<Option<u64>>,
}

impl FileJournal {
    /// Opens the folder's journal, and makes it where there is none.
    pub(crate) fn open(folder: Arc<CacheFolder>) -> Result<Self, Error> {
        loop {
            match Self::open_existing(&folder) {
                Err(error) if error.kind() == io::ErrorKind::NotFound => build(&folder)?,
                Err(error) => {
                    return Err(Error::io("open the journal", &folder.journal(), error));
                }
                Ok((held, epoch)) => {
                    let layout = Layout::new(folder.journal().join("entries"));
                    return Ok(Self {
                        folder,
                        layout,
                        epoch,
                        held,
                        known: Mutex::new(None),
                    });
                }
            }
        }
    }

    fn open_existing(folder: &CacheFolder) -> io::Result<(File, Epoch)> {
        let held = File::open(folder.journal())?;
        let word = fs::read_to_string(folder.journal().join("word"))?;
        let word = u128::from_str_radix(word.trim(), 16).map_err(|_| {
            io::Error::new(io::ErrorKind::InvalidData, "its file `word` is damaged")
        })?;
        Ok((held, epoch(word, boot_id())))
    }

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
    }

    fn read(&self, number: u64) -> Result<Read, Error> {
        let path = self.layout.entry(number);
        match open::regular_file(&path) {
            Ok(bytes) => Ok(Read::Entry(bytes)),
            Err(error) if error.kind() == io::ErrorKind::NotFound => self.absent(number, &path),
            Err(error) if is_passing(&error) => Err(Error::io("read the entry", &path, error)),
            Err(error) => Ok(Read::Broken(error.to_string())),
        }
    }

    fn newest(&self) -> Result<u64, Error> {
        find::newest(&self.layout)
    }

    fn sweep(&self, keep: u64) -> Result<(), Error> {
        sweep::sweep(&self.layout, &self.folder.trash(), keep)
    }

    fn is_current(&self) -> bool {
        match (self.held.metadata(), fs::metadata(self.folder.journal())) {
            (Ok(held), Ok(found)) => same_file(&held, &found),
            _ => false,
        }
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

/// Makes a journal under another name and renames it into place, so that nobody sees half of one,
/// and of several processes that do so at once, one makes it for all.
fn build(folder: &CacheFolder) -> Result<(), Error> {
    let made = folder.access().dot_dir(&folder.own()).and_then(|dir| {
        let word = getrandom::u64().and_then(|high| Ok((high, getrandom::u64()?)));
        let (high, low) = word.map_err(|error| io::Error::other(error.to_string()))?;
        let mut file = folder.access().dot_file(dir.path())?;
        writeln!(file, "{high:016x}{low:016x}")?;
        file.persist(dir.path().join("word"))?;
        folder.access().make_dir(&dir.path().join("entries"))?;
        folder
            .access()
            .make_dir(&dir.path().join("entries/000000000000"))?;
        open::rename_without_replacing(dir.path(), &folder.journal())?;
        let _ = dir.keep();
        Ok(())
    });
    match made {
        Err(error) if error.kind() == io::ErrorKind::AlreadyExists => Ok(()),
        result => result.map_err(|error| Error::io("make the journal", &folder.journal(), error)),
    }
}

/// The journal's random word and the machine's boot are both random, so their combination is as
/// good as a hash: it differs for every journal and every boot, and tells neither.
fn epoch(word: u128, boot: u128) -> Epoch {
    let mixed = word ^ boot;
    let half = |bits: u128| u64::try_from(bits & u128::from(u64::MAX)).unwrap_or_default();
    Epoch(half(mixed >> 64) ^ half(mixed))
}

/// A reboot may lose the last entries, since saves are not synced to the disk one by one. So what
/// follows is another epoch. Where the system does not name its boots there is one epoch only.
fn boot_id() -> u128 {
    fs::read_to_string("/proc/sys/kernel/random/boot_id")
        .ok()
        .and_then(|id| u128::from_str_radix(&id.trim().replace('-', ""), 16).ok())
        .unwrap_or_default()
}

/// Errors of the machine rather than of the file: they pass, and the entry is there afterwards.
fn is_passing(error: &io::Error) -> bool {
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
