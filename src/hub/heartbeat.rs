//! Heartbeats, which tell a client that its stream is alive, and where it is.

use std::{
    cell::RefCell,
    fmt::{self, Write},
    time::Duration,
};

use bytes::Bytes;

use super::cursor::EventId;

/// Holds the longest heartbeat, so that writing one allocates once.
const CAPACITY_BYTES: usize = 128;

/// What the bytes of a heartbeat without a retry delay depend on.
type Content = (Option<EventId>, Duration);

thread_local! {
    /// The last heartbeat that was encoded on this thread. Streams that wait for the next event are at the same id,
    /// and thousands of them may send a heartbeat each second.
    static LAST: RefCell<Option<(Content, Bytes)>> = const { RefCell::new(None) };
}

/// Encodes a heartbeat: the stream is alive, is at `id`, and will not be silent for longer than
/// `interval`. Streams of one thread share the bytes of equal heartbeats, unless they set a retry delay, which
/// usually differs from stream to stream.
///
/// It is an event rather than a comment, because browsers hide comments from pages. Pages
/// without a listener for it do not notice it.
pub(crate) fn encode_heartbeat(
    id: Option<EventId>,
    interval: Duration,
    retry: Option<Duration>,
) -> Bytes {
    if retry.is_some() {
        return encode(id, interval, retry);
    }
    let content = (id, interval);
    LAST.with_borrow_mut(|last| match last {
        Some((last_content, bytes)) if *last_content == content => bytes.clone(),
        _ => last.insert((content, encode(id, interval, None))).1.clone(),
    })
}

fn encode(id: Option<EventId>, interval: Duration, retry: Option<Duration>) -> Bytes {
    let mut text = String::with_capacity(CAPACITY_BYTES);
    let written = write_heartbeat(&mut text, id, interval, retry);
    written.expect("writing to a string cannot fail");
    text.into()
}

fn write_heartbeat(
    text: &mut String,
    id: Option<EventId>,
    interval: Duration,
    retry: Option<Duration>,
) -> fmt::Result {
    if let Some(retry) = retry {
        // "If the field value consists of only ASCII digits, then interpret the field value as an
        // integer in base ten, and set the event stream's reconnection time to that integer."
        writeln!(text, "retry: {}", retry.as_millis())?;
    }
    if let Some(id) = id {
        writeln!(text, "id: {id}")?;
    }
    let seconds = interval.as_secs_f64();
    write!(text, "event: sse.heartbeat\ndata: {seconds}\n\n")
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{epoch::Epoch, event_id::Cursor};

    fn before(number: u64) -> Option<EventId> {
        Some(EventId {
            epoch: Epoch(0xabc),
            cursor: Cursor::before(number),
        })
    }

    #[test]
    fn heartbeats_are_encoded_as_documented() {
        assert_eq!(
            encode_heartbeat(before(42), Duration::from_secs(15), None),
            "id: 0000000000000abc-41\nevent: sse.heartbeat\ndata: 15\n\n"
        );
        assert_eq!(
            encode_heartbeat(
                before(42),
                Duration::from_millis(1500),
                Some(Duration::from_secs(1))
            ),
            "retry: 1000\nid: 0000000000000abc-41\nevent: sse.heartbeat\ndata: 1.5\n\n"
        );
        assert_eq!(
            encode_heartbeat(None, Duration::from_secs(15), None),
            "event: sse.heartbeat\ndata: 15\n\n"
        );
    }

    #[test]
    fn only_equal_heartbeats_are_the_same_bytes() {
        let second = Duration::from_secs(1);
        let first = encode_heartbeat(before(42), second, None);
        let equal = encode_heartbeat(before(42), second, None);
        assert_eq!(first.as_ptr(), equal.as_ptr(), "it is not encoded again");
        for (id, interval, retry) in [
            (before(43), second, None),
            (before(42), 2 * second, None),
            (None, second, None),
            (before(42), second, Some(second)),
            (before(42), second, Some(2 * second)),
        ] {
            let heartbeat = encode_heartbeat(id, interval, retry);
            assert_eq!(heartbeat, encode(id, interval, retry));
            assert_ne!(heartbeat, first);
        }
    }
}
