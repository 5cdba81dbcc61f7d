//! A read of the journal that is in progress.

use std::{
    fmt::Display,
    pin::Pin,
    task::{Context, Poll},
};

use log::Level;
use tokio::sync::oneshot;

use crate::{
    error::Error,
    hub::{Hub, ReplayRequest, ReplayResult},
    runtime::LimitedLog,
};

/// It runs on a thread that may block on files, which a worker's thread must not. If this is dropped
/// before, it never runs.
///
/// Boxed, because most streams never have one.
pub(super) struct PendingReplay(Box<oneshot::Receiver<Result<ReplayResult, Error>>>);

impl PendingReplay {
    pub(super) fn start(hub: &Hub, request: ReplayRequest) -> Self {
        Self(Box::new(hub.replay(request)))
    }

    /// Ready with `None` if the journal could not be read. The stream then ends, and its client
    /// keeps its position and reconnects.
    pub(super) fn poll(&mut self, context: &mut Context<'_>) -> Poll<Option<ReplayResult>> {
        let result = match Pin::new(&mut self.0).poll(context) {
            Poll::Pending => return Poll::Pending,
            Poll::Ready(Ok(Ok(result))) => Some(result),
            Poll::Ready(Ok(Err(error))) => log_failure(&error),
            Poll::Ready(Err(_)) => log_failure(&"the read panicked; please report this"),
        };
        Poll::Ready(result)
    }
}

fn log_failure(error: &dyn Display) -> Option<ReplayResult> {
    static LOG: LimitedLog = LimitedLog::new(Level::Error, "streams ended early");
    LOG.log(|| format!("a stream ends early, and its client will reconnect: {error}"));
    None
}
