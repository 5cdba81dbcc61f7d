//! Parses a chunked HTTP response, and the event stream in it, as the HTML standard defines it.

use support::oracle::{AUTHENTICATED, At, EVENTS};

use crate::model::{Id, digest};

/// One dispatched block.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Block {
    Event {
        event: u8,
        id: Id,
        digest: u64,
    },
    Gap {
        reason: Reason,
        id: Id,
    },
    Heartbeat {
        id: Option<Id>,
    },
    /// A block that this server should never send.
    Unexpected(String),
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Reason {
    UnknownId,
    OtherEpoch,
    Expired,
    Swept,
    Unreadable,
}

/// The state after the bytes so far. An unfinished block is dropped with it.
#[derive(Default)]
pub(crate) struct Parser {
    status: Option<u16>,
    authenticated: Option<At>,
    head: Vec<u8>,
    chunk: ChunkState,
    line: Vec<u8>,
    block: Fields,
}

#[derive(Default)]
enum ChunkState {
    #[default]
    Head,
    Size(Vec<u8>),
    Data(usize),
    /// The line end after a chunk.
    After(usize),
}

#[derive(Default)]
struct Fields {
    id: Option<String>,
    event: Option<String>,
    data: Option<String>,
}

impl Parser {
    pub(crate) fn status(&self) -> Option<u16> {
        self.status
    }

    /// When the request was authenticated.
    pub(crate) fn authenticated(&self) -> Option<At> {
        self.authenticated
    }

    pub(crate) fn feed(&mut self, mut bytes: &[u8], blocks: &mut Vec<Block>) {
        while let Some(first) = bytes.first() {
            match &mut self.chunk {
                ChunkState::Head => {
                    self.head.push(*first);
                    bytes = &bytes[1..];
                    if self.head.ends_with(b"\r\n\r\n") {
                        let head = String::from_utf8_lossy(&self.head);
                        self.status = head.split(' ').nth(1).and_then(|code| code.parse().ok());
                        self.authenticated = authenticated(&head);
                        self.chunk = ChunkState::Size(Vec::new());
                    }
                }
                ChunkState::Size(text) => {
                    bytes = &bytes[1..];
                    if *first != b'\n' {
                        text.push(*first);
                        continue;
                    }
                    let size = String::from_utf8_lossy(text);
                    let size = usize::from_str_radix(size.trim(), 16);
                    self.chunk = match size {
                        Ok(size) => ChunkState::Data(size),
                        Err(_) => return blocks.push(Block::Unexpected("an invalid chunk".into())),
                    };
                }
                ChunkState::Data(0) => self.chunk = ChunkState::After(2),
                ChunkState::Data(left) => {
                    let count = bytes.len().min(*left);
                    *left -= count;
                    let (data, after) = bytes.split_at(count);
                    bytes = after;
                    self.text(data, blocks);
                }
                ChunkState::After(left) => {
                    bytes = &bytes[1..];
                    *left -= 1;
                    if *left == 0 {
                        self.chunk = ChunkState::Size(Vec::new());
                    }
                }
            }
        }
    }

    fn text(&mut self, data: &[u8], blocks: &mut Vec<Block>) {
        for piece in data.split_inclusive(|byte| *byte == b'\n') {
            self.line.extend_from_slice(piece);
            if self.line.ends_with(b"\n") {
                let line = String::from_utf8_lossy(&self.line).into_owned();
                self.line.clear();
                let line = line.trim_end_matches(['\r', '\n']);
                if line.is_empty() {
                    blocks.extend(std::mem::take(&mut self.block).dispatch());
                } else {
                    self.block.field(line);
                }
            }
        }
    }
}

/// The time in a header of the response.
fn authenticated(head: &str) -> Option<At> {
    let values = head.lines().filter_map(|line| line.split_once(": "));
    let value = values.into_iter().find(|(name, _)| *name == AUTHENTICATED);
    value
        .and_then(|(_, time)| time.parse().ok())
        .map(At::from_micros)
}

impl Fields {
    fn field(&mut self, line: &str) {
        let (name, value) = line.split_once(':').unwrap_or((line, ""));
        let value = value.strip_prefix(' ').unwrap_or(value);
        match name {
            "id" => self.id = Some(value.to_owned()),
            "event" => self.event = Some(value.to_owned()),
            "data" => match &mut self.data {
                Some(data) => {
                    data.push('\n');
                    data.push_str(value);
                }
                None => self.data = Some(value.to_owned()),
            },
            _ => {}
        }
    }

    fn dispatch(self) -> Option<Block> {
        let Self { id, event, data } = self;
        if id.is_none() && data.is_none() {
            return None;
        }
        let parsed = id.as_deref().map(Id::parse);
        let block = match (event.as_deref(), data.as_deref(), parsed) {
            (Some("sse.heartbeat"), Some(_), None) => Block::Heartbeat { id: None },
            (Some("sse.heartbeat"), Some(_), Some(Some(id))) => Block::Heartbeat { id: Some(id) },
            (Some("sse.gap"), Some(data), Some(Some(id))) => match reason(data) {
                Some(reason) => Block::Gap { reason, id },
                None => Block::Unexpected(format!("a gap for {data}")),
            },
            (Some(name), Some(data), Some(Some(id))) => {
                match (0..).zip(EVENTS).find(|(_, event)| *event == name) {
                    Some((event, _)) => Block::Event {
                        event,
                        id,
                        digest: digest(data),
                    },
                    None => Block::Unexpected(format!("an event {name:?}")),
                }
            }
            _ => Block::Unexpected(format!("id {id:?}, event {event:?}, data {data:?}")),
        };
        Some(block)
    }
}

fn reason(data: &str) -> Option<Reason> {
    let data: serde_json::Value = serde_json::from_str(data).ok()?;
    Some(match data["reason"].as_str()? {
        "unknown-id" => Reason::UnknownId,
        "other-epoch" => Reason::OtherEpoch,
        "expired" => Reason::Expired,
        "swept" => Reason::Swept,
        "unreadable" => Reason::Unreadable,
        _ => return None,
    })
}
