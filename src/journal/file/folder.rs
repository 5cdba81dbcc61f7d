//! The cache folder.

use std::{
    fs,
    io::{self, Write},
    path::Path,
    thread,
    time::Duration,
};

use rustix::{fs::FlockOperation, io::Errno};

use super::{
    access::Access,
    dir::{Dir, is_no_dir},
    owner::{Impersonation, Owner},
};
use crate::{
    config::Config,
    error::{Error, ErrorKind, Location},
};

/// What is ours in the cache folder.
const OWN: &str = ".sse";

/// How often to try to get the lock for a repair, and the pause in between: a second in all.
const LOCK_ATTEMPTS: u32 = 200;
const LOCK_PAUSE: Duration = Duration::from_millis(5);

/// A cache folder with its `.sse/`, both held open.
pub(crate) struct CacheFolder {
    cache: Dir,
    own: Dir,
    access: Access,
    /// Set if root works here for another user.
    owner: Option<Owner>,
}

impl CacheFolder {
    /// Opens the folder, and creates it if it is missing.
    ///
    /// Below the app's folder its whole path is created; elsewhere only its last part, because a
    /// mistyped absolute path would otherwise become a cache that nobody reads.
    pub(crate) fn prepare(config: &Config) -> Result<Self, Error> {
        Self::open_or_create(config).map_err(|error| {
            let help = error
                .help()
                .unwrap_or("create it yourself, or name another folder in SSE_CACHE");
            let help = match config.cache_dir_from() {
                Some(place) => format!("{help} ({})", in_short(place)),
                None => help.to_owned(),
            };
            error.with_help(help)
        })
    }

    fn open_or_create(config: &Config) -> Result<Self, Error> {
        let path = config.cache_dir();
        let cannot = |error| Error::io("use the cache folder", path, error);
        let cache = match Dir::open(path) {
            Err(error) if error.kind() == io::ErrorKind::NotFound => {
                create(path, config.app_dir())?;
                Dir::open(path)
            }
            result => result,
        }
        .map_err(cannot)?;
        let stat = rustix::fs::fstat(&cache).map_err(|error| cannot(error.into()))?;
        if stat.st_mode & 0o002 != 0 && stat.st_mode & 0o1000 == 0 {
            log::warn!(
                "{}: every user of this machine can write here, and so send events; \
                 remove the permission with `chmod o-w`",
                path.display()
            );
        }
        let owner = Owner::to_act_as(&stat);
        let _impersonation = act(owner).map_err(cannot)?;
        let group = match owner {
            // The group that the thread acts as.
            Some(_) => stat.st_gid,
            None => rustix::process::getegid().as_raw(),
        };
        let access = Access::of(&stat, group);
        let own = access
            .open_or_create_dir(&cache, OWN)
            .map_err(|error| Error::io("open the journal's folder", &cache.path_of(OWN), error))?;
        let folder = Self {
            cache,
            own,
            access,
            owner,
        };
        folder.keep_out_of_git();
        Ok(folder)
    }

    /// Saved values are not part of the app's sources. Whether this works does not matter.
    fn keep_out_of_git(&self) {
        const NAME: &str = ".gitignore";
        if self.own.has(NAME).unwrap_or(true) {
            return;
        }
        if let Ok((mut file, unfinished)) = self.access.unfinished_file(&self.own)
            && file.write_all(b"*\n").is_ok()
        {
            let _ = unfinished.rename_new(&self.own, NAME);
        }
    }

    /// Root acts as the folder's owner for as long as the returned value lives; for everybody else
    /// nothing changes. Every access to the folder's files belongs in the scope of one.
    pub(crate) fn impersonate_owner(&self) -> Result<Option<Impersonation>, Error> {
        act(self.owner).map_err(|error| Error::io("use the cache folder", self.path(), error))
    }

    /// The folder's path as it is configured.
    pub(crate) fn path(&self) -> &Path {
        self.cache.path()
    }

    /// The folder itself, where other programs leave files.
    pub(crate) fn cache(&self) -> &Dir {
        &self.cache
    }

    /// The folder's `.sse/`.
    pub(crate) fn own(&self) -> &Dir {
        &self.own
    }

    /// Drop-ins that were taken, but may still have a writer.
    pub(crate) fn claimed(&self) -> Result<Dir, Error> {
        self.below("claimed")
    }

    /// Drop-ins as complete entries that are not in the journal yet.
    pub(crate) fn ready(&self) -> Result<Dir, Error> {
        self.below("ready")
    }

    /// Drop-ins that cannot be used, one for each key, for their owner to look at.
    pub(crate) fn broken(&self) -> Result<Dir, Error> {
        self.below("broken")
    }

    /// Directories that are about to be deleted.
    pub(crate) fn trash(&self) -> Result<Dir, Error> {
        self.below("trash")
    }

    /// Opened each time, because programs that clean up remove empty directories.
    fn below(&self, name: &str) -> Result<Dir, Error> {
        let open = || self.access.open_or_create_dir(&self.own, name);
        let opened = match open() {
            Err(error) if is_no_dir(&error) => {
                log::warn!(
                    "{}: removing this, because it is not a directory",
                    self.own.path_of(name).display()
                );
                let removed = self.own.remove_file(name);
                // Another process may have replaced it by a directory meanwhile.
                open().map_err(|error| removed.err().unwrap_or(error))
            }
            result => result,
        };
        opened.map_err(|error| {
            let path = self.own.path_of(name);
            Error::io("open a folder in the cache folder", &path, error)
        })
    }

    /// Lets one process at a time repair the folder, as long as the returned value lives. Otherwise one
    /// process could remove what another has just put in place.
    ///
    /// Saves need no lock. If somebody holds this one for longer than any repair takes, the others go on
    /// without it.
    pub(super) fn lock_for_repair(&self) -> io::Result<Dir> {
        // A lock belongs to one opening of a file.
        let lock = self.own.open_dir(".")?;
        for _ in 0..LOCK_ATTEMPTS {
            match rustix::fs::flock(&lock, FlockOperation::NonBlockingLockExclusive) {
                Err(Errno::WOULDBLOCK | Errno::INTR) => thread::sleep(LOCK_PAUSE),
                // Or the file system has no locks.
                _ => break,
            }
        }
        Ok(lock)
    }

    pub(crate) fn access(&self) -> &Access {
        &self.access
    }
}

fn act(owner: Option<Owner>) -> io::Result<Option<Impersonation>> {
    owner.map(Owner::act).transpose()
}

/// Creates the folder. Root does this as the owner of the directory in which it is created, so
/// that it belongs to the same user as the app around it.
fn create(path: &Path, app: &Path) -> Result<(), Error> {
    let cannot = |error| Error::io("create the cache folder", path, error);
    let parent = path.parent().unwrap_or(path);
    let existing = path.ancestors().find(|ancestor| ancestor.is_dir());
    let stat = existing.map(rustix::fs::stat).transpose();
    let owner = stat.map_err(|error| cannot(error.into()))?;
    let _impersonation = act(owner.as_ref().and_then(Owner::to_act_as)).map_err(cannot)?;
    if path.starts_with(app) {
        fs::create_dir_all(parent).map_err(cannot)?;
    } else if !parent.is_dir() {
        let error = Error::new(ErrorKind::Cache, "the cache folder's parent is missing")
            .at(Location::file(parent));
        return Err(error.with_help("create it, or correct SSE_CACHE"));
    }
    let mut builder = fs::DirBuilder::new();
    std::os::unix::fs::DirBuilderExt::mode(&mut builder, 0o700);
    match builder.create(path) {
        // Another process was faster.
        Err(error) if error.kind() == io::ErrorKind::AlreadyExists => Ok(()),
        result => result.map_err(cannot),
    }
}

/// `.env:3`: without the directories before it, because visitors of the app may read it.
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

#[cfg(test)]
mod tests;
