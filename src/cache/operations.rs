//! Saves, reads and deletions: values that do their work once they are awaited or told to block.

use std::time::{Duration, SystemTime};

use serde_json::value::RawValue;

use super::journal_source::JournalSource;
use crate::{
    entry::{self, Entry},
    error::{Error, ErrorKind},
    event_id::EventId,
    key,
};

/// A save that has not started, from [`Cache::save`](crate::Cache::save). Await it, or call [`blocking`](Save::blocking).
///
/// Awaiting it returns what `blocking` returns, and saves on a thread that may wait for the disk.
#[derive(Debug)]
#[must_use = "nothing is saved until this is awaited or `blocking()` is called"]
pub struct Save {
    pub(super) source: JournalSource,
    pub(super) key: String,
    pub(super) value: Result<Box<RawValue>, String>,
    pub(super) ttl: Option<Duration>,
}

impl Save {
    /// Sets the entry's time to live instead of `SSE_TTL`: how long after the save it can be
    /// replayed, and [`get`](crate::Cache::get) returns it. Zero: until it is swept.
    ///
    /// Connected clients receive the value in any case.
    pub fn ttl(mut self, ttl: Duration) -> Self {
        self.ttl = Some(ttl);
        self
    }

    /// Saves on this thread and returns the id of the event that the value triggers; of the last one, if
    /// there are several.
    ///
    /// # Errors
    ///
    /// Fails if the key is not valid, if the value cannot be written as JSON or is too large, or if
    /// the cache cannot be written. Then nothing was saved.
    pub fn blocking(self) -> Result<EventId, Error> {
        let key = key::validate(&self.key)?;
        let value = self.value.map_err(|reason| {
            Error::new(
                ErrorKind::Value,
                format!("the value for `{key}` cannot be written as JSON: {reason}"),
            )
            .with_help("use a type that serde_json can serialize, for example with strings as the keys of its maps")
        })?;
        let journal_handle = self.source.journal_handle()?;
        let config = journal_handle.config();
        let (length, limit) = (value.get().len(), config.max_value_bytes());
        if length > limit {
            return Err(Error::new(
                ErrorKind::Value,
                format!(
                    "the value for `{key}` has {length} bytes as JSON; at most {limit} are allowed"
                ),
            )
            .with_help("save an id and let the page fetch the rest; in Rust, `Config::with_max_value_bytes` \
                 raises the limit"));
        }
        let ttl = self.ttl.unwrap_or(config.ttl());
        journal_handle.append(&entry::encode_document(key, value, ttl, SystemTime::now()))
    }
}

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
