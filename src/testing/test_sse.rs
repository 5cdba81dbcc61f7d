//! `TestSse`: the cache of one test.

use std::{fmt, path::PathBuf, sync::Arc, time::Duration};

use serde::Serialize;
use tempfile::TempDir;

use super::saved::Saved;
use crate::{
    cache::{Cache, Installation, JournalHandle},
    config::{Config, app_dir},
    error::Error,
    journal::{BatchEnd, Journal},
};

/// A stream shows with a heartbeat which entries it has passed: [`TestStream::expect_nothing`] waits for
/// one. The least that [`Config::with_heartbeat`] accepts.
///
/// [`TestStream::expect_nothing`]: super::TestStream::expect_nothing
const HEARTBEAT: Duration = Duration::from_millis(10);

/// Bounds how long a server takes to notice that its cache was replaced. The least that
/// [`Config::with_poll_interval`] accepts.
const POLL_INTERVAL: Duration = Duration::from_millis(50);

/// Entries that are read together.
const BATCH_ENTRIES: u64 = 256;

/// How long streams wait by default for what a test expects: longer than a busy machine takes.
const DEADLINE: Duration = Duration::from_secs(5);

/// The cache of one test. As long as it lives, [`cache()`](crate::cache()) and everything that starts from
/// it, such as [`Sse::from_env`](crate::Sse::from_env) and [`routes`](crate::routes()), use this cache
/// instead of the app's own:
///
/// ```
/// use actix_web_sse::{cache, testing::TestSse};
///
/// async fn place_order() -> Result<(), actix_web_sse::Error> {
///     cache().save("order", 42).await?;
///     Ok(())
/// }
///
/// # #[actix_web::main]
/// # async fn main() {
/// let sse = TestSse::in_memory("order_placed:order");
/// place_order().await.unwrap();
/// sse.assert_saved("order", 42);
/// # }
/// ```
///
/// That holds for the thread that creates it, and for all threads of the runtime that it is created in,
/// so handlers may save in `web::block`, and tests that run side by side do not see each other's saves.
/// On a thread that a test starts itself, use [`cache`](Self::cache).
///
/// Every stream of a test lasts until it is dropped, sends heartbeats every 10 ms, and notices within
/// 50 ms that the cache was replaced.
pub struct TestSse {
    cache: Cache,
    handle: Arc<JournalHandle>,
    _installation: Installation,
    #[cfg(feature = "actix")]
    pub(super) sse: std::cell::OnceCell<crate::http::Sse>,
    pub(super) deadline: Duration,
    /// Last, so that it is removed when nothing works in it any more.
    _folder: Option<TempDir>,
}

impl TestSse {
    /// A cache in memory with these events, in the form of `SSE_EVENTS`.
    ///
    /// # Panics
    ///
    /// Panics if the events cannot be parsed.
    #[track_caller]
    #[must_use]
    pub fn in_memory(events: &str) -> Self {
        Self::in_memory_with(events, |config| config)
    }

    /// Like [`in_memory`](Self::in_memory), with a changed configuration.
    ///
    /// # Panics
    ///
    /// Panics if the events cannot be parsed.
    #[track_caller]
    #[must_use]
    pub fn in_memory_with(events: &str, change: impl FnOnce(Config) -> Config) -> Self {
        let config = change(prompt(expect(Config::new(app_dir(), events))));
        Self::of_cache(Cache::in_memory(&config))
    }

    /// A cache in a temporary [folder](Self::folder), which other programs can use, too.
    ///
    /// # Panics
    ///
    /// Panics if the events cannot be parsed, or the folder cannot be created.
    #[track_caller]
    #[must_use]
    pub fn in_folder(events: &str) -> Self {
        Self::in_folder_with(events, |config| config)
    }

    /// Like [`in_folder`](Self::in_folder), with a changed configuration.
    ///
    /// # Panics
    ///
    /// Panics if the cache cannot be opened.
    #[track_caller]
    #[must_use]
    pub fn in_folder_with(events: &str, change: impl FnOnce(Config) -> Config) -> Self {
        let folder = tempfile::tempdir();
        let folder =
            folder.unwrap_or_else(|error| panic!("cannot create a temporary folder: {error}"));
        let config = change(prompt(expect(Config::new(folder.path(), events))));
        Self {
            _folder: Some(folder),
            ..Self::open(&config)
        }
    }

    /// The cache that `config` describes. Of the configuration, nothing is changed.
    ///
    /// # Panics
    ///
    /// Panics if the cache cannot be opened.
    #[track_caller]
    #[must_use]
    pub fn open(config: &Config) -> Self {
        Self::of_cache(Cache::open(config))
    }

    #[track_caller]
    fn of_cache(cache: Result<Cache, Error>) -> Self {
        let cache = expect(cache);
        let handle = expect(cache.journal_handle());
        Self {
            _installation: Installation::new(&handle),
            cache,
            handle,
            #[cfg(feature = "actix")]
            sse: std::cell::OnceCell::new(),
            deadline: DEADLINE,
            _folder: None,
        }
    }

    /// Sets how long the streams of this test wait for what the test expects. Default: 5 seconds.
    #[must_use]
    pub fn with_deadline(mut self, deadline: Duration) -> Self {
        self.deadline = deadline;
        self
    }

    /// The cache of this test, for `Data<Cache>` and for threads that the test starts.
    #[must_use]
    pub fn cache(&self) -> &Cache {
        &self.cache
    }

    /// The app's folder: `.env` and `writable/cache` belong here.
    #[must_use]
    pub fn folder(&self) -> PathBuf {
        self.handle.config().app_dir().to_owned()
    }

    /// Everything that was saved in this cache.
    #[track_caller]
    pub fn saved(&self) -> Saved {
        self.saved_after(0)
    }

    /// Runs `work` and returns what was saved meanwhile.
    ///
    /// ```
    /// # use actix_web_sse::{cache, testing::TestSse};
    /// # #[actix_web::main]
    /// # async fn main() {
    /// let sse = TestSse::in_memory("order_placed:order");
    /// let saved = sse.capture(async { cache().save("order", 42).await }).await;
    /// assert_eq!(saved.values::<u64>("order"), [42]);
    /// # }
    /// ```
    pub async fn capture(&self, work: impl Future) -> Saved {
        let last = self.newest_number();
        work.await;
        self.saved_after(last)
    }

    /// Runs `work` on this thread and returns what was saved meanwhile.
    #[track_caller]
    pub fn capture_blocking<T>(&self, work: impl FnOnce() -> T) -> Saved {
        let last = self.newest_number();
        work();
        self.saved_after(last)
    }

    /// Asserts that `value` was saved under `key`, at least once. See [`Saved::assert_saved`].
    #[track_caller]
    pub fn assert_saved(&self, key: &str, value: impl Serialize) {
        self.saved().assert_saved(key, value);
    }

    /// Asserts that nothing was saved. See [`Saved::assert_nothing_saved`].
    #[track_caller]
    pub fn assert_nothing_saved(&self) {
        self.saved().assert_nothing_saved();
    }

    /// Replaces the journal, as a program does that clears the cache folder: every value is gone, and
    /// clients receive a gap.
    #[track_caller]
    pub fn clear(&self) {
        expect(self.journal().discard());
    }

    #[track_caller]
    pub(crate) fn journal(&self) -> Arc<dyn Journal> {
        expect(self.handle.current())
    }

    #[track_caller]
    fn newest_number(&self) -> u64 {
        expect(self.journal().newest_number())
    }

    #[track_caller]
    fn saved_after(&self, number: u64) -> Saved {
        let journal = self.journal();
        let mut next_number = number + 1;
        let mut entries = Vec::new();
        loop {
            let batch = expect(journal.read_from(next_number, BATCH_ENTRIES));
            next_number += batch.entries.len() as u64;
            let readable = batch.entries.into_iter().flatten();
            entries.extend(readable.filter(|entry| !entry.is_tombstone()));
            match batch.end {
                BatchEnd::CaughtUp => return Saved(entries),
                BatchEnd::More => {}
                BatchEnd::Swept { oldest } => next_number = oldest,
            }
        }
    }
}

impl fmt::Debug for TestSse {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("TestSse").finish_non_exhaustive()
    }
}

/// A configuration with which a test waits for nothing longer than necessary.
fn prompt(config: Config) -> Config {
    config
        .with_heartbeat(HEARTBEAT)
        .with_poll_interval(POLL_INTERVAL)
        .with_stream_duration(Duration::ZERO)
}

/// A test that cannot set up or read its cache has failed.
#[track_caller]
pub(super) fn expect<T>(result: Result<T, Error>) -> T {
    result.unwrap_or_else(|error| match error.help() {
        Some(help) => panic!("{error}\nhelp: {help}"),
        None => panic!("{error}"),
    })
}
