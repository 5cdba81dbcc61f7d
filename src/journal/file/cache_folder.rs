//! The cache folder and what the library keeps in it.

use std::{
    fs,
    io::{self, Write},
    path::{Path, PathBuf},
    sync::Mutex,
};

use rustix::fs::{FlockOperation, RawMode};

use super::{
    flock::lock_within_a_second,
    open_folder::{FileIdentity, OpenFolder, is_not_a_folder},
    owner::{Impersonation, Owner},
    permissions::Permissions,
};
use crate::{
    config::{Config, rows},
    error::{Error, ErrorKind, FOLDER_SETTING, Location},
    runtime::lock,
};

/// The folder below the cache folder that belongs to the library.
const SSE_FOLDER_NAME: &str = ".sse";

/// The folder in `.sse/` for claimed drop-ins.
const CLAIMED_FOLDER_NAME: &str = "claimed";

/// The permission bit of "other" users to write.
const WRITABLE_BY_OTHERS: RawMode = 0o002;

/// The permission bit that lets only a file's owner rename or remove it, as in `/tmp`.
const STICKY: RawMode = 0o1000;

/// The mode of a new cache folder: values may be private, so only its owner gets access.
const NEW_FOLDER_MODE: u32 = 0o700;

/// A cache folder and its `.sse/`, both held open.
pub(crate) struct CacheFolder {
    root: OpenFolder,
    sse_folder: OpenFolder,
    permissions: Permissions,
    /// Set if root works here for another user.
    owner: Option<Owner>,
}

impl CacheFolder {
    /// Whether the library has used the configured folder before.
    pub(super) fn exists(config: &Config) -> Result<bool, Error> {
        let path = config.cache_dir();
        let found = path.join(SSE_FOLDER_NAME).try_exists();
        found.map_err(|error| Error::io("use the cache folder", path, error))
    }

    /// Opens the folder, and creates it if it is missing.
    ///
    /// Below the app's folder, the whole path is created. Elsewhere only its last part is, because a
    /// misspelt absolute path would otherwise become a cache that no other program uses.
    pub(crate) fn prepare(config: &Config) -> Result<Self, Error> {
        Self::open_or_create(config).map_err(|error| {
            let (setting, location) = config.cache_dir_setting();
            let help = match error.help() {
                Some(help) => help.replace(FOLDER_SETTING, setting),
                None => format!(
                    "create the folder or correct its path, or set {setting} to another folder"
                ),
            };
            let help = match location {
                Some(location) => format!("{help} ({})", location.without_folders()),
                None => help,
            };
            error.with_help(help)
        })
    }

    fn open_or_create(config: &Config) -> Result<Self, Error> {
        let path = config.cache_dir();
        let kind = match config.cache_dir_setting() {
            (name, _) if name == rows::cache.name => "cache folder",
            _ => "drop-in folder",
        };
        let error_at = |error| Error::io(&format!("use the {kind}"), path, error);
        let root = match OpenFolder::open(path) {
            Err(error) if error.kind() == io::ErrorKind::NotFound => {
                create(path, config.app_dir(), kind)?;
                OpenFolder::open(path)
            }
            result => result,
        }
        .map_err(error_at)?;
        let stat = rustix::fs::fstat(&root).map_err(|error| error_at(error.into()))?;
        warn_if_world_writable(&stat, path);
        let owner = Owner::needing_impersonation(&stat);
        let _impersonation = impersonate(owner).map_err(error_at)?;
        let group = match owner {
            // The group that the thread impersonates.
            Some(_) => stat.st_gid,
            None => rustix::process::getegid().as_raw(),
        };
        let permissions = Permissions::inherited_from(&stat, group);
        let sse_folder = permissions
            .open_or_create_folder(&root, SSE_FOLDER_NAME)
            .map_err(|error| {
                let path = root.path_of(SSE_FOLDER_NAME);
                Error::io("open the library's folder", &path, error)
            })?;
        let folder = Self {
            root,
            sse_folder,
            permissions,
            owner,
        };
        folder.exclude_from_git();
        Ok(folder)
    }

    /// Saved values are not part of the app's sources. A failure does no harm, so it is ignored.
    fn exclude_from_git(&self) {
        const NAME: &str = ".gitignore";
        if self.sse_folder.has(NAME).unwrap_or(true) {
            return;
        }
        if let Ok((mut file, unfinished)) =
            self.permissions.create_unfinished_file(&self.sse_folder)
            && file.write_all(b"*\n").is_ok()
        {
            let _ = unfinished.rename_new(&self.sse_folder, NAME);
        }
    }

    /// Root impersonates the folder's owner until the returned value is dropped; for other users
    /// nothing changes. Access the folder's files only in the scope of such a value.
    pub(crate) fn impersonate_owner(&self) -> Result<Option<Impersonation>, Error> {
        impersonate(self.owner)
            .map_err(|error| Error::io("use the cache folder", self.path(), error))
    }

    #[cfg(feature = "actix")]
    pub(super) fn needs_impersonation(&self) -> bool {
        self.owner.is_some()
    }

    /// The folder's path as it is configured.
    pub(crate) fn path(&self) -> &Path {
        self.root.path()
    }

    /// Whether its path certainly no longer leads to this folder. That is not certain while it cannot be checked, for
    /// example because the process has no free descriptor.
    pub(crate) fn is_replaced(&self) -> bool {
        // Not opened: each round of the ingest checks this.
        let found = rustix::fs::stat(self.path()).map_err(io::Error::from);
        match (
            found.map(|stat| FileIdentity::from_stat(&stat)),
            self.root.identity(),
        ) {
            (Ok(found), Ok(own)) => found != own,
            (Err(error), _) => error.kind() == io::ErrorKind::NotFound,
            _ => false,
        }
    }

    /// The cache folder itself, where other programs put drop-ins.
    pub(crate) fn root(&self) -> &OpenFolder {
        &self.root
    }

    /// `.sse/`.
    pub(crate) fn sse_folder(&self) -> &OpenFolder {
        &self.sse_folder
    }

    /// Drop-ins that were claimed, but are not in the journal yet.
    pub(crate) fn claimed_folder(&self) -> Result<OpenFolder, Error> {
        self.open_sse_subfolder(CLAIMED_FOLDER_NAME)
    }

    /// Whether this is still the folder that [`claimed_folder`](Self::claimed_folder) opens.
    pub(crate) fn is_claimed_folder(&self, folder: &OpenFolder) -> Result<bool, Error> {
        folder
            .is_at(&self.sse_folder, CLAIMED_FOLDER_NAME)
            .map_err(|error| Error::io("find drop-ins", folder.path(), error))
    }

    /// Drop-ins that cannot be used, one of each key, for their owner to read.
    pub(crate) fn broken_folder(&self) -> Result<OpenFolder, Error> {
        self.open_sse_subfolder("broken")
    }

    /// Folders that are about to be deleted.
    pub(crate) fn trash_folder(&self) -> Result<OpenFolder, Error> {
        self.open_sse_subfolder("trash")
    }

    /// Opened each time, because programs that clean up remove empty folders.
    fn open_sse_subfolder(&self, name: &str) -> Result<OpenFolder, Error> {
        self.open_or_create_folder(&self.sse_folder, name)
    }

    /// Opens a folder, and creates it if it is missing or another program has put something else in its
    /// place.
    pub(crate) fn open_or_create_folder(
        &self,
        parent: &OpenFolder,
        name: &str,
    ) -> Result<OpenFolder, Error> {
        let open = || self.permissions.open_or_create_folder(parent, name);
        let opened = match open() {
            Err(error) if is_not_a_folder(&error) => {
                tracing::warn!(
                    "{}: this is not a folder, and is removed to create one here",
                    parent.path_of(name).display()
                );
                let removed = parent.remove_file(name);
                // Another process may have replaced it by a folder meanwhile.
                open().map_err(|error| removed.err().unwrap_or(error))
            }
            result => result,
        };
        opened.map_err(|error| {
            Error::io(
                "open a folder in the cache folder",
                &parent.path_of(name),
                error,
            )
        })
    }

    /// Lets only one process at a time repair the folder, until the returned value is dropped.
    /// Otherwise one process could remove what another has just repaired.
    ///
    /// Saves need no lock. If the lock is held for longer than a repair takes, repairs continue
    /// without it.
    pub(super) fn lock_for_repair(&self) -> io::Result<OpenFolder> {
        // A new descriptor: a lock belongs to one opening of a file.
        let lock = self.sse_folder.open_folder(".")?;
        let _ = lock_within_a_second(&lock, FlockOperation::NonBlockingLockExclusive);
        Ok(lock)
    }

    pub(crate) fn permissions(&self) -> &Permissions {
        &self.permissions
    }
}

fn impersonate(owner: Option<Owner>) -> io::Result<Option<Impersonation>> {
    owner.map(Owner::impersonate).transpose()
}

/// Once for each folder, because a folder that cannot be used is opened again and again.
fn warn_if_world_writable(stat: &rustix::fs::Stat, path: &Path) {
    static LAST_WARNED: Mutex<Option<PathBuf>> = Mutex::new(None);
    let is_world_writable = stat.st_mode & WRITABLE_BY_OTHERS != 0 && stat.st_mode & STICKY == 0;
    let mut last = lock(&LAST_WARNED);
    if is_world_writable && last.as_deref() != Some(path) {
        *last = Some(path.to_owned());
        tracing::warn!(
            "{}: every user of this machine can write to this folder, and so publish events; \
             remove the permission with `chmod o-w`",
            path.display()
        );
    }
}

/// Creates the folder. Root does this as the owner of the folder around it, so that the cache belongs
/// to the same user as the app.
fn create(path: &Path, app: &Path, kind: &str) -> Result<(), Error> {
    let error_at = |error| Error::io(&format!("create the {kind}"), path, error);
    let parent = path.parent().unwrap_or(path);
    let existing = path.ancestors().find(|ancestor| ancestor.is_dir());
    let stat = existing.map(rustix::fs::stat).transpose();
    let owner = stat.map_err(|error| error_at(error.into()))?;
    let owner = owner.as_ref().and_then(Owner::needing_impersonation);
    let _impersonation = impersonate(owner).map_err(error_at)?;
    if path.starts_with(app) {
        fs::create_dir_all(parent).map_err(error_at)?;
    } else if !parent.is_dir() {
        let message = format!("the {kind}'s parent is missing");
        let error = Error::new(ErrorKind::Cache, message).with_location(Location::file(parent));
        return Err(error.with_help(format!("create it, or correct {FOLDER_SETTING}")));
    }
    let mut builder = fs::DirBuilder::new();
    std::os::unix::fs::DirBuilderExt::mode(&mut builder, NEW_FOLDER_MODE);
    match builder.create(path) {
        // Another process was faster.
        Err(error) if error.kind() == io::ErrorKind::AlreadyExists => Ok(()),
        result => result.map_err(error_at),
    }
}

#[cfg(test)]
mod tests;
