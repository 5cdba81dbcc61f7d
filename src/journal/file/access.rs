//! Who may read and write what is created in the cache folder, and files that are not finished.

use std::{fs::File, io, os::fd::AsFd};

use rustix::fs::{self, Gid, Mode, Stat};

use super::dir::Dir;

/// Owner, group and mode of what is created. They follow the cache folder's own, so that several
/// users who share it (web server, cron, deploy) can share the journal.
///
/// Nobody else can read a file. Whoever may list the cache folder may list the folders in it: a PHP
/// framework that clears its cache walks through all of them, and gives up at one it cannot list.
#[derive(Debug)]
pub(crate) struct Access {
    dir_mode: u32,
    file_mode: u32,
    /// Of a file that everybody who saves also changes.
    shared_file_mode: u32,
    /// Set where a new file would not get the folder's group by itself.
    group: Option<Gid>,
}

/// Behind the dot of a file or directory that is not finished.
const RANDOM_LETTERS: usize = 12;

/// How often another random name is tried.
const NAMES_TRIED: u32 = 16;

impl Access {
    pub(super) fn of(folder: &Stat, group_of_new_files: u32) -> Self {
        let mode = folder.st_mode;
        let is_shared = mode & 0o070 != 0 && mode & 0o2000 == 0;
        Self {
            dir_mode: 0o700 | (mode & 0o2075),
            file_mode: 0o600 | (mode & 0o040),
            shared_file_mode: 0o600 | (mode & 0o060),
            group: (is_shared && folder.st_gid != group_of_new_files)
                .then(|| Gid::from_raw(folder.st_gid)),
        }
    }

    /// Opens a directory, and creates it if it is missing.
    pub(super) fn open_or_create_dir(&self, parent: &Dir, name: &str) -> io::Result<Dir> {
        match parent.open_dir(name) {
            Err(error) if error.kind() == io::ErrorKind::NotFound => {}
            result => return result,
        }
        match self.create_dir(parent, name) {
            // Another process was faster.
            Err(error) if error.kind() == io::ErrorKind::AlreadyExists => parent.open_dir(name),
            result => result,
        }
    }

    pub(crate) fn create_dir(&self, parent: &Dir, name: &str) -> io::Result<Dir> {
        parent.create_dir(name, self.dir_mode)?;
        let dir = parent.open_dir(name)?;
        // Through the descriptor: by now the name may lead to something else.
        self.settle(&dir, self.dir_mode, 0o700)?;
        Ok(dir)
    }

    /// Creates a directory under a random name with a leading dot.
    pub(super) fn unfinished_dir<'a>(&self, parent: &'a Dir) -> io::Result<(Dir, Unfinished<'a>)> {
        with_random_name(parent, |name| self.create_dir(parent, name))
    }

    /// Creates a file under a random name with a leading dot.
    pub(crate) fn unfinished_file<'a>(
        &self,
        parent: &'a Dir,
    ) -> io::Result<(File, Unfinished<'a>)> {
        with_random_name(parent, |name| {
            self.create_file(parent, name, self.file_mode)
        })
    }

    /// Creates a file that everybody who may save may also change.
    pub(super) fn shared_file(&self, parent: &Dir, name: &str) -> io::Result<File> {
        self.create_file(parent, name, self.shared_file_mode)
    }

    fn create_file(&self, parent: &Dir, name: &str, mode: u32) -> io::Result<File> {
        let file = parent.create_file(name, mode)?;
        self.settle(&file, mode, 0o600)?;
        Ok(file)
    }

    fn settle(&self, new: &impl AsFd, mode: u32, private: u32) -> io::Result<()> {
        if let Some(group) = self.group {
            // Whoever may not give it to the folder's group still has a file that its own programs
            // can read.
            let _ = fs::fchown(new, None, Some(group));
        }
        if mode != private {
            // The umask may have removed bits.
            fs::fchmod(new, Mode::from_raw_mode(mode))?;
        }
        Ok(())
    }
}

/// A file or directory that is not finished. It is removed when this is dropped, unless it was
/// renamed to its own name before.
#[derive(Debug)]
pub(crate) struct Unfinished<'a> {
    dir: &'a Dir,
    /// Empty: it is finished.
    name: String,
}

impl Unfinished<'_> {
    /// Gives it its own name; fails with `AlreadyExists` if the name is taken.
    pub(crate) fn rename_new(mut self, to: &Dir, name: &str) -> io::Result<()> {
        self.try_rename_new(to, name)
    }

    /// The same, and can be tried again.
    pub(super) fn try_rename_new(&mut self, to: &Dir, name: &str) -> io::Result<()> {
        self.dir.rename_new(&self.name, to, name)?;
        self.name.clear();
        Ok(())
    }

    /// Gives it its own name in place of the file that has it.
    pub(crate) fn replace(mut self, name: &str) -> io::Result<()> {
        self.dir.rename(&self.name, self.dir, name)?;
        self.name.clear();
        Ok(())
    }
}

impl Drop for Unfinished<'_> {
    /// What cannot be removed now, the server removes later.
    fn drop(&mut self) {
        if self.name.is_empty() || self.dir.remove_file(&self.name).is_ok() {
            return;
        }
        if let Ok(dir) = self.dir.open_dir(&self.name) {
            for name in dir.names().unwrap_or_default() {
                let _ = dir.remove_file(&name).or_else(|_| dir.remove_dir(&name));
            }
            let _ = self.dir.remove_dir(&self.name);
        }
    }
}

/// Whether a file or directory of this name is not finished.
pub(super) fn is_unfinished(name: &str) -> bool {
    name.strip_prefix('.').is_some_and(|letters| {
        letters.len() == RANDOM_LETTERS && letters.bytes().all(|byte| byte.is_ascii_alphanumeric())
    })
}

fn with_random_name<'a, T>(
    dir: &'a Dir,
    create: impl Fn(&str) -> io::Result<T>,
) -> io::Result<(T, Unfinished<'a>)> {
    let mut tried = 0..NAMES_TRIED;
    loop {
        let name = random_name()?;
        match create(&name) {
            Ok(created) => return Ok((created, Unfinished { dir, name })),
            Err(error)
                if error.kind() == io::ErrorKind::AlreadyExists && tried.next().is_some() => {}
            Err(error) => return Err(error),
        }
    }
}

fn random_name() -> io::Result<String> {
    const LETTERS: &[u8; 36] = b"abcdefghijklmnopqrstuvwxyz0123456789";
    let mut random = random()?;
    let mut name = String::with_capacity(1 + RANDOM_LETTERS);
    name.push('.');
    for _ in 0..RANDOM_LETTERS {
        name.push(char::from(LETTERS[(random % 36) as usize]));
        random /= 36;
    }
    Ok(name)
}

pub(super) fn random() -> io::Result<u64> {
    getrandom::u64().map_err(|error| io::Error::other(error.to_string()))
}
