//! Events from a server's stream, which is opened again whenever it ends.

mod reader;

use std::sync::mpsc::{Receiver, RecvTimeoutError, sync_channel};
use std::thread;
use std::time::Duration;

use self::reader::StreamReader;
use super::update::{Update, UpdateSource};
use crate::exit::Failure;

/// Enough to keep reading while a burst is being printed. When the queue is full, the reading
/// thread waits, and so does the server.
const UPDATE_QUEUE_LENGTH: usize = 256;

/// A stream, read by its own thread because a read has no timeout as short as the caller's.
pub(crate) struct StreamSource {
    updates: Receiver<Result<Update, Failure>>,
}

impl StreamSource {
    pub(crate) fn open(url: String) -> Self {
        let (sender, updates) = sync_channel(UPDATE_QUEUE_LENGTH);
        // The thread is never joined: it ends with the process, or when it finds that the receiver
        // is gone.
        thread::spawn(move || {
            if let Err(failure) = StreamReader::new(url, sender.clone()).run() {
                let _ = sender.send(Err(failure));
            }
        });
        Self { updates }
    }
}

impl UpdateSource for StreamSource {
    fn next_update(&mut self, timeout: Duration) -> Result<Option<Update>, Failure> {
        match self.updates.recv_timeout(timeout) {
            Ok(update) => update.map(Some),
            Err(RecvTimeoutError::Timeout) => Ok(None),
            Err(RecvTimeoutError::Disconnected) => Ok(Some(Update::Closed)),
        }
    }
}

#[cfg(test)]
mod tests;
