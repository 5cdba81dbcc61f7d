//! Where a cache is, for logs and errors.

use std::{
    fmt::{self, Display},
    io,
    path::PathBuf,
};

use crate::error::{Error, ErrorKind};

/// Where a cache is. `Display` writes it for logs and messages.
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub enum CacheAddress {
    /// In this folder.
    Folder(PathBuf),
    /// In this Redis server. The text contains neither user nor password.
    Redis(String),
    /// The memory of this process.
    #[cfg(any(test, feature = "actix", feature = "testing"))]
    Memory,
}

impl CacheAddress {
    /// An operation on this cache that the system refused. `operation` continues "cannot".
    pub(crate) fn error(&self, operation: &str, source: io::Error) -> Error {
        match self {
            Self::Folder(path) => Error::io(operation, path, source),
            _ => Error::new(
                ErrorKind::Cache,
                format!("cannot {operation} in {self}: {source}"),
            ),
        }
    }

    /// The journal was removed or replaced while it was in use.
    pub(crate) fn replaced_error(&self) -> Error {
        let cause = match self {
            Self::Folder(_) => "another program has replaced it",
            _ => "its journal was replaced",
        };
        self.error("use the cache", io::Error::other(cause))
    }

    /// What has happened to a journal that was replaced, for the log.
    #[cfg(feature = "actix")]
    pub(crate) fn replacement(&self) -> &'static str {
        match self {
            Self::Redis(_) => {
                "Redis was restarted, has failed over or has lost data; following its new journal"
            }
            _ => "the cache folder was cleared or replaced; following its new journal",
        }
    }
}

impl Display for CacheAddress {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Folder(path) => path.display().fmt(f),
            Self::Redis(address) => f.write_str(address),
            #[cfg(any(test, feature = "actix", feature = "testing"))]
            Self::Memory => f.write_str("memory"),
        }
    }
}
