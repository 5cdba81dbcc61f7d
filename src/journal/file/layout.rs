//! Which number lies where.

use std::{
    fs::{self, File},
    io,
    path::{Path, PathBuf},
    sync::Arc,
};

use super::open::{open_folder, same_file};
use crate::error::Error;

/// Numbers to a folder. Part of the on-disk format.
pub(super) const PER_FOLDER: u64 = 1_000;

/// The paths below `entries/`.
#[derive(Debug, Clone)]
pub(super) struct Layout {
    /// Held open. While it is, its identity is given to no other folder, so comparing identities
    /// tells whether a path still leads here.
    held: Arc<File>,
    /// The way to it for everything that is done there.
    entries: PathBuf,
    /// The way to it that people know.
    shown: PathBuf,
    per_folder: u64,
}

impl Layout {
    pub(super) fn open(entries: PathBuf) -> io::Result<Self> {
        let held = Arc::new(open_folder(&entries)?);
        let through = through(&held).unwrap_or_else(|| entries.clone());
        Ok(Self {
            held,
            entries: through,
            shown: entries,
            per_folder: PER_FOLDER,
        })
    }

    /// Whether the path still leads to this folder.
    pub(super) fn is_current(&self) -> bool {
        match (self.held.metadata(), fs::metadata(&self.shown)) {
            (Ok(held), Ok(found)) => same_file(&held, &found),
            _ => false,
        }
    }

    /// The same error, with its file named as people know it.
    pub(super) fn in_the_open(&self, error: Error) -> Error {
        error.relocated(&self.entries, &self.shown)
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

/// A path to the folder through its descriptor: whatever happens to the folder's name, what goes
/// through here goes to this folder, so one journal's numbers never get into another. Without
/// `/proc` there is none, and a folder that is replaced within one system call's time is not told
/// apart.
fn through(held: &File) -> Option<PathBuf> {
    #[cfg(target_os = "linux")]
    {
        use std::os::fd::AsRawFd;

        let path = PathBuf::from(format!("/proc/self/fd/{}", held.as_raw_fd()));
        path.is_dir().then_some(path)
    }
    #[cfg(not(target_os = "linux"))]
    {
        let _ = held;
        None
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
