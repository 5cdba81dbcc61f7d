//! One [`Sse`] for all workers of a process, started as soon as it can be.

use std::{
    sync::{Mutex, OnceLock, PoisonError},
    time::{Duration, Instant},
};

use super::sse::Sse;
use crate::{error::Error, runtime::RepeatedError};

/// How long a start that failed is not tried again.
const AGAIN: Duration = Duration::from_secs(2);

/// An app is built once on each worker, and one reader of the cache serves them all.
pub(crate) struct Shared {
    start: fn() -> Result<Sse, Error>,
    started: OnceLock<Sse>,
    failed: Mutex<Failed>,
}

struct Failed {
    last: Option<(Instant, Error)>,
    fault: RepeatedError,
}

impl Shared {
    /// The one that the app's `.env` describes.
    pub(crate) fn of_this_process() -> &'static Self {
        static SHARED: OnceLock<Shared> = OnceLock::new();
        SHARED.get_or_init(|| Self::new(Sse::from_env))
    }

    fn new(start: fn() -> Result<Sse, Error>) -> Self {
        Self {
            start,
            started: OnceLock::new(),
            failed: Mutex::new(Failed {
                last: None,
                fault: RepeatedError::new(
                    "Server-Sent Events are off",
                    "Server-Sent Events are on",
                ),
            }),
        }
    }

    /// The one that was started, or why there is none. What was wrong may have been mended since it
    /// was last tried.
    pub(crate) async fn get(&'static self) -> Result<Sse, Error> {
        if let Some(sse) = self.started.get() {
            return Ok(sse.clone());
        }
        // Files are read for that.
        let now = Instant::now();
        match actix_web::web::block(move || self.start(now)).await {
            Ok(result) => result,
            Err(_) => self.start(now),
        }
    }

    /// The one that was started, if it was.
    pub(crate) fn started(&self) -> Option<Sse> {
        self.started.get().cloned()
    }

    /// Starts it, unless that is done, or has failed a moment ago. Waits for files.
    pub(crate) fn start(&self, now: Instant) -> Result<Sse, Error> {
        let mut failed = self.failed.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(sse) = self.started.get() {
            return Ok(sse.clone());
        }
        if let Some((at, error)) = &failed.last
            && now.saturating_duration_since(*at) < AGAIN
        {
            return Err(error.clone());
        }
        match (self.start)() {
            Ok(sse) => {
                failed.fault.resolved();
                Ok(self.started.get_or_init(|| sse).clone())
            }
            Err(error) => {
                failed.fault.report(&error);
                failed.last = Some((now, error.clone()));
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
    fn what_was_wrong_at_the_start_can_be_mended_while_the_app_runs() {
        static APP: OnceLock<PathBuf> = OnceLock::new();
        let app = tempfile::tempdir().unwrap();
        APP.set(app.path().to_owned()).unwrap();
        let shared = Shared::new(|| Sse::start(&Config::from_dir(APP.get().unwrap())?));
        let begin = Instant::now();
        assert!(shared.start(begin).is_err());
        std::fs::write(app.path().join(".env"), "SSE_EVENTS=a:k\n").unwrap();
        assert!(shared.start(begin).is_err(), "not at every request");
        let sse = shared.start(begin + AGAIN).unwrap();
        assert!(sse.config().events().contains("a"));
        // It stays what it is, whatever becomes of the file.
        std::fs::remove_file(app.path().join(".env")).unwrap();
        assert!(shared.start(begin + 2 * AGAIN).is_ok());
    }
}
