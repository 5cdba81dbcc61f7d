//! How an entry gets its number.
//!
//! A directory is only swept after all its numbers are claimed and its mark says so, and sweeping
//! removes unfinished files first. Both rules below therefore create something unfinished in the
//! directory, *then* look whether the directory still counts, and then rename. A writer that sleeps
//! anywhere in between finds its unfinished file gone, or sees that the directory does not count.

use std::io::{self, Write};

use super::{
    FileJournal,
    entry_folder::{Claimed, EntryFolder},
    numbering::{folder_name, is_entry_name, next_folder},
    probe, sweep,
};
use crate::error::Error;

/// How often a save begins again. Each time, other processes have filled a directory meanwhile.
const ATTEMPTS: u32 = 1_000;

impl FileJournal {
    /// Writes `bytes` as the next entry.
    pub(super) fn append_bytes(&self, bytes: &[u8]) -> Result<u64, Error> {
        for _ in 0..ATTEMPTS {
            let folder = self.newest_folder()?;
            probe::step();
            let claimed = self.write_entry(&folder, bytes);
            match claimed.map_err(|error| Error::io("save", folder.dir().path(), error))? {
                Claimed::Number(number) => return self.confirm(&folder, number),
                Claimed::Full => self.enter_next_folder(&folder)?,
                Claimed::Gone => self.forget_newest(),
            }
        }
        let busy = io::Error::new(
            io::ErrorKind::TimedOut,
            "other programs fill the journal faster than this one can write",
        );
        Err(Error::io("save", self.dir.path(), busy))
    }

    fn write_entry(&self, folder: &EntryFolder, bytes: &[u8]) -> io::Result<Claimed> {
        let (mut file, mut unfinished) = match self.folder.access().unfinished_file(folder.dir()) {
            Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(Claimed::Gone),
            result => result?,
        };
        probe::step();
        file.write_all(bytes)?;
        probe::step();
        folder.claim(&mut unfinished)
    }

    /// Makes sure that readers find the entry. A directory that is gone by now was swept, and then
    /// a newer one exists; or another program has moved it away, and the entry with it.
    fn confirm(&self, folder: &EntryFolder, number: u64) -> Result<u64, Error> {
        let cannot = |error| Error::io("save", folder.dir().path(), error);
        if folder.is_in_place(&self.dir).map_err(cannot)?
            || self.find_folder_after(folder.number())?.is_some()
        {
            return Ok(number);
        }
        Err(self.damaged("its newest folder was removed"))
    }

    /// Rule 2: a directory is created inside the one before it and renamed to its place.
    fn enter_next_folder(&self, full: &EntryFolder) -> Result<(), Error> {
        let Some(number) = next_folder(full.number()) else {
            return Err(self.damaged("it has no numbers left"));
        };
        let name = folder_name(number);
        let cannot = |error| {
            let path = self.dir.path_of(&name);
            Error::io("begin a new folder of entries", &path, error)
        };
        if let Some(next) = self.find_next_folder(full)? {
            // Its creator may have been killed before it did this.
            let _ = full.mark_next_created();
            self.remember_newest(next);
            return Ok(());
        }
        match self.create_next_folder(full, &name) {
            Ok(()) => Ok(()),
            // The full one was swept meanwhile.
            Err(error) if error.kind() == io::ErrorKind::NotFound => {
                self.forget_newest();
                Ok(())
            }
            // Another writer was faster, or something else has the name.
            Err(error) if error.kind() == io::ErrorKind::AlreadyExists => {
                if self.open_folder(number)?.is_none() {
                    self.remove_stray(&name)?;
                }
                Ok(())
            }
            Err(error) => Err(cannot(error)),
        }
    }

    fn create_next_folder(&self, full: &EntryFolder, name: &str) -> io::Result<()> {
        // From here on, everybody sees that this directory has no free number.
        full.fill_mark()?;
        let access = self.folder.access();
        if probe::plain_mkdir() {
            probe::step();
            let dir = access.create_dir(&self.dir, name)?;
            return EntryFolder::create_mark(access, &dir, b"");
        }
        let (dir, unfinished) = access.unfinished_dir(full.dir())?;
        EntryFolder::create_mark(access, &dir, b"")?;
        probe::step();
        if !full.is_in_place(&self.dir)? {
            return Err(io::ErrorKind::NotFound.into());
        }
        probe::step();
        unfinished.rename_new(&self.dir, name)?;
        probe::step();
        full.mark_next_created()
    }

    /// Removes what has a directory's name and was not created by a writer of ours.
    fn remove_stray(&self, name: &str) -> Result<(), Error> {
        let path = self.dir.path_of(name);
        let cannot = |error| Error::io("begin a new folder of entries", &path, error);
        let lock = self.folder.lock_for_repair().map_err(cannot)?;
        let stray = match self.dir.open_dir(name) {
            Ok(stray) => stray,
            Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(()),
            Err(_) => return self.dir.remove_file(name).map_err(cannot),
        };
        // By now another writer may have removed the stray one and created the next folder.
        if EntryFolder::has_mark(&stray).map_err(cannot)? {
            return Ok(());
        }
        log::warn!(
            "{}: removing this, it is not part of the journal",
            path.display()
        );
        let trash = self.folder.trash()?;
        if !sweep::discard_if(&stray, &self.dir, name, &trash).map_err(cannot)? {
            drop(lock);
            return Err(self.damaged("another program replaces its folders"));
        }
        drop(lock);
        let names = stray.names().map_err(cannot)?;
        if names.iter().any(|name| is_entry_name(name)) {
            // Its mark was removed, so its numbers would be given once more.
            return Err(self.damaged("a part of its newest folder was removed"));
        }
        Ok(())
    }
}
