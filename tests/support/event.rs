//! The blocks of an event stream, parsed independently of the code under test.

use serde_json::Value;

/// One block of a stream: its fields, as they were when the block ended.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Event {
    pub id: Option<String>,
    pub event: Option<String>,
    pub data: Option<String>,
    pub retry: Option<u64>,
    /// Whether its block contains the comment that announces a planned end.
    pub is_planned_end: bool,
}

impl Event {
    #[must_use]
    pub fn name(&self) -> &str {
        self.event.as_deref().unwrap_or("message")
    }

    /// Whether it is one of the app's events, rather than one about the stream.
    #[must_use]
    pub fn is_from_app(&self) -> bool {
        self.data.is_some() && !self.name().starts_with("sse.")
    }

    #[must_use]
    pub fn json(&self) -> Value {
        serde_json::from_str(self.data.as_deref().unwrap()).unwrap()
    }

    /// The saved value.
    #[must_use]
    pub fn value(&self) -> Value {
        self.json()["value"].clone()
    }

    /// The sequence number in its id.
    #[must_use]
    pub fn number(&self) -> u64 {
        number_in_id(self.id.as_deref().unwrap())
    }
}

/// The sequence number in the id of an entry's last event.
#[must_use]
pub fn number_in_id(id: &str) -> u64 {
    let (_, number) = id.split_once('-').unwrap();
    number.parse().unwrap()
}

/// Splits a stream into its blocks. A block that is unfinished when the connection breaks is
/// dropped, as the standard requires.
#[derive(Default)]
pub struct EventParser {
    unfinished: Vec<u8>,
}

impl EventParser {
    /// The blocks that these bytes complete.
    pub fn feed(&mut self, bytes: &[u8]) -> Vec<Event> {
        self.unfinished.extend_from_slice(bytes);
        let mut events = Vec::new();
        while let Some(end) = self.unfinished.windows(2).position(|pair| pair == b"\n\n") {
            let block: Vec<u8> = self.unfinished.drain(..end + 2).collect();
            events.push(parse(std::str::from_utf8(&block).unwrap()));
        }
        events
    }
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
            "retry" => event.retry = Some(value.parse().unwrap()),
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

/// The part of an event in the ids of its key: FNV-1a of its name, in 8 hexadecimal digits.
#[must_use]
pub fn event_part(name: &str) -> u32 {
    name.bytes().fold(2_166_136_261, |hash: u32, byte| {
        (hash ^ u32::from(byte)).wrapping_mul(16_777_619)
    })
}
