//! Deleting a key's value.

use std::time::SystemTime;

use super::Cache;
use crate::{entry, error::Error, key};

/// The end of a key's value, on its way into the cache.
#[must_use = "nothing is deleted until this is awaited, or `blocking()` is called"]
pub struct Delete {
    pub(super) cache: Cache,
    pub(super) key: String,
}

impl Delete {
    /// Deletes on this thread, and returns the number that the deletion has in the journal.
    ///
    /// # Errors
    ///
    /// When the key is not valid, or the cache cannot be written. Then nothing was deleted.
    pub fn blocking(self) -> Result<u64, Error> {
        let key = key::checked(&self.key)?;
        let store = self.cache.store()?;
        store.append(&entry::tombstone(key, SystemTime::now()))
    }
}

#[cfg(feature = "actix")]
impl IntoFuture for Delete {
    type Output = Result<u64, Error>;
    type IntoFuture = super::waiting::Waiting<u64>;

    /// Deletes on a thread that may wait for the disk.
    fn into_future(self) -> Self::IntoFuture {
        super::waiting::wait("the value is not deleted", move || self.blocking())
    }
}
