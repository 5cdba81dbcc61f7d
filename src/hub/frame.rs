//! Events encoded as `text/event-stream`, the bytes that go to browsers.

use std::{
    pin::pin,
    sync::{Arc, OnceLock},
    task::{Context, Poll, Waker},
};

use actix_web::body::MessageBody;
use actix_web_lab::sse;
use bytes::Bytes;
use futures_util::stream;

use super::{
    cursor::{Cursor, EventId, Gap},
    value_frame::{encode_value, value_json},
};
use crate::{
    config::{Events, Pair},
    entry::Entry,
    error::{Error, ErrorKind},
};

/// What the data of a stream's events contains.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub(crate) enum DataFormat {
    /// `{"timestamp":…,"value":…}`
    #[default]
    Envelope,
    /// The value alone, see [`encode_value`].
    Value,
}

/// One event, encoded once in each format for all clients.
#[derive(Debug, Clone)]
pub(crate) struct Frame {
    pub(crate) event: Arc<str>,
    /// See [`Cursor`]. It rises from frame to frame of an entry.
    pub(crate) part: u32,
    /// With the envelope.
    bytes: Bytes,
    /// With the value alone. The first stream that needs it encodes it, so that it costs nothing if there
    /// is none.
    value_bytes: OnceLock<Bytes>,
}

impl Frame {
    pub(crate) fn new(event: Arc<str>, part: u32, bytes: Bytes) -> Self {
        Self {
            event,
            part,
            bytes,
            value_bytes: OnceLock::new(),
        }
    }

    /// Adds to `newly_encoded` the number of bytes that were encoded for this call.
    pub(crate) fn bytes(&self, format: DataFormat, newly_encoded: &mut usize) -> &Bytes {
        match format {
            DataFormat::Envelope => &self.bytes,
            DataFormat::Value => self.value_bytes.get_or_init(|| {
                let bytes = encode_value(&self.event, &self.bytes);
                *newly_encoded += bytes.len();
                bytes
            }),
        }
    }

    /// The saved value as JSON.
    pub(crate) fn value_json(&self) -> Option<String> {
        value_json(&self.bytes)
    }

    /// How much memory the bytes take, in all formats that were encoded so far.
    pub(crate) fn byte_count(&self) -> usize {
        self.bytes.len() + self.value_bytes.get().map_or(0, Bytes::len)
    }
}

/// Encodes one frame for each event that the entry triggers; none for a deletion or a revocation.
///
/// The last frame carries the entry's own id. The ids of the earlier ones end in their part, so that a
/// client that disconnects between two of them gets only the others.
pub(crate) fn encode_entry(entry: &Entry, events: &Events) -> Result<Vec<Frame>, Error> {
    if !entry.has_value() {
        return Ok(Vec::new());
    }
    let mut pairs = events.pairs_of_key(entry.key()).into_iter();
    if pairs.len() == 0 {
        return Ok(Vec::new());
    }
    let data = entry.data();
    let mut frames = Vec::with_capacity(pairs.len());
    while let Some(Pair { event, part, .. }) = pairs.next() {
        let mut id = entry.id();
        if pairs.len() > 0 {
            id.cursor = Cursor {
                next: entry.number,
                part: *part,
            };
        }
        let data = sse::Data::new(data.clone()).id(id.to_string());
        let bytes = encode_event(data.event(&**event))?;
        frames.push(Frame::new(Arc::clone(event), *part, bytes));
    }
    Ok(frames)
}

/// Encodes the notice that the client may have missed events and continues at `id`.
pub(crate) fn encode_gap(id: EventId, gap: Gap) -> Bytes {
    format!(
        "id: {id}\nevent: sse.gap\ndata: {{\"reason\":\"{}\"}}\n\n",
        gap.reason()
    )
    .into()
}

/// Encodes an event as the HTML standard requires, with actix-web-lab: every line of the data
/// becomes its own `data` field, and a name or id with a line end is refused.
///
/// That encoder is a response body, so the frame is the first chunk of a body with this event.
pub(super) fn encode_event(data: sse::Data) -> Result<Bytes, Error> {
    let body = pin!(sse::Sse::from_infallible_stream(stream::iter([
        sse::Event::Data(data)
    ])));
    match body.poll_next(&mut Context::from_waker(Waker::noop())) {
        Poll::Ready(Some(Ok(bytes))) => Ok(bytes),
        Poll::Ready(Some(Err(error))) => Err(Error::new(
            ErrorKind::Value,
            format!("an event cannot be encoded: {error}"),
        )),
        Poll::Ready(None) | Poll::Pending => {
            unreachable!("a stream over an array of one item yields it at once")
        }
    }
}

#[cfg(test)]
mod tests {
    use std::time::{Duration, SystemTime};

    use serde_json::value::RawValue;

    use super::*;
    use crate::{entry, epoch::Epoch};

    const EPOCH: Epoch = Epoch(0xabc);

    fn entry(value: &str) -> Entry {
        let value = RawValue::from_string(value.into()).unwrap();
        let document = entry::encode_document("k", value, Duration::ZERO, SystemTime::UNIX_EPOCH);
        Entry::parse(EPOCH, 42, &document).unwrap()
    }

    fn encoded(events: &str, value: &str) -> Vec<String> {
        let frames = encode_entry(&entry(value), &Events::parse(events).unwrap()).unwrap();
        frames
            .iter()
            .map(|frame| String::from_utf8(frame.bytes.to_vec()).unwrap())
            .collect()
    }

    #[test]
    fn a_frame_has_id_event_name_and_envelope() {
        assert_eq!(
            encoded("a:k", "{\"order\":42}"),
            ["id: 0000000000000abc-42\nevent: a\n\
              data: {\"timestamp\":\"1970-01-01T00:00:00.000Z\",\"value\":{\"order\":42}}\n\n"]
        );
    }

    #[test]
    fn the_last_of_several_events_has_the_id_of_the_entry() {
        let ids: Vec<String> = encoded("a:k,x:other,b:k,c:k", "1")
            .iter()
            .map(|frame| frame.lines().next().unwrap().into())
            .collect();
        assert_eq!(
            ids,
            [
                "id: 0000000000000abc-42.e40c292c",
                "id: 0000000000000abc-42.e60c2c52",
                "id: 0000000000000abc-42"
            ]
        );
    }

    #[test]
    fn a_line_end_in_a_value_does_not_start_a_field() {
        let [frame] = &encoded("a:k", "{\r\"n\":\n1}")[..] else {
            panic!()
        };
        assert_eq!(
            frame.lines().skip(2).collect::<Vec<_>>(),
            [
                "data: {\"timestamp\":\"1970-01-01T00:00:00.000Z\",\"value\":{",
                "data: \"n\":",
                "data: 1}}",
                ""
            ]
        );
        assert!(!frame.contains('\r'));
    }

    #[test]
    fn a_gap_is_encoded_as_documented() {
        let id = EventId {
            epoch: EPOCH,
            cursor: Cursor::before(42),
        };
        assert_eq!(
            encode_gap(id, Gap::Swept),
            "id: 0000000000000abc-41\nevent: sse.gap\ndata: {\"reason\":\"swept\"}\n\n"
        );
    }
}
