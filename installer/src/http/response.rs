//! A response, whose body is read as it arrives.

use std::time::{Duration, Instant};

use http_body_util::BodyExt;
use hyper::body::{Bytes, Incoming};
use tokio::runtime::Runtime;
use tokio::time::timeout;

use super::decoder::Decoder;
use super::error::with_causes;
use super::head::ResponseHead;

/// Of an error response, at most this much is read. The texts of the library's server have a few
/// hundred bytes, and of a web page, only the first lines are shown.
const MAX_ERROR_BYTES: usize = 64 * 1024;

/// An error text is short and arrives with its headers. The timeout only keeps a server that sends
/// something slow or endless from holding up the command.
const ERROR_TEXT_TIMEOUT: Duration = Duration::from_secs(2);

/// A few compressed bytes may stand for millions of events. The caller gets them in pieces, and handles one
/// before the next.
const MAX_CHUNK_BYTES: usize = 64 * 1024;

/// What arrived within a time limit.
pub(crate) enum Chunk {
    Bytes(Bytes),
    End,
    TimedOut,
}

pub(crate) struct Response {
    pub(crate) head: ResponseHead,
    /// After redirects.
    pub(crate) url: String,
    /// From the request to the headers.
    pub(crate) response_time: Duration,
    /// How long the TCP handshake took.
    pub(crate) round_trip: Duration,
    body: Incoming,
    /// The rest of what has arrived.
    arrived: Bytes,
    decoder: Option<Decoder>,
    runtime: BackgroundRuntime,
}

/// A runtime that does not wait for its threads when it is dropped: one may still look up a host.
pub(super) struct BackgroundRuntime(Option<Runtime>);

impl BackgroundRuntime {
    pub(super) fn new(runtime: Runtime) -> Self {
        Self(Some(runtime))
    }
}

impl Drop for BackgroundRuntime {
    fn drop(&mut self) {
        if let Some(runtime) = self.0.take() {
            runtime.shutdown_background();
        }
    }
}

impl Response {
    pub(super) fn new(
        response: hyper::Response<Incoming>,
        url: String,
        response_time: Duration,
        round_trip: Duration,
        runtime: BackgroundRuntime,
    ) -> Self {
        let (head, body) = response.into_parts();
        let head = ResponseHead {
            version: head.version,
            status: head.status.as_u16(),
            headers: head.headers,
        };
        let encoding = head.compression();
        Self {
            decoder: encoding.and_then(|encoding| Decoder::of_encoding(&encoding)),
            head,
            url,
            response_time,
            round_trip,
            body,
            arrived: Bytes::new(),
            runtime,
        }
    }

    /// The name of a compression that this client does not know. Its body cannot be parsed.
    pub(crate) fn unknown_compression(&self) -> Option<String> {
        self.head.compression().filter(|_| self.decoder.is_none())
    }

    /// The next bytes of the body, decompressed; or why the body broke off.
    pub(crate) fn next_chunk(&mut self, time_limit: Duration) -> Result<Chunk, String> {
        let started = Instant::now();
        while self.arrived.is_empty() {
            let time_left = time_limit.saturating_sub(started.elapsed());
            let Some(runtime) = &self.runtime.0 else {
                return Ok(Chunk::End);
            };
            let frame = runtime.block_on(async { timeout(time_left, self.body.frame()).await });
            let frame = match frame {
                Err(_) => return Ok(Chunk::TimedOut),
                Ok(None) => return Ok(Chunk::End),
                Ok(Some(frame)) => frame.map_err(|error| with_causes(&error))?,
            };
            let bytes = frame.into_data().unwrap_or_default();
            self.arrived = match &mut self.decoder {
                None => bytes,
                Some(decoder) => decoder
                    .decode(&bytes)
                    .map_err(|error| format!("the compressed body is not valid: {error}"))?
                    .into(),
            };
            // Chunks that decompress to nothing must not prolong the wait.
            if self.arrived.is_empty() && started.elapsed() >= time_limit {
                return Ok(Chunk::TimedOut);
            }
        }
        let length = self.arrived.len().min(MAX_CHUNK_BYTES);
        Ok(Chunk::Bytes(self.arrived.split_to(length)))
    }

    /// The body of a response that is not a stream. If it breaks off, its beginning may still say why.
    pub(crate) fn error_text(&mut self) -> String {
        let deadline = Instant::now() + ERROR_TEXT_TIMEOUT;
        let mut text = Vec::new();
        while text.len() < MAX_ERROR_BYTES {
            let time_left = deadline.saturating_duration_since(Instant::now());
            match self.next_chunk(time_left) {
                Ok(Chunk::Bytes(bytes)) => text.extend(bytes),
                _ => break,
            }
        }
        String::from_utf8_lossy(&text).into_owned()
    }
}
