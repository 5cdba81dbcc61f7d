//! Receiving events: from the cache on this machine, or from a server's stream.

mod cache_source;
mod event_data;
mod http;
mod sse_parser;
mod stream_source;
mod stream_url;
mod update;

pub(crate) use self::cache_source::CacheSource;
pub(crate) use self::http::{
    HttpClient, MAX_ERROR_BYTES, ResponseBody, ResponseHead, ServerError, describe,
    is_certificate_error,
};
pub(crate) use self::sse_parser::{Message, SseParser};
pub(crate) use self::stream_source::StreamSource;
pub(crate) use self::stream_url::stream_url;
pub(crate) use self::update::{ReceivedEvent, Update, UpdateSource};
