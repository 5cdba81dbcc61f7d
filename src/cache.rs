//! Saves values, reads and deletes them, and follows what is saved. [`cache()`] and [`Cache`] are also at
//! the root of the crate.

mod any_value;
mod follow;
#[cfg(feature = "actix")]
mod hand_over;
#[cfg(feature = "actix")]
mod into_future;
mod journal_handle;
mod journal_source;
mod keyed_save;
mod operations;
#[cfg(any(test, feature = "testing"))]
mod test_caches;
#[cfg(test)]
mod tests;

use std::{
    path::{Path, PathBuf},
    sync::{Arc, LazyLock},
    time::SystemTime,
};

use serde::Serialize;
use serde_json::value::to_raw_value;

pub(crate) use self::journal_handle::JournalHandle;
use self::journal_source::JournalSource;
#[doc(hidden)]
pub use self::keyed_save::KeyedSave;
#[cfg(all(any(test, feature = "testing"), feature = "actix"))]
pub(crate) use self::test_caches::is_installed;
#[cfg(any(test, feature = "testing"))]
pub(crate) use self::test_caches::{Installation, cache_of_other_tests};
pub use self::{
    follow::{Follow, Next},
    operations::{Delete, Get, Revoke, Save},
};
#[cfg(feature = "actix")]
pub(crate) use self::{
    hand_over::{EntryReceiver, SavedEntry},
    journal_handle::{FORMER_CACHE_TIME, FollowedJournal},
};
pub use crate::audience::IntoAudiences;
#[cfg(feature = "actix")]
use crate::config::app_dir;
use crate::{
    config::Config,
    entry::Entry,
    error::Error,
    event_id::EventId,
    journal::{CacheAddress, check_existing},
    key,
    observe::Observations,
};

/// The app's cache. A value saved here reaches every client that receives the events of its key, from
/// this process and from every other that uses the same cache.
///
/// It is cheap to clone. [`cache()`] returns the cache that the app's `.env` describes.
#[derive(Debug, Clone)]
pub struct Cache {
    source: JournalSource,
    /// The folder of the app; `None` for the one of [`app_dir()`].
    #[cfg_attr(
        not(feature = "actix"),
        allow(dead_code, reason = "only the HTTP side reads it")
    )]
    app_dir: Option<Arc<Path>>,
}

/// Returns the cache of the app in [`app_dir()`](crate::app_dir). It is opened when it is first used.
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
    static CACHE: LazyLock<Cache> = LazyLock::new(|| Cache::lazy(None, Config::from_env));
    #[cfg(any(test, feature = "testing"))]
    if let Some(cache) = test_caches::cache_of_test() {
        return cache;
    }
    &CACHE
}

impl Cache {
    /// Opens the cache that `config` describes, and creates it if it does not exist.
    ///
    /// # Errors
    ///
    /// Fails if the cache cannot be created, read or written.
    pub fn open(config: &Config) -> Result<Self, Error> {
        let handle = JournalHandle::open(config.clone(), Observations::new())?;
        Ok(Self {
            source: JournalSource::opened(handle),
            app_dir: Some(config.app_dir().into()),
        })
    }

    /// A cache in memory, for tests.
    #[cfg(any(test, feature = "testing"))]
    pub(crate) fn in_memory(config: &Config) -> Result<Self, Error> {
        Self::observed_in_memory(config, Observations::new())
    }

    /// A cache in memory that is observed by itself.
    #[cfg(any(test, feature = "actix", feature = "testing"))]
    pub(crate) fn observed_in_memory(
        config: &Config,
        observations: Observations,
    ) -> Result<Self, Error> {
        let handle = JournalHandle::in_memory(config.clone(), observations)?;
        Ok(Self {
            source: JournalSource::opened(handle),
            app_dir: Some(config.app_dir().into()),
        })
    }

    /// Returns the cache of the app in `app_dir`, as its `.env` describes it. It is opened when it is first used.
    ///
    /// ```no_run
    /// use actix_web_sse::{Cache, Sse};
    ///
    /// // A server for the app in another folder. It follows edits of the `.env` there.
    /// let sse = Sse::from_cache(&Cache::from_dir("/srv/shop"));
    /// # drop(sse);
    /// ```
    #[must_use]
    pub fn from_dir(app_dir: impl Into<PathBuf>) -> Self {
        let app_dir: PathBuf = app_dir.into();
        Self::lazy(Some(app_dir.as_path().into()), move || {
            Config::from_dir(&app_dir)
        })
    }

    /// Opens the cache that a configuration describes when it is first used.
    pub(crate) fn lazy(
        app_dir: Option<Arc<Path>>,
        config: impl Fn() -> Result<Config, Error> + Send + Sync + 'static,
    ) -> Self {
        Self::lazy_in(app_dir, move |observations| {
            JournalHandle::open(config()?, observations)
        })
    }

    fn lazy_in(
        app_dir: Option<Arc<Path>>,
        open: impl Fn(Observations) -> Result<JournalHandle, Error> + Send + Sync + 'static,
    ) -> Self {
        Self {
            source: JournalSource::lazy(open),
            app_dir,
        }
    }

    #[cfg(feature = "actix")]
    pub(crate) fn observations(&self) -> &Observations {
        self.source.observations()
    }

    /// The folder of the app.
    #[cfg(feature = "actix")]
    pub(crate) fn app_dir(&self) -> PathBuf {
        (self.app_dir.as_deref()).map_or_else(app_dir, Path::to_owned)
    }

    /// Returns where the cache is.
    ///
    /// # Errors
    ///
    /// Fails if the cache cannot be opened.
    pub fn address(&self) -> Result<CacheAddress, Error> {
        Ok(self.journal_handle()?.address())
    }

    /// Checks whether this process can use the cache that `config` describes: read it, save there, and
    /// ingest the files of other programs. Creates no cache: if there is none yet, the check
    /// succeeds, and does not show whether it can be created.
    ///
    /// # Errors
    ///
    /// Fails if the cache cannot be used. The error says why, and what to do.
    pub fn check(config: &Config) -> Result<(), Error> {
        check_existing(config)
    }

    /// Saves `value` under `key`, once the result is awaited or [`Save::blocking`] is called.
    ///
    /// The saved value survives the end of this process. It is not synced to the disk, so it may not
    /// survive a power failure.
    pub fn save(&self, key: impl Into<String>, value: impl Serialize) -> Save {
        Save {
            source: self.source.clone(),
            key: key.into(),
            value: to_raw_value(&value).map_err(|error| error.to_string()),
            ttl: None,
            to: None,
            trace_parent: None,
        }
    }

    /// Saves `value` under `key` on this thread and returns the id of the event that it triggers.
    ///
    /// Use it in code that is not async: in a handler, it would hold up other requests.
    ///
    /// # Errors
    ///
    /// Fails like [`Save::blocking`].
    pub fn save_blocking(
        &self,
        key: impl Into<String>,
        value: impl Serialize,
    ) -> Result<EventId, Error> {
        self.save(key, value).blocking()
    }

    /// Reads the newest value saved under `key` for everyone, once the result is awaited or [`Get::blocking`] is
    /// called. [`Get::to`] reads that of one audience.
    ///
    /// The result is `None` if nothing was saved under the key, or if the newest value has expired,
    /// or was deleted or swept; an older value never comes back. A value expires when its time to
    /// live is over, which the save or `SSE_TTL` sets; 0 keeps it until it is swept.
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
            source: self.source.clone(),
            key: key.into(),
            to: None,
        }
    }

    /// Reads the newest value saved under `key` on this thread.
    ///
    /// Use it in code that is not async: in a handler, it would hold up other requests.
    ///
    /// # Errors
    ///
    /// Fails like [`Get::blocking`].
    pub fn get_blocking(&self, key: impl Into<String>) -> Result<Option<Entry>, Error> {
        self.get(key).blocking()
    }

    /// Deletes the value saved under `key`, for everyone and for every audience, once the result is awaited or
    /// [`Delete::blocking`] is called. Until another value is saved, [`get`](Self::get) returns `None`.
    ///
    /// A deletion triggers no event and recalls none: reconnecting clients still receive the values
    /// saved before it. Deleting a key without a value succeeds, too.
    pub fn delete(&self, key: impl Into<String>) -> Delete {
        Delete {
            source: self.source.clone(),
            key: key.into(),
            to: None,
        }
    }

    /// Ends every stream that holds the audience `name`, on every server of this cache, once the result is
    /// awaited or [`Revoke::blocking`] is called. For example, when a user has logged out:
    ///
    /// ```no_run
    /// # async fn logout(user_id: u64) -> Result<(), actix_web_sse::Error> {
    /// use actix_web_sse::cache;
    ///
    /// // First the session, so that the client cannot open its stream again.
    /// # #[cfg(feature = "actix")]
    /// cache().revoke(format!("user:{user_id}")).await?;
    /// # Ok(()) }
    /// ```
    ///
    /// The revocation has a place in the order of the saved values: no stream that was authorized before it
    /// receives what is saved after it. The clients connect again, and the app decides again what they may
    /// receive.
    pub fn revoke(&self, name: impl Into<String>) -> Revoke {
        Revoke {
            source: self.source.clone(),
            name: name.into(),
        }
    }

    /// Ends every stream that holds the audience `name`, like [`revoke`](Self::revoke). Saves the revocation on
    /// this thread.
    ///
    /// # Errors
    ///
    /// Fails like [`Revoke::blocking`].
    pub fn revoke_blocking(&self, name: impl Into<String>) -> Result<EventId, Error> {
        self.revoke(name).blocking()
    }

    /// Deletes the value saved under `key` on this thread.
    ///
    /// Use it in code that is not async: in a handler, it would hold up other requests.
    ///
    /// # Errors
    ///
    /// Fails like [`Delete::blocking`].
    pub fn delete_blocking(&self, key: impl Into<String>) -> Result<(), Error> {
        self.delete(key).blocking()
    }

    /// Starts to follow the cache: the result yields the values that are saved after this call.
    ///
    /// While it lives, a background thread ingests the files that other programs put into the cache
    /// folder or the drop-in folder, unless another process does so.
    ///
    /// # Errors
    ///
    /// Fails if the cache cannot be opened.
    pub fn follow(&self) -> Result<Follow, Error> {
        Follow::start(self.journal_handle()?, None)
    }

    /// Like [`follow`](Self::follow), and starts with the first value that was saved at `time` or later and that
    /// the cache still has. How many it keeps depends on their times to live and on their number. If older values
    /// were swept, some of which may have been saved since `time`, it starts with [`Next::Gap`]. This reads the
    /// whole cache: 10,000 values take a few hundred milliseconds.
    ///
    /// # Errors
    ///
    /// Fails if the cache cannot be opened or read.
    pub fn follow_since(&self, time: SystemTime) -> Result<Follow, Error> {
        Follow::start(self.journal_handle()?, Some(time))
    }

    /// Whether the key has a value, for everyone or for an audience. Reads the whole cache if it has none.
    pub(crate) fn has_any_value(&self, key: &str) -> Result<bool, Error> {
        let key = key::validate(key)?;
        let journal_handle = self.journal_handle()?;
        journal_handle.retry_if_replaced(|journal| any_value::has_any_value(&**journal, key))
    }

    /// The journal's handle, with the configuration of the last edit of `.env`.
    pub(crate) fn journal_handle(&self) -> Result<Arc<JournalHandle>, Error> {
        self.source.journal_handle()
    }
}
