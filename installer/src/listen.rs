//! Where events come from: the cache on this machine, or a stream over HTTP.

mod cache_source;
mod sse_parser;
mod stream_source;

use std::time::Duration;

use serde::Serialize;
use serde_json::value::RawValue;

pub(crate) use self::cache_source::Journal;
pub(crate) use self::sse_parser::{Message, Parser};
pub(crate) use self::stream_source::{Http, stream_url};
use crate::exit::Failure;

/// One event.
#[derive(Debug, Serialize)]
pub(crate) struct Heard {
    /// The event's id on the stream.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) id: Option<String>,
    pub(crate) event: String,
    /// The cache key, which a stream does not tell.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) key: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) timestamp: Option<String>,
    pub(crate) value: Box<RawValue>,
}

/// What a source has to tell.
#[derive(Debug)]
pub(crate) enum News {
    /// Listening has begun.
    Listening,
    Event(Heard),
    /// Something may have been missed, or listening is interrupted for a while.
    Warning(String),
    /// The other side wants no more listeners.
    End,
}

/// Something to listen to.
pub(crate) trait Source {
    /// The next piece of news, or nothing when none came in time.
    fn next(&mut self, timeout: Duration) -> Result<Option<News>, Failure>;
}
