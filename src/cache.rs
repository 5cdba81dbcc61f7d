//! Saving values, and following what is saved.

use std::{
    sync::{Arc, LazyLock, Mutex, PoisonError},
    time::{Duration, Instant, SystemTime},
};

use serde::Serialize;
use serde_json::value::{RawValue, to_raw_value};

use crate::{
    config::Config,
    entry::{self, Entry},
    error::{Error, ErrorKind},
    journal::{Interrupt, Reader, Step, Watch},
    key,
    store::{Followed, Store},
};

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
    Open(Arc<Store>),
    /// The app's `.env`; a failure is tried again at the next use.
    Env(Mutex<Option<Arc<Store>>>),
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
        let store = Arc::new(Store::open(config.clone())?);
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

    /// Follows the cache: what is saved from now on, read on this thread.
    ///
    /// As long as it is followed, what other programs drop into the cache folder is taken in, by a
    /// thread of its own unless another process does so.
    ///
    /// # Errors
    ///
    /// When the cache cannot be opened.
    pub fn follow(&self) -> Result<Follow, Error> {
        let store = self.store()?;
        let followed = store.follow()?;
        let reader = Reader::new(
            Arc::clone(&followed.journal),
            followed.journal.newest()? + 1,
        );
        let watch = followed.journal.watch();
        let never = Interrupt::new()
            .map_err(|error| Error::io("follow the cache", store.config().cache_dir(), error))?;
        Ok(Follow {
            store,
            followed,
            reader,
            watch,
            never,
        })
    }

    pub(crate) fn store(&self) -> Result<Arc<Store>, Error> {
        let slot = match &*self.source {
            Source::Open(store) => return Ok(Arc::clone(store)),
            Source::Env(slot) => slot,
        };
        let mut slot = slot.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(store) = &*slot {
            return Ok(Arc::clone(store));
        }
        let opened = Arc::new(Store::open(Config::from_env()?)?);
        *slot = Some(Arc::clone(&opened));
        Ok(opened)
    }
}

/// A value on its way into the cache.
#[must_use = "nothing is saved until this is awaited, or `blocking()` is called"]
pub struct Save {
    cache: Cache,
    key: String,
    value: Result<Box<RawValue>, String>,
    ttl: Option<Duration>,
}

impl Save {
    /// How long the value is replayed to clients that return, in the place of `SSE_TTL`; zero:
    /// until it is swept. Clients that are connected get it in any case.
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
        store.live().refresh();
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
    type IntoFuture = std::pin::Pin<Box<dyn Future<Output = Self::Output> + Send>>;

    /// Saves on a thread that may wait for the disk.
    fn into_future(self) -> Self::IntoFuture {
        Box::pin(async move {
            match tokio::runtime::Handle::try_current() {
                Ok(runtime) => match runtime.spawn_blocking(|| self.blocking()).await {
                    Ok(result) => result,
                    Err(error) => match error.try_into_panic() {
                        Ok(panic) => std::panic::resume_unwind(panic),
                        Err(_) => Err(Error::new(
                            ErrorKind::Cache,
                            "the value is not saved: the runtime was shut down",
                        )),
                    },
                },
                // Another executor has no such threads that we know of.
                Err(_) => self.blocking(),
            }
        })
    }
}

/// What is saved in a cache, one entry after the other.
pub struct Follow {
    store: Arc<Store>,
    followed: Followed,
    reader: Reader,
    watch: Box<dyn Watch>,
    never: Interrupt,
}

/// What a [`Follow`] meets.
#[derive(Debug, Clone)]
#[non_exhaustive]
pub enum Next {
    /// A saved value.
    Entry(Entry),
    /// Entries were swept or damaged before they were read, or the cache was made anew: something
    /// may have been missed.
    Gap,
}

impl Follow {
    /// Waits for what comes next, for `timeout` at most; `None`: nothing came.
    ///
    /// # Errors
    ///
    /// When the cache cannot be read.
    pub fn next_timeout(&mut self, timeout: Duration) -> Result<Option<Next>, Error> {
        let start = Instant::now();
        loop {
            self.store.live().refresh();
            let poll = self.store.config().poll_interval();
            let step = self.reader.step();
            match step {
                Ok(Step::Entry(entry)) => return Ok(Some(Next::Entry(entry))),
                Ok(Step::Swept | Step::Unreadable(_)) => return Ok(Some(Next::Gap)),
                Ok(Step::CaughtUp) | Err(_) if !self.store.is_in_force(&self.followed) => {
                    self.follow_anew()?;
                    return Ok(Some(Next::Gap));
                }
                Ok(Step::CaughtUp) => {}
                Err(error) => return Err(error),
            }
            let left = timeout.saturating_sub(start.elapsed());
            if left.is_zero() {
                return Ok(None);
            }
            self.watch
                .wait(self.reader.next(), left.min(poll), &self.never);
        }
    }

    /// Goes on in the journal that has taken the place of ours, with what was saved there since we
    /// looked last.
    fn follow_anew(&mut self) -> Result<(), Error> {
        let config = self.store.config();
        let age = config.lookback() + 2 * config.poll_interval();
        self.followed = self.store.follow()?;
        let journal = &self.followed.journal;
        self.watch = journal.watch();
        self.reader = Reader::recent(Arc::clone(journal), age, u64::MAX)?;
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn cache() -> (tempfile::TempDir, Cache) {
        let app = tempfile::tempdir().unwrap();
        let cache = Cache::open(&Config::new(app.path(), "a:k").unwrap()).unwrap();
        (app, cache)
    }

    fn next(follow: &mut Follow) -> Entry {
        match follow.next_timeout(Duration::from_secs(10)).unwrap() {
            Some(Next::Entry(entry)) => entry,
            other => panic!("{other:?}"),
        }
    }

    #[test]
    fn what_is_saved_is_followed_in_order() {
        let (_app, cache) = cache();
        cache.save_blocking("k", "before").unwrap();
        let mut follow = cache.follow().unwrap();
        assert!(follow.next_timeout(Duration::ZERO).unwrap().is_none());
        assert_eq!(cache.save_blocking("k", 1).unwrap(), 2);
        assert_eq!(cache.save_blocking("other", [true]).unwrap(), 3);
        for (number, key, value) in [(2, "k", "1"), (3, "other", "[true]")] {
            let entry = next(&mut follow);
            assert_eq!(
                (entry.number(), entry.key(), entry.value()),
                (number, key, value)
            );
        }
    }

    #[test]
    fn what_cannot_be_saved_is_refused() {
        let (_app, cache) = cache();
        for key in ["", "../k", "a:b"] {
            assert_eq!(
                cache.save_blocking(key, 1).unwrap_err().kind(),
                ErrorKind::Key
            );
        }
        let too_long = "x".repeat(64 * 1024);
        let error = cache.save_blocking("k", too_long).unwrap_err();
        assert_eq!(error.kind(), ErrorKind::Value);
        assert!(error.to_string().contains("65538 bytes"), "{error}");
        let no_json = std::collections::HashMap::from([(vec![1], 1)]);
        assert_eq!(
            cache.save_blocking("k", no_json).unwrap_err().kind(),
            ErrorKind::Value
        );
        assert_eq!(
            cache.save_blocking("k", 1).unwrap(),
            1,
            "nothing was saved before"
        );
    }

    #[test]
    fn a_deleted_folder_is_made_again() {
        let (app, cache) = cache();
        let mut follow = cache.follow().unwrap();
        cache.save_blocking("k", 1).unwrap();
        assert_eq!(next(&mut follow).value(), "1");
        // Out of the way in one step, as long as threads of ours work in it.
        std::fs::rename(app.path().join("writable"), app.path().join("deleted")).unwrap();
        std::fs::remove_dir_all(app.path().join("deleted")).unwrap();
        assert_eq!(cache.save_blocking("k", 2).unwrap(), 1);
        let gap = follow.next_timeout(Duration::from_secs(10)).unwrap();
        assert!(matches!(gap, Some(Next::Gap)), "{gap:?}");
        assert_eq!(next(&mut follow).value(), "2");
    }
}
