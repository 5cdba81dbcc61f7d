//! The bytes of an app's `.env` at one moment, to notice edits.

use std::{
    fs, io,
    os::unix::fs::MetadataExt,
    path::Path,
    time::{Duration, SystemTime},
};

use super::env_bytes;

/// An edit counts once the file has stayed the same for this long, because editors empty a file before
/// they write it. A write of a small file takes a few milliseconds, and a person does not notice a
/// tenth of a second.
pub(crate) const EDIT_DEBOUNCE: Duration = Duration::from_millis(100);

/// The content of `.env`, or why it cannot be read.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct EnvSnapshot(Result<Vec<u8>, io::ErrorKind>);

impl EnvSnapshot {
    /// Reads the `.env` in `app_dir`, if it is a regular file.
    pub(crate) fn take(app_dir: &Path) -> Self {
        Self(env_bytes::read_regular(&app_dir.join(".env")).map_err(|error| error.kind()))
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
