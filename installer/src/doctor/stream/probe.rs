//! One connection to a stream, and a recording of what arrives on it.

use std::mem::size_of;
use std::time::{Duration, Instant};

use hyper::header::{ACCEPT_ENCODING, CACHE_CONTROL, HeaderName};

use crate::http::{Chunk, Client, RequestError, Response, ResponseHead, Timeouts};
use crate::listen::{Block, SseParser};

/// The time limit for each step, which takes a working server less than a second. TCP repeats a lost
/// first packet after 1, 3 and 7 seconds, so three lost packets do not count as a failure.
pub(super) const STEP_TIMEOUT: Duration = Duration::from_secs(10);

const TIMEOUTS: Timeouts = Timeouts {
    connect: STEP_TIMEOUT,
    response: STEP_TIMEOUT,
};

/// When a recording has this size, the check stops listening, so that a server that never stops sending
/// does not fill the memory. About 600,000 events fit, more than a test of a stream needs.
const MAX_RECORDING_BYTES: usize = 128 * 1024 * 1024;

/// The data of longer blocks is not kept. The checks read heartbeats, gaps and their own values, which
/// have less than 200 bytes.
const MAX_KEPT_DATA_BYTES: usize = 1024;

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
    /// The approximate size in memory.
    pub(super) bytes: usize,
}

impl Recording {
    fn push(&mut self, at: Duration, mut block: Block) {
        block.data = block.data.filter(|data| data.len() <= MAX_KEPT_DATA_BYTES);
        let data_bytes = block.data.as_ref().map_or(0, String::len);
        let text_bytes = block.id.len() + block.event.len() + data_bytes;
        self.bytes += size_of::<TimedBlock>() + text_bytes;
        self.blocks.push(TimedBlock { at, block });
    }

    /// Whether the check has stopped listening, because too much has arrived.
    pub(super) fn is_full(&self) -> bool {
        self.bytes >= MAX_RECORDING_BYTES
    }

    /// Whether no more is recorded.
    pub(super) fn is_over(&self) -> bool {
        self.end.is_some() || self.is_full()
    }

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

/// A connection, and what has arrived on it.
pub(super) struct StreamProbe {
    pub(super) requested_at: Instant,
    pub(super) recording: Recording,
    response: Response,
    parser: SseParser,
}

impl StreamProbe {
    /// Requests the URL as a browser does, with these headers in addition. Redirects are not
    /// followed: they are a finding.
    pub(super) fn open(
        client: &Client,
        url: &str,
        headers: &[(HeaderName, &str)],
    ) -> Result<Self, RequestError> {
        let mut browser_headers = vec![
            (CACHE_CONTROL, "no-cache"),
            // Makes a proxy that compresses streams for browsers also compress this one.
            (ACCEPT_ENCODING, "gzip, deflate, br"),
        ];
        browser_headers.extend_from_slice(headers);
        let requested_at = Instant::now();
        let response = client.get(url, &browser_headers, TIMEOUTS)?;
        Ok(Self {
            requested_at,
            recording: Recording::default(),
            response,
            parser: SseParser::default(),
        })
    }

    pub(super) fn head(&self) -> &ResponseHead {
        &self.response.head
    }

    /// From the request to the response's headers.
    pub(super) fn response_time(&self) -> Duration {
        self.response.response_time
    }

    /// The time to the server, or to the proxy nearest to this machine, and back.
    pub(super) fn round_trip(&self) -> Duration {
        self.response.round_trip
    }

    /// The name of a compression that hides the stream from the checks.
    pub(super) fn unknown_compression(&self) -> Option<String> {
        self.response.unknown_compression()
    }

    /// Records until the deadline, until `is_enough`, or until the stream ends.
    pub(super) fn record_until(
        &mut self,
        deadline: Instant,
        is_enough: impl Fn(&Recording) -> bool,
    ) {
        while !self.recording.is_over() && !is_enough(&self.recording) {
            // Checked before each chunk: a server that never stops sending must not prolong the
            // check.
            let Some(time_left) = deadline.checked_duration_since(Instant::now()) else {
                return;
            };
            let chunk = self.response.next_chunk(time_left);
            let at = self.requested_at.elapsed();
            match chunk {
                Ok(Chunk::Bytes(bytes)) => self.record(at, &bytes),
                Ok(Chunk::End) => self.record_end(at, None),
                Ok(Chunk::TimedOut) => return,
                Err(error) => self.record_end(at, Some(error)),
            }
        }
    }

    fn record(&mut self, at: Duration, bytes: &[u8]) {
        match self.parser.feed(bytes) {
            Ok(blocks) => {
                for block in blocks {
                    self.recording.push(at, block);
                }
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
        self.response.error_text()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn block(data: &str) -> Block {
        Block {
            data: Some(data.to_owned()),
            ..Block::default()
        }
    }

    #[test]
    fn a_recording_keeps_no_long_data_and_becomes_full() {
        let mut recording = Recording::default();
        recording.push(Duration::ZERO, block(&"x".repeat(1025)));
        assert_eq!(recording.blocks[0].block.data, None);
        let data = "x".repeat(1024);
        while !recording.is_over() {
            recording.push(Duration::ZERO, block(&data));
            assert!(recording.blocks.len() < 150_000, "it is never full");
        }
        assert!(recording.blocks.len() > 100_000);
        assert_eq!(recording.blocks[1].block.data.as_ref(), Some(&data));
    }
}
