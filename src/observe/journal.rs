//! What happens to the journal.

use super::{
    Observations,
    instruments::{Counter, CounterBy},
    labels::JournalOperation,
    metric::{JOURNAL_ERRORS, REDIS_RECONNECTS},
};
#[cfg(feature = "actix")]
use super::{
    instruments::Gauge,
    metric::{EPOCH_CHANGES, JOURNAL_NEWEST, TAIL_AGE},
};
#[cfg(feature = "actix")]
use {
    crate::runtime::lock,
    std::{
        sync::Mutex,
        time::{Duration, Instant},
    },
};

pub(super) struct JournalCounts {
    pub(super) errors: CounterBy<JournalOperation>,
    #[cfg_attr(
        not(any(feature = "actix", feature = "redis")),
        expect(dead_code, reason = "the metric is 0 without Redis")
    )]
    pub(super) redis_reconnects: Counter,
    #[cfg(feature = "actix")]
    pub(super) newest: Gauge,
    #[cfg(feature = "actix")]
    pub(super) tail_age: Gauge,
    #[cfg(feature = "actix")]
    tail_times: Mutex<TailTimes>,
    #[cfg(feature = "actix")]
    pub(super) epoch_changes: Counter,
}

#[cfg(feature = "actix")]
#[derive(Default)]
struct TailTimes {
    /// When the tail was first to start.
    first_start: Option<Instant>,
    /// When the tail has last read the journal up to its end; `None` before the first time.
    caught_up_at: Option<Instant>,
}

impl JournalCounts {
    pub(super) fn new() -> Self {
        Self {
            errors: CounterBy::new(&JOURNAL_ERRORS),
            redis_reconnects: Counter::new(&REDIS_RECONNECTS),
            #[cfg(feature = "actix")]
            newest: Gauge::new(&JOURNAL_NEWEST),
            #[cfg(feature = "actix")]
            tail_age: Gauge::new(&TAIL_AGE),
            #[cfg(feature = "actix")]
            tail_times: Mutex::default(),
            #[cfg(feature = "actix")]
            epoch_changes: Counter::new(&EPOCH_CHANGES),
        }
    }
}

impl Observations {
    pub(crate) fn journal_failed(&self, operation: JournalOperation) {
        self.0.journal.errors.add(operation, 1);
    }

    #[cfg(feature = "redis")]
    pub(crate) fn redis_reconnected(&self) {
        self.0.journal.redis_reconnects.add(1);
    }
}

#[cfg(feature = "actix")]
impl Observations {
    /// The tail has read the journal up to this number.
    pub(crate) fn journal_read(&self, newest: u64) {
        // Rounding begins at 2^53 entries.
        self.0.journal.newest.set(newest as f64);
    }

    /// The tail is to start, perhaps not for the first time. Until it has read everything, its age counts from the
    /// first.
    pub(crate) fn tail_starts(&self) {
        lock(&self.0.journal.tail_times)
            .first_start
            .get_or_insert_with(Instant::now);
    }

    /// The tail has read everything.
    pub(crate) fn tail_caught_up(&self) {
        lock(&self.0.journal.tail_times).caught_up_at = Some(Instant::now());
        self.0.journal.tail_age.set(0.0);
    }

    /// Brings the age of the tail up to date. Call it from time to time on a thread that does not depend on the tail,
    /// which may be stuck.
    pub(crate) fn refresh_tail_age(&self) {
        let times = lock(&self.0.journal.tail_times);
        if let Some(time) = times.caught_up_at.or(times.first_start) {
            self.0.journal.tail_age.set(time.elapsed().as_secs_f64());
        }
    }

    /// How long ago the tail has last read everything; `None` before the first time.
    pub(super) fn tail_age(&self) -> Option<Duration> {
        let times = lock(&self.0.journal.tail_times);
        times.caught_up_at.map(|time| time.elapsed())
    }

    pub(crate) fn epoch_changed(&self) {
        self.0.journal.epoch_changes.add(1);
    }
}
