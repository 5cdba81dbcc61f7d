//! When a step that has failed is attempted again.

use std::{
    path::PathBuf,
    time::{Duration, Instant},
};

use crate::{error::Error, runtime::RepeatedError};

/// Long enough that a step that keeps failing costs little until the delay has grown, and short enough
/// that a failure which passes at once delays no event noticeably.
const MIN_RETRY_DELAY: Duration = Duration::from_millis(50);

/// As long as the default poll interval, so that a value is at most about this late when the cause of
/// a failure is gone.
const MAX_RETRY_DELAY: Duration = Duration::from_secs(2);

/// The attempts at one step for one key. A step that fails delays only itself.
pub(super) struct Retries {
    delay: Duration,
    /// `None`: nothing is to be attempted again.
    retry_at: Option<Instant>,
    is_out_of_descriptors: bool,
    error: RepeatedError,
}

impl Retries {
    /// The arguments are those of [`RepeatedError::new`].
    pub(super) fn new(consequence: &'static str, recovery: &'static str) -> Self {
        Self {
            delay: MIN_RETRY_DELAY,
            retry_at: None,
            is_out_of_descriptors: false,
            error: RepeatedError::new(consequence, recovery),
        }
    }

    pub(super) fn is_due(&self, now: Instant) -> bool {
        self.retry_at.is_none_or(|retry_at| retry_at <= now)
    }

    pub(super) fn retry_at(&self) -> Option<Instant> {
        self.retry_at
    }

    /// Whether the last attempt failed because the process has no free descriptor.
    pub(super) fn is_out_of_descriptors(&self) -> bool {
        self.is_out_of_descriptors
    }

    pub(super) fn failed(&mut self, error: &Error, now: Instant, shortage: &mut Shortage) {
        self.postpone(now);
        self.is_out_of_descriptors = shortage.reports(error);
        if !self.is_out_of_descriptors {
            self.error.report(error);
        }
    }

    /// Attempts the step later, without an error: another server may be working on the same key.
    pub(super) fn postpone(&mut self, now: Instant) {
        self.retry_at = Some(now + self.delay);
        self.delay = (self.delay * 2).min(MAX_RETRY_DELAY);
    }

    pub(super) fn succeeded(&mut self) {
        self.forget_delay();
        self.retry_at = None;
        self.is_out_of_descriptors = false;
        self.error.note_success();
    }

    /// Something has changed, so the next attempt is due now.
    pub(super) fn retry_now(&mut self, now: Instant) {
        self.forget_delay();
        self.retry_at = self.retry_at.map(|_| now);
    }

    fn forget_delay(&mut self) {
        self.delay = MIN_RETRY_DELAY;
    }
}

/// Reports once that the process has no free descriptor, however many keys it affects.
pub(super) struct Shortage {
    claimed_path: PathBuf,
    error: RepeatedError,
}

impl Shortage {
    pub(super) fn new(claimed_path: PathBuf) -> Self {
        Self {
            claimed_path,
            error: RepeatedError::new(
                "some drop-ins are ingested late",
                "drop-ins are ingested without delay",
            ),
        }
    }

    /// Reports the error if a shortage of descriptors has caused it; `false` if something else has.
    pub(super) fn reports(&mut self, error: &Error) -> bool {
        let Some(cause) = error.shortage_of_descriptors() else {
            return false;
        };
        // The same text for every key, so that it is logged once.
        let error = Error::io("open drop-ins", &self.claimed_path, cause);
        self.error.report(&error);
        true
    }

    pub(super) fn note_end(&mut self) {
        self.error.note_success();
    }
}
