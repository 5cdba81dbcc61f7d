//! Finds directories of entries, and the newest number, without listing entries.

use std::{io, sync::Arc};

use super::{
    FileJournal,
    dir::Dir,
    entry_folder::EntryFolder,
    numbering::{Numbering, folder_name, next_folder, parse_folder_name},
    probe,
};
use crate::error::Error;

/// How often the list of directories is read again because all in it were swept meanwhile.
const LISTINGS: u32 = 1_000;

/// In how many directories to look for the newest entry. Each time, other processes have filled
/// one meanwhile, or swept it; a process that has slept for long passes many.
const FOLDERS_TRIED: u32 = 10_000;

impl FileJournal {
    /// The directory of entries with this number; `None` if it does not exist.
    pub(super) fn open_folder(&self, number: u64) -> Result<Option<EntryFolder>, Error> {
        EntryFolder::open(&self.dir, self.numbering, number).map_err(|error| {
            let path = self.dir.path_of(&folder_name(number));
            Error::io("open a folder of entries", &path, error)
        })
    }

    /// The numbers that directories have, or only seem to have, in ascending order.
    pub(super) fn folder_numbers(&self) -> Result<Vec<u64>, Error> {
        numbers(&self.dir).map_err(|error| Error::io("list the journal", self.dir.path(), error))
    }

    /// The newest directory of entries; `None` if the journal has none.
    pub(super) fn find_newest_folder(&self) -> Result<Option<EntryFolder>, Error> {
        let newest_first = |dir: &Dir| numbers(dir).map(|found| found.into_iter().rev().collect());
        first_open(&self.dir, self.numbering, newest_first)
            .map_err(|error| Error::io("find the newest entry", self.dir.path(), error))
    }

    /// The oldest directory of entries whose number is higher than this one.
    pub(super) fn find_folder_after(&self, number: u64) -> Result<Option<EntryFolder>, Error> {
        let after = |dir: &Dir| {
            let found = numbers(dir)?;
            Ok(found.into_iter().filter(|found| *found > number).collect())
        };
        first_open(&self.dir, self.numbering, after)
            .map_err(|error| Error::io("list the journal", self.dir.path(), error))
    }

    /// The directory that comes after this one, which is full. `None` if it was not created yet, or
    /// if this one was swept.
    pub(super) fn find_next_folder(
        &self,
        full: &EntryFolder,
    ) -> Result<Option<EntryFolder>, Error> {
        let Some(number) = next_folder(full.number()) else {
            return Ok(None);
        };
        let cannot = |error| Error::io("find the newest entries", full.dir().path(), error);
        // Before the next one is looked for: it may be created at any moment.
        let was_created = match full.is_next_created() {
            Err(error) if error.kind() == io::ErrorKind::NotFound => false,
            created => created.map_err(cannot)?,
        };
        probe::step();
        let next = self.open_folder(number)?;
        // Folders leave in order, so the next one is never swept while this one is there.
        if next.is_none() && was_created && full.is_in_place(&self.dir).map_err(cannot)? {
            return Err(self.damaged("its newest folder was removed"));
        }
        Ok(next)
    }

    /// The highest number that is claimed; 0 if none is.
    pub(super) fn find_newest(&self) -> Result<u64, Error> {
        for _ in 0..FOLDERS_TRIED {
            let folder = self.newest_folder()?;
            let cannot = |error| Error::io("find the newest entry", folder.dir().path(), error);
            let newest = match newest_in(&folder) {
                // It was swept.
                Err(error) if error.kind() == io::ErrorKind::NotFound => {
                    self.forget_newest();
                    continue;
                }
                newest => newest.map_err(cannot)?,
            };
            let next = if newest == folder.last() {
                self.find_next_folder(&folder)?
            } else {
                None
            };
            match next {
                Some(next) => drop(self.remember_newest(next)),
                None if folder.is_in_place(&self.dir).map_err(cannot)? => return Ok(newest),
                // It was swept, so there is a newer one; or it was removed.
                None => self.forget_newest(),
            }
        }
        let busy = io::Error::other("other programs fill it faster than this one can read");
        Err(Error::io("find the newest entry", self.dir.path(), busy))
    }

    /// The newest directory as far as this process knows.
    pub(super) fn newest_folder(&self) -> Result<Arc<EntryFolder>, Error> {
        if let Some(folder) = self.known_newest() {
            return Ok(folder);
        }
        match self.find_newest_folder()? {
            Some(folder) => Ok(self.remember_newest(folder)),
            None => Err(self.damaged("the folders with its entries were removed")),
        }
    }
}

/// The numbers that directories have, or only seem to have, in ascending order.
pub(super) fn numbers(journal: &Dir) -> io::Result<Vec<u64>> {
    let names = journal.names()?;
    let mut numbers: Vec<u64> = names
        .iter()
        .filter_map(|name| parse_folder_name(name))
        .collect();
    numbers.sort_unstable();
    Ok(numbers)
}

/// The first listed directory that can be opened. If there is none, and another listing shows other
/// directories, those of the first were swept meanwhile.
pub(super) fn first_open(
    journal: &Dir,
    numbering: Numbering,
    list: impl Fn(&Dir) -> io::Result<Vec<u64>>,
) -> io::Result<Option<EntryFolder>> {
    let mut listed = list(journal)?;
    for _ in 0..LISTINGS {
        for number in &listed {
            if let Some(folder) = EntryFolder::open(journal, numbering, *number)? {
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

fn newest_in(folder: &EntryFolder) -> io::Result<u64> {
    let mut newest = folder.claimed()?;
    // The last writers may not have raised the mark yet.
    while newest < folder.last() && folder.has(newest + 1)? {
        newest += 1;
    }
    Ok(newest)
}
