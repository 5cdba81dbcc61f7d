//! One client, and the bytes that it keeps between two reads.

use std::net::TcpStream;

use memchr::memmem;

use super::Counts;
use crate::clock::{self, TIME_DIGITS, TIME_MARKER};

/// The longest incomplete marker with its time.
const MAX_KEPT_BYTES: usize = TIME_MARKER.len() + TIME_DIGITS - 1;

pub(super) struct Client {
    pub(super) stream: TcpStream,
    state: ClientState,
    kept: [u8; MAX_KEPT_BYTES],
    kept_length: usize,
    recording: Option<Recording>,
}

/// What one stream has received.
#[derive(Debug, Clone, Default)]
pub(crate) struct Recording {
    /// The times in its events, which identify them.
    pub(crate) times: Vec<u64>,
    /// The number of events `sse.gap`.
    pub(crate) gaps: usize,
}

const GAP_EVENT: &[u8] = b"event: sse.gap\n";

#[derive(PartialEq, Eq)]
enum ClientState {
    /// The head of the response has not arrived yet.
    WaitingForHead,
    Open,
}

impl Client {
    pub(super) fn new(stream: TcpStream, recording: Option<Recording>) -> Self {
        Self {
            stream,
            recording,
            state: ClientState::WaitingForHead,
            kept: [0; MAX_KEPT_BYTES],
            kept_length: 0,
        }
    }

    pub(super) fn recording(&self) -> Option<&Recording> {
        self.recording.as_ref()
    }

    pub(super) fn is_open(&self) -> bool {
        self.state == ClientState::Open
    }

    /// Copies the kept bytes to the start of the buffer, and returns their number.
    pub(super) fn restore_kept(&self, buffer: &mut [u8]) -> usize {
        buffer[..self.kept_length].copy_from_slice(&self.kept[..self.kept_length]);
        self.kept_length
    }

    /// Counts the events in `bytes`, the first `kept` of which are from the previous read. `false`: the
    /// response is not a stream, or the stream has ended.
    pub(super) fn receive(&mut self, bytes: &[u8], kept: usize, counts: &mut Counts) -> bool {
        counts.bytes += (bytes.len() - kept) as u64;
        if self.state == ClientState::WaitingForHead {
            // All servers send the head in one piece.
            if !bytes.starts_with(b"HTTP/1.1 200") {
                return false;
            }
            self.state = ClientState::Open;
            counts.open += 1;
        }
        if let Some(recording) = &mut self.recording {
            // The server sends such an event in one piece.
            recording.gaps += memmem::find_iter(&bytes[kept..], GAP_EVENT).count();
        }
        let mut done = 0;
        for at in memmem::find_iter(bytes, TIME_MARKER) {
            let digits = at + TIME_MARKER.len();
            let Some(time) = bytes.get(digits..digits + TIME_DIGITS) else {
                break;
            };
            done = digits + TIME_DIGITS;
            counts.deliveries += 1;
            if let Some(time) = clock::parse(time) {
                let nanos = u64::try_from(clock::since(time).as_nanos()).unwrap_or(u64::MAX);
                // The histogram resizes itself, so no value is too large.
                let _ = counts.latency.record(nanos);
                if let Some(recording) = &mut self.recording {
                    recording.times.push(time);
                }
            }
        }
        let unfinished = &bytes[done.max(bytes.len().saturating_sub(MAX_KEPT_BYTES))..];
        self.kept_length = unfinished.len();
        self.kept[..unfinished.len()].copy_from_slice(unfinished);
        // The last chunk of a response is empty.
        !unfinished.ends_with(b"\r\n0\r\n\r\n")
    }
}
