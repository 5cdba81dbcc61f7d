//! One directory of entries, and the count of its numbers that have been claimed.
//!
//! An entry whose file was removed must stay claimed: if another save got its number, readers that
//! have passed the number would never see that save. So the directory has a high-water mark, a file
//! whose *length* is the count of claimed numbers. Writing one byte at a number's position makes
//! the file at least that long and never shorter, in one system call, so writers need no lock.
//!
//! A writer that is killed, or sleeps, between claiming a number and raising the mark leaves the
//! mark low. The next writer finds the number taken and raises it, and so does a server's reader.
//!
//! One byte more than there are numbers says that the next directory was created. If that is missing
//! later, another program has removed it.

use std::{
    fs::File,
    io,
    os::unix::fs::{FileExt, MetadataExt},
    thread,
    time::Duration,
};

use super::{
    access::{Access, Unfinished},
    dir::{Dir, is_file, is_no_dir, read_all},
    numbering::{Numbering, entry_name, folder_name},
    probe,
};

const HIGH_WATER: &str = ".high-water";

/// How often an entry with two names is looked at, a millisecond apart.
const LINK_CHECKS: u32 = 5;

#[derive(Debug)]
pub(super) struct EntryFolder {
    number: u64,
    numbering: Numbering,
    dir: Dir,
}

/// What became of a file that was to become an entry.
pub(super) enum Claimed {
    Number(u64),
    /// All numbers of the directory are taken.
    Full,
    /// The directory was swept, and the file with it.
    Gone,
}

impl EntryFolder {
    /// Opens the directory; `None` if there is none that a writer of ours has created. Another
    /// program may have left a file, a link or a directory of this name.
    pub(super) fn open(
        journal: &Dir,
        numbering: Numbering,
        number: u64,
    ) -> io::Result<Option<Self>> {
        let dir = match journal.open_dir(&folder_name(number)) {
            Err(error) if is_no_dir(&error) || error.kind() == io::ErrorKind::NotFound => {
                return Ok(None);
            }
            result => result?,
        };
        Ok(Self::has_mark(&dir)?.then_some(Self {
            number,
            numbering,
            dir,
        }))
    }

    /// Whether a directory is one that a writer of ours has created.
    pub(super) fn has_mark(dir: &Dir) -> io::Result<bool> {
        Ok(dir.stat(HIGH_WATER)?.is_some_and(|mark| is_file(&mark)))
    }

    /// Puts a high-water mark into a new directory that is not in its place yet.
    pub(super) fn create_mark(access: &Access, dir: &Dir, claimed: &[u8]) -> io::Result<()> {
        access
            .shared_file(dir, HIGH_WATER)?
            .write_all_at(claimed, 0)
    }

    pub(super) fn number(&self) -> u64 {
        self.number
    }

    pub(super) fn dir(&self) -> &Dir {
        &self.dir
    }

    pub(super) fn last(&self) -> u64 {
        self.numbering.last(self.number)
    }

    /// Whether the directory's name still leads to it.
    pub(super) fn is_in_place(&self, journal: &Dir) -> io::Result<bool> {
        self.dir.is_at(journal, &folder_name(self.number))
    }

    /// The highest number that is known to be claimed; if there is none, the number before the
    /// directory's first. `NotFound` if the mark was removed.
    pub(super) fn claimed(&self) -> io::Result<u64> {
        Ok(self.numbering.highest_of(self.number, self.mark_length()?))
    }

    /// Says that all numbers of the directory are claimed, or count as claimed.
    pub(super) fn fill_mark(&self) -> io::Result<()> {
        self.raise(&self.open_mark()?, self.last())
    }

    /// Says that the next directory was created.
    pub(super) fn mark_next_created(&self) -> io::Result<()> {
        self.open_mark()?.write_all_at(b"\n", self.count())
    }

    pub(super) fn is_next_created(&self) -> io::Result<bool> {
        Ok(self.mark_length()? > self.count())
    }

    pub(super) fn is_full(&self) -> io::Result<bool> {
        Ok(self.claimed()? >= self.last())
    }

    /// Whether this number is claimed. A mark that its writer has left low is raised.
    pub(super) fn reaches(&self, number: u64) -> io::Result<bool> {
        if self.claimed()? >= number {
            return Ok(true);
        }
        let is_there = self.has(number)?;
        if is_there && let Ok(mark) = self.open_mark() {
            // Who may only read cannot raise it.
            let _ = self.raise(&mark, number);
        }
        Ok(is_there)
    }

    /// How many numbers it has.
    fn count(&self) -> u64 {
        self.numbering.position(self.last()) + 1
    }

    /// Opened for each write: a file system with a file that is open for writing cannot be made
    /// read-only.
    fn open_mark(&self) -> io::Result<File> {
        self.dir.open_file_to_write(HIGH_WATER)
    }

    fn mark_length(&self) -> io::Result<u64> {
        let mark = self.dir.stat(HIGH_WATER)?;
        let mark = mark.ok_or(io::ErrorKind::NotFound)?;
        Ok(u64::try_from(mark.st_size).unwrap_or_default())
    }

    /// Says that this number, and with it every lower one, is claimed.
    fn raise(&self, mark: &File, number: u64) -> io::Result<()> {
        mark.write_all_at(b"\n", self.numbering.position(number))
    }

    /// Lets the mark look new to programs that remove old files.
    pub(super) fn touch(&self) {
        // Only its owner may do this, and one who does is enough.
        let _ = self.dir.touch(HIGH_WATER);
    }

    /// Whether the entry's file exists.
    pub(super) fn has(&self, number: u64) -> io::Result<bool> {
        self.dir.has(&entry_name(number))
    }

    pub(super) fn read(&self, number: u64) -> io::Result<Vec<u8>> {
        let mut file = self.dir.open_file(&entry_name(number))?;
        // A file with a second name may be a private one of another user, who has not published it.
        // Where files cannot be renamed without replacing, an entry has two for a moment.
        for _ in 0..LINK_CHECKS {
            if file.metadata()?.nlink() <= 1 {
                return read_all(&mut file);
            }
            thread::sleep(Duration::from_millis(1));
        }
        Err(io::Error::new(
            io::ErrorKind::InvalidInput,
            "it has a second name (a hard link)",
        ))
    }

    /// Rule 1: renames the file to the first free number.
    ///
    /// The file must have been created in this directory already. A directory that is swept has
    /// all its numbers claimed, and loses its unfinished files before its entries. So either the
    /// file is gone, or it was created after the sweep, and the mark that is read here says that
    /// the directory is full.
    pub(super) fn claim(&self, file: &mut Unfinished<'_>) -> io::Result<Claimed> {
        // Opened before anything is claimed: whoever may not raise the mark must not claim.
        let mark = match self.open_mark() {
            Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(Claimed::Gone),
            mark => mark?,
        };
        let claimed = || {
            let count = mark.metadata()?.len();
            Ok::<_, io::Error>(self.numbering.highest_of(self.number, count))
        };
        let mut number = claimed()? + 1;
        while number <= self.last() {
            probe::step();
            match file.try_rename_new(&self.dir, &entry_name(number)) {
                Ok(()) => {
                    probe::step();
                    // The entry is saved. A mark that stays low is raised by the next writer.
                    let _ = self.raise(&mark, number);
                    return Ok(Claimed::Number(number));
                }
                Err(error) if error.kind() == io::ErrorKind::AlreadyExists => {
                    let _ = self.raise(&mark, number);
                    number = claimed()?.max(number) + 1;
                }
                Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(Claimed::Gone),
                Err(error) => return Err(error),
            }
        }
        Ok(Claimed::Full)
    }
}
