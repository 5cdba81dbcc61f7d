//! Reads a key's value.

use super::journal_source::JournalSource;
use crate::{entry::Entry, error::Error, key};

/// A read that has not started, from [`Cache::get`](crate::Cache::get). Await it, or call [`blocking`](Get::blocking).
///
/// Awaiting it returns what `blocking` returns, and reads on a thread that may wait for the disk.
#[derive(Debug)]
#[must_use = "nothing is read until this is awaited or `blocking()` is called"]
pub struct Get {
    pub(super) source: JournalSource,
    pub(super) key: String,
}

impl Get {
    /// Reads on this thread. See [`Cache::get`](crate::Cache::get) for when it returns `None`.
    ///
    /// # Errors
    ///
    /// Fails if the key is not valid or the cache cannot be read.
    pub fn blocking(self) -> Result<Option<Entry>, Error> {
        let key = key::validate(&self.key)?;
        self.source.journal_handle()?.get(key)
    }
}
