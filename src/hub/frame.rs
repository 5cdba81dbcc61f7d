//! The bytes that go to browsers.

use std::{
    collections::HashSet,
    fmt::{self, Write},
    pin::pin,
    sync::Arc,
    task::{Context, Poll, Waker},
    time::Duration,
};

use actix_web::body::MessageBody;
use actix_web_lab::sse;
use bytes::Bytes;
use futures_util::stream;

use super::cursor::{Cursor, EventId};
use crate::{config::Events, entry::Entry, error::Error};

/// One event, encoded once for all clients.
#[derive(Debug, Clone)]
pub(crate) struct Frame {
    pub(crate) event: Arc<str>,
    pub(crate) bytes: Bytes,
}

/// Which events a stream wants.
#[derive(Debug, Clone, Default)]
pub(crate) enum Filter {
    #[default]
    All,
    Only(Arc<HashSet<String>>),
}

impl Filter {
    pub(crate) fn only(names: HashSet<String>) -> Self {
        Self::Only(Arc::new(names))
    }

    /// The names of the wanted events; `None`: all.
    pub(crate) fn names(&self) -> Option<&HashSet<String>> {
        match self {
            Self::All => None,
            Self::Only(names) => Some(names),
        }
    }

    pub(crate) fn wants(&self, frame: &Frame) -> bool {
        match self {
            Self::All => true,
            Self::Only(names) => names.contains(&*frame.event),
        }
    }

    /// The names that no event has.
    pub(crate) fn unknown<'a>(&'a self, events: &'a Events) -> impl Iterator<Item = &'a str> {
        self.names()
            .into_iter()
            .flatten()
            .map(String::as_str)
            .filter(|name| !events.contains(name))
    }
}

/// Why a client may have missed something.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Gap {
    /// Its id is none that this cache has given.
    UnknownId,
    /// The cache was made anew, or the machine was restarted, since it got its id.
    OtherEpoch,
    /// An event's time to live was over before the client came back.
    Expired,
    /// Entries were swept before the client came back.
    Swept,
    /// An entry's file is damaged.
    Unreadable,
}

impl Gap {
    fn reason(self) -> &'static str {
        match self {
            Self::UnknownId => "unknown-id",
            Self::OtherEpoch => "other-epoch",
            Self::Expired => "expired",
            Self::Swept => "swept",
            Self::Unreadable => "unreadable",
        }
    }
}

/// The frames of one entry, one for each event that it feeds; a tombstone feeds none. The last carries the entry's own
/// id; the ones before it say how many of them have been had.
pub(crate) fn frames(entry: &Entry, events: &Events) -> Result<Vec<Frame>, Error> {
    if entry.is_tombstone() {
        return Ok(Vec::new());
    }
    let names: Vec<&Arc<str>> = events.shared_of_key(entry.key()).collect();
    let Some(last) = names.len().checked_sub(1) else {
        return Ok(Vec::new());
    };
    let data = entry.data();
    names
        .into_iter()
        .enumerate()
        .map(|(at, name)| {
            let cursor = if at == last {
                Cursor::before(entry.number() + 1)
            } else {
                Cursor {
                    next: entry.number(),
                    parts: at + 1,
                }
            };
            let bytes = encode(cursor.id(entry.epoch()), name, data.clone())?;
            Ok(Frame {
                event: Arc::clone(name),
                bytes,
            })
        })
        .collect()
}

/// Says that the stream is alive, and where it is. The client learns how long it may be silent.
///
/// It is an event and not a comment, because browsers hide comments from pages; pages that do not
/// listen to it do not notice it.
pub(crate) fn heartbeat(id: Option<EventId>, interval: Duration, retry: Option<Duration>) -> Bytes {
    // Room for the longest, as thousands are written each second.
    let mut text = String::with_capacity(128);
    let written = write_heartbeat(&mut text, id, interval, retry);
    written.expect("a string takes what is written to it");
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

/// Says that something may have been missed, and where the stream goes on.
pub(crate) fn gap(id: EventId, gap: Gap) -> Bytes {
    format!(
        "id: {id}\nevent: sse.gap\ndata: {{\"reason\":\"{}\"}}\n\n",
        gap.reason()
    )
    .into()
}

/// An event in the form that the HTML standard gives it, by actix-web-lab: every line of the data
/// becomes a `data` field of its own, and a name or id with a line end is refused.
///
/// Its encoder is a response body, so the event is what a body with this one event yields first.
fn encode(id: EventId, event: &str, data: String) -> Result<Bytes, Error> {
    let data = sse::Data::new(data).event(event).id(id.to_string());
    let body = pin!(sse::Sse::from_infallible_stream(stream::iter([
        sse::Event::Data(data)
    ])));
    match body.poll_next(&mut Context::from_waker(Waker::noop())) {
        Poll::Ready(Some(Ok(bytes))) => Ok(bytes),
        Poll::Ready(Some(Err(error))) => Err(Error::new(
            crate::ErrorKind::Value,
            format!("the event `{event}` cannot be encoded: {error}"),
        )),
        Poll::Ready(None) | Poll::Pending => {
            unreachable!("a stream over an array is ready, and has the one item put into it")
        }
    }
}

#[cfg(test)]
mod tests {
    use std::time::SystemTime;

    use serde_json::value::RawValue;

    use super::*;
    use crate::{entry, epoch::Epoch};

    const EPOCH: Epoch = Epoch(0xabc);

    fn entry(value: &str) -> Entry {
        let value = RawValue::from_string(value.into()).unwrap();
        let document = entry::document("k", value, Duration::ZERO, SystemTime::UNIX_EPOCH);
        Entry::parse(EPOCH, 42, &document).unwrap()
    }

    fn encoded(events: &str, value: &str) -> Vec<String> {
        let frames = frames(&entry(value), &Events::parse(events).unwrap()).unwrap();
        frames
            .iter()
            .map(|frame| String::from_utf8(frame.bytes.to_vec()).unwrap())
            .collect()
    }

    #[test]
    fn an_event_has_id_name_and_envelope() {
        assert_eq!(
            encoded("a:k", "{\"order\":42}"),
            ["id: 0000000000000abc-42\nevent: a\n\
              data: {\"timestamp\":\"1970-01-01T00:00:00.000Z\",\"value\":{\"order\":42}}\n\n"]
        );
    }

    #[test]
    fn of_several_events_the_last_has_the_entrys_id() {
        let ids: Vec<String> = encoded("a:k,x:other,b:k,c:k", "1")
            .iter()
            .map(|frame| frame.lines().next().unwrap().into())
            .collect();
        assert_eq!(
            ids,
            [
                "id: 0000000000000abc-42.1",
                "id: 0000000000000abc-42.2",
                "id: 0000000000000abc-42"
            ]
        );
    }

    #[test]
    fn a_line_end_in_a_value_begins_no_field() {
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
    fn our_own_events_are_bytes_for_bytes_what_is_documented() {
        let id = Cursor::before(42).id(EPOCH);
        assert_eq!(
            heartbeat(Some(id), Duration::from_secs(15), None),
            "id: 0000000000000abc-41\nevent: sse.heartbeat\ndata: 15\n\n"
        );
        assert_eq!(
            heartbeat(
                Some(id),
                Duration::from_millis(1500),
                Some(Duration::from_secs(1))
            ),
            "retry: 1000\nid: 0000000000000abc-41\nevent: sse.heartbeat\ndata: 1.5\n\n"
        );
        assert_eq!(
            gap(id, Gap::Swept),
            "id: 0000000000000abc-41\nevent: sse.gap\ndata: {\"reason\":\"swept\"}\n\n"
        );
    }
}
