//! Saving a value.

use std::time::{Duration, SystemTime};

use serde_json::value::RawValue;

use super::Cache;
use crate::{
    entry,
    error::{Error, ErrorKind},
    key,
};

/// A value on its way into the cache.
#[must_use = "nothing is saved until this is awaited, or `blocking()` is called"]
pub struct Save {
    pub(super) cache: Cache,
    pub(super) key: String,
    pub(super) value: Result<Box<RawValue>, String>,
    pub(super) ttl: Option<Duration>,
}

impl Save {
    /// How long the value is replayed to clients that return, and got by
    /// [`get`](Cache::get), in the place of `SSE_TTL`; zero: until it is swept. Clients that are
    /// connected get it in any case.
    pub fn ttl(mut self, ttl: Duration) -> Self {
        self.ttl = Some(ttl);
        self
    }

    /// Saves on this thread, and returns the entry's number in the journal.
    ///
    /// # Errors
    ///
    /// When the key is not valid, the value is no JSON or too large, or the cache cannot be
    /// written. Then nothing was saved.
    pub fn blocking(self) -> Result<u64, Error> {
        let key = key::checked(&self.key)?;
        let value = self.value.map_err(|why| {
            Error::new(
                ErrorKind::Value,
                format!("the value for `{key}` is no JSON: {why}"),
            )
            .with_help("save a type whose maps have strings as keys")
        })?;
        let store = self.cache.store()?;
        let config = store.config();
        let (length, most) = (value.get().len(), config.max_value_bytes());
        if length > most {
            return Err(Error::new(
                ErrorKind::Value,
                format!("the value for `{key}` has {length} bytes as JSON; {most} are allowed"),
            )
            .with_help("save an id and let the page fetch the rest"));
        }
        let ttl = self.ttl.unwrap_or(config.ttl());
        store.append(&entry::document(key, value, ttl, SystemTime::now()))
    }
}

#[cfg(feature = "actix")]
impl IntoFuture for Save {
    type Output = Result<u64, Error>;
    type IntoFuture = super::waiting::Waiting<u64>;

    /// Saves on a thread that may wait for the disk.
    fn into_future(self) -> Self::IntoFuture {
        super::waiting::wait("the value is not saved", move || self.blocking())
    }
}
