//! The thread that ingests drop-ins.

use std::sync::Arc;

use super::ingester::{Ingester, StopReason};
use crate::{
    config::ConfigPoller,
    error::Error,
    journal::file::FileJournal,
    runtime::{BackgroundThread, RepeatedError},
};

/// Ingests drop-ins until the returned handle is dropped. Of several processes on one cache folder,
/// one ingests at a time. When it ends, another takes over.
pub(crate) fn start(
    journal: Arc<FileJournal>,
    config_poller: Arc<ConfigPoller>,
) -> Result<BackgroundThread, Error> {
    let path = journal.cache_folder().path().to_path_buf();
    BackgroundThread::start("sse-drop-ins", move |interrupt| {
        let mut last_error = RepeatedError::new(
            "drop-ins are not ingested",
            "the ingest of drop-ins has resumed",
        );
        while !interrupt.is_raised() {
            let config = config_poller.current();
            let mut ingester = Ingester::new(&journal, &config, interrupt);
            match ingester.run(|| Arc::ptr_eq(&config, &config_poller.current())) {
                Ok(StopReason::ConfigChanged) => continue,
                Ok(StopReason::Ended) => last_error.note_success(),
                Err(error) => last_error.report(&error),
            }
            interrupt.wait(config.poll_interval());
        }
    })
    .map_err(|error| Error::io("ingest drop-ins from the cache folder", &path, error))
}
