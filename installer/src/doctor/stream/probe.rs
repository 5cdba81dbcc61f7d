//! One connection to a stream, and a recording of what arrives on it.

use std::io;
use std::mem::size_of;
use std::sync::mpsc::{Receiver, RecvTimeoutError};
use std::time::{Duration, Instant};

use crate::listen::{
    Block, ResponseHead, SseParser, TimedChunk, client_config, error_text, get, read_in_background,
};

/// The time limit for each step, which takes a working server less than a second. TCP repeats a lost
/// first packet after 1, 3 and 7 seconds, so three lost packets do not count as a failure.
pub(super) const STEP_TIMEOUT: Duration = Duration::from_secs(10);

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
        while !self.recording.is_over() && !is_enough(&self.recording) {
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
    pub(super) fn error_text(&self) -> String {
        error_text(&self.chunks)
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
