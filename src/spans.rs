//! The spans of `tracing`. All have the level `DEBUG`: at `INFO`, tracing's feature `log` would write a line for each
//! of them into the log of an app that uses the crate `log`.
//!
//! No field contains a value, the name of an audience, or what a client or a setting keeps secret.

#[cfg(test)]
#[cfg(feature = "actix")]
mod tests;

use tracing::{Span, debug_span, field::Empty};

use crate::error::Error;
#[cfg(feature = "actix")]
use crate::{entry::Entry, event_id::EventId};

/// A save, up to the entry in the journal.
pub(crate) fn save(key: &str, bytes: usize) -> Span {
    debug_span!(
        "sse.save",
        otel.kind = "producer",
        key,
        bytes,
        id = Empty,
        error.type = Empty
    )
}

/// The ingest of a drop-in whose writer has closed it.
pub(crate) fn ingest(key: &str) -> Span {
    debug_span!("sse.ingest", otel.kind = "producer", key, error.type = Empty)
}

/// A command to Redis, with the time to connect. `operation` is not the command, which contains the value.
#[cfg(feature = "redis")]
pub(crate) fn redis(operation: &str, address: &str) -> Span {
    debug_span!(
        "sse.redis",
        otel.kind = "client",
        db.system = "redis",
        operation,
        address,
        error.type = Empty
    )
}

/// The set-up of a stream. The span ends before the first byte, so it does not live as long as the stream.
#[cfg(feature = "actix")]
pub(crate) fn stream(is_resumed: bool) -> Span {
    debug_span!("sse.stream", resumed = is_resumed, error.type = Empty)
}

/// One read of the journal for one stream. It has no parent: the thread that reads serves all streams in turn.
#[cfg(feature = "actix")]
pub(crate) fn replay(position: EventId) -> Span {
    debug_span!(parent: None, "sse.replay", %position, bytes = Empty, error.type = Empty)
}

/// The delivery of an entry to all streams of this process; `None` if the span is not enabled.
///
/// It has no parent: the save has ended, perhaps in another process. A subscriber can link the two by the trace
/// context.
#[cfg(feature = "actix")]
pub(crate) fn deliver(entry: &Entry) -> Option<Span> {
    let span = debug_span!(
        parent: None,
        "sse.deliver",
        otel.kind = "consumer",
        key = entry.key(),
        id = %entry.id(),
        traceparent = entry.trace_parent()
    );
    (!span.is_disabled()).then_some(span)
}

/// Records of which kind the error is that has ended a span's work. Its text may contain what the fields must not.
pub(crate) fn record_error<T>(span: &Span, result: &Result<T, Error>) {
    if let Err(error) = result {
        span.record("error.type", tracing::field::debug(error.kind()));
    }
}
