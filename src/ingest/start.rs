//! The thread that ingests drop-ins.

use std::sync::Arc;

use super::ingester;
use crate::{
    config::ConfigPoller,
    error::Error,
    journal::{Journal, file::CacheFolder},
    runtime::{BackgroundThread, RepeatedError},
};

/// Ingests the drop-ins of a folder into a journal until the returned handle is dropped. Of several
/// processes on one cache folder, one at a time ingests those of a key.
pub(crate) fn start(
    journal: Arc<dyn Journal>,
    folder: Arc<CacheFolder>,
    config_poller: Arc<ConfigPoller>,
) -> Result<BackgroundThread, Error> {
    let path = folder.path().to_path_buf();
    BackgroundThread::start("sse-drop-ins", move |interrupt| {
        let mut last_error = RepeatedError::new(
            "drop-ins are not ingested",
            "the ingest of drop-ins has resumed",
        );
        while !interrupt.is_raised() {
            let result = ingester::run(
                &*journal,
                &folder,
                &config_poller,
                interrupt,
                &mut last_error,
            );
            if let Err(error) = result {
                last_error.report(&error);
            }
            interrupt.wait(config_poller.current().poll_interval());
        }
    })
    .map_err(|error| Error::io("ingest drop-ins from the cache folder", &path, error))
}
