//! Who may read and write what the library creates in the cache folder.

use std::{fs::File, io, os::fd::AsFd};

use rustix::fs::{self, Gid, Mode, RawMode, Stat};

use super::open_folder::{OpenFolder, found};

const OWNER_FOLDER_MODE: RawMode = 0o700;
const OWNER_FILE_MODE: RawMode = 0o600;
const GROUP_READ: RawMode = 0o040;
const GROUP_READ_WRITE: RawMode = 0o060;
const GROUP_ALL: RawMode = 0o070;

/// Entering and listing a folder, without writing in it.
const OTHERS_LIST: RawMode = 0o005;

/// New files in a folder with this bit get the folder's group by themselves.
const SET_GROUP_ID: RawMode = 0o2000;

/// Group and mode of new files and folders. They follow the cache folder, so that several users who
/// share it (web server, cron, deployment) can share the journal.
///
/// Other users can never read a file. A user who may list the cache folder may also list the folders
/// in it: a PHP framework that clears its cache walks through all folders, and stops with an error at
/// one that it cannot list.
#[derive(Debug)]
pub(crate) struct Permissions {
    folder_mode: RawMode,
    file_mode: RawMode,
    /// For files that every process that saves also changes.
    shared_file_mode: RawMode,
    /// Set if new files do not get the cache folder's group by themselves.
    group: Option<Gid>,
}

impl Permissions {
    pub(super) fn inherited_from(folder: &Stat, group_of_new_files: u32) -> Self {
        let mode = folder.st_mode;
        let must_set_group = mode & GROUP_ALL != 0 && mode & SET_GROUP_ID == 0;
        Self {
            folder_mode: OWNER_FOLDER_MODE | (mode & (SET_GROUP_ID | GROUP_ALL | OTHERS_LIST)),
            file_mode: OWNER_FILE_MODE | (mode & GROUP_READ),
            shared_file_mode: OWNER_FILE_MODE | (mode & GROUP_READ_WRITE),
            group: (must_set_group && folder.st_gid != group_of_new_files)
                .then(|| Gid::from_raw(folder.st_gid)),
        }
    }

    /// Opens a folder, and creates it if it is missing.
    pub(super) fn open_or_create_folder(
        &self,
        parent: &OpenFolder,
        name: &str,
    ) -> io::Result<OpenFolder> {
        if let Some(folder) = found(parent.open_folder(name))? {
            return Ok(folder);
        }
        match self.create_folder(parent, name) {
            // Another process was faster.
            Err(error) if error.kind() == io::ErrorKind::AlreadyExists => parent.open_folder(name),
            result => result,
        }
    }

    pub(crate) fn create_folder(&self, parent: &OpenFolder, name: &str) -> io::Result<OpenFolder> {
        parent.create_folder(name, self.folder_mode)?;
        let folder = parent.open_folder(name)?;
        // Through the descriptor: another process may have given the name to something else.
        self.apply(&folder, self.folder_mode, OWNER_FOLDER_MODE)?;
        Ok(folder)
    }

    pub(super) fn create_file(&self, parent: &OpenFolder, name: &str) -> io::Result<File> {
        self.create_file_with(parent, name, self.file_mode)
    }

    /// Creates a file that every process that may save may also change.
    pub(super) fn create_shared_file(&self, parent: &OpenFolder, name: &str) -> io::Result<File> {
        self.create_file_with(parent, name, self.shared_file_mode)
    }

    fn create_file_with(&self, parent: &OpenFolder, name: &str, mode: RawMode) -> io::Result<File> {
        let file = parent.create_file(name, mode)?;
        self.apply(&file, mode, OWNER_FILE_MODE)?;
        Ok(file)
    }

    fn apply(&self, new: &impl AsFd, mode: RawMode, owner_only: RawMode) -> io::Result<()> {
        if let Some(group) = self.group {
            // A user outside the group cannot do this. Then only that user's own programs can use
            // the file.
            let _ = fs::fchown(new, None, Some(group));
        }
        if mode != owner_only {
            // The umask may have removed bits.
            fs::fchmod(new, Mode::from_raw_mode(mode))?;
        }
        Ok(())
    }
}
