//! Bodies of responses, read by a thread of their own so that a command can stop waiting for them.

use std::io::{self, Read};
use std::sync::mpsc::{Receiver, sync_channel};
use std::thread;
use std::time::{Duration, Instant};

use ureq::BodyReader;

/// One read from the connection, as much as a TLS record holds.
pub(super) const READ_BUFFER_BYTES: usize = 16 * 1024;

/// Of an error response, at most this much is read. The texts of the library's server have a few
/// hundred bytes, and of a web page, only the first lines are shown.
const MAX_ERROR_BYTES: usize = 64 * 1024;

/// An error text is short and arrives with its headers. The timeout only keeps a server that sends
/// something slow or endless from holding up the command.
const ERROR_TEXT_TIMEOUT: Duration = Duration::from_secs(2);

/// Enough for the chunks that arrive while `sse doctor` saves a value. When the queue is full, the
/// reading thread waits, and so does the server.
const CHUNK_QUEUE_LENGTH: usize = 1024;

/// When a chunk arrived, and its bytes; none at the end of the body.
pub(crate) type TimedChunk = (Instant, io::Result<Vec<u8>>);

/// Reads until the body's end, or until the receiver is dropped.
pub(crate) fn read_in_background(mut body: BodyReader<'static>) -> Receiver<TimedChunk> {
    let (sender, chunks) = sync_channel(CHUNK_QUEUE_LENGTH);
    // The thread is never joined: it ends with the body, or with the process.
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

/// The body of a response that is not a stream. If it breaks off, its beginning may still say why.
pub(crate) fn error_text(chunks: &Receiver<TimedChunk>) -> String {
    let deadline = Instant::now() + ERROR_TEXT_TIMEOUT;
    let mut text = Vec::new();
    while text.len() < MAX_ERROR_BYTES {
        let time_left = deadline.saturating_duration_since(Instant::now());
        match chunks.recv_timeout(time_left) {
            Ok((_, Ok(bytes))) if !bytes.is_empty() => text.extend(bytes),
            _ => break,
        }
    }
    String::from_utf8_lossy(&text).into_owned()
}
