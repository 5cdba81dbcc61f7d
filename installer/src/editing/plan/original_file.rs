//! One file of the app as it was read, and how it is replaced.

use std::fs::{self, Metadata};
use std::io;
use std::path::{Path, PathBuf};

use super::diff;
use super::staged_file::{StagedFile, WriteError};
use crate::exit::Failure;

/// A file as it was when the plan was made; it may not exist.
#[derive(Clone)]
pub(crate) struct OriginalFile {
    /// The path below the app's folder, for messages.
    name: String,
    /// The absolute path, with symbolic links resolved.
    path: PathBuf,
    snapshot: Option<Snapshot>,
}

#[derive(Clone)]
struct Snapshot {
    contents: Vec<u8>,
    metadata: Metadata,
}

impl OriginalFile {
    /// Reads `name` below the folder `app`. Anything but a regular file in that folder is refused.
    pub(crate) fn read(app: &Path, name: &str) -> Result<Self, Failure> {
        let shown = app.join(name);
        let read_error = |error: io::Error| Failure::io("read", &shown, &error);
        let path = match fs::symlink_metadata(&shown) {
            Err(error) if error.kind() == io::ErrorKind::NotFound => {
                return Ok(Self {
                    name: name.to_owned(),
                    path: shown,
                    snapshot: None,
                });
            }
            Err(error) if error.kind() == io::ErrorKind::NotADirectory => {
                return Err(not_a_folder(app, name));
            }
            Err(error) => return Err(read_error(error)),
            Ok(metadata) if metadata.is_symlink() => resolve(app, name, &shown)?,
            Ok(_) => shown.clone(),
        };
        let metadata = fs::metadata(&path).map_err(read_error)?;
        if !metadata.is_file() {
            return Err(Failure::conflict(format!("{name} is not a regular file"))
                .with_help("move it elsewhere, then run the command again"));
        }
        let contents = fs::read(&path).map_err(read_error)?;
        Ok(Self {
            name: name.to_owned(),
            path,
            snapshot: Some(Snapshot { contents, metadata }),
        })
    }

    /// The path below the app's folder.
    pub(crate) fn name(&self) -> &str {
        &self.name
    }

    /// The contents; `None` if the file did not exist.
    pub(crate) fn contents(&self) -> Option<&[u8]> {
        self.snapshot
            .as_ref()
            .map(|snapshot| snapshot.contents.as_slice())
    }

    /// Refuses a read-only file. Without this check, the rename would replace it.
    pub(super) fn check_writable(&self) -> Result<(), Failure> {
        match &self.snapshot {
            Some(snapshot) if snapshot.metadata.permissions().readonly() => {
                Err(Failure::conflict(format!("{} is read-only", self.name))
                    .with_help("make it writable, then run the command again"))
            }
            _ => Ok(()),
        }
    }

    /// The change to `contents` as a diff. `None` means that the file is removed.
    pub(super) fn diff(&self, contents: Option<&[u8]>) -> String {
        diff::unified(&self.name, self.contents(), contents)
    }

    /// Writes `contents` to a temporary file beside this one.
    pub(super) fn stage(&self, contents: &[u8]) -> Result<StagedFile, Failure> {
        let metadata = self.snapshot.as_ref().map(|snapshot| &snapshot.metadata);
        StagedFile::new(&self.path, contents, metadata).map_err(|error| self.write_error(&error))
    }

    /// Replaces the file with the staged contents, unless it has changed since it was read.
    pub(super) fn replace(&self, staged: StagedFile) -> Result<(), WriteError> {
        self.check_unchanged()?;
        let replaced = match &self.snapshot {
            None => staged.create(&self.path),
            Some(snapshot) if staged.can_replace(&snapshot.metadata) => staged.rename(&self.path),
            Some(_) => return staged.write_in_place(&self.path),
        };
        replaced.map_err(|error| match error.kind() {
            io::ErrorKind::AlreadyExists => self.changed_error().into(),
            _ => self.write_error(&error).into(),
        })
    }

    pub(super) fn remove(&self) -> Result<(), Failure> {
        self.check_unchanged()?;
        fs::remove_file(&self.path).map_err(|error| Failure::io("remove", &self.path, &error))
    }

    /// Restores the file as it was read.
    pub(super) fn restore(&self) -> io::Result<()> {
        let Some(snapshot) = &self.snapshot else {
            return fs::remove_file(&self.path);
        };
        let staged = StagedFile::new(&self.path, &snapshot.contents, Some(&snapshot.metadata))?;
        if self.path.try_exists()? && !staged.can_replace(&snapshot.metadata) {
            let written = staged.write_in_place(&self.path);
            written.map_err(|error| io::Error::other(error.failure.message()))
        } else {
            staged.rename(&self.path)
        }
    }

    fn check_unchanged(&self) -> Result<(), Failure> {
        let current = match fs::read(&self.path) {
            Ok(contents) => Some(contents),
            Err(error) if error.kind() == io::ErrorKind::NotFound => None,
            Err(error) => return Err(Failure::io("read", &self.path, &error)),
        };
        if current.as_deref() == self.contents() {
            Ok(())
        } else {
            Err(self.changed_error())
        }
    }

    fn write_error(&self, error: &io::Error) -> Failure {
        Failure::io("write", &self.path, error)
    }

    fn changed_error(&self) -> Failure {
        Failure::error(format!("another program has just changed {}", self.name))
            .with_help("run the command again")
    }
}

/// The error for a path that leads through a file.
fn not_a_folder(app: &Path, name: &str) -> Failure {
    let mut parents = Path::new(name).ancestors().skip(1);
    let file = parents.find(|folder| {
        let path = app.join(folder);
        path.exists() && !path.is_dir()
    });
    let file = file.unwrap_or(Path::new(name));
    Failure::conflict(format!("{} is not a folder", file.display()))
        .with_help("move it elsewhere, then run the command again")
}

fn resolve(app: &Path, name: &str, shown: &Path) -> Result<PathBuf, Failure> {
    let refused = |why: &str| {
        Failure::conflict(format!("{name} is a symbolic link {why}"))
            .with_help("replace it with a file, then run the command again")
    };
    let path = fs::canonicalize(shown).map_err(|_| refused("to a path that does not exist"))?;
    let app = fs::canonicalize(app).map_err(|error| Failure::io("read", app, &error))?;
    if path.starts_with(app) {
        Ok(path)
    } else {
        Err(refused("to a path outside of the app's folder"))
    }
}
