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
    env_snapshot::{DEBOUNCE, EnvSnapshot},
};
use crate::runtime::RepeatedError;

/// Time between two reads of `.env`. The documentation promises that an edit takes effect within
/// two seconds.
const POLL_INTERVAL: Duration = Duration::from_secs(2);

/// A file that cannot be used is reported only after it has stayed the same for this long: its
/// author may be between two saves.
const DEBOUNCE_IF_INVALID: Duration = Duration::from_secs(1);

/// Holds the current configuration and reads it again after an edit.
pub(crate) struct ConfigWatcher {
    current: RwLock<Arc<Config>>,
    poll_state: Mutex<PollState>,
}

/// What is remembered between two reads of the file.
struct PollState {
    next_check: Instant,
    /// The content that was accepted or rejected last; `None` before the first decision.
    decided: Option<EnvSnapshot>,
    pending: Option<Pending>,
    error: RepeatedError,
}

/// Content other than the decided one, which has to stay the same for a while.
struct Pending {
    snapshot: EnvSnapshot,
    since: Instant,
    /// Whether it was rejected once, so that it is tried again after [`DEBOUNCE_IF_INVALID`].
    is_invalid: bool,
}

impl ConfigWatcher {
    pub(crate) fn new(config: Config) -> Self {
        Self {
            current: RwLock::new(Arc::new(config)),
            poll_state: Mutex::new(PollState {
                next_check: Instant::now() + POLL_INTERVAL,
                decided: None,
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
        state.next_check = now + POLL_INTERVAL;
        let current = self.current();
        if !current.is_from_env {
            return false;
        }
        state.note(EnvSnapshot::take(&current.app_dir), now);
        self.decide(&mut state, &current, now)
    }

    fn decide(&self, state: &mut PollState, current: &Config, now: Instant) -> bool {
        let Some(pending) = &mut state.pending else {
            return false;
        };
        if now.duration_since(pending.since) < pending.debounce() {
            state.next_check = now + DEBOUNCE;
            return false;
        }
        let has_changed = match current.reread() {
            Err(_) if !pending.is_invalid => {
                pending.is_invalid = true;
                state.next_check = now + DEBOUNCE;
                return false;
            }
            Err(error) => {
                state.error.report(&error);
                false
            }
            Ok(config) => {
                state.error.resolved();
                self.replace(current, config)
            }
        };
        state.decided = state.pending.take().map(|pending| pending.snapshot);
        has_changed
    }

    fn replace(&self, current: &Config, config: Config) -> bool {
        if config.values == current.values {
            return false;
        }
        log::info!(".env was edited: its new values are in effect");
        *self.current.write().unwrap_or_else(PoisonError::into_inner) = Arc::new(config);
        true
    }
}

impl PollState {
    /// Compares the file's content with the decided and the pending one.
    fn note(&mut self, snapshot: EnvSnapshot, now: Instant) {
        if self.decided.as_ref() == Some(&snapshot) {
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
            DEBOUNCE_IF_INVALID
        } else {
            DEBOUNCE
        }
    }
}

#[cfg(test)]
mod tests;
