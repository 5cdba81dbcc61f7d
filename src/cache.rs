//! Saving values, and following what is saved.

mod delete;
mod follow;
mod get;
mod journal_handle;
mod save;
#[cfg(test)]
mod tests;
#[cfg(feature = "actix")]
mod waiting;

use std::sync::{Arc, LazyLock, Mutex, PoisonError};

use serde::Serialize;
use serde_json::value::to_raw_value;

pub(crate) use self::journal_handle::{FollowedJournal, JournalHandle};
pub use self::{
    delete::Delete,
    follow::{Follow, Next},
    get::Get,
    save::Save,
};
use crate::{config::Config, entry::Entry, error::Error};

/// The app's cache: a value saved here reaches every client that listens to its key, from this
/// process and from every other on the same cache.
///
/// Cheap to clone. [`cache()`] is the one that the app's `.env` describes.
#[derive(Clone)]
pub struct Cache {
    source: Arc<Source>,
}

/// Where the cache is opened from, when it is first used.
enum Source {
    /// It is open already.
    Open(Arc<JournalHandle>),
    /// The app's `.env`; a failure is tried again at the next use.
    Env(Mutex<Option<Arc<JournalHandle>>>),
}

/// The cache of the app in [`app_dir()`](crate::app_dir), opened when it is first used.
///
/// ```no_run
/// # async fn handler() -> Result<(), actix_web_sse::Error> {
/// use actix_web_sse::cache;
///
/// # #[cfg(feature = "actix")]
/// cache().save("event_cache_key1", "1").await?;
/// # Ok(()) }
/// ```
#[must_use]
pub fn cache() -> &'static Cache {
    static CACHE: LazyLock<Cache> = LazyLock::new(|| Cache {
        source: Arc::new(Source::Env(Mutex::new(None))),
    });
    &CACHE
}

impl Cache {
    /// Opens the cache that `config` describes, and makes its folder where it is missing.
    ///
    /// # Errors
    ///
    /// When the folder cannot be made, read or written.
    pub fn open(config: &Config) -> Result<Self, Error> {
        let store = Arc::new(JournalHandle::open(config.clone())?);
        Ok(Self {
            source: Arc::new(Source::Open(store)),
        })
    }

    /// Saves `value` under `key`. Nothing happens until the result is awaited, or until
    /// [`Save::blocking`] is called.
    ///
    /// The save survives the end of this process; it is not synced to the disk, so it may not
    /// survive a power failure.
    pub fn save(&self, key: impl Into<String>, value: impl Serialize) -> Save {
        Save {
            cache: self.clone(),
            key: key.into(),
            value: to_raw_value(&value).map_err(|error| error.to_string()),
            ttl: None,
        }
    }

    /// Saves `value` under `key`, on this thread, and returns the entry's number. For code that is
    /// not async; in a handler it would hold up other requests.
    ///
    /// # Errors
    ///
    /// As [`Save::blocking`].
    pub fn save_blocking(
        &self,
        key: impl Into<String>,
        value: impl Serialize,
    ) -> Result<u64, Error> {
        self.save(key, value).blocking()
    }

    /// The newest value saved under `key`, with all that is known of it. Nothing happens until the
    /// result is awaited, or until [`Get::blocking`] is called.
    ///
    /// `None`: nothing was saved under the key, or what was saved last is over, deleted or swept.
    /// An older value never comes back. A value is over after the time to live it was saved with,
    /// or `SSE_TTL`; with 0 it stays until it is swept.
    ///
    /// ```no_run
    /// # async fn handler() -> Result<(), actix_web_sse::Error> {
    /// use actix_web_sse::cache;
    ///
    /// # #[cfg(feature = "actix")]
    /// if let Some(entry) = cache().get("event_cache_key1").await? {
    ///     println!("{} since {}", entry.value(), entry.timestamp());
    /// }
    /// # Ok(()) }
    /// ```
    pub fn get(&self, key: impl Into<String>) -> Get {
        Get {
            cache: self.clone(),
            key: key.into(),
        }
    }

    /// The newest value saved under `key`, read on this thread. For code that is not async; in a
    /// handler it would hold up other requests.
    ///
    /// # Errors
    ///
    /// As [`Get::blocking`].
    pub fn get_blocking(&self, key: impl Into<String>) -> Result<Option<Entry>, Error> {
        self.get(key).blocking()
    }

    /// Deletes the value saved under `key`: from then on [`get`](Self::get) finds none, until
    /// another is saved. Nothing happens until the result is awaited, or until
    /// [`Delete::blocking`] is called.
    ///
    /// It fires no event, and takes back none: clients that return still get what was saved before.
    /// A key without a value may be deleted, too.
    pub fn delete(&self, key: impl Into<String>) -> Delete {
        Delete {
            cache: self.clone(),
            key: key.into(),
        }
    }

    /// Deletes the value saved under `key`, on this thread, and returns the number that the
    /// deletion has in the journal. For code that is not async; in a handler it would hold up other
    /// requests.
    ///
    /// # Errors
    ///
    /// As [`Delete::blocking`].
    pub fn delete_blocking(&self, key: impl Into<String>) -> Result<u64, Error> {
        self.delete(key).blocking()
    }

    /// Follows the cache: what is saved from now on, read on this thread.
    ///
    /// As long as it is followed, what other programs drop into the cache folder is taken in, by a
    /// thread of its own unless another process does so.
    ///
    /// # Errors
    ///
    /// When the cache cannot be opened.
    pub fn follow(&self) -> Result<Follow, Error> {
        Follow::begin(self.store()?)
    }

    /// The store, with the configuration that is in force now.
    pub(crate) fn store(&self) -> Result<Arc<JournalHandle>, Error> {
        let store = self.open_store()?;
        store.config_watcher().reload_if_due();
        Ok(store)
    }

    fn open_store(&self) -> Result<Arc<JournalHandle>, Error> {
        let slot = match &*self.source {
            Source::Open(store) => return Ok(Arc::clone(store)),
            Source::Env(slot) => slot,
        };
        let mut slot = slot.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(store) = &*slot {
            return Ok(Arc::clone(store));
        }
        let opened = Arc::new(JournalHandle::open(Config::from_env()?)?);
        *slot = Some(Arc::clone(&opened));
        Ok(opened)
    }
}
