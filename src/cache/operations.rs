//! Saves, reads and deletions: values that do their work once they are awaited or told to block.

use std::{
    thread,
    time::{Duration, Instant},
};

use serde_json::value::RawValue;

use super::{
    journal_handle::{JournalHandle, KeyedAppended},
    journal_source::JournalSource,
    keyed_save::KeyedSave,
};
use crate::{
    audience::{self, IntoAudiences, Recipients},
    entry::{self, Entry},
    error::{Error, ErrorKind},
    event_id::EventId,
    journal::{Slot, save_deadline},
    key,
    observe::{JournalOperation, SaveResult},
    spans,
    trace_parent::TraceParent,
};

/// The pause before a save is tried again.
const RETRY_INTERVAL: Duration = Duration::from_millis(50);

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
    pub(super) trace_parent: Option<String>,
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

    /// Stores the trace context of this save with the value, so that its delivery, perhaps by another server, can be
    /// linked to it: the field `traceparent` of the span `sse.deliver`. It has the format of the HTTP header
    /// `traceparent` of W3C's Trace Context.
    ///
    /// ```no_run
    /// # async fn handler() -> Result<(), actix_web_sse::Error> {
    /// use actix_web_sse::cache;
    ///
    /// let trace_parent = "00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01";
    /// # #[cfg(feature = "actix")]
    /// cache().save("orders", "1").trace_parent(trace_parent).await?;
    /// # Ok(()) }
    /// ```
    pub fn trace_parent(mut self, trace_parent: impl Into<String>) -> Self {
        self.trace_parent = Some(trace_parent.into());
        self
    }

    /// Saves on this thread and returns the id of the event that the value triggers; of the last one, if
    /// there are several.
    ///
    /// # Errors
    ///
    /// Fails if the key or an audience is not valid, if the key [is private](crate::Events::is_private) and there is
    /// no audience, if the value cannot be written as JSON or is too large, if the trace context is not valid, or if
    /// the cache cannot be written. Then nothing was saved, unless the text of the error says otherwise: Redis may lose its answer.
    pub fn blocking(self) -> Result<EventId, Error> {
        let source = self.source.clone();
        observe(
            &source,
            |_| SaveResult::Saved,
            || {
                let save = self.validate()?;
                let append = || append(&source, |handle| save.encode(handle, None));
                save.in_span(append, |id| Some(*id))
            },
        )
    }

    /// Saves once, however often this is repeated with the same idempotency key and in whatever process, as long as the
    /// entry is in the journal.
    pub(crate) fn blocking_once(self, idempotency_key: &str) -> Result<KeyedSave, Error> {
        let source = self.source.clone();
        observe(&source, KeyedSave::result, || {
            self.append_once(&source, idempotency_key)
        })
    }

    fn append_once(
        self,
        source: &JournalSource,
        idempotency_key: &str,
    ) -> Result<KeyedSave, Error> {
        let save = self.validate()?;
        let append = |handle: &JournalHandle, deadline| {
            let document = save.encode(handle, Some(idempotency_key))?;
            Ok(
                match handle.append_keyed(idempotency_key, &document, deadline)? {
                    KeyedAppended::Now(id) => KeyedSave::Saved(id),
                    KeyedAppended::Earlier(entry) if save.is_saved_as(&entry) => {
                        KeyedSave::Repeated(entry.id())
                    }
                    KeyedAppended::Earlier(_) => KeyedSave::Differs,
                },
            )
        };
        save.in_span(|| retry_while_away(source, append), KeyedSave::id)
    }

    fn validate(self) -> Result<ValidSave, Error> {
        let key = key::validate(&self.key)?;
        let recipients = Recipients::new(self.to)?;
        let value = self.value.map_err(|reason| {
            Error::new(
                ErrorKind::Value,
                format!("the value for `{key}` cannot be written as JSON: {reason}"),
            )
            .with_help("use a type that serde_json can serialize, for example with strings as the keys of its maps")
        })?;
        let trace_parent = self.trace_parent.as_deref().map(TraceParent::parse);
        Ok(ValidSave {
            key: self.key,
            value,
            ttl: self.ttl,
            recipients,
            trace_parent: trace_parent.transpose()?,
        })
    }
}

/// Counts a save.
fn observe<T>(
    source: &JournalSource,
    success: impl Fn(&T) -> SaveResult,
    save: impl FnOnce() -> Result<T, Error>,
) -> Result<T, Error> {
    let start = Instant::now();
    let result = save();
    let outcome = match &result {
        Ok(saved) => success(saved),
        Err(error) => error.kind().into(),
    };
    source.observations().saved(outcome, start.elapsed());
    result
}

/// A save whose parts are valid for themselves.
struct ValidSave {
    key: String,
    value: Box<RawValue>,
    ttl: Option<Duration>,
    recipients: Recipients,
    trace_parent: Option<TraceParent>,
}

impl ValidSave {
    /// Does the work of this save in its span. `id` is that of its entry.
    fn in_span<T>(
        &self,
        work: impl FnOnce() -> Result<T, Error>,
        id: impl Fn(&T) -> Option<EventId>,
    ) -> Result<T, Error> {
        let span = spans::save(&self.key, self.value.get().len());
        let result = span.in_scope(work);
        if let Some(id) = result.as_ref().ok().and_then(id) {
            span.record("id", tracing::field::display(id));
        }
        spans::record_error(&span, &result);
        result
    }

    /// The document for the journal, if the configuration allows it.
    fn encode(
        &self,
        journal_handle: &JournalHandle,
        idempotency_key: Option<&str>,
    ) -> Result<Vec<u8>, Error> {
        let (key, config) = (&self.key, journal_handle.config());
        if self.recipients == Recipients::Everyone && config.events().is_private(key) {
            return Err(public_save_of_private_key(key));
        }
        let (length, limit) = (self.value.get().len(), config.max_value_bytes());
        if length > limit {
            return Err(too_large(key, length, limit));
        }
        Ok(entry::encode_document_for(
            &self.recipients,
            key,
            self.value.clone(),
            self.ttl.unwrap_or(config.ttl()),
            journal_handle.now()?,
            idempotency_key,
            self.trace_parent.as_ref(),
        ))
    }

    fn is_saved_as(&self, entry: &Entry) -> bool {
        entry.is_of_save(&self.recipients, &self.key, &self.value, self.ttl)
    }
}

/// Appends a document to the journal.
fn append(
    source: &JournalSource,
    encode: impl Fn(&JournalHandle) -> Result<Vec<u8>, Error>,
) -> Result<EventId, Error> {
    retry_while_away(source, |handle, deadline| {
        handle.append(&encode(handle)?, deadline)
    })
}

/// Saves until the deadline that `save` gets. While a server that keeps the journal is away, tries again.
fn retry_while_away<T>(
    source: &JournalSource,
    save: impl Fn(&JournalHandle, Instant) -> Result<T, Error>,
) -> Result<T, Error> {
    let deadline = save_deadline();
    loop {
        let journal_handle = source.journal_handle();
        let result = journal_handle.and_then(|handle| save(&handle, deadline));
        match result {
            Err(error) if error.is_temporary() && Instant::now() < deadline => {
                thread::sleep(RETRY_INTERVAL);
            }
            Err(error) => {
                if error.kind() == ErrorKind::Cache {
                    source
                        .observations()
                        .journal_failed(JournalOperation::Append);
                }
                return Err(error);
            }
            saved => return saved,
        }
    }
}

fn too_large(key: &str, length: usize, limit: usize) -> Error {
    Error::new(
        ErrorKind::Value,
        format!("the value for `{key}` has {length} bytes as JSON; at most {limit} are allowed"),
    )
    .with_help(
        "save an id and let the page fetch the rest; in Rust, `Config::with_max_value_bytes` raises the limit",
    )
}

fn public_save_of_private_key(key: &str) -> Error {
    let message = format!("the cache key `{key}` is private, and the save names no audience");
    Error::new(ErrorKind::Audience, message).with_help(
        "name the audiences that may receive the value: `.to(\"user:42\")` in Rust, `sse save --to user:42` in a \
         shell, `?to=user:42` over HTTP; to save for everyone, remove `:private` after the key in SSE_EVENTS",
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
        let handle = self.source.journal_handle();
        let result = handle.and_then(|handle| handle.get(&Slot { key, audience }));
        if result.is_err() {
            self.source
                .observations()
                .journal_failed(JournalOperation::Get);
        }
        result
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
    /// Fails if the key or the audience is not valid, or if the cache cannot be written. Then nothing was deleted,
    /// unless the text of the error says otherwise.
    pub fn blocking(self) -> Result<(), Error> {
        let key = key::validate(&self.key)?;
        let recipients = Recipients::new(self.to.map(|name| vec![name]))?;
        append(&self.source, |journal_handle| {
            let now = journal_handle.now()?;
            Ok(entry::encode_tombstone(&recipients, key, now))
        })?;
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
    /// Fails if the audience is not valid or the cache cannot be written. Then nothing was revoked, unless
    /// the text of the error says otherwise.
    pub fn blocking(self) -> Result<EventId, Error> {
        audience::validate(&self.name)?;
        append(&self.source, |journal_handle| {
            Ok(entry::encode_revocation(&self.name, journal_handle.now()?))
        })
    }
}
