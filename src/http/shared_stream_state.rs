//! The state that the streams of one cache share on the HTTP side.

use std::{net::IpAddr, sync::Arc, time::Instant};

use super::{
    close_at_signal::SignalTask,
    jitter::LifetimeJitter,
    limits::{StreamGuard, StreamLimits},
};
use crate::{cache::JournalHandle, error::Error, hub::Hub};

/// The hub that feeds the streams, with the rules for how many are open and when they end.
pub(crate) struct SharedStreamState {
    pub(crate) hub: Arc<Hub>,
    limits: Arc<StreamLimits>,
    jitter: LifetimeJitter,
    signal_task: SignalTask,
}

impl SharedStreamState {
    pub(super) fn start(journal_handle: Arc<JournalHandle>) -> Result<Self, Error> {
        Ok(Self {
            hub: Arc::new(Hub::start(journal_handle)?),
            limits: Arc::new(StreamLimits::new()),
            jitter: LifetimeJitter::new(Instant::now()),
            signal_task: SignalTask::default(),
        })
    }

    /// The number of open streams.
    pub(super) fn open_streams(&self) -> usize {
        self.limits.open_streams()
    }

    /// The factor by which the duration of a stream that opens now differs from the configured one.
    pub(super) fn lifetime_factor(&self, now: Instant) -> f32 {
        let duration = self.hub.config().stream_duration();
        self.jitter.factor(now, self.open_streams(), duration)
    }

    /// Counts a stream until the guard is dropped, in total and for its address.
    pub(super) fn count_stream(&self, address: Option<IpAddr>) -> Result<StreamGuard, Error> {
        self.limits.acquire(&self.hub.config(), address)
    }

    /// Waits until no stream is open.
    pub(super) async fn all_ended(&self) {
        self.limits.all_ended().await;
    }

    /// Ends the streams at SIGTERM and SIGINT. Must be called on an actix worker.
    pub(super) fn close_on_signals(&self) {
        if self.hub.config().signal_handling() {
            self.signal_task.ensure_started(&self.hub);
        }
    }
}
