//! The content of an app's `.env` at one moment, to notice edits.

use std::{
    fs, io,
    os::unix::fs::MetadataExt,
    path::Path,
    time::{Duration, SystemTime},
};

use super::{env_bytes, env_file::EnvFile};
use crate::error::{Error, ErrorKind, Location, is_out_of_descriptors};

/// An edit counts once the file has stayed the same for this long, because editors empty a file before
/// they write it. A write of a small file takes a few milliseconds, and a person does not notice a
/// tenth of a second.
pub(crate) const EDIT_DEBOUNCE: Duration = Duration::from_millis(100);

/// The content of the file, or why it has none.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum EnvSnapshot {
    Content(Vec<u8>),
    /// A named pipe or a device, which is read only once, or a folder.
    NotRegular,
    /// The number of the system's error.
    Unreadable(i32),
}

impl EnvSnapshot {
    /// Reads the `.env` in `app_dir`, if it is a regular file. `None` if the process has no descriptor left
    /// to open it, which says nothing about the file.
    pub(crate) fn take(app_dir: &Path) -> Option<Self> {
        Self::from_io(env_bytes::read_regular(&app_dir.join(".env")))
    }

    fn from_io(bytes: io::Result<Vec<u8>>) -> Option<Self> {
        match bytes {
            Ok(bytes) => Some(Self::Content(bytes)),
            Err(error) if is_out_of_descriptors(&error) => None,
            Err(error) => {
                let code = error.raw_os_error();
                Some(code.map_or(Self::NotRegular, Self::Unreadable))
            }
        }
    }

    /// The file; `None` if it does not exist. `app_dir` is the folder that it was read in.
    pub(super) fn env_file(&self, app_dir: &Path) -> Result<Option<EnvFile>, Error> {
        let path = app_dir.join(".env");
        match self {
            Self::Content(bytes) => Ok(Some(EnvFile::new(bytes.clone()))),
            Self::NotRegular => Err(Error::new(ErrorKind::Config, ".env is not a regular file")
                .with_location(Location::file(&path))
                .with_help("make it a regular file, or restart the app after each change")),
            Self::Unreadable(code) => {
                EnvFile::from_io(Err(io::Error::from_raw_os_error(*code)), &path)
            }
        }
    }
}

/// How long the `.env` in `app_dir` has stayed the same; zero if that is not known.
///
/// The time of the last change counts (`ctime`), not that of the last write: a file that is renamed to
/// `.env` may have been written long before.
pub(super) fn unchanged_for(app_dir: &Path) -> Duration {
    let Ok(metadata) = fs::metadata(app_dir.join(".env")) else {
        return Duration::ZERO;
    };
    let seconds = u64::try_from(metadata.ctime()).unwrap_or_default();
    let nanos = u32::try_from(metadata.ctime_nsec()).unwrap_or_default();
    let changed_at = SystemTime::UNIX_EPOCH.checked_add(Duration::new(seconds, nanos));
    // A time in the future, after a clock change, says nothing.
    let age = changed_at.and_then(|time| SystemTime::now().duration_since(time).ok());
    age.unwrap_or_default()
}

#[cfg(test)]
mod tests {
    use rustix::io::Errno;

    use super::*;

    #[test]
    fn a_lack_of_descriptors_says_nothing_about_the_file() {
        let snapshot = |errno: Errno| EnvSnapshot::from_io(Err(errno.into()));
        assert_eq!(snapshot(Errno::MFILE), None);
        assert_eq!(snapshot(Errno::NFILE), None);
        let missing = snapshot(Errno::NOENT).unwrap();
        assert!(missing.env_file(Path::new("")).unwrap().is_none());
        let refused = snapshot(Errno::ACCESS).unwrap();
        let error = refused.env_file(Path::new("")).unwrap_err();
        assert!(
            error
                .to_string()
                .contains("cannot read .env: Permission denied"),
            "{error}"
        );
    }
}
