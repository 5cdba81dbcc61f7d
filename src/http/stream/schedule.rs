//! When a stream sends something although nothing was saved, and when it ends.

use std::{
    ops::Range,
    sync::LazyLock,
    time::{Duration, Instant},
};

use crate::{
    error::{Error, ErrorKind},
    http::connection::has_watched_connection,
    hub::Hub,
};

/// How long after a heartbeat the connection is probed. The alignment may make that earlier by up to
/// [`HEARTBEAT_ALIGNMENT`]. A reset arrives after one round trip, so two seconds are enough for almost any client.
const PROBE_DELAY: Duration = Duration::from_secs(2);

/// A stream ends with an error if it is polled this many times from one heartbeat to the next although it
/// has nothing to send. The library and the system poll it a few times at most. actix-web polls it without a
/// pause once 128 KiB of further requests wait on the connection, so it reaches this in milliseconds. An
/// app that merges the stream with another source may poll it some hundred times per second.
const MAX_IDLE_POLLS: u16 = 10_000;

/// Heartbeats that are due within the same interval of this length are sent together, at its start:
/// the thread wakes once for all of them, and their code and data are still in the CPU's caches. A
/// second is long enough to group many of them, and short beside the default heartbeat of 15 seconds.
const HEARTBEAT_ALIGNMENT: Duration = Duration::from_secs(1);

/// A stream lasts for the configured duration times one of these, so up to a third shorter or longer. That
/// spreads clients that connect together, as after a restart of the server: of their reconnects, the busiest
/// second has less than twice the mean. With a tenth, they would come back in waves for many rounds.
const LIFETIME_FACTORS: Range<f32> = 2.0 / 3.0..4.0 / 3.0;

/// A stream that is not polled for this long after its heartbeat was due waits for its client: a busy worker is late by
/// less.
const MIN_STALL: Duration = Duration::from_secs(2);

/// The start of the first of those intervals. They are the same for all streams of the process.
static ALIGNMENT_ORIGIN: LazyLock<Instant> = LazyLock::new(Instant::now);

/// The times of one stream. Its fields are small, because there is one for each client.
pub(super) struct Schedule {
    heartbeat_at: Instant,
    opened_at: Instant,
    ends_at: Option<Instant>,
    /// How long after its opening the stream is authorized; `None` means for ever.
    authorized_for: Option<Millis>,
    heartbeat_interval: Millis,
    /// The stream lasts for the configured duration times this.
    lifetime_factor: f32,
    /// The configuration that `ends_at` is from.
    config_version: u32,
    /// A client that has closed its connection answers the next bytes with a reset, and actix-web
    /// notices a reset when it writes again. The probe is that write; without it, the connection
    /// would stay open until the next heartbeat. Apps that watch connections should also set
    /// `h1_allow_half_closed(false)`, see [`on_connect`](crate::on_connect). Then a closed connection is
    /// noticed at once, and a probe would only double the cost of a silent stream.
    must_probe: bool,
    /// Whether the last poll checked the time and read a chunk.
    was_checked_before_chunk: bool,
    /// How often the stream was polled since it last sent something.
    idle_polls: u16,
}

/// At least one millisecond, and 49 days at most.
#[derive(Clone, Copy)]
struct Millis(u32);

impl Millis {
    fn new(time: Duration) -> Self {
        Self(u32::try_from(time.as_millis()).unwrap_or(u32::MAX).max(1))
    }

    fn duration(self) -> Duration {
        Duration::from_millis(self.0.into())
    }
}

pub(super) enum DueAction {
    End,
    Heartbeat,
    Probe,
}

impl Schedule {
    pub(super) fn new(hub: &Hub, authorized_until: Option<Instant>) -> Self {
        let now = Instant::now();
        let mut schedule = Self {
            heartbeat_at: now,
            opened_at: now,
            ends_at: None,
            authorized_for: authorized_until.map(|end| Millis::new(end.duration_since(now))),
            heartbeat_interval: Millis::new(hub.config().heartbeat()),
            lifetime_factor: random_lifetime_factor(),
            config_version: hub.config_version(),
            must_probe: false,
            was_checked_before_chunk: false,
            idle_polls: 0,
        };
        schedule.note_chunk_sent(now);
        schedule.plan_end(hub);
        schedule
    }

    /// How long the stream may be silent.
    pub(super) fn heartbeat_interval(&self) -> Duration {
        self.heartbeat_interval.duration()
    }

    /// Plans the end again if the configuration has changed. Returns whether it has.
    pub(super) fn apply_config(&mut self, hub: &Hub) -> bool {
        let version = hub.config_version();
        if version == self.config_version {
            return false;
        }
        self.config_version = version;
        self.plan_end(hub);
        true
    }

    fn plan_end(&mut self, hub: &Hub) {
        let duration = hub.config().stream_duration();
        let planned = || self.opened_at + duration.mul_f32(self.lifetime_factor);
        let planned = (!duration.is_zero()).then(planned);
        let authorized = (self.authorized_for).map(|time| self.opened_at + time.duration());
        let ends = [planned, authorized];
        self.ends_at = ends.into_iter().flatten().min();
    }

    /// How long ago the stream opened.
    pub(super) fn age(&self, now: Instant) -> Duration {
        now.saturating_duration_since(self.opened_at)
    }

    /// Whether the time for which the app has authorized the stream is over.
    pub(super) fn is_authorization_over(&self, now: Instant) -> bool {
        let ends_at = (self.authorized_for).map(|time| self.opened_at + time.duration());
        ends_at.is_some_and(|end| now >= end)
    }

    /// Whether the stream should have sent something long ago: actix-web does not poll it while the client takes
    /// nothing.
    pub(super) fn is_overdue(&self, now: Instant) -> bool {
        now.saturating_duration_since(self.heartbeat_at) >= MIN_STALL
    }

    pub(super) fn is_over(&self, now: Instant) -> bool {
        self.ends_at.is_some_and(|end| now >= end)
    }

    /// The time, if this poll has to check whether something is due.
    ///
    /// After each chunk, actix-web polls again at once, and usually the stream then waits. This poll need not check:
    /// nothing was due a moment ago, and if a deadline has passed since, the stream is woken for it at once. A stream
    /// that always has something to send checks the time in every other poll.
    pub(super) fn time_to_check(&mut self) -> Option<Instant> {
        let was_checked = std::mem::take(&mut self.was_checked_before_chunk);
        (!was_checked).then(Instant::now)
    }

    /// The stream sends a chunk that it has read in a poll with this result of `time_to_check`.
    pub(super) fn note_chunk_read(&mut self, checked_at: Option<Instant>) {
        self.was_checked_before_chunk = checked_at.is_some();
        self.note_chunk_sent(checked_at.unwrap_or_else(Instant::now));
    }

    /// Postpones the next heartbeat: a chunk shows as well as a heartbeat that the stream is alive.
    fn note_chunk_sent(&mut self, now: Instant) {
        self.heartbeat_at = aligned_heartbeat_at(now, self.heartbeat_interval());
        self.must_probe = false;
        self.idle_polls = 0;
    }

    /// Counts a poll that yields nothing. The error ends the connection: after a planned end, actix-web
    /// would answer the next of the requests that wait on it, which may open another stream.
    pub(super) fn count_idle_poll(&mut self) -> Result<(), Error> {
        if self.idle_polls == MAX_IDLE_POLLS {
            let message = "the client keeps sending requests over the connection of its stream";
            return Err(Error::new(ErrorKind::Request, message));
        }
        self.idle_polls += 1;
        Ok(())
    }

    /// Takes the action that is due.
    pub(super) fn take_due(&mut self, now: Instant) -> Option<DueAction> {
        if self.is_over(now) {
            return Some(DueAction::End);
        }
        if now >= self.heartbeat_at {
            self.note_chunk_sent(now);
            self.must_probe = !has_watched_connection();
            return Some(DueAction::Heartbeat);
        }
        let is_probe_due = self.probe_at().is_some_and(|at| now >= at);
        is_probe_due.then(|| {
            self.must_probe = false;
            DueAction::Probe
        })
    }

    fn probe_at(&self) -> Option<Instant> {
        let interval = self.heartbeat_interval();
        let before_heartbeat = interval - PROBE_DELAY.min(interval / 2);
        self.must_probe
            .then(|| self.heartbeat_at - before_heartbeat)
    }

    /// When the next action is due.
    pub(super) fn next_deadline(&self) -> Instant {
        let others = [self.ends_at, self.probe_at()];
        others
            .into_iter()
            .flatten()
            .fold(self.heartbeat_at, Instant::min)
    }
}

fn random_lifetime_factor() -> f32 {
    LIFETIME_FACTORS.start + (LIFETIME_FACTORS.end - LIFETIME_FACTORS.start) * fastrand::f32()
}

/// When a stream that sends something now sends its next heartbeat: together with other streams, and
/// never after `interval`.
fn aligned_heartbeat_at(now: Instant, interval: Duration) -> Instant {
    let latest = now + interval;
    // At most a sixteenth of the interval, so that short heartbeats are not sent much too early.
    let step = nanos(HEARTBEAT_ALIGNMENT.min(interval / 16));
    let past_step = nanos(latest.duration_since(*ALIGNMENT_ORIGIN)) % step.max(1);
    latest - Duration::from_nanos(past_step)
}

/// A division of the 128 bits that `as_nanos` returns would take several times as long. 64 bits suffice for 584 years.
fn nanos(duration: Duration) -> u64 {
    u64::try_from(duration.as_nanos()).unwrap_or(u64::MAX)
}

#[cfg(test)]
mod tests {
    use std::{cmp::Reverse, collections::BinaryHeap};

    use super::*;

    /// How many of 10,000 clients reconnect in each of the 60 seconds after all have connected within one.
    fn reconnects(factor: fn() -> f32) -> Vec<usize> {
        let connects = (0..10_000).map(|number| Reverse(Duration::from_micros(100 * number)));
        let mut connects: BinaryHeap<Reverse<Duration>> = connects.collect();
        let mut reconnects = vec![0; 61];
        while let Some(Reverse(time)) = connects.pop() {
            let second = usize::try_from(time.as_secs()).unwrap();
            let Some(count) = reconnects.get_mut(second) else {
                continue;
            };
            *count += 1;
            connects.push(Reverse(time + Duration::from_secs(15).mul_f32(factor())));
        }
        reconnects.split_off(1)
    }

    fn busiest_beside_mean(reconnects: &[usize]) -> f64 {
        let mean = reconnects.iter().sum::<usize>() as f64 / reconnects.len() as f64;
        *reconnects.iter().max().unwrap() as f64 / mean
    }

    #[test]
    fn a_herd_does_not_reconnect_as_a_herd() {
        let spread = reconnects(random_lifetime_factor);
        assert!(busiest_beside_mean(&spread) < 2.0, "{spread:?}");
        let waves = reconnects(|| 0.9 + 0.2 * fastrand::f32());
        assert!(busiest_beside_mean(&waves) > 4.0, "{waves:?}");
    }

    #[test]
    fn heartbeats_are_sent_together_and_never_late() {
        let interval = Duration::from_secs(15);
        let start = *ALIGNMENT_ORIGIN + Duration::from_secs(3);
        let deadlines = (0..1_000).map(|number| {
            let now = start + Duration::from_millis(number * 10);
            let deadline = aligned_heartbeat_at(now, interval);
            let silence = deadline - now;
            assert!(silence <= interval && silence > interval.mul_f32(0.93));
            deadline
        });
        let deadlines: std::collections::BTreeSet<Instant> = deadlines.collect();
        assert!((10..=12).contains(&deadlines.len()), "{}", deadlines.len());
    }
}
