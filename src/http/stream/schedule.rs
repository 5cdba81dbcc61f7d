//! When a stream says something although nothing is saved, and when it ends.

use std::{
    sync::LazyLock,
    time::{Duration, Instant},
};

use crate::{
    http::{connection::is_watching, stream_server::StreamServer},
    hub::Hub,
};

/// A connection is tried once more so long after a heartbeat, or sooner by as much as heartbeats
/// are sent [`TOGETHER`].
const PROBE_AFTER: Duration = Duration::from_secs(2);

/// Heartbeats that are due within this time go out together, at the beginning of it: the thread wakes
/// once for all of them, and the next one finds in the caches what the last one needed.
const TOGETHER: Duration = Duration::from_secs(1);

/// Where those times begin.
static BEGIN: LazyLock<Instant> = LazyLock::new(Instant::now);

/// There is one for each stream, so its times are as short as they may be.
pub(super) struct Schedule {
    heartbeat_at: Instant,
    opened: Instant,
    ends_at: Option<Instant>,
    heartbeat: Millis,
    /// The stream's own share of the configured duration.
    share: f32,
    /// The configuration that says so.
    version: u32,
    /// A client that has closed its connection answers the next block by a reset, and actix-web
    /// notices a reset when it writes again. Without a probe behind the heartbeat, that would be a
    /// heartbeat later. Where connections are watched, a closed one is noticed at once, and a probe
    /// would only double what a silent stream costs.
    is_to_probe: bool,
}

/// At least one, and 49 days at most.
#[derive(Clone, Copy)]
struct Millis(u32);

impl Millis {
    fn of(time: Duration) -> Self {
        Self(u32::try_from(time.as_millis()).unwrap_or(u32::MAX).max(1))
    }

    fn time(self) -> Duration {
        Duration::from_millis(self.0.into())
    }
}

/// What it is time for.
pub(super) enum Due {
    End,
    Heartbeat,
    Probe,
}

impl Schedule {
    pub(super) fn new(server: &StreamServer) -> Self {
        let hub = &server.hub;
        let now = Instant::now();
        let mut new = Self {
            heartbeat_at: now,
            opened: now,
            ends_at: None,
            heartbeat: Millis::of(hub.config().heartbeat()),
            share: server.lifetime_factor(now),
            version: hub.config_version(),
            is_to_probe: false,
        };
        new.was_heard(now);
        new.plan_end(hub);
        new
    }

    /// How long the stream may be silent.
    pub(super) fn heartbeat(&self) -> Duration {
        self.heartbeat.time()
    }

    /// Plans the end anew, if the configuration has changed.
    pub(super) fn follow(&mut self, hub: &Hub) {
        let version = hub.config_version();
        if version != self.version {
            self.version = version;
            self.plan_end(hub);
        }
    }

    fn plan_end(&mut self, hub: &Hub) {
        let duration = hub.config().stream_duration();
        self.ends_at = (!duration.is_zero()).then(|| self.opened + duration.mul_f32(self.share));
    }

    pub(super) fn is_over(&self, now: Instant) -> bool {
        self.ends_at.is_some_and(|end| now >= end)
    }

    /// Something was sent, which says as much as a heartbeat.
    pub(super) fn was_heard(&mut self, now: Instant) {
        self.heartbeat_at = together(now, self.heartbeat());
        self.is_to_probe = false;
    }

    /// What it is time for.
    pub(super) fn due(&mut self, now: Instant) -> Option<Due> {
        if self.is_over(now) {
            return Some(Due::End);
        }
        if now >= self.heartbeat_at {
            self.was_heard(now);
            self.is_to_probe = !is_watching();
            return Some(Due::Heartbeat);
        }
        let is_probe = self.probe_at().is_some_and(|at| now >= at);
        is_probe.then(|| {
            self.is_to_probe = false;
            Due::Probe
        })
    }

    fn probe_at(&self) -> Option<Instant> {
        let heartbeat = self.heartbeat();
        let after = heartbeat - PROBE_AFTER.min(heartbeat / 2);
        self.is_to_probe.then(|| self.heartbeat_at - after)
    }

    /// When there is something next.
    pub(super) fn next(&self) -> Instant {
        let others = [self.ends_at, self.probe_at()];
        others
            .into_iter()
            .flatten()
            .fold(self.heartbeat_at, Instant::min)
    }
}

/// When a stream that was heard now speaks again: with the others, and never later than it has to.
fn together(now: Instant, heartbeat: Duration) -> Instant {
    let latest = now + heartbeat;
    let step = TOGETHER.min(heartbeat / 16).as_nanos();
    let past_step = latest.duration_since(*BEGIN).as_nanos() % step.max(1);
    latest - Duration::from_nanos(u64::try_from(past_step).unwrap_or(0))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn heartbeats_come_together_and_not_late() {
        let heartbeat = Duration::from_secs(15);
        let begin = *BEGIN + Duration::from_secs(3);
        let times = (0..1_000).map(|number| {
            let now = begin + Duration::from_millis(number * 10);
            let at = together(now, heartbeat);
            let silence = at - now;
            assert!(silence <= heartbeat && silence > heartbeat.mul_f32(0.93));
            at
        });
        let times: std::collections::BTreeSet<Instant> = times.collect();
        assert!((10..=12).contains(&times.len()), "{}", times.len());
    }
}
