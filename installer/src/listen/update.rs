//! What both sources of events report.

use std::sync::mpsc::{Receiver, SyncSender, sync_channel};
use std::thread;

use serde::Serialize;
use serde_json::value::RawValue;

use crate::exit::Failure;

/// Enough to keep reading while an update is printed, and few, because an event may have 33 MiB. When the
/// queue is full, the reading thread waits, and so does the server.
const UPDATE_QUEUE_LENGTH: usize = 4;

/// One event, as `sse listen --json` prints it.
#[derive(Debug, Serialize)]
pub(crate) struct ReceivedEvent {
    /// The event's id on the stream.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) id: Option<String>,
    pub(crate) event: String,
    /// The cache key. A stream does not carry it.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) key: Option<String>,
    /// The audiences that the value was saved for; none stands for everyone. A stream does not carry them.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub(crate) audiences: Vec<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) timestamp: Option<String>,
    pub(crate) value: Box<RawValue>,
}

/// What a source reports.
#[derive(Debug)]
pub(crate) enum Update {
    /// The source is connected: events from now on are received.
    Connected,
    Event(ReceivedEvent),
    /// Events may have been missed, or the connection is lost and will be opened again.
    Warning(String),
    /// The server refuses the request. The updates end with this failure, or with one that also names the
    /// stream's address, after a search that may take seconds.
    Refused(Failure),
}

/// The updates of a source. They end when the server refuses further connections.
pub(crate) type Updates = Receiver<Result<Update, Failure>>;

/// The other end of [`Updates`].
pub(super) struct UpdateSender(SyncSender<Result<Update, Failure>>);

pub(super) fn channel() -> (UpdateSender, Updates) {
    let (sender, updates) = sync_channel(UPDATE_QUEUE_LENGTH);
    (UpdateSender(sender), updates)
}

impl UpdateSender {
    /// Fails if nothing receives the updates any more.
    pub(super) fn send(&self, update: Update) -> Result<(), Failure> {
        let sent = self.0.send(Ok(update));
        sent.map_err(|_| Failure::error("nothing receives the events any more"))
    }

    /// Runs `read` on its own thread, because a read has no timeout as short as the receiver's.
    pub(super) fn send_in_background(
        self,
        read: impl FnOnce(&Self) -> Result<(), Failure> + Send + 'static,
    ) {
        // The thread is never joined: it ends with the process, or when the receiver is gone.
        thread::spawn(move || {
            if let Err(failure) = read(&self) {
                let _ = self.0.send(Err(failure));
            }
        });
    }
}
