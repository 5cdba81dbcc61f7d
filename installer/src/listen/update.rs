//! What both sources of events report.

use std::time::Duration;

use serde::Serialize;
use serde_json::value::RawValue;

use crate::exit::Failure;

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
    /// The server refuses further connections: no event will follow.
    Closed,
}

/// A source of events.
pub(crate) trait UpdateSource {
    /// The next update, or `None` if there was none within the timeout.
    fn next_update(&mut self, timeout: Duration) -> Result<Option<Update>, Failure>;
}
