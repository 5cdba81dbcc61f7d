//! A read of the journal that is in progress.

use std::{
    pin::Pin,
    task::{Context, Poll, ready},
};

use tokio::sync::oneshot;
use tracing::Level;

use crate::{
    error::{Error, ErrorKind},
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

    /// Ready with the error if the journal could not be read.
    pub(super) fn poll(&mut self, context: &mut Context<'_>) -> Poll<Result<ReplayResult, Error>> {
        let result = ready!(Pin::new(&mut self.0).poll(context));
        Poll::Ready(result.unwrap_or_else(|_| {
            let panicked = "the read panicked; please report this";
            Err(Error::new(ErrorKind::Cache, panicked))
        }))
    }
}

/// Logs that a stream ends because the journal could not be read. Its client keeps its position and reconnects.
pub(super) fn log_failure(error: &Error) {
    static LOG: LimitedLog = LimitedLog::new(Level::ERROR, "streams ended early");
    LOG.log(|| format!("a stream ends early, and its client will reconnect: {error}"));
}
