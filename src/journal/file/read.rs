//! How an entry is read, and why it may be absent.

use std::io;

use super::{
    entry_folder::EntryFolder,
    file_journal::FileJournal,
    layout::entry_name,
    open_folder::{found, is_temporary},
};
use crate::{error::Error, journal::batch::StoredEntry};

/// An attempt fails only if the entry's folder is created or swept between two checks. Each happens to
/// a folder once.
const MAX_READ_ATTEMPTS: u32 = 3;

impl FileJournal {
    pub(super) fn look_up(&self, number: u64) -> Result<StoredEntry, Error> {
        if let Some(folder) = self.entry_folder_to_read(self.layout.folder_of(number))? {
            if let Some(read) = read_in(&folder, number)? {
                return Ok(read);
            }
            // Only full folders are swept, so a folder with a free number is still in the journal.
            let highest_taken = found(folder.highest_taken());
            if highest_taken.is_ok_and(|taken| taken.is_some_and(|taken| taken < number)) {
                return Ok(StoredEntry::NotYet);
            }
        }
        self.look_up_absent(number)
    }

    /// Why an entry has no file: it was not saved yet, was swept, or was removed.
    fn look_up_absent(&self, number: u64) -> Result<StoredEntry, Error> {
        let folder_number = self.layout.folder_of(number);
        for _ in 0..MAX_READ_ATTEMPTS {
            // Opened by its name: the folder that was read last may have been swept since.
            if let Some(folder) = self.open_entry_folder(folder_number)? {
                match look_up_without_file(&folder, number)? {
                    Some(found) => return Ok(found),
                    None => continue,
                }
            }
            // The number may be the first one of a folder that is not created yet.
            if number == self.layout.first_number(folder_number)
                && folder_number > 0
                && self.open_entry_folder(folder_number - 1)?.is_some()
            {
                return Ok(StoredEntry::NotYet);
            }
            if let Some(next) = self.find_folder_after(folder_number)? {
                let oldest = self.layout.first_number(next.number());
                return Ok(StoredEntry::Swept { oldest });
            }
            // The number is ahead of the journal; or its folder was created between the checks.
        }
        Ok(StoredEntry::NotYet)
    }

    pub(super) fn check_intact_up_to(&self, number: u64) -> Result<bool, Error> {
        let folder_number = self.layout.folder_of(number);
        self.forget_replaced_folder();
        if let Some(folder) = self.open_entry_folder(folder_number)? {
            let is_taken = found(folder.is_taken(number));
            match is_taken.map_err(|error| check_error(&folder, error))? {
                Some(true) => return self.is_newest_or_full(&folder),
                Some(false) => return Ok(false),
                None => {}
            }
        }
        // The folder was swept, unless it was the newest.
        Ok(self.find_folder_after(folder_number)?.is_some())
    }

    /// A folder is full before the next one is created, and a later one always remains, so any other state is damage.
    fn is_newest_or_full(&self, folder: &EntryFolder) -> Result<bool, Error> {
        // In this order: the folder may become full, and the next one exist, at any moment.
        let was_next_created = found(folder.is_next_created());
        let was_next_created = was_next_created.map_err(|error| check_error(folder, error))?;
        if self.find_folder_after(folder.number())?.is_none() {
            return Ok(was_next_created != Some(true));
        }
        let is_full = found(folder.is_full()).map_err(|error| check_error(folder, error))?;
        // Otherwise it was swept meanwhile, as only full folders are.
        Ok(is_full.unwrap_or(true))
    }
}

fn check_error(folder: &EntryFolder, error: io::Error) -> Error {
    Error::io("read the journal", folder.path(), error)
}

/// `None`: the folder was swept meanwhile.
fn look_up_without_file(folder: &EntryFolder, number: u64) -> Result<Option<StoredEntry>, Error> {
    let highest_taken = found(folder.highest_taken());
    let Some(highest_taken) = highest_taken.map_err(|error| check_error(folder, error))? else {
        return Ok(None);
    };
    if number > highest_taken {
        return Ok(Some(StoredEntry::NotYet));
    }
    // It was taken after the first read, or another program removed the file.
    let read = read_in(folder, number)?;
    Ok(Some(read.unwrap_or_else(|| {
        StoredEntry::Unreadable("the file was removed".into())
    })))
}

/// `None`: the entry has no file.
fn read_in(folder: &EntryFolder, number: u64) -> Result<Option<StoredEntry>, Error> {
    match folder.read(number) {
        Ok(bytes) => Ok(Some(StoredEntry::Entry(bytes))),
        Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(None),
        Err(error) if is_temporary(&error) => {
            let path = folder.as_open_folder().path_of(&entry_name(number));
            Err(Error::io("read the entry", &path, error))
        }
        Err(error) => Ok(Some(StoredEntry::Unreadable(error.to_string()))),
    }
}
