//! One connection to a stream, and a recording of what arrives on it.

use std::sync::mpsc::{Receiver, RecvTimeoutError, sync_channel};
use std::thread;
use std::time::{Duration, Instant};

use crate::listen::{HttpClient, MAX_ERROR_BYTES, Message, ResponseBody, ResponseHead, SseParser};

/// The time limit for each step, which takes a working server less than a second. TCP repeats a lost
/// first packet after 1, 3 and 7 seconds, so three lost packets do not count as a failure.
pub(super) const STEP_TIMEOUT: Duration = Duration::from_secs(10);

/// An error text is short and arrives with its headers. The timeout only keeps a server that sends
/// something endless from holding up the check.
const ERROR_TEXT_TIMEOUT: Duration = Duration::from_secs(2);

/// Enough for the chunks that arrive while the main thread saves a value. When the queue is full,
/// the reading thread waits, and so does the server.
const CHUNK_QUEUE_LENGTH: usize = 1024;

/// A chunk, or `None` at the end of the body, or why reading failed.
type ChunkRead = Result<Option<Vec<u8>>, String>;

/// One message, and when it arrived, counted from the request.
#[derive(Debug)]
pub(super) struct TimedMessage {
    pub(super) at: Duration,
    pub(super) message: Message,
}

/// How and when a stream ended.
#[derive(Debug)]
pub(super) struct StreamEnd {
    pub(super) at: Duration,
    /// `None` if the body was complete.
    pub(super) error: Option<String>,
    /// Whether the last block is incomplete.
    pub(super) is_in_block: bool,
}

/// What has arrived on a stream so far. All times are counted from the request.
#[derive(Debug, Default)]
pub(super) struct Recording {
    pub(super) first_block_at: Option<Duration>,
    pub(super) messages: Vec<TimedMessage>,
    pub(super) last_event_id: String,
    pub(super) end: Option<StreamEnd>,
}

/// A connection, read by its own thread so that the check can stop waiting for it.
pub(super) struct StreamProbe {
    pub(super) requested_at: Instant,
    /// From the request to the response's headers.
    pub(super) response_time: Duration,
    pub(super) head: ResponseHead,
    pub(super) recording: Recording,
    chunks: Receiver<(Instant, ChunkRead)>,
    parser: SseParser,
}

impl StreamProbe {
    /// Requests the URL as a browser does, with these headers in addition. Redirects are not
    /// followed: they are a finding.
    pub(super) fn open(url: &str, headers: &[(&str, &str)]) -> Result<Self, ureq::Error> {
        let config = HttpClient::config()
            .max_redirects(0)
            .max_redirects_will_error(false)
            .timeout_resolve(Some(STEP_TIMEOUT))
            .timeout_connect(Some(STEP_TIMEOUT))
            .timeout_send_request(Some(STEP_TIMEOUT))
            .timeout_recv_response(Some(STEP_TIMEOUT));
        let mut browser_headers = vec![
            ("Cache-Control", "no-cache"),
            // Makes a proxy that compresses streams for browsers also compress this one.
            ("Accept-Encoding", "gzip, deflate, br"),
        ];
        browser_headers.extend(headers);
        let client = HttpClient::new(config.build());
        let requested_at = Instant::now();
        let (head, body) = client.get(url, &browser_headers)?;
        Ok(Self {
            requested_at,
            response_time: requested_at.elapsed(),
            head,
            recording: Recording::default(),
            chunks: read_in_background(body),
            parser: SseParser::default(),
        })
    }

    /// Records until the deadline, until `is_enough`, or until the stream ends.
    pub(super) fn record_until(
        &mut self,
        deadline: Instant,
        is_enough: impl Fn(&Recording) -> bool,
    ) {
        while self.recording.end.is_none() && !is_enough(&self.recording) {
            // Checked before each chunk: a server that never stops sending must not prolong the
            // check.
            let Some(time_left) = deadline.checked_duration_since(Instant::now()) else {
                return;
            };
            let (at, result) = match self.chunks.recv_timeout(time_left) {
                Ok(chunk) => chunk,
                Err(RecvTimeoutError::Timeout) => return,
                Err(RecvTimeoutError::Disconnected) => (Instant::now(), Ok(None)),
            };
            self.record(at.saturating_duration_since(self.requested_at), result);
        }
    }

    fn record(&mut self, at: Duration, result: ChunkRead) {
        let messages = match result {
            Ok(Some(bytes)) => self.parser.feed(&bytes),
            Ok(None) => return self.record_end(at, None),
            Err(error) => Err(error),
        };
        match messages {
            Ok(messages) => self.record_messages(at, messages),
            Err(error) => self.record_end(at, Some(error)),
        }
    }

    fn record_messages(&mut self, at: Duration, messages: Vec<Message>) {
        let recording = &mut self.recording;
        let messages = messages.into_iter();
        recording
            .messages
            .extend(messages.map(|message| TimedMessage { at, message }));
        if self.parser.has_received_block() {
            recording.first_block_at.get_or_insert(at);
        }
        let id = self.parser.last_event_id();
        id.clone_into(&mut recording.last_event_id);
    }

    fn record_end(&mut self, at: Duration, error: Option<String>) {
        self.recording.end = Some(StreamEnd {
            at,
            error,
            is_in_block: self.parser.is_in_block(),
        });
    }

    /// From the request to the stream's end, or to now.
    pub(super) fn listening_time(&self) -> Duration {
        let end = self.recording.end.as_ref();
        end.map_or_else(|| self.requested_at.elapsed(), |end| end.at)
    }

    /// The body of a response that is not a stream.
    pub(super) fn error_text(&mut self) -> String {
        let deadline = Instant::now() + ERROR_TEXT_TIMEOUT;
        let mut text = Vec::new();
        while text.len() < MAX_ERROR_BYTES {
            let time_left = deadline.saturating_duration_since(Instant::now());
            match self.chunks.recv_timeout(time_left) {
                Ok((_, Ok(Some(bytes)))) => text.extend(bytes),
                _ => break,
            }
        }
        String::from_utf8_lossy(&text).into_owned()
    }
}

/// Reads until the body's end, or until the receiver is dropped.
fn read_in_background(mut body: ResponseBody) -> Receiver<(Instant, ChunkRead)> {
    let (sender, chunks) = sync_channel(CHUNK_QUEUE_LENGTH);
    // The thread is never joined: it ends with the stream, or with the process.
    thread::spawn(move || {
        loop {
            let result = match body.next_chunk() {
                Ok(chunk) => Ok(chunk.map(<[u8]>::to_vec)),
                Err(error) => Err(error.to_string()),
            };
            let is_last = !matches!(result, Ok(Some(_)));
            if sender.send((Instant::now(), result)).is_err() || is_last {
                return;
            }
        }
    });
    chunks
}
