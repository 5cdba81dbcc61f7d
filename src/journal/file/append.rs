//! How an entry gets its number.

use std::{fs, io, path::Path};

use tempfile::{NamedTempFile, TempPath};

use super::{FileJournal, find, open::rename_without_replacing, probe};
use crate::error::Error;

/// After so many numbers in a row that others took, the newest is looked up instead.
const PATIENCE: u32 = 8;

impl FileJournal {
    /// Writes `bytes` as the next entry.
    pub(super) fn append_bytes(&self, bytes: &[u8]) -> Result<u64, Error> {
        loop {
            let next = self.next_number()?;
            let folder = self.layout.folder_of(next);
            let dir = self.layout.folder(folder);
            probe::step();
            match self.write_dot_file(&dir, bytes) {
                Ok(file) => {
                    if let Some(number) = self.claim(file.into_temp_path(), next, folder)? {
                        return Ok(number);
                    }
                }
                Err(error) if error.kind() == io::ErrorKind::NotFound => {
                    self.begin_folder(next, folder)?;
                }
                Err(error) => return Err(Error::io("save", &dir, error)),
            }
        }
    }

    /// Gives a file that is whole already, and lies outside the journal, the next number. The file
    /// is either still where it was or an entry, whenever this is stopped.
    pub(crate) fn append_file(&self, file: &Path) -> Result<u64, Error> {
        // Unlike an unfinished file in the journal, this one is not gone when the folder it is
        // renamed into is swept. So that folder must be the newest of this moment.
        self.set_known(None);
        self.append_whole(file)
            .map_err(|error| self.layout.in_the_open(error))
    }

    fn append_whole(&self, file: &Path) -> Result<u64, Error> {
        loop {
            let next = self.next_number()?;
            let folder = self.layout.folder_of(next);
            if let Some(number) = self.claim(KeptPath(file), next, folder)? {
                return Ok(number);
            }
            if !self.layout.has(folder)? {
                self.begin_folder(next, folder)?;
            }
        }
    }

    fn next_number(&self) -> Result<u64, Error> {
        let newest = match self.known() {
            Some(number) => number,
            None => {
                let number = find::newest(&self.layout)?;
                self.set_known(Some(number));
                number
            }
        };
        Ok(newest + 1)
    }

    /// A finished temporary file in the folder of the number it shall get. Dot files are nobody's
    /// entries; one that a killed writer leaves behind goes with its folder.
    fn write_dot_file(&self, dir: &Path, bytes: &[u8]) -> io::Result<NamedTempFile> {
        let mut file = self.folder.access().dot_file(dir)?;
        probe::step();
        io::Write::write_all(&mut file, bytes)?;
        probe::step();
        Ok(file)
    }

    /// Rule 1: renames the file to the first number from `next` on that is free in `folder`.
    ///
    /// `None`: the folder is full, or gone, or far ahead of what was known; the caller begins
    /// again with what is known now.
    fn claim(&self, file: impl Claimable, next: u64, folder: u64) -> Result<Option<u64>, Error> {
        let last = self.layout.last(folder);
        let mut number = next;
        let mut taken = 0;
        while number <= last {
            let path = self.layout.entry(number);
            probe::step();
            match file.rename_to(&path) {
                Ok(()) => {
                    file.keep();
                    self.set_known(Some(number));
                    return Ok(Some(number));
                }
                Err(error) if error.kind() == io::ErrorKind::AlreadyExists => {
                    self.set_known(Some(number));
                    number += 1;
                    taken += 1;
                    if taken == PATIENCE {
                        self.set_known(None);
                        return Ok(None);
                    }
                }
                // The folder was swept since, and the temporary file with it.
                Err(error) if error.kind() == io::ErrorKind::NotFound => {
                    file.still_there(&error)?;
                    self.set_known(None);
                    return Ok(None);
                }
                Err(error) => return Err(Error::io("save", &path, error)),
            }
        }
        Ok(None)
    }

    /// Rule 2: a folder is made inside the one before it and renamed into its place. A writer that
    /// slept while the folder before was swept fails here, and so cannot bring back a number that
    /// readers have passed; a plain `mkdir` could.
    fn begin_folder(&self, next: u64, folder: u64) -> Result<(), Error> {
        if next != self.layout.first(folder) || folder == 0 {
            // The folder had numbers and is gone: what was known is old.
            self.set_known(None);
            return Ok(());
        }
        let (before, path) = (self.layout.folder(folder - 1), self.layout.folder(folder));
        let result = if probe::plain_mkdir() {
            probe::step();
            fs::create_dir(&path)
        } else {
            self.folder.access().dot_dir(&before).and_then(|dot_dir| {
                probe::step();
                let renamed = rename_without_replacing(dot_dir.path(), &path);
                if renamed.is_ok() {
                    // It is the next folder now, and no longer ours to remove.
                    let _ = dot_dir.keep();
                }
                renamed
            })
        };
        match result {
            Ok(()) => Ok(()),
            Err(error) if error.kind() == io::ErrorKind::AlreadyExists => Ok(()),
            Err(error) if error.kind() == io::ErrorKind::NotFound => {
                self.set_known(None);
                Ok(())
            }
            Err(error) => Err(Error::io("begin a new folder of entries", &path, error)),
        }
    }
}

/// A file that can become an entry.
trait Claimable {
    fn rename_to(&self, path: &Path) -> io::Result<()>;

    /// The rename has worked: the old name is no longer ours.
    fn keep(self);

    /// Whether a rename that found nothing failed for want of the file itself, which another try
    /// would not mend.
    fn still_there(&self, error: &io::Error) -> Result<(), Error>;
}

impl Claimable for TempPath {
    fn rename_to(&self, path: &Path) -> io::Result<()> {
        rename_without_replacing(self, path)
    }

    fn keep(self) {
        let _ = TempPath::keep(self);
    }

    /// It is written again with each try.
    fn still_there(&self, _error: &io::Error) -> Result<(), Error> {
        Ok(())
    }
}

/// A file that stays where it is until it has its number.
struct KeptPath<'a>(&'a Path);

impl Claimable for KeptPath<'_> {
    fn rename_to(&self, path: &Path) -> io::Result<()> {
        rename_without_replacing(self.0, path)
    }

    fn keep(self) {}

    fn still_there(&self, error: &io::Error) -> Result<(), Error> {
        match fs::symlink_metadata(self.0) {
            Ok(_) => Ok(()),
            Err(_) => Err(Error::io(
                "take the drop-in",
                self.0,
                io::Error::new(error.kind(), error.to_string()),
            )),
        }
    }
}
