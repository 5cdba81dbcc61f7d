//! Reading a key's value.

use super::Cache;
use crate::{entry::Entry, error::Error, key};

/// A question for the newest value of a key.
#[must_use = "nothing is read until this is awaited, or `blocking()` is called"]
pub struct Get {
    pub(super) cache: Cache,
    pub(super) key: String,
}

impl Get {
    /// Reads on this thread.
    ///
    /// # Errors
    ///
    /// When the key is not valid, or the cache cannot be read.
    pub fn blocking(self) -> Result<Option<Entry>, Error> {
        let key = key::checked(&self.key)?;
        self.cache.store()?.get(key)
    }
}

#[cfg(feature = "actix")]
impl IntoFuture for Get {
    type Output = Result<Option<Entry>, Error>;
    type IntoFuture = super::waiting::Waiting<Option<Entry>>;

    /// Reads on a thread that may wait for the disk.
    fn into_future(self) -> Self::IntoFuture {
        super::waiting::wait("the value is not read", move || self.blocking())
    }
}
