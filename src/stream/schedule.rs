//! When a stream says something although nothing is saved, and when it ends.

use std::time::{Duration, Instant};

use crate::{connection::is_watching, hub::Hub};

/// How long after a heartbeat a connection is tried once more.
const PROBE_AFTER: Duration = Duration::from_secs(1);

pub(super) struct Schedule {
    heartbeat: Duration,
    heartbeat_at: Instant,
    /// A client that has closed its connection answers the next block by a reset, and actix-web
    /// notices a reset when it writes again. Without this, that would be a heartbeat later. Where
    /// connections are watched, a closed one is noticed at once, and this would only double what a
    /// silent stream costs.
    probe_at: Option<Instant>,
    opened: Instant,
    /// The stream's own share of the configured duration.
    share: f64,
    ends_at: Option<Instant>,
    /// The configuration that says so.
    version: usize,
}

/// What it is time for.
pub(super) enum Due {
    End,
    Heartbeat,
    Probe,
}

impl Schedule {
    pub(super) fn new(hub: &Hub) -> Self {
        let now = Instant::now();
        let heartbeat = hub.config().heartbeat();
        let mut new = Self {
            heartbeat,
            heartbeat_at: now + heartbeat,
            probe_at: None,
            opened: now,
            share: hub.share_of_duration(now),
            ends_at: None,
            version: hub.config_version(),
        };
        new.plan_end(hub);
        new
    }

    /// How long the stream may be silent.
    pub(super) fn heartbeat(&self) -> Duration {
        self.heartbeat
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
        self.ends_at = (!duration.is_zero()).then(|| self.opened + duration.mul_f64(self.share));
    }

    pub(super) fn is_over(&self, now: Instant) -> bool {
        self.ends_at.is_some_and(|end| now >= end)
    }

    /// Something was sent, which says as much as a heartbeat.
    pub(super) fn was_heard(&mut self, now: Instant) {
        self.heartbeat_at = now + self.heartbeat;
        self.probe_at = None;
    }

    /// What it is time for.
    pub(super) fn due(&mut self, now: Instant) -> Option<Due> {
        if self.is_over(now) {
            return Some(Due::End);
        }
        if now >= self.heartbeat_at {
            self.heartbeat_at = now + self.heartbeat;
            self.probe_at = (!is_watching()).then(|| now + PROBE_AFTER.min(self.heartbeat / 2));
            return Some(Due::Heartbeat);
        }
        self.probe_at.take_if(|at| now >= *at).map(|_| Due::Probe)
    }

    /// When there is something next.
    pub(super) fn next(&self) -> Instant {
        let others = [self.ends_at, self.probe_at];
        others
            .into_iter()
            .flatten()
            .fold(self.heartbeat_at, Instant::min)
    }
}
