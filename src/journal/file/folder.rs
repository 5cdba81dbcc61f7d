//! The cache folder, and who may read and write what is made in it.

use std::{
    ffi::OsStr,
    fs,
    io::{self, Write},
    path::{Path, PathBuf},
};

use tempfile::{Builder, NamedTempFile, TempDir};

use super::{layout::exists, open::open_regular};
use crate::{
    config::Config,
    error::{Error, ErrorKind, Location},
};

/// A cache folder with its `.sse/`.
pub(crate) struct CacheFolder {
    path: PathBuf,
    access: Access,
}

impl CacheFolder {
    /// Makes the folder where it is missing.
    ///
    /// Below the app's folder all of its path is made; elsewhere only its last part, because a
    /// mistyped absolute path would otherwise become a cache that nobody reads.
    pub(crate) fn prepare(config: &Config) -> Result<Self, Error> {
        Self::open_or_make(config).map_err(|error| {
            let help = error
                .help()
                .unwrap_or("make it yourself, or name another folder in SSE_CACHE");
            let help = match config.cache_dir_from() {
                Some(place) => format!("{help} ({})", in_short(place)),
                None => help.to_owned(),
            };
            error.with_help(help)
        })
    }

    fn open_or_make(config: &Config) -> Result<Self, Error> {
        let path = config.cache_dir().to_path_buf();
        let cannot = |error| Error::io("make the cache folder", &path, error);
        if !exists(&path)? {
            let parent = path.parent().unwrap_or(&path);
            if path.starts_with(config.app_dir()) {
                fs::create_dir_all(parent).map_err(cannot)?;
            } else if !exists(parent)? {
                let error = Error::new(ErrorKind::Cache, "the cache folder's parent is missing")
                    .at(Location::file(parent));
                return Err(error.with_help("make it, or correct SSE_CACHE"));
            }
            match make_dir(&path, 0o700) {
                // Another process was faster. What it made is looked at below.
                Err(error) if error.kind() == io::ErrorKind::AlreadyExists => {}
                made => made.map_err(cannot)?,
            }
        }
        let access = Access::of(&path)?;
        let folder = Self { path, access };
        folder.make(&folder.own())?;
        folder.keep_out_of_git();
        for dir in [
            folder.claimed(),
            folder.ready(),
            folder.trash(),
            folder.broken(),
        ] {
            folder.make(&dir)?;
        }
        Ok(folder)
    }

    /// What is saved is no part of the app's sources. Whether this works does not matter.
    fn keep_out_of_git(&self) {
        let path = self.own().join(".gitignore");
        if path.exists() {
            return;
        }
        if let Ok(mut file) = self.access.dot_file(&self.own())
            && file.write_all(b"*\n").is_ok()
        {
            let _ = file.persist_noclobber(path);
        }
    }

    /// Makes one of the folders below where it is missing.
    pub(crate) fn make(&self, dir: &Path) -> Result<(), Error> {
        let made = self.access.make_dir(dir);
        made.map_err(|error| Error::io("make a folder in the cache folder", dir, error))
    }

    pub(crate) fn path(&self) -> &Path {
        &self.path
    }

    /// What is ours in it.
    pub(super) fn own(&self) -> PathBuf {
        self.path.join(".sse")
    }

    pub(super) fn journal(&self) -> PathBuf {
        self.path.join(".sse/journal")
    }

    /// Drop-ins that were taken, but may still have a writer.
    pub(crate) fn claimed(&self) -> PathBuf {
        self.path.join(".sse/claimed")
    }

    /// Drop-ins as whole entries without a number.
    pub(crate) fn ready(&self) -> PathBuf {
        self.path.join(".sse/ready")
    }

    /// Drop-ins that cannot be used, one for each key, for their owner to look at.
    pub(crate) fn broken(&self) -> PathBuf {
        self.path.join(".sse/broken")
    }

    /// Folders on their way out.
    pub(super) fn trash(&self) -> PathBuf {
        self.path.join(".sse/trash")
    }

    pub(crate) fn access(&self) -> &Access {
        &self.access
    }
}

/// Behind the dot of a file or folder that is not finished yet.
const RANDOM_LETTERS: usize = 12;

/// Whether a file or folder of this name is one that is not finished yet.
pub(super) fn is_unfinished(name: &OsStr) -> bool {
    match name.as_encoded_bytes() {
        [b'.', letters @ ..] => {
            letters.len() == RANDOM_LETTERS && letters.iter().all(u8::is_ascii_alphanumeric)
        }
        _ => false,
    }
}

/// `.env:3`: without the folders that lead there, because visitors of the app may read it.
fn in_short(place: &Location) -> String {
    let file = place
        .path()
        .file_name()
        .unwrap_or_default()
        .to_string_lossy();
    match place.line_number() {
        Some(line) => format!("{file}:{line}"),
        None => file.into_owned(),
    }
}

/// Owner, group and rights of what is made in the cache folder. They follow the folder's own, so
/// that several users (web server, cron, deploy) who share it can share the journal; the world
/// gets nothing.
pub(crate) struct Access {
    #[cfg(unix)]
    dir_mode: u32,
    #[cfg(unix)]
    file_mode: u32,
    /// Set where a new file would not belong to the folder's owner or group by itself.
    #[cfg(unix)]
    owner: Option<(Option<u32>, u32)>,
}

#[cfg(unix)]
impl Access {
    fn of(path: &Path) -> Result<Self, Error> {
        use std::os::unix::fs::MetadataExt;

        let found =
            fs::metadata(path).map_err(|error| Error::io("use the cache folder", path, error))?;
        if !found.is_dir() {
            return Err(Error::io(
                "use the cache folder",
                path,
                io::Error::new(io::ErrorKind::NotADirectory, "it is no folder"),
            ));
        }
        let mode = found.mode();
        if mode & 0o002 != 0 && mode & 0o1000 == 0 {
            log::warn!(
                "{}: everybody on this machine may write here, and so send events; take the right away with `chmod o-w`",
                path.display()
            );
        }
        let (user, group) = (
            rustix::process::geteuid().as_raw(),
            rustix::process::getegid().as_raw(),
        );
        let is_root = user == 0;
        let shared = mode & 0o070 != 0 && mode & 0o2000 == 0 && found.gid() != group;
        let owner = if is_root && (found.uid() != 0 || found.gid() != group) {
            Some((Some(found.uid()), found.gid()))
        } else if shared {
            Some((None, found.gid()))
        } else {
            None
        };
        Ok(Self {
            dir_mode: 0o700 | (mode & 0o2070),
            file_mode: 0o600 | (mode & 0o040),
            owner,
        })
    }

    pub(super) fn make_dir(&self, path: &Path) -> io::Result<()> {
        match make_dir(path, self.dir_mode) {
            Ok(()) => self.settle_dir(path),
            Err(error) if error.kind() == io::ErrorKind::AlreadyExists => {
                match fs::metadata(path) {
                    Ok(found) if found.is_dir() => Ok(()),
                    // It was there, and is gone again.
                    Err(gone) if gone.kind() == io::ErrorKind::NotFound => Err(gone),
                    _ => Err(error),
                }
            }
            Err(error) => Err(error),
        }
    }

    /// A new folder inside `dir` under a name that begins with a dot.
    pub(crate) fn dot_dir(&self, dir: &Path) -> io::Result<TempDir> {
        use std::os::unix::fs::PermissionsExt;

        let made = Builder::new()
            .prefix(".")
            .rand_bytes(RANDOM_LETTERS)
            .permissions(fs::Permissions::from_mode(self.dir_mode))
            .tempdir_in(dir)
            .map_err(plain)?;
        self.settle_dir(made.path())?;
        Ok(made)
    }

    /// A new file in `dir` under a name that begins with a dot.
    pub(crate) fn dot_file(&self, dir: &Path) -> io::Result<NamedTempFile> {
        use std::os::unix::fs::PermissionsExt;

        let made = Builder::new()
            .prefix(".")
            .rand_bytes(RANDOM_LETTERS)
            .permissions(fs::Permissions::from_mode(self.file_mode))
            .tempfile_in(dir)
            .map_err(plain)?;
        if self.file_mode != 0o600 {
            // The process's umask may have taken the group's right away.
            made.as_file()
                .set_permissions(fs::Permissions::from_mode(self.file_mode))?;
        }
        if let Some((user, group)) = self.owner {
            let result = std::os::unix::fs::fchown(made.as_file(), user, Some(group));
            self.check_owner(result)?;
        }
        Ok(made)
    }

    fn settle_dir(&self, path: &Path) -> io::Result<()> {
        use std::os::unix::fs::PermissionsExt;

        if let Some((user, group)) = self.owner {
            self.check_owner(std::os::unix::fs::chown(path, user, Some(group)))?;
        }
        if self.dir_mode & 0o2077 != 0 {
            fs::set_permissions(path, fs::Permissions::from_mode(self.dir_mode))?;
        }
        Ok(())
    }

    /// Root must give what it makes to the folder's owner, who could not read it otherwise. Anyone
    /// else who may not give it to the folder's group has saved a value that at least its own
    /// programs can read.
    fn check_owner(&self, result: io::Result<()>) -> io::Result<()> {
        match (result, self.owner) {
            (Err(error), Some((Some(_), _))) => Err(error),
            _ => Ok(()),
        }
    }
}

#[cfg(not(unix))]
impl Access {
    fn of(path: &Path) -> Result<Self, Error> {
        if fs::metadata(path).is_ok_and(|found| found.is_dir()) {
            return Ok(Self {});
        }
        let error = io::Error::new(io::ErrorKind::NotADirectory, "it is no folder");
        Err(Error::io("use the cache folder", path, error))
    }

    pub(super) fn make_dir(&self, path: &Path) -> io::Result<()> {
        fs::create_dir_all(path)
    }

    pub(crate) fn dot_dir(&self, dir: &Path) -> io::Result<TempDir> {
        Builder::new()
            .prefix(".")
            .rand_bytes(RANDOM_LETTERS)
            .tempdir_in(dir)
    }

    pub(crate) fn dot_file(&self, dir: &Path) -> io::Result<NamedTempFile> {
        Builder::new()
            .prefix(".")
            .rand_bytes(RANDOM_LETTERS)
            .tempfile_in(dir)
    }
}

impl Access {
    /// A file that is there to be locked.
    pub(crate) fn lock_file(&self, path: &Path) -> io::Result<fs::File> {
        loop {
            // Reading is enough for a lock, and all that a group may do.
            match open_regular(path) {
                Err(error) if error.kind() == io::ErrorKind::NotFound => {}
                result => return result,
            }
            let dir = path.parent().unwrap_or(path);
            match self.dot_file(dir)?.persist_noclobber(path) {
                Err(refused) if refused.error.kind() != io::ErrorKind::AlreadyExists => {
                    return Err(refused.error);
                }
                // Another process may have been faster; either way there is one now.
                _ => {}
            }
        }
    }
}

/// tempfile's errors name the file that could not be made. Its name is random, so the same fault
/// would be another one each time.
#[cfg(unix)]
fn plain(error: io::Error) -> io::Error {
    let inner = error.get_ref().and_then(|wrapper| wrapper.source());
    let inner = inner.and_then(|inner| inner.downcast_ref::<io::Error>());
    match inner.and_then(io::Error::raw_os_error) {
        Some(code) => io::Error::from_raw_os_error(code),
        None => error,
    }
}

fn make_dir(path: &Path, mode: u32) -> io::Result<()> {
    let mut builder = fs::DirBuilder::new();
    #[cfg(unix)]
    std::os::unix::fs::DirBuilderExt::mode(&mut builder, mode);
    #[cfg(not(unix))]
    let _ = mode;
    builder.create(path)
}

#[cfg(test)]
#[cfg(unix)]
mod tests;
