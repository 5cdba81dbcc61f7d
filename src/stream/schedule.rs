//! When a stream says something although nothing is saved, and when it ends.

use std::{
    pin::Pin,
    task::{Context, Poll, ready},
    time::Duration,
};

use tokio::time::{Instant, Sleep, sleep_until};

use crate::hub::{Hub, variation};

/// How long after a heartbeat a connection is tried once more.
const PROBE_AFTER: Duration = Duration::from_secs(1);

pub(super) struct Schedule {
    timer: Pin<Box<Sleep>>,
    heartbeat: Duration,
    heartbeat_at: Instant,
    /// A client that has closed its connection answers the next block by a reset, and actix-web
    /// notices a reset when it writes again. Without this, that would be a heartbeat later.
    probe_at: Option<Instant>,
    opened: Instant,
    /// The stream's own share of the configured duration.
    variation: f64,
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
            timer: Box::pin(sleep_until(now + heartbeat)),
            heartbeat,
            heartbeat_at: now + heartbeat,
            probe_at: None,
            opened: now,
            variation: variation(),
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
        self.ends_at =
            (!duration.is_zero()).then(|| self.opened + duration.mul_f64(self.variation));
    }

    pub(super) fn is_over(&self, now: Instant) -> bool {
        self.ends_at.is_some_and(|end| now >= end)
    }

    /// Something was sent, which says as much as a heartbeat.
    pub(super) fn was_heard(&mut self, now: Instant) {
        self.heartbeat_at = now + self.heartbeat;
        self.probe_at = None;
    }

    /// Ready when it is time for something.
    pub(super) fn poll(&mut self, context: &mut Context<'_>) -> Poll<Due> {
        loop {
            let due_at = self.due_at();
            // Every event puts the heartbeat off. The timer is not moved each time, but fires at
            // the old time and is set anew then.
            if due_at < self.timer.deadline() {
                self.timer.as_mut().reset(due_at);
            }
            ready!(self.timer.as_mut().poll(context));
            let now = Instant::now();
            if self.is_over(now) {
                return Poll::Ready(Due::End);
            }
            if now >= self.heartbeat_at {
                self.heartbeat_at = now + self.heartbeat;
                self.probe_at = Some(now + PROBE_AFTER.min(self.heartbeat / 2));
                let due_at = self.due_at();
                self.timer.as_mut().reset(due_at);
                return Poll::Ready(Due::Heartbeat);
            }
            if self.probe_at.take_if(|at| now >= *at).is_some() {
                return Poll::Ready(Due::Probe);
            }
            self.timer.as_mut().reset(due_at);
        }
    }

    fn due_at(&self) -> Instant {
        let others = [self.ends_at, self.probe_at];
        others
            .into_iter()
            .flatten()
            .fold(self.heartbeat_at, Instant::min)
    }
}
