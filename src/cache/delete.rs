//! Deletes a key's value.

use std::time::SystemTime;

use super::journal_source::JournalSource;
use crate::{entry, error::Error, key};

/// A deletion that has not started, from [`Cache::delete`](crate::Cache::delete). Await it, or call
/// [`blocking`](Delete::blocking).
///
/// Awaiting it returns what `blocking` returns, and deletes on a thread that may wait for the disk.
#[derive(Debug)]
#[must_use = "nothing is deleted until this is awaited or `blocking()` is called"]
pub struct Delete {
    pub(super) source: JournalSource,
    pub(super) key: String,
}

impl Delete {
    /// Deletes on this thread.
    ///
    /// # Errors
    ///
    /// Fails if the key is not valid or the cache cannot be written. Then nothing was deleted.
    pub fn blocking(self) -> Result<(), Error> {
        let key = key::validate(&self.key)?;
        let journal_handle = self.source.journal_handle()?;
        journal_handle.append(&entry::encode_tombstone(key, SystemTime::now()))?;
        Ok(())
    }
}
