//! One connection to a stream, and a recording of what arrives on it.

use std::io::{self, Read};
use std::sync::mpsc::{Receiver, RecvTimeoutError, sync_channel};
use std::thread;
use std::time::{Duration, Instant};

use ureq::BodyReader;

use crate::listen::{
    Block, MAX_ERROR_BYTES, READ_BUFFER_BYTES, ResponseHead, SseParser, client_config, get,
};

/// The time limit for each step, which takes a working server less than a second. TCP repeats a lost
/// first packet after 1, 3 and 7 seconds, so three lost packets do not count as a failure.
pub(super) const STEP_TIMEOUT: Duration = Duration::from_secs(10);

/// An error text is short and arrives with its headers. The timeout only keeps a server that sends
/// something endless from holding up the check.
const ERROR_TEXT_TIMEOUT: Duration = Duration::from_secs(2);

/// Enough for the chunks that arrive while the main thread saves a value. When the queue is full,
/// the reading thread waits, and so does the server.
const CHUNK_QUEUE_LENGTH: usize = 1024;

/// When a chunk arrived, and its bytes; none at the end of the body.
type TimedChunk = (Instant, io::Result<Vec<u8>>);

/// One block, and when it arrived, counted from the request.
#[derive(Debug)]
pub(super) struct TimedBlock {
    pub(super) at: Duration,
    pub(super) block: Block,
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
    pub(super) blocks: Vec<TimedBlock>,
    pub(super) end: Option<StreamEnd>,
}

impl Recording {
    pub(super) fn first_block_at(&self) -> Option<Duration> {
        self.blocks.first().map(|first| first.at)
    }

    pub(super) fn last_event_id(&self) -> &str {
        self.blocks.last().map_or("", |last| &last.block.id)
    }

    pub(super) fn heartbeats(&self) -> impl Iterator<Item = &Block> {
        let blocks = self.blocks.iter().map(|timed| &timed.block);
        blocks.filter(|block| block.event == "sse.heartbeat")
    }
}

/// A connection, read by its own thread so that the check can stop waiting for it.
pub(super) struct StreamProbe {
    pub(super) requested_at: Instant,
    /// From the request to the response's headers.
    pub(super) response_time: Duration,
    pub(super) head: ResponseHead,
    pub(super) recording: Recording,
    chunks: Receiver<TimedChunk>,
    parser: SseParser,
}

impl StreamProbe {
    /// Requests the URL as a browser does, with these headers in addition. Redirects are not
    /// followed: they are a finding.
    pub(super) fn open(url: &str, headers: &[(&str, &str)]) -> Result<Self, ureq::Error> {
        let config = client_config()
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
        let requested_at = Instant::now();
        let (head, body) = get(&config.build().into(), url, &browser_headers)?;
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
            let (at, chunk) = match self.chunks.recv_timeout(time_left) {
                Ok(chunk) => chunk,
                Err(RecvTimeoutError::Timeout) => return,
                Err(RecvTimeoutError::Disconnected) => (Instant::now(), Ok(Vec::new())),
            };
            self.record(at.saturating_duration_since(self.requested_at), chunk);
        }
    }

    fn record(&mut self, at: Duration, chunk: io::Result<Vec<u8>>) {
        let blocks = match chunk {
            Ok(bytes) if bytes.is_empty() => return self.record_end(at, None),
            Ok(bytes) => self.parser.feed(&bytes),
            Err(error) => Err(error.to_string()),
        };
        match blocks {
            Ok(blocks) => {
                let blocks = blocks.into_iter().map(|block| TimedBlock { at, block });
                self.recording.blocks.extend(blocks);
            }
            Err(error) => self.record_end(at, Some(error)),
        }
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
        while (text.len() as u64) < MAX_ERROR_BYTES {
            let time_left = deadline.saturating_duration_since(Instant::now());
            match self.chunks.recv_timeout(time_left) {
                Ok((_, Ok(bytes))) if !bytes.is_empty() => text.extend(bytes),
                _ => break,
            }
        }
        String::from_utf8_lossy(&text).into_owned()
    }
}

/// Reads until the body's end, or until the receiver is dropped.
fn read_in_background(mut body: BodyReader<'static>) -> Receiver<TimedChunk> {
    let (sender, chunks) = sync_channel(CHUNK_QUEUE_LENGTH);
    // The thread is never joined: it ends with the stream, or with the process.
    thread::spawn(move || {
        let mut buffer = vec![0; READ_BUFFER_BYTES];
        loop {
            let length = body.read(&mut buffer);
            let is_last = !matches!(length, Ok(1..));
            let chunk = length.map(|length| buffer[..length].to_vec());
            if sender.send((Instant::now(), chunk)).is_err() || is_last {
                return;
            }
        }
    });
    chunks
}
