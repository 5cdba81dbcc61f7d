//! One [`Sse`] for all workers of a process, started as soon as the configuration can be used.

use std::{
    sync::{Mutex, OnceLock, PoisonError},
    time::{Duration, Instant},
};

use actix_web::web;

use super::sse::Sse;
use crate::{error::Error, runtime::RepeatedError};

/// How long after a failed start the next one is tried. Until then, requests get the same error, so
/// that not every request reads files. The documentation promises that an edit of `.env` takes effect
/// within two seconds.
const START_RETRY_DELAY: Duration = Duration::from_secs(2);

/// Starts an [`Sse`] once. actix-web builds the app on each worker, but one reader of the cache serves
/// them all.
pub(super) struct LazySse {
    starter: fn() -> Result<Sse, Error>,
    started: OnceLock<Sse>,
    failures: Mutex<StartFailures>,
}

struct StartFailures {
    last: Option<(Instant, Error)>,
    errors: RepeatedError,
}

impl LazySse {
    /// The `Sse` that the app's `.env` describes.
    pub(super) fn from_env() -> &'static Self {
        static FROM_ENV: OnceLock<LazySse> = OnceLock::new();
        FROM_ENV.get_or_init(|| Self::new(Sse::from_env))
    }

    fn new(starter: fn() -> Result<Sse, Error>) -> Self {
        Self {
            starter,
            started: OnceLock::new(),
            failures: Mutex::new(StartFailures {
                last: None,
                errors: RepeatedError::new(
                    "live notifications are unavailable",
                    "live notifications are available",
                ),
            }),
        }
    }

    /// Returns the `Sse`, and starts it if an earlier start failed: the configuration may have been
    /// corrected since.
    pub(super) async fn get(&'static self) -> Result<Sse, Error> {
        if let Some(sse) = self.started.get() {
            return Ok(sse.clone());
        }
        let now = Instant::now();
        // Starting reads files, so it runs on a thread that may wait for the disk.
        match web::block(move || self.start(now)).await {
            Ok(result) => result,
            Err(_) => self.start(now),
        }
    }

    /// Returns the `Sse` if it was started.
    pub(super) fn started(&self) -> Option<Sse> {
        self.started.get().cloned()
    }

    /// Starts the `Sse` on this thread, unless that was done or failed less than [`START_RETRY_DELAY`] ago.
    pub(super) fn start(&self, now: Instant) -> Result<Sse, Error> {
        let mut failures = self.failures.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(sse) = self.started.get() {
            return Ok(sse.clone());
        }
        if let Some((failed_at, error)) = &failures.last
            && now.saturating_duration_since(*failed_at) < START_RETRY_DELAY
        {
            return Err(error.clone());
        }
        match (self.starter)() {
            Ok(sse) => {
                failures.errors.note_success();
                Ok(self.started.get_or_init(|| sse).clone())
            }
            Err(error) => {
                failures.errors.report(&error);
                failures.last = Some((now, error.clone()));
                Err(error)
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use std::path::PathBuf;

    use super::*;
    use crate::config::Config;

    #[test]
    fn a_configuration_can_be_corrected_while_the_app_runs() {
        static APP: OnceLock<PathBuf> = OnceLock::new();
        let app = tempfile::tempdir().unwrap();
        APP.set(app.path().to_owned()).unwrap();
        let lazy = LazySse::new(|| Sse::start(&Config::from_dir(APP.get().unwrap())?));
        let start = Instant::now();
        assert!(lazy.start(start).is_err());
        std::fs::write(app.path().join(".env"), "SSE_EVENTS=a:k\n").unwrap();
        assert!(lazy.start(start).is_err(), "not at every request");
        let sse = lazy.start(start + START_RETRY_DELAY).unwrap();
        assert!(sse.config().events().contains("a"));
        // Once started, it does not depend on the file.
        std::fs::remove_file(app.path().join(".env")).unwrap();
        assert!(lazy.start(start + 2 * START_RETRY_DELAY).is_ok());
    }
}
