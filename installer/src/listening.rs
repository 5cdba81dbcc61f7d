//! Where events come from: the cache on this machine, or a stream over HTTP.

mod http;
mod journal;
mod parser;

use std::time::Duration;

use serde::Serialize;
use serde_json::value::RawValue;

pub(crate) use self::http::{Http, stream_url};
pub(crate) use self::journal::Journal;
pub(crate) use self::parser::{Message, Parser};
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
