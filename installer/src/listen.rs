//! Receiving events: from the cache on this machine, or from a server's stream.

mod cache_source;
mod event_data;
mod scoped_stream;
mod sse_parser;
mod stream_source;
mod stream_url;
mod update;

pub(crate) use self::cache_source::{EntryFilter, follow_cache};
pub(crate) use self::scoped_stream::ScopedStream;
pub(crate) use self::sse_parser::{Block, SseParser};
pub(crate) use self::stream_source::{credentials_help, follow_stream};
pub(crate) use self::stream_url::{STREAM_PATH, stream_url, without_lookback};
pub(crate) use self::update::{ReceivedEvent, Update, Updates};
