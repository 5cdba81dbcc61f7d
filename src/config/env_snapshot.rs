//! The bytes of an app's `.env` at one moment, to notice edits.

use std::{fs, io, path::Path, time::Duration};

/// An edit counts once the file has stayed the same for this long, because editors empty a file before
/// they write it. A write of a small file takes a few milliseconds, and a person does not notice a
/// tenth of a second.
pub(crate) const EDIT_DEBOUNCE: Duration = Duration::from_millis(100);

/// The content of `.env`, or why it cannot be read.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct EnvSnapshot(Result<Vec<u8>, io::ErrorKind>);

impl EnvSnapshot {
    /// Reads the `.env` in `app_dir`.
    ///
    /// Only a regular file is read repeatedly: a named pipe gives its content to one reader only, and
    /// the program behind it, such as a password manager, may ask its user each time.
    pub(crate) fn take(app_dir: &Path) -> Self {
        Self(read_regular_file(&app_dir.join(".env")).map_err(|error| error.kind()))
    }
}

fn read_regular_file(path: &Path) -> io::Result<Vec<u8>> {
    if fs::metadata(path)?.is_file() {
        fs::read(path)
    } else {
        Err(io::ErrorKind::InvalidInput.into())
    }
}
