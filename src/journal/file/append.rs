//! How an entry gets its number.
//!
//! A folder is swept only after all its numbers are taken and its high-water mark shows that, and a
//! sweep removes unfinished files first. So both rules below create something unfinished in the
//! folder, *then* check whether the folder still counts, and then rename. A writer that is stopped
//! anywhere in between finds its unfinished file gone, or sees that the folder does not count.

use std::{
    io::{self, Write},
    sync::Arc,
};

use super::{
    entry_folder::{EntryFolder, TakeResult},
    file_journal::FileJournal,
    layout::{folder_name, next_folder, parse_entry_name},
    open_folder::{OpenFolder, found},
    test_hooks, trash,
};
use crate::error::Error;

/// Before each further attempt, other processes have filled or swept a whole folder. After 1,000 folders,
/// a million saves of others, this process cannot keep up, and an error is better than an endless save.
const MAX_SAVE_ATTEMPTS: u32 = 1_000;

impl FileJournal {
    /// Writes `bytes` as the next entry.
    pub(super) fn append_bytes(&self, bytes: &[u8]) -> Result<u64, Error> {
        for _ in 0..MAX_SAVE_ATTEMPTS {
            let folder = self.newest_folder()?;
            test_hooks::stall_point();
            let result = self.write_entry(&folder, bytes);
            match result.map_err(|error| Error::io("save", folder.path(), error))? {
                TakeResult::Taken(number) => return self.confirm(&folder, number),
                TakeResult::FolderFull => self.enter_next_folder(&folder)?,
                TakeResult::FolderGone => self.forget_newest_folder(),
            }
        }
        let busy = io::Error::new(
            io::ErrorKind::TimedOut,
            "other programs write to the journal faster than this program can",
        );
        Err(Error::io("save", self.folder.path(), busy).with_help("try again"))
    }

    fn write_entry(&self, folder: &Arc<EntryFolder>, bytes: &[u8]) -> io::Result<TakeResult> {
        let permissions = self.cache_folder.permissions();
        let (mut file, mut unfinished) = match self.spare_file.take(folder) {
            Some(spare) => spare,
            None => {
                let created = permissions.create_unfinished_file(folder.as_open_folder());
                match found(created)? {
                    Some(created) => created,
                    None => return Ok(TakeResult::FolderGone),
                }
            }
        };
        test_hooks::stall_point();
        file.write_all(bytes)?;
        test_hooks::stall_point();
        folder.take_number(&file, &mut unfinished)
    }

    /// Ensures that readers find the entry. If its folder is gone now, it was swept, and a newer folder
    /// exists; or another program has moved it away with the entry.
    ///
    /// Only proof that the folder is gone counts: the caller would save the entry again after an error.
    fn confirm(&self, folder: &EntryFolder, number: u64) -> Result<u64, Error> {
        let is_gone = matches!(folder.is_in_place(&self.folder), Ok(false));
        if !is_gone || self.find_folder_after(folder.number())?.is_some() {
            return Ok(number);
        }
        Err(self.discard_as_damaged("its newest folder was removed"))
    }

    /// Rule 2: a folder is created inside the one before it, and renamed to its final name.
    fn enter_next_folder(&self, full: &EntryFolder) -> Result<(), Error> {
        let Some(number) = next_folder(full.number()) else {
            return Err(self.discard_as_damaged("it has no numbers left"));
        };
        if let Some(next) = self.find_next_folder(full)? {
            // The process that created it may have been killed before it did this.
            let _ = full.mark_next_created();
            self.remember_newest_folder(next);
            return Ok(());
        }
        let name = folder_name(number);
        match self.create_next_folder(full, &name) {
            Ok(()) => Ok(()),
            // The full folder was swept meanwhile.
            Err(error) if error.kind() == io::ErrorKind::NotFound => {
                self.forget_newest_folder();
                Ok(())
            }
            // Another writer was faster, or another program uses the name.
            Err(error) if error.kind() == io::ErrorKind::AlreadyExists => {
                if self.open_entry_folder(number)?.is_none() {
                    self.remove_stray(&name)?;
                }
                Ok(())
            }
            Err(error) => Err(self.create_error(&name, error)),
        }
    }

    fn create_next_folder(&self, full: &EntryFolder, name: &str) -> io::Result<()> {
        // From here on, every writer sees that this folder has no free number.
        full.mark_full()?;
        let permissions = self.cache_folder.permissions();
        if test_hooks::uses_plain_mkdir() {
            test_hooks::stall_point();
            let folder = permissions.create_folder(&self.folder, name)?;
            return EntryFolder::create_high_water(permissions, &folder, b"");
        }
        let (folder, unfinished) = permissions.create_unfinished_folder(full.as_open_folder())?;
        EntryFolder::create_high_water(permissions, &folder, b"")?;
        test_hooks::stall_point();
        if !full.is_in_place(&self.folder)? {
            return Err(io::ErrorKind::NotFound.into());
        }
        test_hooks::stall_point();
        unfinished.rename_new(&self.folder, name)?;
        test_hooks::stall_point();
        full.mark_next_created()
    }

    /// Removes a file or folder of another program that has the name of the next folder.
    fn remove_stray(&self, name: &str) -> Result<(), Error> {
        let error_at = |error| self.create_error(name, error);
        let lock = self.cache_folder.lock_for_repair().map_err(error_at)?;
        let stray = match self.folder.open_folder(name) {
            Ok(stray) => stray,
            Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(()),
            Err(_) => {
                let removed = found(self.folder.remove_file(name));
                return removed.map(drop).map_err(error_at);
            }
        };
        // Another writer may have removed the stray folder and created the next one meanwhile.
        if EntryFolder::has_high_water(&stray).map_err(error_at)? {
            return Ok(());
        }
        tracing::warn!(
            "{}: this is not part of the journal, and is removed",
            self.folder.path_of(name).display()
        );
        let had_entries = has_entries(&stray).map_err(error_at)?;
        let trash_folder = self.cache_folder.trash_folder()?;
        let is_discarded =
            trash::discard_if(&stray, &self.folder, name, &trash_folder).map_err(error_at)?;
        drop(lock);
        if !is_discarded {
            return Err(self.discard_as_damaged("another program replaces its folders"));
        }
        test_hooks::stall_point();
        // Again, because a writer may have added one meanwhile.
        if had_entries || has_entries(&stray).map_err(error_at)? {
            // Only its high-water mark was missing. Its numbers would be assigned again.
            return Err(self.discard_as_damaged("a part of its newest folder was removed"));
        }
        Ok(())
    }

    fn create_error(&self, name: &str, error: io::Error) -> Error {
        Error::io(
            "create a folder of entries",
            &self.folder.path_of(name),
            error,
        )
    }
}

/// A folder that was removed meanwhile has none: another process may empty the trash at any moment.
fn has_entries(folder: &OpenFolder) -> io::Result<bool> {
    let names = folder.names()?;
    Ok(names.iter().any(|name| parse_entry_name(name).is_some()))
}
