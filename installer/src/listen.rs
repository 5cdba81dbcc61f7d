//! Receiving events: from the cache on this machine, or from a server's stream.

mod body;
mod cache_source;
mod event_data;
mod http;
mod sse_parser;
mod stream_source;
mod stream_url;
mod update;

pub(crate) use self::body::{TimedChunk, error_text, read_in_background};
pub(crate) use self::cache_source::follow_cache;
pub(crate) use self::http::{ResponseHead, ServerError, client_config, describe, get};
pub(crate) use self::sse_parser::{Block, SseParser};
pub(crate) use self::stream_source::follow_stream;
pub(crate) use self::stream_url::stream_url;
pub(crate) use self::update::{ReceivedEvent, Update, Updates};
