//! Work that waits for the disk, for those who must not wait on their own thread.

use std::pin::Pin;

use crate::error::{Error, ErrorKind};

/// What is awaited.
pub(super) type Waiting<T> = Pin<Box<dyn Future<Output = Result<T, Error>> + Send>>;

/// Does `work` on a thread that may wait for the disk. `otherwise` is what is to be said where
/// there is no such thread any more.
pub(super) fn wait<T: Send + 'static>(
    otherwise: &'static str,
    work: impl FnOnce() -> Result<T, Error> + Send + 'static,
) -> Waiting<T> {
    Box::pin(async move {
        match tokio::runtime::Handle::try_current() {
            Ok(runtime) => match runtime.spawn_blocking(work).await {
                Ok(result) => result,
                Err(error) => match error.try_into_panic() {
                    Ok(panic) => std::panic::resume_unwind(panic),
                    Err(_) => Err(Error::new(
                        ErrorKind::Cache,
                        format!("{otherwise}: the runtime was shut down"),
                    )),
                },
            },
            // Another executor has no such threads that we know of.
            Err(_) => work(),
        }
    })
}
