//! What the streams of one cache share on the HTTP side.

use std::{net::IpAddr, sync::Arc, time::Instant};

use super::{
    jitter::Arrivals,
    limits::{Permit, Permits},
    signals::Signals,
};
use crate::{cache::JournalHandle, error::Error, hub::Hub};

/// The hub, and what decides how many streams of it are open and for how long.
pub(crate) struct Server {
    pub(crate) hub: Arc<Hub>,
    permits: Arc<Permits>,
    arrivals: Arrivals,
    signals: Signals,
}

impl Server {
    pub(crate) fn start(store: Arc<JournalHandle>) -> Result<Self, Error> {
        Ok(Self {
            hub: Arc::new(Hub::start(store)?),
            permits: Arc::new(Permits::new()),
            arrivals: Arrivals::new(Instant::now()),
            signals: Signals::default(),
        })
    }

    /// The number of open streams.
    pub(crate) fn connections(&self) -> usize {
        self.permits.open()
    }

    /// The factor by which a stream that opens now outlasts, or falls short of, the configured duration.
    pub(crate) fn share_of_duration(&self, now: Instant) -> f32 {
        let duration = self.hub.config().stream_duration();
        self.arrivals.share(now, self.connections(), duration)
    }

    /// Counts a stream, and counts it for this address if there is one, until the guard is dropped.
    pub(crate) fn permit(&self, address: Option<IpAddr>) -> Result<Permit, Error> {
        self.permits.take(&self.hub.config(), address)
    }

    /// Returns when no stream is open.
    pub(crate) async fn is_empty(&self) {
        self.permits.all_returned().await;
    }

    /// Ends the streams at SIGTERM and SIGINT. Call it on an actix worker.
    pub(crate) fn close_with_the_process(&self) {
        if self.hub.config().handles_signals() {
            self.signals.listen(&self.hub);
        }
    }
}
