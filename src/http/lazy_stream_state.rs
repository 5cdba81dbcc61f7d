//! The state of the streams of one cache, started as soon as the cache can be used.

use std::{
    sync::{Arc, Mutex, OnceLock},
    time::Duration,
};

use super::{close_at_signal::SignalTask, limits::StreamLimits};
use crate::{
    cache::{Cache, JournalHandle},
    config::Config,
    error::Error,
    hub::Hub,
    observe::JournalOperation,
    runtime::{BackgroundThread, Interrupt, RepeatedError, lock},
};

/// The pause between two attempts to start. The documentation promises that an edit of `.env` takes
/// effect within about two seconds.
const START_RETRY_DELAY: Duration = Duration::from_secs(2);

/// What the streams of one cache share on the HTTP side.
pub(crate) struct SharedStreamState {
    pub(crate) hub: Arc<Hub>,
    pub(super) limits: Arc<StreamLimits>,
    signal_task: SignalTask,
}

impl SharedStreamState {
    /// A start that fails counts as a read of the tail that fails: both keep events from the clients.
    fn start(cache: &Cache) -> Result<Self, Error> {
        let observations = cache.observations();
        observations.tail_starts();
        observations.refresh_tail_age();
        let result = cache.journal_handle().and_then(Self::follow);
        if result.is_err() {
            observations.journal_failed(JournalOperation::Tail);
        }
        result
    }

    fn follow(journal_handle: Arc<JournalHandle>) -> Result<Self, Error> {
        Ok(Self {
            hub: Arc::new(Hub::start(journal_handle)?),
            limits: Arc::new(StreamLimits::new()),
            signal_task: SignalTask::default(),
        })
    }

    /// How many streams may be open.
    pub(crate) fn max_streams(&self) -> usize {
        self.limits.max_streams(&self.hub.config())
    }

    /// Ends the streams at SIGTERM and SIGINT. Must be called on an actix worker.
    pub(super) fn close_on_signals(&self) {
        if self.hub.config().signal_handling() {
            self.signal_task.ensure_started(&self.hub);
        }
    }
}

pub(crate) enum LazyStreamState {
    Started(SharedStreamState),
    /// The first attempt failed. The thread makes the others, so that no request reads files.
    Retried {
        start: Arc<RetriedStart>,
        thread: OnceLock<BackgroundThread>,
    },
}

/// A start that is tried until it succeeds.
pub(crate) struct RetriedStart {
    cache: Cache,
    started: OnceLock<SharedStreamState>,
    failure: Mutex<StartFailure>,
}

struct StartFailure {
    last_error: Error,
    /// Of `.env`. Their pages may read the error.
    allowed_origins: Vec<String>,
    log: RepeatedError,
    /// Set by [`LazyStreamState::close`] before the start.
    is_closing: bool,
}

impl LazyStreamState {
    /// Fails if the start fails.
    pub(super) fn start(cache: &Cache) -> Result<Self, Error> {
        SharedStreamState::start(cache).map(Self::Started)
    }

    /// Logs the error if the start fails, and tries again.
    pub(super) fn start_or_retry(cache: &Cache) -> Self {
        Self::start(cache).unwrap_or_else(|error| {
            let retried = Self::Retried {
                start: Arc::new(RetriedStart::new(cache, error)),
                thread: OnceLock::new(),
            };
            retried.ensure_retrying();
            retried
        })
    }

    /// Fails with the error of the last attempt until one succeeds.
    pub(crate) fn get(&self) -> Result<&SharedStreamState, Error> {
        let start = match self {
            Self::Started(state) => return Ok(state),
            Self::Retried { start, .. } => start,
        };
        start.started.get().ok_or_else(|| {
            self.ensure_retrying();
            lock(&start.failure).last_error.clone()
        })
    }

    /// The origins whose pages may read the error of the last attempt.
    pub(super) fn origins_before_start(&self) -> Vec<String> {
        match self {
            Self::Started(_) => Vec::new(),
            Self::Retried { start, .. } => lock(&start.failure).allowed_origins.clone(),
        }
    }

    /// If the process can start no thread now, the next request tries again.
    fn ensure_retrying(&self) {
        let Self::Retried { start, thread } = self else {
            return;
        };
        if thread.get().is_none() {
            let start = Arc::clone(start);
            let work = move |interrupt: &Interrupt| start.retry(interrupt);
            if let Ok(started) = BackgroundThread::start("sse-start", work) {
                let _ = thread.set(started);
            }
        }
    }

    /// Ends every stream, also those that open after a start to come.
    pub(super) fn close(&self) {
        if let Self::Retried { start, .. } = self {
            lock(&start.failure).is_closing = true;
        }
        if let Ok(state) = self.get() {
            state.hub.close();
        }
    }
}

impl RetriedStart {
    fn new(cache: &Cache, error: Error) -> Self {
        let mut log = RepeatedError::new(
            "live notifications are unavailable",
            "live notifications are available",
        );
        log.report(&error);
        Self {
            cache: cache.clone(),
            started: OnceLock::new(),
            failure: Mutex::new(StartFailure {
                last_error: error,
                allowed_origins: origins_in_env(cache),
                log,
                is_closing: false,
            }),
        }
    }

    fn retry(&self, interrupt: &Interrupt) {
        while self.started.get().is_none() {
            interrupt.wait(START_RETRY_DELAY);
            if interrupt.is_raised() {
                return;
            }
            self.try_start();
        }
    }

    fn try_start(&self) {
        let result = SharedStreamState::start(&self.cache);
        let origins = origins_in_env(&self.cache);
        let mut failure = lock(&self.failure);
        match result {
            Ok(state) => {
                if failure.is_closing {
                    state.hub.close();
                }
                failure.log.note_success();
                let _ = self.started.set(state);
            }
            Err(error) => {
                failure.log.report(&error);
                failure.last_error = error;
                failure.allowed_origins = origins;
            }
        }
    }
}

/// Read before each refusal is stored, because requests read no files. Without a list that can be used, no
/// origin is known to be allowed.
fn origins_in_env(cache: &Cache) -> Vec<String> {
    let config = Config::with_access_of_env(cache.app_dir());
    config.map_or_else(|_| Vec::new(), |config| config.allowed_origins().to_vec())
}

#[cfg(test)]
mod tests {
    use std::{
        sync::atomic::{AtomicU32, Ordering},
        time::Instant,
    };

    use super::*;

    /// Several attempts of a busy machine.
    const START_TIMEOUT: Duration = Duration::from_secs(30);

    fn wait_until_started(lazy: &LazyStreamState) -> &SharedStreamState {
        let deadline = Instant::now() + START_TIMEOUT;
        loop {
            match lazy.get() {
                Ok(state) => return state,
                Err(error) => assert!(Instant::now() < deadline, "{error}"),
            }
            std::thread::sleep(Duration::from_millis(20));
        }
    }

    #[test]
    fn a_configuration_can_be_corrected_while_the_app_runs() {
        let app = tempfile::tempdir().unwrap();
        let dir = app.path().to_owned();
        let lazy =
            LazyStreamState::start_or_retry(&Cache::lazy(None, move || Config::from_dir(&dir)));
        let error = lazy.get().err().unwrap();
        assert_eq!(error.kind(), crate::ErrorKind::Config);
        std::fs::write(app.path().join(".env"), "SSE_EVENTS=a:k\n").unwrap();
        assert!(lazy.get().is_err(), "a request reads no file");
        let state = wait_until_started(&lazy);
        assert!(state.hub.config().events().contains("a"));
        // Once started, it does not depend on the file.
        std::fs::remove_file(app.path().join(".env")).unwrap();
        assert!(lazy.get().is_ok());
    }

    #[test]
    fn nothing_is_started_after_the_drop() {
        let attempts = Arc::new(AtomicU32::new(0));
        let counted = Arc::clone(&attempts);
        let lazy = LazyStreamState::start_or_retry(&Cache::lazy(None, move || {
            counted.fetch_add(1, Ordering::SeqCst);
            Err(Error::new(crate::ErrorKind::Config, "never valid"))
        }));
        let deadline = Instant::now() + START_TIMEOUT;
        drop(lazy);
        // The thread holds the counter until it ends.
        while Arc::strong_count(&attempts) > 1 {
            assert!(Instant::now() < deadline, "the thread does not end");
            std::thread::sleep(Duration::from_millis(20));
        }
        assert_eq!(attempts.load(Ordering::SeqCst), 1);
    }

    #[test]
    fn streams_that_are_closed_before_the_start_stay_closed() {
        let app = tempfile::tempdir().unwrap();
        let dir = app.path().to_owned();
        let lazy =
            LazyStreamState::start_or_retry(&Cache::lazy(None, move || Config::from_dir(&dir)));
        lazy.close();
        std::fs::write(app.path().join(".env"), "SSE_EVENTS=a:k\n").unwrap();
        assert!(wait_until_started(&lazy).hub.is_closing());
    }
}
