//! Finds folders of entries and the newest number, without listing entries.

use std::{io, sync::Arc};

use super::{
    entry_folder::EntryFolder,
    file_journal::FileJournal,
    layout::{Layout, next_folder, parse_folder_name},
    open_folder::{OpenFolder, found},
    test_hooks,
};
use crate::error::Error;

/// Each attempt passes one folder that other processes filled or swept meanwhile. A process that was
/// stopped for long passes many. After 10,000 folders, ten million saves of others, this process cannot
/// keep up, and an error is better than an endless search.
const MAX_FOLDERS_PASSED: u32 = 10_000;

/// A listing is repeated if all of its folders were swept meanwhile. A writer must fill a thousand
/// numbers for each repetition, so this limit is never reached unless another program creates and
/// removes folders.
const MAX_LISTING_ATTEMPTS: u32 = 1_000;

impl FileJournal {
    /// The numbers in ascending order of all folders that have such a name, including folders that
    /// the library did not create.
    pub(super) fn folder_numbers(&self) -> Result<Vec<u64>, Error> {
        folder_numbers(&self.folder)
            .map_err(|error| Error::io("list the journal", self.folder.path(), error))
    }

    /// The newest folder of entries; `None` if the journal has none.
    fn find_newest_folder(&self) -> Result<Option<EntryFolder>, Error> {
        let newest_first = |journal: &OpenFolder| {
            folder_numbers(journal).map(|found| found.into_iter().rev().collect())
        };
        open_first(&self.folder, self.layout, newest_first)
            .map_err(|error| Error::io("find the newest entry", self.folder.path(), error))
    }

    /// The oldest folder of entries with a higher number than this one.
    pub(super) fn find_folder_after(&self, number: u64) -> Result<Option<EntryFolder>, Error> {
        let after = |journal: &OpenFolder| {
            let found = folder_numbers(journal)?;
            Ok(found.into_iter().filter(|found| *found > number).collect())
        };
        open_first(&self.folder, self.layout, after)
            .map_err(|error| Error::io("list the journal", self.folder.path(), error))
    }

    /// The folder after this one, which is full. `None` if it was not created yet, or if this one was
    /// swept.
    pub(super) fn find_next_folder(
        &self,
        full: &EntryFolder,
    ) -> Result<Option<EntryFolder>, Error> {
        let Some(number) = next_folder(full.number()) else {
            return Ok(None);
        };
        let error_at = |error| Error::io("find the newest entries", full.path(), error);
        // Before the next folder is opened: it may be created at any moment.
        let was_created = found(full.is_next_created()).map_err(error_at)?;
        test_hooks::stall_point();
        let next = self.open_entry_folder(number)?;
        // Folders are swept in order, so the next one is never swept before this one.
        if next.is_none()
            && was_created == Some(true)
            && full.is_in_place(&self.folder).map_err(error_at)?
        {
            return Err(self.discard_as_damaged("its newest folder was removed"));
        }
        Ok(next)
    }

    /// The highest taken number; 0 before the first.
    pub(super) fn find_newest_number(&self) -> Result<u64, Error> {
        for _ in 0..MAX_FOLDERS_PASSED {
            let folder = self.newest_folder()?;
            let error_at = |error| Error::io("find the newest entry", folder.path(), error);
            let Some(newest_number) = found(newest_number_in(&folder)).map_err(error_at)? else {
                // The folder was swept.
                self.forget_newest_folder();
                continue;
            };
            let next = if newest_number == folder.last_number() {
                self.find_next_folder(&folder)?
            } else {
                None
            };
            match next {
                Some(next) => drop(self.remember_newest_folder(next)),
                None if folder.is_in_place(&self.folder).map_err(error_at)? => {
                    return Ok(newest_number);
                }
                // The folder was swept, so a newer one exists; or another program removed it.
                None => self.forget_newest_folder(),
            }
        }
        let busy = io::Error::other(
            "other programs write to the journal faster than this program can read it",
        );
        Err(Error::io("find the newest entry", self.folder.path(), busy))
    }

    /// The newest folder that this process knows.
    pub(super) fn newest_folder(&self) -> Result<Arc<EntryFolder>, Error> {
        if let Some(folder) = self.known_newest_folder() {
            return Ok(folder);
        }
        match self.find_newest_folder()? {
            Some(folder) => Ok(self.remember_newest_folder(folder)),
            None => Err(self.discard_as_damaged("the folders with its entries were removed")),
        }
    }
}

fn newest_number_in(folder: &EntryFolder) -> io::Result<u64> {
    let mut number = folder.highest_taken()?;
    // The last writers may not have raised the high-water mark yet.
    while number < folder.last_number() && folder.has_entry(number + 1)? {
        number += 1;
    }
    Ok(number)
}

/// The numbers in ascending order of all folders that have such a name, including folders that the
/// library did not create.
pub(super) fn folder_numbers(journal: &OpenFolder) -> io::Result<Vec<u64>> {
    let names = journal.names()?;
    let mut numbers: Vec<u64> = names
        .iter()
        .filter_map(|name| parse_folder_name(name))
        .collect();
    numbers.sort_unstable();
    Ok(numbers)
}

/// The first listed folder that can be opened. If none can, and another listing differs, the folders
/// of the first were swept meanwhile.
pub(super) fn open_first(
    journal: &OpenFolder,
    layout: Layout,
    list: impl Fn(&OpenFolder) -> io::Result<Vec<u64>>,
) -> io::Result<Option<EntryFolder>> {
    let mut listed = list(journal)?;
    for _ in 0..MAX_LISTING_ATTEMPTS {
        for number in &listed {
            if let Some(folder) = EntryFolder::open(journal, layout, *number)? {
                return Ok(Some(folder));
            }
        }
        let again = list(journal)?;
        if again == listed {
            break;
        }
        listed = again;
    }
    Ok(None)
}
