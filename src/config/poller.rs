//! Follows `.env`: the current configuration is that of the last edit that can be used.
//!
//! The file is polled instead of watched: it is small, it may be replaced by a rename or be a
//! symbolic link or be on a file system without notifications, and a delay of two seconds is
//! acceptable.

use std::{
    sync::{
        Arc, Mutex, PoisonError, RwLock,
        atomic::{AtomicU32, Ordering},
    },
    time::{Duration, Instant},
};

use super::{
    definition::Config,
    env_snapshot::{EDIT_DEBOUNCE, EnvSnapshot, unchanged_for},
};
use crate::{
    error::Error,
    runtime::{RepeatedError, try_lock},
};

/// Time between two reads of `.env`. An edit takes effect after at most this and [`EDIT_DEBOUNCE`]
/// together: the two seconds that the documentation states, and a tenth that a user does not notice.
const ENV_POLL_INTERVAL: Duration = Duration::from_secs(2);

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
    poll_state: Mutex<PollState>,
}

/// The state that is kept between two reads of the file.
struct PollState {
    next_check: Instant,
    /// The content that was accepted or rejected last; `None` before the first, and while an edit waits
    /// for its cache folder.
    last_evaluated: Option<EnvSnapshot>,
    pending: Option<Pending>,
    error: RepeatedError,
}

/// Content that has not taken effect yet: it has to stay the same for a while first, or its cache folder
/// cannot be used.
struct Pending {
    snapshot: EnvSnapshot,
    since: Instant,
    /// Whether it was rejected once, so that it is tried again after [`INVALID_EDIT_DEBOUNCE`].
    is_invalid: bool,
    /// The configuration, once the content is known to be valid.
    config: Option<Config>,
}

impl ConfigPoller {
    pub(crate) fn new(config: Config) -> Self {
        Self {
            current: RwLock::new(Arc::new(config)),
            version: AtomicU32::new(0),
            poll_state: Mutex::new(PollState {
                next_check: Instant::now() + ENV_POLL_INTERVAL,
                last_evaluated: None,
                pending: None,
                error: RepeatedError::new(
                    "a change of .env has no effect",
                    "changes of .env take effect",
                ),
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

    /// How long until the file is to be read again. Until then, the configuration does not change.
    pub(crate) fn time_to_next_check(&self) -> Duration {
        let state = self
            .poll_state
            .lock()
            .unwrap_or_else(PoisonError::into_inner);
        state.next_check.saturating_duration_since(Instant::now())
    }

    /// Reads the file on this thread if that is due. An edit takes effect only after `prepare` has
    /// succeeded with the new configuration. If it fails, that is tried again at each later check.
    pub(crate) fn reload_if_due(&self, prepare: impl FnOnce(&Config) -> Result<(), Error>) {
        self.reload_if_due_at(Instant::now(), prepare);
    }

    fn reload_if_due_at(&self, now: Instant, prepare: impl FnOnce(&Config) -> Result<(), Error>) {
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
        let Some(snapshot) = EnvSnapshot::take(&current.app_dir) else {
            return;
        };
        state.observe(snapshot, &current, now);
        if let Some(config) = state.evaluate_pending(&current, now, prepare) {
            self.replace(config, &current);
        }
    }

    fn replace(&self, config: Config, former: &Config) {
        let is_changed = config.settings != former.settings;
        *self.current.write().unwrap_or_else(PoisonError::into_inner) = Arc::new(config);
        // Otherwise only lines have moved, which later error messages name.
        if is_changed {
            // Release: see `version`.
            self.version.fetch_add(1, Ordering::Release);
            log::info!(".env was edited: its new values are in effect");
        }
    }
}

impl PollState {
    /// Compares the file's content with the evaluated and the pending one.
    fn observe(&mut self, snapshot: EnvSnapshot, current: &Config, now: Instant) {
        if self.last_evaluated.as_ref() == Some(&snapshot) {
            self.pending = None;
            return;
        }
        let is_known = |pending: &Pending| pending.snapshot == snapshot;
        if !self.pending.as_ref().is_some_and(is_known) {
            // A program that saves rarely also checks rarely. Its first save after an edit must not use
            // the former cache folder, which servers may have left long ago.
            let since = now.checked_sub(unchanged_for(&current.app_dir));
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
        let edited = || current.with_edited_env(&pending.snapshot);
        let config = match pending.config.take().map_or_else(edited, Ok) {
            Err(_) if !pending.is_invalid => {
                pending.is_invalid = true;
                self.next_check = now + EDIT_DEBOUNCE;
                return None;
            }
            Err(error) => {
                self.error.report(&error);
                self.conclude();
                return None;
            }
            Ok(config) => config,
        };
        if config.settings != current.settings
            && let Err(error) = prepare(&config)
        {
            self.error.report(&error);
            pending.config = Some(config);
            self.last_evaluated = None;
            return None;
        }
        self.error.note_success();
        self.conclude();
        Some(config)
    }

    fn conclude(&mut self) {
        self.last_evaluated = self.pending.take().map(|pending| pending.snapshot);
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
