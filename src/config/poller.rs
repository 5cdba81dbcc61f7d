//! Follows `.env`: the current configuration is that of the last edit that can be used.
//!
//! The file is polled instead of watched: it is small, it may be replaced by a rename or be a
//! symbolic link or be on a file system without notifications, and a delay of two seconds is
//! acceptable.

use std::{
    sync::{Arc, Mutex, PoisonError, RwLock},
    time::{Duration, Instant},
};

use super::{
    definition::Config,
    env_snapshot::{EDIT_DEBOUNCE, EnvSnapshot},
};
use crate::runtime::RepeatedError;

/// Time between two reads of `.env`. An edit takes effect after at most this and [`EDIT_DEBOUNCE`]
/// together: the two seconds that the documentation states, and a tenth that a user does not notice.
const ENV_POLL_INTERVAL: Duration = Duration::from_secs(2);

/// A file that cannot be used is reported only after it has stayed the same for this long, because its
/// author may be between two saves. Longer than an editor takes to write a file, and short enough that
/// an error is in the log when the author looks for it.
const INVALID_EDIT_DEBOUNCE: Duration = Duration::from_secs(1);

/// Holds the current configuration and reads it again after an edit.
pub(crate) struct ConfigPoller {
    current: RwLock<Arc<Config>>,
    poll_state: Mutex<PollState>,
}

/// The state that is kept between two reads of the file.
struct PollState {
    next_check: Instant,
    /// The content that was accepted or rejected last; `None` before the first.
    last_evaluated: Option<EnvSnapshot>,
    pending: Option<Pending>,
    error: RepeatedError,
}

/// Content that was not evaluated yet, because it has to stay the same for a while first.
struct Pending {
    snapshot: EnvSnapshot,
    since: Instant,
    /// Whether it was rejected once, so that it is tried again after [`INVALID_EDIT_DEBOUNCE`].
    is_invalid: bool,
}

impl ConfigPoller {
    pub(crate) fn new(config: Config) -> Self {
        Self {
            current: RwLock::new(Arc::new(config)),
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

    /// How long until the file is to be read again.
    #[cfg_attr(
        not(feature = "actix"),
        expect(dead_code, reason = "only the hub has a thread that polls")
    )]
    pub(crate) fn time_to_next_check(&self) -> Duration {
        let state = self
            .poll_state
            .lock()
            .unwrap_or_else(PoisonError::into_inner);
        state.next_check.saturating_duration_since(Instant::now())
    }

    /// Reads the file on this thread if that is due. Returns whether the configuration has changed.
    pub(crate) fn reload_if_due(&self) -> bool {
        self.reload_if_due_at(Instant::now())
    }

    fn reload_if_due_at(&self, now: Instant) -> bool {
        // If another thread is already checking, keep the current configuration rather than wait.
        let Ok(mut state) = self.poll_state.try_lock() else {
            return false;
        };
        if now < state.next_check {
            return false;
        }
        state.next_check = now + ENV_POLL_INTERVAL;
        let current = self.current();
        if !current.is_from_env {
            return false;
        }
        state.observe(EnvSnapshot::take(&current.app_dir), now);
        self.evaluate_pending(&mut state, &current, now)
    }

    fn evaluate_pending(&self, state: &mut PollState, current: &Config, now: Instant) -> bool {
        let Some(pending) = &mut state.pending else {
            return false;
        };
        if now.duration_since(pending.since) < pending.debounce() {
            state.next_check = now + EDIT_DEBOUNCE;
            return false;
        }
        let has_changed = match current.reread() {
            Err(_) if !pending.is_invalid => {
                pending.is_invalid = true;
                state.next_check = now + EDIT_DEBOUNCE;
                return false;
            }
            Err(error) => {
                state.error.report(&error);
                false
            }
            Ok(config) => {
                state.error.note_success();
                self.replace(current, config)
            }
        };
        state.last_evaluated = state.pending.take().map(|pending| pending.snapshot);
        has_changed
    }

    fn replace(&self, current: &Config, config: Config) -> bool {
        if config.settings == current.settings {
            return false;
        }
        log::info!(".env was edited: its new values are in effect");
        *self.current.write().unwrap_or_else(PoisonError::into_inner) = Arc::new(config);
        true
    }
}

impl PollState {
    /// Compares the file's content with the evaluated and the pending one.
    fn observe(&mut self, snapshot: EnvSnapshot, now: Instant) {
        if self.last_evaluated.as_ref() == Some(&snapshot) {
            self.pending = None;
            return;
        }
        let is_known = |pending: &Pending| pending.snapshot == snapshot;
        if !self.pending.as_ref().is_some_and(is_known) {
            self.pending = Some(Pending {
                snapshot,
                since: now,
                is_invalid: false,
            });
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
