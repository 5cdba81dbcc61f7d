//! One file of the app: as it was read, and how it is replaced.

use std::fs::{self, Metadata};
use std::io;
use std::path::{Path, PathBuf};

use super::diff;
use super::staged::Staged;
use crate::exit::Failure;

/// A file as it was when the plan was made; it may not exist.
pub(crate) struct Original {
    /// Below the app's folder, as it is shown.
    name: String,
    /// Where the bytes are, symbolic links followed.
    path: PathBuf,
    found: Option<Found>,
}

struct Found {
    contents: Vec<u8>,
    metadata: Metadata,
}

/// Why a change was not made.
pub(super) struct Unwritten {
    pub(super) failure: Failure,
    /// Where a file has neither its old contents nor its new ones: what becomes of it.
    pub(super) torn: Option<String>,
}

impl From<Failure> for Unwritten {
    fn from(failure: Failure) -> Self {
        Self {
            failure,
            torn: None,
        }
    }
}

impl Original {
    /// Reads `name` below the folder `app`; refuses what is no plain file in there.
    pub(crate) fn read(app: &Path, name: &str) -> Result<Self, Failure> {
        let shown = app.join(name);
        let reading = |error: io::Error| Failure::io("read", &shown, &error);
        let path = match fs::symlink_metadata(&shown) {
            Err(error) if error.kind() == io::ErrorKind::NotFound => {
                return Ok(Self {
                    name: name.to_owned(),
                    path: shown,
                    found: None,
                });
            }
            Err(error) if error.kind() == io::ErrorKind::NotADirectory => {
                return Err(no_folder(app, name));
            }
            Err(error) => return Err(reading(error)),
            Ok(metadata) if metadata.is_symlink() => resolve(app, name, &shown)?,
            Ok(_) => shown.clone(),
        };
        let metadata = fs::metadata(&path).map_err(reading)?;
        if !metadata.is_file() {
            return Err(Failure::conflict(format!("{name} is no file"))
                .help("move it out of the way, then run the command again"));
        }
        let contents = fs::read(&path).map_err(reading)?;
        Ok(Self {
            name: name.to_owned(),
            path,
            found: Some(Found { contents, metadata }),
        })
    }

    /// Below the app's folder, as it is shown.
    pub(crate) fn name(&self) -> &str {
        &self.name
    }

    /// The contents, if the file exists.
    pub(crate) fn contents(&self) -> Option<&[u8]> {
        self.found.as_ref().map(|found| found.contents.as_slice())
    }

    /// Refuses a file that its owner has locked. A rename would get round the lock.
    pub(crate) fn check_writable(&self) -> Result<(), Failure> {
        match &self.found {
            Some(found) if found.metadata.permissions().readonly() => {
                Err(Failure::conflict(format!("{} is read-only", self.name))
                    .help("make it writable, then run the command again"))
            }
            _ => Ok(()),
        }
    }

    /// The change to these contents as a diff; without any, the file is removed.
    pub(super) fn diff(&self, contents: Option<&[u8]>) -> String {
        diff::unified(&self.name, self.contents(), contents)
    }

    /// Writes `contents` to the disk, where they wait to take this file's place.
    pub(super) fn stage(&self, contents: &[u8]) -> Result<Staged, Failure> {
        let metadata = self.found.as_ref().map(|found| &found.metadata);
        Staged::new(&self.path, contents, metadata).map_err(|error| self.writing(&error))
    }

    /// Puts what is staged in its place, unless somebody has changed it since.
    pub(super) fn replace(&self, staged: Staged) -> Result<(), Unwritten> {
        self.check_unchanged()?;
        let replaced = match &self.found {
            None => staged.create(&self.path),
            Some(found) if staged.fits(&found.metadata) => staged.rename(&self.path),
            Some(_) => {
                let written = staged.write_in_place(&self.path);
                return written.map_err(|stopped| Unwritten {
                    failure: self.writing(&stopped.error),
                    torn: stopped.torn,
                });
            }
        };
        replaced.map_err(|error| {
            let was_made_since = error.kind() == io::ErrorKind::AlreadyExists;
            if was_made_since {
                self.has_changed()
            } else {
                self.writing(&error)
            }
            .into()
        })
    }

    pub(super) fn remove(&self) -> Result<(), Failure> {
        self.check_unchanged()?;
        fs::remove_file(&self.path).map_err(|error| Failure::io("remove", &self.path, &error))
    }

    /// Brings back the file as it was read.
    pub(super) fn restore(&self) -> io::Result<()> {
        let Some(found) = &self.found else {
            return fs::remove_file(&self.path);
        };
        let staged = Staged::new(&self.path, &found.contents, Some(&found.metadata))?;
        if self.path.try_exists()? && !staged.fits(&found.metadata) {
            let written = staged.write_in_place(&self.path);
            written.map_err(|stopped| match stopped.torn {
                None => stopped.error,
                Some(why) => io::Error::other(format!("{}; {why}", stopped.error)),
            })
        } else {
            staged.rename(&self.path)
        }
    }

    fn check_unchanged(&self) -> Result<(), Failure> {
        let now = match fs::read(&self.path) {
            Ok(contents) => Some(contents),
            Err(error) if error.kind() == io::ErrorKind::NotFound => None,
            Err(error) => return Err(Failure::io("read", &self.path, &error)),
        };
        if now.as_deref() == self.contents() {
            Ok(())
        } else {
            Err(self.has_changed())
        }
    }

    fn writing(&self, error: &io::Error) -> Failure {
        Failure::io("write", &self.path, error)
    }

    fn has_changed(&self) -> Failure {
        Failure::error(format!(
            "{} was changed by somebody else just now",
            self.name
        ))
        .help("run the command again")
    }
}

/// Says what it is on the way to the file that has no files below it.
fn no_folder(app: &Path, name: &str) -> Failure {
    let mut above = Path::new(name).ancestors().skip(1);
    let in_the_way = above.find(|folder| {
        let path = app.join(folder);
        path.exists() && !path.is_dir()
    });
    let in_the_way = in_the_way.unwrap_or(Path::new(name));
    Failure::conflict(format!("{} is no folder", in_the_way.display()))
        .help("move it out of the way, then run the command again")
}

fn resolve(app: &Path, name: &str, shown: &Path) -> Result<PathBuf, Failure> {
    let refused = |why: &str| {
        Failure::conflict(format!("{name} is a symbolic link {why}"))
            .help("replace it by a file, then run the command again")
    };
    let path = fs::canonicalize(shown).map_err(|_| refused("that leads nowhere"))?;
    let app = fs::canonicalize(app).map_err(|error| Failure::io("read", app, &error))?;
    if path.starts_with(app) {
        Ok(path)
    } else {
        Err(refused("that leads out of the app's folder"))
    }
}
