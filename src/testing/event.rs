//! The blocks of an event stream, parsed independently of the code that encodes them.

use std::fmt::{self, Display};

use serde::de::DeserializeOwned;
use serde_json::Value;

/// One block of a stream: its fields, as they were when the block ended.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
#[non_exhaustive]
pub struct Event {
    /// The field `id`, which the client sends when it reconnects.
    pub id: Option<String>,
    /// The field `event`.
    pub event: Option<String>,
    /// The lines of the fields `data`.
    pub data: Option<String>,
    /// The field `retry`, in milliseconds.
    pub retry: Option<u64>,
    /// Whether its block contains the comment that announces a planned end.
    pub is_planned_end: bool,
}

impl Event {
    /// The event's name; `message` if the block has none.
    #[must_use]
    pub fn name(&self) -> &str {
        self.event.as_deref().unwrap_or("message")
    }

    /// Whether it is one of the app's events, rather than one about the stream.
    #[must_use]
    pub fn is_from_app(&self) -> bool {
        self.data.is_some() && !self.name().starts_with("sse.")
    }

    /// Whether it only shows that the stream is alive: a heartbeat, or a block without data.
    #[must_use]
    pub fn is_heartbeat(&self) -> bool {
        self.data.is_none() || self.name() == "sse.heartbeat"
    }

    /// The data as JSON.
    ///
    /// # Panics
    ///
    /// Panics if the data is not JSON.
    #[track_caller]
    #[must_use]
    pub fn json(&self) -> Value {
        let data = self.data.as_deref().unwrap_or_default();
        match serde_json::from_str(data) {
            Ok(value) => value,
            Err(error) => panic!("{self}: its data is not JSON: {error}"),
        }
    }

    /// The saved value.
    ///
    /// # Panics
    ///
    /// Panics if the data is not JSON.
    #[track_caller]
    #[must_use]
    pub fn value(&self) -> Value {
        self.json()["value"].take()
    }

    /// The saved value as a type of yours.
    pub(super) fn typed_value<T: DeserializeOwned>(&self) -> Result<T, serde_json::Error> {
        #[derive(serde::Deserialize)]
        struct Data<T> {
            value: T,
        }
        let data = self.data.as_deref().unwrap_or_default();
        serde_json::from_str(data).map(|data: Data<T>| data.value)
    }

    /// The number in its id.
    ///
    /// # Panics
    ///
    /// Panics if it has no id, or one that does not end in a number.
    #[track_caller]
    #[must_use]
    pub fn number(&self) -> u64 {
        let number = self.id.as_deref().and_then(|id| id.split_once('-'));
        let number = number.and_then(|(_, number)| number.parse().ok());
        match number {
            Some(number) => number,
            None => panic!("{self:?} has no number in its id"),
        }
    }
}

/// As messages of failed assertions show it.
impl Display for Event {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let data = self.data.as_deref().unwrap_or_default();
        write!(f, "`{}` with the data {data}", self.name())
    }
}

/// Splits a stream into its blocks. A block that is unfinished when the connection breaks is
/// dropped, as the standard requires.
#[derive(Debug, Default)]
pub struct EventParser {
    unfinished: Vec<u8>,
}

impl EventParser {
    /// The blocks that these bytes complete.
    ///
    /// # Panics
    ///
    /// Panics if they are not what this library sends: UTF-8, lines that end in `\n`, and the fields of
    /// [`Event`].
    pub fn feed(&mut self, bytes: &[u8]) -> Vec<Event> {
        // The bytes before were searched at the last call. Searching them again for each piece of a large
        // value would take minutes.
        let mut searched = self.unfinished.len().saturating_sub(1);
        self.unfinished.extend_from_slice(bytes);
        let (mut start, mut events) = (0, Vec::new());
        while let Some(found) = find_end(&self.unfinished[searched..]) {
            let end = searched + found;
            let block = &self.unfinished[start..end];
            let block = str::from_utf8(block).unwrap_or_else(|error| panic!("{error}: {block:?}"));
            events.push(parse(block));
            (start, searched) = (end, end);
        }
        self.unfinished.drain(..start);
        events
    }
}

/// Where the first block ends.
fn find_end(bytes: &[u8]) -> Option<usize> {
    let position = bytes.windows(2).position(|pair| pair == b"\n\n");
    position.map(|position| position + 2)
}

fn parse(block: &str) -> Event {
    let mut event = Event::default();
    for line in block.lines().filter(|line| !line.is_empty()) {
        if let Some(comment) = line.strip_prefix(':') {
            event.is_planned_end |= comment == " planned end";
            continue;
        }
        let (field, value) = line.split_once(": ").unwrap_or((line, ""));
        match field {
            "id" => event.id = Some(value.to_owned()),
            "event" => event.event = Some(value.to_owned()),
            "retry" => event.retry = Some(parse_retry(value)),
            "data" => match &mut event.data {
                Some(data) => {
                    data.push('\n');
                    data.push_str(value);
                }
                None => event.data = Some(value.to_owned()),
            },
            other => panic!("unknown field {other:?} in {block:?}"),
        }
    }
    event
}

fn parse_retry(value: &str) -> u64 {
    let parsed = value.parse();
    parsed.unwrap_or_else(|_| panic!("`retry` is not a number: {value:?}"))
}
