//! One client, and what it keeps between two reads.

use std::net::TcpStream;

use memchr::memmem;

use super::Counts;
use crate::clock::{DIGITS, MARK, since};

/// A mark with its time, but for its last byte: as much as may have to wait for what follows.
const MOST_KEPT: usize = MARK.len() + DIGITS - 1;

pub(super) struct Client {
    pub(super) stream: TcpStream,
    state: State,
    kept: [u8; MOST_KEPT],
    length: usize,
}

#[derive(PartialEq, Eq)]
enum State {
    /// The head of the answer is not there yet.
    Asking,
    Open,
}

impl Client {
    pub(super) fn new(stream: TcpStream) -> Self {
        Self {
            stream,
            state: State::Asking,
            kept: [0; MOST_KEPT],
            length: 0,
        }
    }

    pub(super) fn is_open(&self) -> bool {
        self.state == State::Open
    }

    /// Puts what was kept before what is read next.
    pub(super) fn recall(&self, buffer: &mut [u8]) -> usize {
        buffer[..self.length].copy_from_slice(&self.kept[..self.length]);
        self.length
    }

    /// Counts what is in `bytes`, of which the first `kept` were there before; `false`: it is no
    /// stream, or it ends.
    pub(super) fn receive(&mut self, bytes: &[u8], kept: usize, counts: &mut Counts) -> bool {
        counts.bytes += (bytes.len() - kept) as u64;
        if self.state == State::Asking {
            // All servers send the head in one piece.
            if !bytes.starts_with(b"HTTP/1.1 200") {
                return false;
            }
            self.state = State::Open;
            counts.open += 1;
        }
        let mut done = 0;
        for at in memmem::find_iter(bytes, MARK) {
            let digits = at + MARK.len();
            let Some(time) = bytes.get(digits..digits + DIGITS) else {
                break;
            };
            done = digits + DIGITS;
            counts.deliveries += 1;
            if let Some(age) = since(time) {
                let nanos = u64::try_from(age.as_nanos()).unwrap_or(u64::MAX);
                // It grows with what is recorded, so nothing is too large.
                let _ = counts.latency.record(nanos);
            }
        }
        let rest = &bytes[done.max(bytes.len().saturating_sub(MOST_KEPT))..];
        self.length = rest.len();
        self.kept[..rest.len()].copy_from_slice(rest);
        // The last chunk of an answer is empty.
        !rest.ends_with(b"\r\n0\r\n\r\n")
    }
}
