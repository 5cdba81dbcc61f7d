//! `TestSse`: the cache of one test.

use std::{fmt, path::PathBuf, sync::Arc, time::Duration};

use serde::Serialize;
use tempfile::TempDir;

use super::saved::Saved;
use crate::{
    cache::{Cache, Installation, JournalHandle, cache_of_other_tests},
    config::Config,
    entry::Entry,
    epoch::Epoch,
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

/// More entries than a test saves: a swept one could no longer be asserted.
const HISTORY_ENTRIES: u64 = 1_000_000;

/// The app's folder of a test in memory. It cannot be created, so nothing that the app writes there reaches
/// a running server.
const NO_FOLDER: &str = "/dev/null/in-memory";

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
/// On a thread that a test starts itself, use [`cache`](Self::cache). What is saved there by
/// [`cache()`](crate::cache()) belongs to no test, and messages of failed assertions list it.
///
/// Every stream of a test lasts until it is dropped, sends heartbeats every 10 ms, and notices within
/// 50 ms that the cache was replaced.
pub struct TestSse {
    cache: Cache,
    handle: Arc<JournalHandle>,
    _installation: Installation,
    start: Mark,
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
        let config = change(prompt(expect(Config::new(NO_FOLDER, events))));
        Self::of_cache(Cache::in_memory(&config))
    }

    /// A cache in a temporary [folder](Self::folder), which other programs can use, too. Their files are
    /// ingested while a stream is open.
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
        let folder = match tempfile::tempdir() {
            Ok(folder) => folder,
            Err(error) => panic!("cannot create a temporary folder: {error}"),
        };
        let config = change(prompt(expect(Config::new(folder.path(), events))));
        Self {
            _folder: Some(folder),
            ..Self::open(&config)
        }
    }

    /// The cache that `config` describes. Of the configuration, nothing is changed, so streams may take
    /// longer: set a short [`with_heartbeat`](Config::with_heartbeat) for
    /// [`expect_nothing`](super::TestStream::expect_nothing).
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
        let start = Mark::new(&*expect(handle.current()));
        Self {
            start,
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

    /// The app's folder. The cache is in `writable/cache`, unless the configuration names another folder.
    /// A test in memory has no folder: the path cannot be created.
    #[must_use]
    pub fn folder(&self) -> PathBuf {
        self.config().app_dir().to_owned()
    }

    /// Everything that was saved in this cache since this `TestSse` was created, or since the last
    /// [`clear`](Self::clear).
    ///
    /// # Panics
    ///
    /// Panics if some of it was swept.
    #[track_caller]
    pub fn saved(&self) -> Saved {
        self.saved_after(&self.start)
    }

    /// Runs `work` and returns what was saved meanwhile; after a [`clear`](Self::clear), what was saved
    /// since then.
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
        let start = Mark::new(&*self.journal());
        work.await;
        self.saved_after(&start)
    }

    /// Runs `work` on this thread and returns what was saved meanwhile.
    #[track_caller]
    pub fn capture_blocking<T>(&self, work: impl FnOnce() -> T) -> Saved {
        let start = Mark::new(&*self.journal());
        work();
        self.saved_after(&start)
    }

    /// Asserts that `value` was saved under `key`, at least once. See [`Saved::assert_saved`].
    #[track_caller]
    pub fn assert_saved(&self, key: &str, value: impl Serialize) {
        self.saved().assert_saved(key, value);
    }

    /// Asserts that `value` was saved under `key` for this audience. See [`Saved::assert_saved_to`].
    #[track_caller]
    pub fn assert_saved_to(&self, audience: &str, key: &str, value: impl Serialize) {
        self.saved().assert_saved_to(audience, key, value);
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

    pub(super) fn config(&self) -> Arc<Config> {
        self.handle.config()
    }

    #[track_caller]
    pub(crate) fn journal(&self) -> Arc<dyn Journal> {
        expect(self.handle.current())
    }

    #[track_caller]
    fn saved_after(&self, start: &Mark) -> Saved {
        let journal = self.journal();
        let (entries, is_swept) = expect(read_after(&*journal, start.last_number_in(&*journal)));
        assert!(
            !is_swept,
            "some of the saved values were swept: use a larger `with_history` in this test"
        );
        let elsewhere = journal_of_other_tests().map(|journal| {
            let (entries, _) = read_after(&*journal, start.last_elsewhere).unwrap_or_default();
            entries
        });
        Saved {
            entries,
            elsewhere: elsewhere.unwrap_or_default(),
        }
    }
}

/// Which entries a test has seen.
struct Mark {
    epoch: Epoch,
    last: u64,
    /// In the cache of tests without a [`TestSse`].
    last_elsewhere: u64,
}

impl Mark {
    #[track_caller]
    fn new(journal: &dyn Journal) -> Self {
        let elsewhere = journal_of_other_tests();
        Self {
            epoch: journal.epochs().current(),
            last: expect(journal.newest_number()),
            last_elsewhere: elsewhere.map_or(0, |journal| journal.newest_number().unwrap_or(0)),
        }
    }

    /// A journal that has replaced theirs contains none of them.
    fn last_number_in(&self, journal: &dyn Journal) -> u64 {
        let shared = journal.epochs().last_number_shared_with(self.epoch);
        shared.map_or(0, |shared| shared.min(self.last))
    }
}

fn journal_of_other_tests() -> Option<Arc<dyn Journal>> {
    let handle = cache_of_other_tests()?.journal_handle().ok()?;
    handle.current().ok()
}

/// The entries after this number, without deletions, and whether some were swept.
fn read_after(journal: &dyn Journal, number: u64) -> Result<(Vec<Entry>, bool), Error> {
    let (mut entries, mut is_swept) = (Vec::new(), false);
    let mut next_number = number + 1;
    loop {
        let batch = journal.read_from(next_number, BATCH_ENTRIES)?;
        next_number += batch.entries.len() as u64;
        let readable = batch.entries.into_iter().flatten();
        entries.extend(readable.filter(Entry::has_value));
        match batch.end {
            BatchEnd::CaughtUp => return Ok((entries, is_swept)),
            BatchEnd::More => {}
            BatchEnd::Swept { oldest } => (next_number, is_swept) = (oldest, true),
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
        .with_history(HISTORY_ENTRIES)
        .with_poll_interval(POLL_INTERVAL)
        .with_stream_duration(Duration::ZERO)
}

/// A test that cannot set up or read its cache has failed.
#[track_caller]
pub(super) fn expect<T>(result: Result<T, Error>) -> T {
    // Not in a closure: the panic would not show the caller's line.
    let error = match result {
        Ok(value) => return value,
        Err(error) => error,
    };
    match error.help() {
        Some(help) => panic!("{error}\nhelp: {help}"),
        None => panic!("{error}"),
    }
}
