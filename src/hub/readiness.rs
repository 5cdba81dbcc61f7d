//! Whether this server does its work now, for the readiness checks of load balancers and containers.

use std::{
    sync::{
        Mutex,
        atomic::{AtomicU64, Ordering},
    },
    time::{Duration, Instant},
};

use crate::{
    error::{Error, ErrorKind},
    runtime::lock,
};

/// How often the cache is checked while nobody asks for the result.
const IDLE_INTERVAL: Duration = Duration::from_secs(10);

/// Somebody who asked this long ago probably asks again: load balancers do every few seconds.
const QUESTION_INTERVAL: Duration = Duration::from_secs(60);

/// A busy machine may keep the tail waiting this long although nothing is wrong.
const MAX_DELAY: Duration = Duration::from_secs(1);

/// What the threads of a hub have found out.
pub(super) struct Readiness {
    start: Instant,
    /// When the tail last finished a turn, in milliseconds after `start`.
    last_turn: AtomicU64,
    /// When somebody last asked, likewise; 0 if nobody has.
    last_question: AtomicU64,
    /// Why the tail cannot deliver now.
    delivery_error: Mutex<Option<Error>>,
    check: Mutex<SaveCheck>,
}

/// Whether the cache can be written.
#[derive(Default)]
struct SaveCheck {
    /// When the check that runs now has started, in milliseconds after the start of the [`Readiness`]; `None` between
    /// two checks.
    started_at: Option<u64>,
    /// Why the last one has failed.
    error: Option<Error>,
}

impl Readiness {
    pub(super) fn new() -> Self {
        Self {
            start: Instant::now(),
            last_turn: AtomicU64::new(0),
            last_question: AtomicU64::new(0),
            delivery_error: Mutex::default(),
            check: Mutex::default(),
        }
    }

    /// The tail reads, and is not stuck.
    pub(super) fn note_turn(&self) {
        self.last_turn.store(self.now(), Ordering::Relaxed);
    }

    /// The tail has read the journal, or has failed to.
    pub(super) fn note_delivery(&self, error: Option<Error>) {
        self.note_turn();
        *lock(&self.delivery_error) = error;
    }

    /// Runs a check whether the cache can be written. While it hangs, that is a problem.
    pub(super) fn run_check(&self, check: impl FnOnce() -> Result<(), Error>) -> Result<(), Error> {
        lock(&self.check).started_at = Some(self.now());
        let result = check();
        *lock(&self.check) = SaveCheck {
            started_at: None,
            error: result.as_ref().err().cloned(),
        };
        result
    }

    /// Why saved values are not delivered now; `None` if they are.
    pub(super) fn delivery_error(&self) -> Option<Error> {
        lock(&self.delivery_error).clone()
    }

    /// Why this server cannot do its work now; `None` if it can.
    pub(super) fn problem(&self, poll_interval: Duration) -> Option<Error> {
        let now = self.now();
        self.last_question.store(now.max(1), Ordering::Relaxed);
        let last_turn = self.last_turn.load(Ordering::Relaxed);
        let silence = Duration::from_millis(now.saturating_sub(last_turn));
        (self.delivery_error())
            .or_else(|| self.save_error(poll_interval))
            .or_else(|| is_too_long(silence, poll_interval).then(|| tail_hangs(silence)))
    }

    /// Why nothing can be saved now.
    fn save_error(&self, poll_interval: Duration) -> Option<Error> {
        let time = self.hanging_check(poll_interval);
        time.map(check_hangs)
            .or_else(|| lock(&self.check).error.clone())
    }

    /// How long the current check has been running, if that is too long.
    pub(super) fn hanging_check(&self, poll_interval: Duration) -> Option<Duration> {
        let started_at = lock(&self.check).started_at?;
        let time = Duration::from_millis(self.now().saturating_sub(started_at));
        is_too_long(time, poll_interval).then_some(time)
    }

    /// How long to wait before the cache is checked again.
    pub(super) fn check_interval(&self, poll_interval: Duration) -> Duration {
        let last_question = self.last_question.load(Ordering::Relaxed);
        let silence = Duration::from_millis(self.now().saturating_sub(last_question));
        if last_question > 0 && silence < QUESTION_INTERVAL {
            poll_interval
        } else {
            poll_interval.max(IDLE_INTERVAL)
        }
    }

    fn now(&self) -> u64 {
        u64::try_from(self.start.elapsed().as_millis()).unwrap_or(u64::MAX)
    }
}

/// The tail finishes a turn in each poll interval, and a check takes no longer than a save.
fn is_too_long(time: Duration, poll_interval: Duration) -> bool {
    time > poll_interval.saturating_mul(2).saturating_add(MAX_DELAY)
}

fn tail_hangs(time: Duration) -> Error {
    hangs("saved values are not delivered: reading", time)
}

fn check_hangs(time: Duration) -> Error {
    hangs("nothing can be saved: a test of writing to", time)
}

fn hangs(operation: &str, time: Duration) -> Error {
    let seconds = time.as_secs();
    let text = format!("{operation} the cache has taken {seconds} seconds and has not ended");
    Error::new(ErrorKind::Cache, text).with_help(
        "see whether the disk or Redis answers; if it does and this stays so, restart the server and report it",
    )
}

#[cfg(test)]
mod tests {
    use super::*;

    const POLL: Duration = Duration::from_secs(1);

    fn started_before(age: Duration) -> Readiness {
        let start = Instant::now() - age;
        Readiness {
            start,
            ..Readiness::new()
        }
    }

    #[test]
    fn a_tail_that_finishes_no_turn_is_a_problem_until_it_does() {
        let readiness = started_before(Duration::from_secs(60));
        let problem = readiness.problem(POLL).unwrap().to_string();
        assert!(problem.contains("has taken 60 seconds"), "{problem}");
        assert!(readiness.problem(Duration::from_secs(40)).is_none());
        readiness.note_turn();
        assert!(readiness.problem(POLL).is_none());
    }

    #[test]
    fn a_check_that_hangs_is_a_problem_until_one_succeeds() {
        let readiness = started_before(Duration::from_secs(60));
        // The tail goes on: reads do not hang.
        readiness.note_turn();
        let hang = || {
            assert!(readiness.problem(POLL).is_none(), "the check is new");
            lock(&readiness.check).started_at = Some(0);
            let problem = readiness.problem(POLL).unwrap().to_string();
            assert!(problem.contains("has taken 60 seconds"), "{problem}");
            assert!(readiness.problem(Duration::from_secs(40)).is_none());
            Ok(())
        };
        readiness.run_check(hang).unwrap();
        assert!(readiness.problem(POLL).is_none());
    }

    #[test]
    fn an_error_is_a_problem_until_it_is_over() {
        let readiness = Readiness::new();
        let error = || Error::new(ErrorKind::Cache, "full");
        readiness.run_check(|| Err(error())).unwrap_err();
        assert_eq!(readiness.problem(POLL).unwrap().to_string(), "full");
        assert!(readiness.delivery_error().is_none());
        readiness.run_check(|| Ok(())).unwrap();
        assert!(readiness.problem(POLL).is_none());
        readiness.note_delivery(Some(error()));
        assert!(readiness.problem(POLL).is_some());
        readiness.note_delivery(None);
        assert!(readiness.problem(POLL).is_none());
    }

    #[test]
    fn the_cache_is_checked_more_often_while_somebody_asks() {
        let readiness = started_before(Duration::from_secs(3600));
        assert_eq!(readiness.check_interval(POLL), IDLE_INTERVAL);
        readiness.problem(POLL);
        assert_eq!(readiness.check_interval(POLL), POLL);
        readiness.last_question.store(1, Ordering::Relaxed);
        assert_eq!(readiness.check_interval(POLL), IDLE_INTERVAL);
    }
}
