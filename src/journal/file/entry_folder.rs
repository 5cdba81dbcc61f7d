//! One folder of entries, and the count of its numbers that are taken.
//!
//! The number of an entry whose file was removed must stay taken: if another save got its number,
//! readers that have passed the number would never see that save. So the folder has a high-water
//! mark, a file whose *length* is the count of taken numbers (docs/architecture.md, "The high-water mark").

#[cfg(feature = "actix")]
use std::os::fd::AsFd;
use std::{fs::File, io, os::unix::fs::FileExt, path::Path, thread, time::Duration};

use rustix::fs::Stat;

use super::{
    layout::{Layout, entry_name, folder_name},
    open_folder::{
        FileIdentity, OpenFolder, found, hard_link_error, is_file, is_not_a_folder, read_finished,
    },
    permissions::Permissions,
    random::is_unfinished_name,
    test_hooks,
    unfinished::UnfinishedItem,
};
#[cfg(feature = "actix")]
use crate::platform::read_cached;

/// With a leading dot, as all files of the journal: see `layout`.
const HIGH_WATER_FILE_NAME: &str = ".high-water";

/// The byte that a writer writes for the number that it has taken. One that finds it there takes a later
/// number: it was stopped before, and another program has removed the entry that had this one.
const OWN_NUMBER: &[u8] = b"\n";

/// The byte for a number that others have found taken.
const FOUND_TAKEN: &[u8] = b"\0";

/// The names of a file may change between two system calls of a check, but a writer changes them only
/// once, so a few checks are enough.
const MAX_LINK_CHECKS: u32 = 5;

/// A larger entry would delay the other tasks of a worker.
#[cfg(feature = "actix")]
const MAX_CACHED_BYTES: usize = 16 * 1024;

/// Longer than a writer usually takes from linking the entry to removing the unfinished name, which is
/// its next system call.
const LINK_CHECK_DELAY: Duration = Duration::from_millis(1);

#[derive(Debug)]
pub(super) struct EntryFolder {
    number: u64,
    layout: Layout,
    folder: OpenFolder,
}

/// The result of taking a number for a file.
pub(super) enum TakeResult {
    Taken(u64),
    /// All numbers of the folder are taken.
    FolderFull,
    /// The folder was swept, and the file with it.
    FolderGone,
}

impl EntryFolder {
    /// Opens the folder. `None` if it does not exist, or if another program has created a file, a
    /// link or a folder of this name.
    pub(super) fn open(
        journal: &OpenFolder,
        layout: Layout,
        number: u64,
    ) -> io::Result<Option<Self>> {
        let folder = match journal.open_folder(&folder_name(number)) {
            Err(error) if is_not_a_folder(&error) || error.kind() == io::ErrorKind::NotFound => {
                return Ok(None);
            }
            result => result?,
        };
        Ok(Self::has_high_water(&folder)?.then_some(Self {
            number,
            layout,
            folder,
        }))
    }

    /// Whether the library created this folder.
    pub(super) fn has_high_water(folder: &OpenFolder) -> io::Result<bool> {
        let mark = folder.stat(HIGH_WATER_FILE_NAME)?;
        Ok(mark.is_some_and(|mark| is_file(&mark)))
    }

    /// Creates the high-water mark of a folder that does not have its final name yet.
    pub(super) fn create_high_water(
        permissions: &Permissions,
        folder: &OpenFolder,
        content: &[u8],
    ) -> io::Result<()> {
        permissions
            .create_shared_file(folder, HIGH_WATER_FILE_NAME)?
            .write_all_at(content, 0)
    }

    pub(super) fn number(&self) -> u64 {
        self.number
    }

    pub(super) fn as_open_folder(&self) -> &OpenFolder {
        &self.folder
    }

    pub(super) fn path(&self) -> &Path {
        self.folder.path()
    }

    /// The folder's last number.
    pub(super) fn last_number(&self) -> u64 {
        self.layout.last_number(self.number)
    }

    /// Whether the folder's name still leads to it.
    pub(super) fn is_in_place(&self, journal: &OpenFolder) -> io::Result<bool> {
        self.folder.is_at(journal, &folder_name(self.number))
    }

    /// The highest number that is marked as taken; before the first, the number before the folder.
    /// `NotFound` if the high-water mark was removed.
    pub(super) fn highest_taken(&self) -> io::Result<u64> {
        Ok(self.highest_taken_by(&self.high_water()?))
    }

    /// The same, if the mark has this metadata.
    fn highest_taken_by(&self, mark: &Stat) -> u64 {
        self.layout.highest_taken(self.number, size(mark))
    }

    /// Marks all numbers of the folder as taken, so that no more are assigned.
    pub(super) fn mark_full(&self) -> io::Result<()> {
        self.raise_high_water(&self.open_high_water()?, self.last_number(), FOUND_TAKEN)
    }

    /// One byte more than the folder has numbers. If the next folder is missing later, another program has
    /// removed it.
    pub(super) fn mark_next_created(&self) -> io::Result<()> {
        self.open_high_water()?
            .write_all_at(b"\n", self.number_count())
    }

    pub(super) fn is_next_created(&self) -> io::Result<bool> {
        Ok(size(&self.high_water()?) > self.number_count())
    }

    pub(super) fn is_full(&self) -> io::Result<bool> {
        Ok(self.highest_taken()? >= self.last_number())
    }

    /// Whether this number is taken. Raises a mark that its writer has left low.
    pub(super) fn is_taken(&self, number: u64) -> io::Result<bool> {
        if self.highest_taken()? >= number {
            return Ok(true);
        }
        let has_file = self.has_entry(number)?;
        if has_file && let Ok(mark) = self.open_high_water() {
            // Fails for a user who may only read.
            let _ = self.raise_high_water(&mark, number, FOUND_TAKEN);
        }
        Ok(has_file)
    }

    /// How many numbers the folder has.
    fn number_count(&self) -> u64 {
        self.layout.position_in_folder(self.last_number()) + 1
    }

    /// Opened for each write: as long as a file is open for writing, its file system cannot be made
    /// read-only.
    pub(super) fn open_high_water(&self) -> io::Result<File> {
        Ok(self.folder.open_file_to_write(HIGH_WATER_FILE_NAME)?.0)
    }

    fn high_water(&self) -> io::Result<Stat> {
        let mark = self.folder.stat(HIGH_WATER_FILE_NAME)?;
        Ok(mark.ok_or(io::ErrorKind::NotFound)?)
    }

    /// Marks this number and every lower one as taken.
    fn raise_high_water(&self, mark: &File, number: u64, byte: &[u8]) -> io::Result<()> {
        mark.write_all_at(byte, self.layout.position_in_folder(number))
    }

    /// Whether an entry's writer has marked this number as its own.
    fn is_marked_by_writer(&self, mark: &File, number: u64) -> bool {
        let mut byte = [0];
        // If this cannot be checked, the entry stays where it is: it is saved.
        let is_read = mark.read_exact_at(&mut byte, self.layout.position_in_folder(number));
        is_read.is_ok() && byte == OWN_NUMBER
    }

    /// Makes the high-water mark look new to programs that remove old files.
    pub(super) fn touch(&self) {
        // Only the file's owner may do this, and one process that does it is enough.
        let _ = self.folder.touch(HIGH_WATER_FILE_NAME);
    }

    /// Whether the entry's file exists.
    pub(super) fn has_entry(&self, number: u64) -> io::Result<bool> {
        self.folder.has(&entry_name(number))
    }

    pub(super) fn read(&self, number: u64) -> io::Result<Vec<u8>> {
        let (mut file, mut stat) = self.folder.open_file_with_stat(&entry_name(number))?;
        // A file with a second name may be a private file of another user.
        for _ in 0..MAX_LINK_CHECKS {
            if has_one_name(&stat) || self.has_unfinished_names_only(&stat)? {
                return read_finished(&mut file, &stat);
            }
            thread::sleep(LINK_CHECK_DELAY);
            stat = rustix::fs::fstat(&file)?;
        }
        Err(hard_link_error())
    }

    /// Whether the entry with this number is this file, which another program may have removed since.
    fn is_entry(&self, file: &File, number: u64) -> bool {
        let entry = self.folder.stat(&entry_name(number));
        matches!((entry, rustix::fs::fstat(file)), (Ok(Some(entry)), Ok(file))
            if FileIdentity::from_stat(&entry) == FileIdentity::from_stat(&file))
    }

    /// The entry's content, if it is small and can be read without waiting.
    #[cfg(feature = "actix")]
    pub(super) fn read_cached(&self, number: u64) -> Option<Vec<u8>> {
        let is_here = self.layout.folder_of(number) == self.number;
        is_here
            .then(|| read_cached(self.folder.as_fd(), &entry_name(number), MAX_CACHED_BYTES))
            .flatten()
    }

    /// Whether all names of the file but one are unfinished names in this folder. Where a rename always replaces, an
    /// entry has one until its writer has removed it, or for good if the writer was killed.
    fn has_unfinished_names_only(&self, stat: &Stat) -> io::Result<bool> {
        let identity = FileIdentity::from_stat(stat);
        let mut count = 1;
        for name in self.folder.names()? {
            if is_unfinished_name(&name)
                && let Some(stat) = self.folder.stat(&name)?
                && FileIdentity::from_stat(&stat) == identity
            {
                count += 1;
            }
        }
        Ok(stat.st_nlink == count)
    }

    /// Rule 1: renames the file to the first free number.
    ///
    /// The file must have been created in this folder before. A folder that is swept has all its
    /// numbers taken, and loses its unfinished files before its entries. So either the file is gone,
    /// or it was created after the sweep, and the high-water mark read here shows a full folder.
    pub(super) fn take_number(
        &self,
        file: &File,
        item: &mut UnfinishedItem<'_>,
    ) -> io::Result<TakeResult> {
        // Opened first: a user who may not raise the mark must not take a number.
        let opened = self.folder.open_file_to_write(HIGH_WATER_FILE_NAME);
        let Some((mark, stat)) = found(opened)? else {
            return Ok(TakeResult::FolderGone);
        };
        let mut number = self.highest_taken_by(&stat) + 1;
        while number <= self.last_number() {
            test_hooks::stall_point();
            match item.try_rename_new(&self.folder, &entry_name(number)) {
                Ok(()) => {
                    test_hooks::stall_point();
                    let is_reused =
                        self.is_marked_by_writer(&mark, number) && self.is_entry(file, number);
                    if !is_reused {
                        // The entry is saved. A mark that stays low is raised by the next writer.
                        let _ = self.raise_high_water(&mark, number, OWN_NUMBER);
                        return Ok(TakeResult::Taken(number));
                    }
                    item.return_name(entry_name(number));
                }
                Err(error) if error.kind() == io::ErrorKind::AlreadyExists => {
                    let _ = self.raise_high_water(&mark, number, FOUND_TAKEN);
                }
                Err(error) if error.kind() == io::ErrorKind::NotFound => {
                    return Ok(TakeResult::FolderGone);
                }
                Err(error) => return Err(error),
            }
            let stat = rustix::fs::fstat(&mark)?;
            number = self.highest_taken_by(&stat).max(number) + 1;
        }
        Ok(TakeResult::FolderFull)
    }
}

fn has_one_name(stat: &Stat) -> bool {
    stat.st_nlink <= 1
}

fn size(stat: &Stat) -> u64 {
    u64::try_from(stat.st_size).unwrap_or_default()
}
