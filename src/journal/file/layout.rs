//! Which number lies where.

use std::{
    fs, io,
    path::{Path, PathBuf},
};

use crate::error::Error;

/// Numbers to a folder. Part of the on-disk format.
pub(super) const PER_FOLDER: u64 = 1_000;

/// The paths below `entries/`.
#[derive(Debug, Clone)]
pub(super) struct Layout {
    entries: PathBuf,
    per_folder: u64,
}

impl Layout {
    pub(super) fn new(entries: PathBuf) -> Self {
        Self {
            entries,
            per_folder: PER_FOLDER,
        }
    }

    /// A layout whose folders fill sooner, for tests of what happens then.
    #[cfg(test)]
    pub(super) fn with_per_folder(self, per_folder: u64) -> Self {
        Self { per_folder, ..self }
    }

    pub(super) fn entries(&self) -> &Path {
        &self.entries
    }

    pub(super) fn folder_of(&self, number: u64) -> u64 {
        number / self.per_folder
    }

    /// The folder's first number. 0 is no entry's: it stands for "before the first".
    pub(super) fn first(&self, folder: u64) -> u64 {
        (folder * self.per_folder).max(1)
    }

    /// The folder's last number.
    pub(super) fn last(&self, folder: u64) -> u64 {
        folder * self.per_folder + (self.per_folder - 1)
    }

    pub(super) fn folder(&self, folder: u64) -> PathBuf {
        self.entries.join(format!("{folder:012}"))
    }

    pub(super) fn entry(&self, number: u64) -> PathBuf {
        self.entries
            .join(format!("{:012}/{number:020}", self.folder_of(number)))
    }

    /// Whether the folder exists.
    pub(super) fn has(&self, folder: u64) -> Result<bool, Error> {
        exists(&self.folder(folder))
    }
}

/// Whether there is something at `path`. Only "no such file" means no: every other error says
/// nothing about what is there.
pub(super) fn exists(path: &Path) -> Result<bool, Error> {
    match fs::symlink_metadata(path) {
        Ok(_) => Ok(true),
        Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(false),
        Err(error) => Err(Error::io("look into the cache folder", path, error)),
    }
}
