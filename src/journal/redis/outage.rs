//! A time in which the server cannot be reached.

use std::time::{Duration, Instant};

use redis::RedisError;

use super::{
    error::{Failure, describe},
    random::random_fraction,
    server::CommandError,
};

/// The pause after a failed attempt to connect, which doubles each time.
const MIN_BACK_OFF: Duration = Duration::from_millis(50);
const MAX_BACK_OFF: Duration = Duration::from_secs(1);

/// Begins with the first failure, and ends with the next success.
pub(super) struct Outage {
    /// The first error, so that the log shows one for the whole outage.
    cause: RedisError,
    /// Where that has happened.
    address: String,
    /// What to do, if that is not the usual.
    help: Option<&'static str>,
    attempts: u32,
    next_attempt: Instant,
}

impl Outage {
    pub(super) fn new(cause: RedisError, address: String, help: Option<&'static str>) -> Self {
        Self {
            cause,
            address,
            help,
            attempts: 0,
            next_attempt: Instant::now(),
        }
    }

    /// Another attempt has failed.
    pub(super) fn note_attempt(&mut self) {
        self.attempts = self.attempts.saturating_add(1);
        let doubled = MIN_BACK_OFF * 2_u32.saturating_pow(self.attempts.min(10) - 1);
        // Several servers must not try again at the same moments.
        let back_off = doubled
            .min(MAX_BACK_OFF)
            .mul_f32(0.5 + random_fraction() / 2.0);
        self.next_attempt = Instant::now() + back_off;
    }

    /// Whether it is too early for another attempt.
    pub(super) fn is_backing_off(&self) -> bool {
        self.next_attempt > Instant::now()
    }

    /// The error of an operation that has failed because of it.
    pub(super) fn error(&self, operation: &str) -> CommandError {
        let error = describe(operation, &self.address, &self.cause).temporary();
        CommandError {
            error: match self.help {
                Some(help) => error.with_help(help),
                None => error,
            },
            failure: Failure::Unavailable,
            may_be_done: false,
        }
    }
}
