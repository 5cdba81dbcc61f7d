//! Follows `.env`: the current configuration is that of the last edit that can be used.
//!
//! The file is polled instead of watched: it is small, it may be replaced by a rename or be a
//! symbolic link or be on a file system without notifications, and a delay of two seconds is
//! acceptable.

use std::{
    path::Path,
    sync::{
        Arc, Mutex, PoisonError, RwLock,
        atomic::{AtomicU32, Ordering},
    },
    time::{Duration, Instant},
};

use super::{
    definition::Config,
    env_bytes::{self, unchanged_for},
    env_file::EnvFile,
};
use crate::{
    error::Error,
    runtime::{RepeatedError, lock, try_lock},
};

/// Time between two reads of `.env`. An edit takes effect after at most this and [`EDIT_DEBOUNCE`]
/// together: the two seconds that the documentation states, and a tenth that a user does not notice.
const ENV_POLL_INTERVAL: Duration = Duration::from_secs(2);

/// An edit counts once the file has stayed the same for this long, because editors empty a file before
/// they write it. A write of a small file takes a few milliseconds, and a person does not notice a
/// tenth of a second.
const EDIT_DEBOUNCE: Duration = Duration::from_millis(100);

/// A file that cannot be used is reported only after it has stayed the same for this long, because its
/// author may be between two saves. Longer than an editor takes to write a file, and short enough that
/// an error is in the log when the author looks for it.
const INVALID_EDIT_DEBOUNCE: Duration = Duration::from_secs(1);

/// Holds the current configuration and reads it again after an edit.
///
/// Any thread may be the one that notices an edit. The others compare [`version`](Self::version).
pub(crate) struct ConfigPoller {
    current: RwLock<Arc<Config>>,
    /// How often `current` has changed.
    version: AtomicU32,
    /// Why the last edit has no effect. Apart from the state, whose lock is held while a cache is opened.
    problem: Mutex<Option<Error>>,
    poll_state: Mutex<PollState>,
}

/// The state that is kept between two reads of the file.
struct PollState {
    next_check: Instant,
    /// The content that was accepted or rejected last; `None` before the first, and while an edit waits
    /// for its cache.
    last_evaluated: Option<Snapshot>,
    pending: Option<Pending>,
    problem: Option<Error>,
    /// `None` if another poller of the same file writes the log.
    log: Option<RepeatedError>,
}

/// The bytes of the file, `None` if it does not exist, or why it cannot be read.
struct Snapshot(Result<Option<Vec<u8>>, Error>);

impl Snapshot {
    /// `None` if the process has no descriptor left to open the file, which says nothing about the file.
    fn take(path: &Path) -> Option<Self> {
        let bytes = env_bytes::read_regular(path);
        let is_shortage = |error: &Error| error.shortage_of_descriptors().is_some();
        (!bytes.as_ref().is_err_and(is_shortage)).then_some(Self(bytes))
    }
}

impl PartialEq for Snapshot {
    fn eq(&self, other: &Self) -> bool {
        match (&self.0, &other.0) {
            (Ok(bytes), Ok(other)) => bytes == other,
            (Err(error), Err(other)) => error.to_string() == other.to_string(),
            _ => false,
        }
    }
}

/// Content that has not taken effect yet: it has to stay the same for a while first, or its cache
/// cannot be used.
struct Pending {
    snapshot: Snapshot,
    since: Instant,
    /// Whether it was rejected once, so that it is tried again after [`INVALID_EDIT_DEBOUNCE`].
    is_invalid: bool,
    /// The configuration, once the content is known to be valid.
    config: Option<Config>,
}

impl ConfigPoller {
    pub(crate) fn new(config: Config) -> Self {
        let log = RepeatedError::new(
            "a change of .env has no effect",
            "changes of .env take effect",
        );
        Self::with_log(config, Some(log))
    }

    /// For an app in which another poller of the same file writes the log.
    #[cfg(feature = "actix")]
    pub(crate) fn silent(config: Config) -> Self {
        Self::with_log(config, None)
    }

    fn with_log(config: Config, log: Option<RepeatedError>) -> Self {
        Self {
            current: RwLock::new(Arc::new(config)),
            version: AtomicU32::new(0),
            problem: Mutex::default(),
            poll_state: Mutex::new(PollState {
                next_check: Instant::now() + ENV_POLL_INTERVAL,
                last_evaluated: None,
                pending: None,
                problem: None,
                log,
            }),
        }
    }

    pub(crate) fn current(&self) -> Arc<Config> {
        let current = self.current.read().unwrap_or_else(PoisonError::into_inner);
        Arc::clone(&current)
    }

    /// How often the configuration has changed.
    pub(crate) fn version(&self) -> u32 {
        // Pairs with `Release` in `replace`: a thread that sees the new version also sees the new
        // configuration.
        self.version.load(Ordering::Acquire)
    }

    /// Why the last edit has no effect; `None` if it has.
    #[cfg(feature = "actix")]
    pub(crate) fn problem(&self) -> Option<Error> {
        lock(&self.problem).clone()
    }

    /// How long until the file is to be read again. Until then, the configuration does not change.
    pub(crate) fn time_to_next_check(&self) -> Duration {
        let state = lock(&self.poll_state);
        state.next_check.saturating_duration_since(Instant::now())
    }

    /// Whether the file is to be read again, and no other thread does so.
    #[cfg(feature = "actix")]
    pub(crate) fn is_check_due(&self) -> bool {
        try_lock(&self.poll_state).is_some_and(|state| Instant::now() >= state.next_check)
    }

    /// Reads the file on this thread if that is due. An edit takes effect only after `prepare` has
    /// succeeded with the new configuration. If it fails, that is tried again at each later check.
    pub(crate) fn reload_if_due(&self, prepare: impl FnOnce(&Config) -> Result<(), Error>) {
        self.reload_if_due_at(Instant::now(), prepare);
    }

    pub(crate) fn reload_if_due_at(
        &self,
        now: Instant,
        prepare: impl FnOnce(&Config) -> Result<(), Error>,
    ) {
        // If another thread is already checking, keep the current configuration rather than wait.
        let Some(mut state) = try_lock(&self.poll_state) else {
            return;
        };
        if now < state.next_check {
            return;
        }
        state.next_check = now + ENV_POLL_INTERVAL;
        let current = self.current();
        if !current.is_from_env {
            return;
        }
        let path = current.app_dir.join(".env");
        let Some(snapshot) = Snapshot::take(&path) else {
            return;
        };
        state.observe(snapshot, &path, now);
        let evaluated = state.evaluate_pending(&current, now, prepare);
        (*lock(&self.problem)).clone_from(&state.problem);
        let Some(config) = evaluated else {
            return;
        };
        // Otherwise only lines have moved, which later error messages name.
        let is_changed = config.settings != current.settings;
        *self.current.write().unwrap_or_else(PoisonError::into_inner) = Arc::new(config);
        if is_changed {
            // Release: see `version`.
            self.version.fetch_add(1, Ordering::Release);
            if state.log.is_some() {
                tracing::info!(".env was edited: its new values are in effect");
            }
        }
    }
}

impl PollState {
    /// Compares the file's content with the evaluated and the pending one.
    fn observe(&mut self, snapshot: Snapshot, path: &Path, now: Instant) {
        if self.last_evaluated.as_ref() == Some(&snapshot) {
            self.pending = None;
            return;
        }
        let is_known = |pending: &Pending| pending.snapshot == snapshot;
        if !self.pending.as_ref().is_some_and(is_known) {
            // A program that saves rarely also checks rarely. Its first save after an edit must not use
            // the former cache, which servers may have left long ago.
            let since = now.checked_sub(unchanged_for(path));
            self.pending = Some(Pending {
                snapshot,
                since: since.unwrap_or(now),
                is_invalid: false,
                config: None,
            });
        }
    }

    /// Returns the configuration that is to take effect, which may equal the current one.
    fn evaluate_pending(
        &mut self,
        current: &Config,
        now: Instant,
        prepare: impl FnOnce(&Config) -> Result<(), Error>,
    ) -> Option<Config> {
        let pending = self.pending.as_mut()?;
        if now.saturating_duration_since(pending.since) < pending.debounce() {
            self.next_check = now + EDIT_DEBOUNCE;
            return None;
        }
        let edited = || {
            let bytes = pending.snapshot.0.clone()?;
            current.with_edited_env(bytes.map(EnvFile::new).as_ref())
        };
        let config = match pending.config.take().map_or_else(edited, Ok) {
            Err(_) if !pending.is_invalid => {
                pending.is_invalid = true;
                self.next_check = now + EDIT_DEBOUNCE;
                return None;
            }
            Err(error) => {
                self.conclude(Err(error));
                return None;
            }
            Ok(config) => config,
        };
        if config.settings != current.settings
            && let Err(error) = prepare(&config)
        {
            pending.config = Some(config);
            self.last_evaluated = None;
            self.note(Err(error));
            return None;
        }
        self.conclude(Ok(()));
        Some(config)
    }

    fn conclude(&mut self, result: Result<(), Error>) {
        self.last_evaluated = self.pending.take().map(|pending| pending.snapshot);
        self.note(result);
    }

    fn note(&mut self, result: Result<(), Error>) {
        self.problem = result.as_ref().err().cloned();
        if let Some(log) = &mut self.log {
            log.note(result);
        }
    }
}

impl Pending {
    fn debounce(&self) -> Duration {
        if self.is_invalid {
            INVALID_EDIT_DEBOUNCE
        } else {
            EDIT_DEBOUNCE
        }
    }
}

#[cfg(test)]
mod tests;
