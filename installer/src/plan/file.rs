//! One file of the app: as it was read, and how it is replaced.

use std::fs::{self, Metadata};
use std::io::{self, Write};
use std::path::{Path, PathBuf};

use tempfile::{Builder, NamedTempFile};

use crate::diff;
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

    /// Puts `contents` in its place, unless somebody has changed it since.
    pub(super) fn replace(&self, contents: &[u8]) -> Result<(), Failure> {
        let writing = |error: io::Error| Failure::io("write", &self.path, &error);
        let temporary = self.temporary(contents).map_err(writing)?;
        self.check_unchanged()?;
        let Some(found) = &self.found else {
            return match temporary.persist_noclobber(&self.path) {
                Ok(_) => Ok(()),
                Err(error) if error.error.kind() == io::ErrorKind::AlreadyExists => {
                    Err(self.has_changed())
                }
                Err(error) => Err(writing(error.error)),
            };
        };
        put(temporary, &self.path, contents, &found.metadata).map_err(|error| {
            // Writing in place may have stopped half way. Where this fails too there is
            // nothing left to try, and the first error is the one that says why.
            if self.check_unchanged().is_err() {
                let _ = fs::write(&self.path, &found.contents);
            }
            writing(error)
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
        let temporary = self.temporary(&found.contents)?;
        put(temporary, &self.path, &found.contents, &found.metadata)
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

    fn has_changed(&self) -> Failure {
        Failure::error(format!(
            "{} was changed by somebody else just now",
            self.name
        ))
        .help("run the command again")
    }

    /// The contents in a file beside the target, on the same file system, with the
    /// target's mode or what the umask gives a new file.
    fn temporary(&self, contents: &[u8]) -> io::Result<NamedTempFile> {
        let folder = self.path.parent().unwrap_or(Path::new("."));
        let mut builder = Builder::new();
        builder.prefix(".sse-").suffix(".tmp");
        #[cfg(unix)]
        {
            // What is in the file may be secret, until it has the rights of the one it replaces.
            let mode = if self.found.is_some() { 0o600 } else { 0o666 };
            builder.permissions(std::os::unix::fs::PermissionsExt::from_mode(mode));
        }
        let mut temporary = builder.tempfile_in(folder)?;
        temporary.write_all(contents)?;
        if let Some(found) = &self.found {
            temporary
                .as_file()
                .set_permissions(found.metadata.permissions())?;
        }
        temporary.as_file().sync_all()?;
        Ok(temporary)
    }
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

/// Renames the temporary file over the target, unless a rename would break what
/// the target is: one of several names of a file, or somebody else's file.
fn put(
    temporary: NamedTempFile,
    path: &Path,
    contents: &[u8],
    metadata: &Metadata,
) -> io::Result<()> {
    if path.exists() && must_stay_in_place(metadata, &temporary.as_file().metadata()?) {
        return fs::write(path, contents);
    }
    temporary
        .persist(path)
        .map(|_| ())
        .map_err(|error| error.error)
}

#[cfg(unix)]
fn must_stay_in_place(target: &Metadata, temporary: &Metadata) -> bool {
    use std::os::unix::fs::MetadataExt;

    target.nlink() > 1 || target.uid() != temporary.uid() || target.gid() != temporary.gid()
}

#[cfg(not(unix))]
fn must_stay_in_place(_: &Metadata, _: &Metadata) -> bool {
    false
}
