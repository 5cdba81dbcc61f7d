//! A read of the journal that is in progress.

use std::{
    fmt::Display,
    pin::Pin,
    sync::Arc,
    task::{Context, Poll},
};

use tokio::task::{JoinHandle, spawn_blocking};

use crate::{
    error::Error,
    hub::{Hub, ReplayRequest, ReplayResult, replay},
};

/// It runs on a thread that may block on files, which a worker's thread must not.
pub(super) struct PendingReplay(JoinHandle<Result<ReplayResult, Error>>);

impl PendingReplay {
    pub(super) fn start(hub: &Hub, request: ReplayRequest) -> Self {
        let journal_handle = Arc::clone(hub.journal_handle());
        Self(spawn_blocking(move || replay(&journal_handle, &request)))
    }

    /// Ready with `None` if the journal could not be read. The stream then ends, and its client
    /// keeps its position and reconnects.
    pub(super) fn poll(&mut self, context: &mut Context<'_>) -> Poll<Option<ReplayResult>> {
        let result = match Pin::new(&mut self.0).poll(context) {
            Poll::Pending => return Poll::Pending,
            Poll::Ready(Ok(Ok(result))) => Some(result),
            Poll::Ready(Ok(Err(error))) => log_failure(&error),
            Poll::Ready(Err(error)) => log_failure(&error),
        };
        Poll::Ready(result)
    }
}

fn log_failure(error: &dyn Display) -> Option<ReplayResult> {
    log::error!("a stream ends early, and its client will reconnect: {error}");
    None
}
