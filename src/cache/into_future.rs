//! `.await` on saves, reads and deletions: they run on a thread that may wait for the disk.

use std::{panic::resume_unwind, pin::Pin};

use tokio::runtime::Handle;
use tracing::Span;

use super::operations::{Delete, Get, Revoke, Save};
use crate::{
    entry::Entry,
    error::{Error, ErrorKind},
    event_id::EventId,
};

type CacheFuture<T> = Pin<Box<dyn Future<Output = Result<T, Error>> + Send>>;

impl IntoFuture for Save {
    type Output = Result<EventId, Error>;
    type IntoFuture = CacheFuture<EventId>;

    fn into_future(self) -> Self::IntoFuture {
        run_on_blocking_thread("the value was not saved", move || self.blocking())
    }
}

impl IntoFuture for Get {
    type Output = Result<Option<Entry>, Error>;
    type IntoFuture = CacheFuture<Option<Entry>>;

    fn into_future(self) -> Self::IntoFuture {
        run_on_blocking_thread("the value was not read", move || self.blocking())
    }
}

impl IntoFuture for Delete {
    type Output = Result<(), Error>;
    type IntoFuture = CacheFuture<()>;

    fn into_future(self) -> Self::IntoFuture {
        run_on_blocking_thread("the value was not deleted", move || self.blocking())
    }
}

impl IntoFuture for Revoke {
    type Output = Result<EventId, Error>;
    type IntoFuture = CacheFuture<EventId>;

    fn into_future(self) -> Self::IntoFuture {
        run_on_blocking_thread("the audience was not revoked", move || self.blocking())
    }
}

/// Other threads do not know the span of the caller, so it is taken along.
///
/// `consequence` starts the error message if the runtime was shut down before `work` ran.
fn run_on_blocking_thread<T: Send + 'static>(
    consequence: &'static str,
    work: impl FnOnce() -> Result<T, Error> + Send + 'static,
) -> CacheFuture<T> {
    let span = Span::current();
    let work = move || span.in_scope(work);
    Box::pin(async move {
        // Outside tokio, no thread pool for blocking work is known, so the work runs on this thread.
        let Ok(runtime) = Handle::try_current() else {
            return work();
        };
        match runtime.spawn_blocking(work).await {
            Ok(result) => result,
            Err(error) => match error.try_into_panic() {
                Ok(panic) => resume_unwind(panic),
                Err(_) => Err(Error::new(
                    ErrorKind::Cache,
                    format!("{consequence}: the runtime was shut down"),
                )),
            },
        }
    })
}
