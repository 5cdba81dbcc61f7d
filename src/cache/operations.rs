//! Saves, reads and deletions: values that do their work once they are awaited or told to block.

use std::time::{Duration, SystemTime};

use serde_json::value::RawValue;

use super::journal_source::JournalSource;
use crate::{
    audience::{self, IntoAudiences, Recipients},
    entry::{self, Entry},
    error::{Error, ErrorKind},
    event_id::EventId,
    journal::Slot,
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
    /// `None` stands for everyone.
    pub(super) to: Option<Vec<String>>,
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

    /// Saves the value for this audience only, instead of for everyone: a stream receives it if the app has
    /// granted it the name. Takes a name or a list of names; repeated calls add names. A stream that holds
    /// several of them receives the value once.
    ///
    /// ```no_run
    /// # async fn handler() -> Result<(), actix_web_sse::Error> {
    /// use actix_web_sse::cache;
    ///
    /// # #[cfg(feature = "actix")]
    /// cache().save("orders", "1").to("user:42").await?;
    /// # #[cfg(feature = "actix")]
    /// cache().save("orders", "1").to(["user:42", "role:admin"]).await?;
    /// # Ok(()) }
    /// ```
    pub fn to(mut self, audiences: impl IntoAudiences) -> Self {
        (self.to.get_or_insert_default()).extend(audiences.into_audiences());
        self
    }

    /// Saves on this thread and returns the id of the event that the value triggers; of the last one, if
    /// there are several.
    ///
    /// # Errors
    ///
    /// Fails if the key or an audience is not valid, if the key [is private](crate::Events::is_private) and there is
    /// no audience, if the value cannot be written as JSON or is too large, or if the cache cannot be written. Then
    /// nothing was saved.
    pub fn blocking(self) -> Result<EventId, Error> {
        let key = key::validate(&self.key)?;
        let recipients = Recipients::new(self.to)?;
        let value = self.value.map_err(|reason| {
            Error::new(
                ErrorKind::Value,
                format!("the value for `{key}` cannot be written as JSON: {reason}"),
            )
            .with_help("use a type that serde_json can serialize, for example with strings as the keys of its maps")
        })?;
        let journal_handle = self.source.journal_handle()?;
        let config = journal_handle.config();
        if recipients == Recipients::Everyone && config.events().is_private(key) {
            return Err(public_save_of_private_key(key));
        }
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
        let now = SystemTime::now();
        let document = entry::encode_document_for(&recipients, key, value, ttl, now);
        journal_handle.append(&document)
    }
}

fn public_save_of_private_key(key: &str) -> Error {
    let message = format!("the cache key `{key}` is private, and the save names no audience");
    Error::new(ErrorKind::Audience, message).with_help(
        "name the audiences that may receive the value: `.to(\"user:42\")` in Rust, `sse save --to user:42` in a \
         shell; to save for everyone, remove `:private` after the key in SSE_EVENTS",
    )
}

/// A read that has not started, from [`Cache::get`](crate::Cache::get). Await it, or call [`blocking`](Get::blocking).
///
/// Awaiting it returns what `blocking` returns, and reads on a thread that may wait for the disk.
#[derive(Debug)]
#[must_use = "nothing is read until this is awaited or `blocking()` is called"]
pub struct Get {
    pub(super) source: JournalSource,
    pub(super) key: String,
    pub(super) to: Option<String>,
}

impl Get {
    /// Reads the newest value that was saved for this audience, alone or with others.
    pub fn to(mut self, audience: impl Into<String>) -> Self {
        self.to = Some(audience.into());
        self
    }

    /// Reads on this thread. See [`Cache::get`](crate::Cache::get) for when it returns `None`.
    ///
    /// # Errors
    ///
    /// Fails if the key or the audience is not valid, or if the cache cannot be read.
    pub fn blocking(self) -> Result<Option<Entry>, Error> {
        let key = key::validate(&self.key)?;
        let audience = self.to.as_deref();
        audience.map(audience::validate).transpose()?;
        self.source.journal_handle()?.get(&Slot { key, audience })
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
    pub(super) to: Option<String>,
}

impl Delete {
    /// Deletes only the value of this audience. If it was saved for several audiences, it stays for the others.
    pub fn to(mut self, audience: impl Into<String>) -> Self {
        self.to = Some(audience.into());
        self
    }

    /// Deletes on this thread.
    ///
    /// # Errors
    ///
    /// Fails if the key or the audience is not valid, or if the cache cannot be written. Then nothing was deleted.
    pub fn blocking(self) -> Result<(), Error> {
        let key = key::validate(&self.key)?;
        let recipients = Recipients::new(self.to.map(|name| vec![name]))?;
        let journal_handle = self.source.journal_handle()?;
        let document = entry::encode_tombstone(&recipients, key, SystemTime::now());
        journal_handle.append(&document)?;
        Ok(())
    }
}

/// A revocation that has not started, from [`Cache::revoke`](crate::Cache::revoke). Await it, or call
/// [`blocking`](Revoke::blocking).
///
/// Awaiting it returns what `blocking` returns, and saves on a thread that may wait for the disk.
#[derive(Debug)]
#[must_use = "nothing is revoked until this is awaited or `blocking()` is called"]
pub struct Revoke {
    pub(super) source: JournalSource,
    pub(super) name: String,
}

impl Revoke {
    /// Saves the revocation on this thread, and returns its id, which is its place in the order of the saved values.
    ///
    /// # Errors
    ///
    /// Fails if the audience is not valid or the cache cannot be written. Then nothing was revoked.
    pub fn blocking(self) -> Result<EventId, Error> {
        audience::validate(&self.name)?;
        let document = entry::encode_revocation(&self.name, SystemTime::now());
        self.source.journal_handle()?.append(&document)
    }
}
