//! Where a cache is, for logs and errors.

use std::{
    fmt::{self, Display},
    io,
    path::{Path, PathBuf},
};

use crate::error::Error;

/// Where a cache is. `Display` writes it for logs and messages.
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub enum CacheAddress {
    /// In this folder.
    Folder(PathBuf),
    /// The memory of this process.
    #[cfg(any(test, feature = "testing"))]
    Memory,
}

impl CacheAddress {
    /// An operation on this cache that the system refused. `operation` continues "cannot".
    pub(crate) fn error(&self, operation: &str, source: io::Error) -> Error {
        Error::io(operation, self.as_path(), source)
    }

    /// A program has removed or replaced the journal while it was in use.
    pub(crate) fn replaced_error(&self) -> Error {
        let cause = io::Error::other("another program has replaced it");
        self.error("use the cache", cause)
    }

    fn as_path(&self) -> &Path {
        match self {
            Self::Folder(path) => path,
            #[cfg(any(test, feature = "testing"))]
            Self::Memory => Path::new("memory"),
        }
    }
}

impl Display for CacheAddress {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.as_path().display().fmt(f)
    }
}
