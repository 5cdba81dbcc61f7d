//! The data of an event, as the library's server writes it.

use serde::Deserialize;
use serde_json::Value;
use serde_json::value::{RawValue, to_raw_value};

use super::sse_parser::Block;
use super::update::{ReceivedEvent, Update};
use crate::output::excerpt;

/// The library's form of an event's data.
#[derive(Deserialize)]
struct TimestampedValue {
    timestamp: String,
    value: Box<RawValue>,
}

/// The update that a block stands for; `None` for a heartbeat, and for a block without data.
pub(super) fn update_of_block(block: Block) -> Option<Update> {
    let data = block.data?;
    match block.event.as_str() {
        "sse.heartbeat" => None,
        "sse.gap" => Some(gap_warning(&data)),
        _ => received_event(block.id, block.event, &data).map(Update::Event),
    }
}

fn gap_warning(data: &str) -> Update {
    let gap: Value = serde_json::from_str(data).unwrap_or_default();
    let reason = excerpt(gap["reason"].as_str().unwrap_or(data));
    Update::Warning(format!("events may have been missed: {reason}"))
}

/// Data of another form, as other servers send it, is itself the value.
fn received_event(id: String, event: String, data: &str) -> Option<ReceivedEvent> {
    let (timestamp, value) = match serde_json::from_str(data) {
        Ok(TimestampedValue { timestamp, value }) => (Some(timestamp), value),
        Err(_) => (None, json_or_text(data)?),
    };
    Some(ReceivedEvent {
        id: Some(id).filter(|id| !id.is_empty()),
        event,
        key: None,
        audiences: Vec::new(),
        timestamp,
        value,
    })
}

fn json_or_text(data: &str) -> Option<Box<RawValue>> {
    serde_json::from_str(data)
        .or_else(|_| to_raw_value(data))
        .ok()
}
