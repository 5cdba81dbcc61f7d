//! Responses and recordings for the tests of the checks.

use std::time::Duration;

use ureq::http::Version;

use super::probe::{Recording, TimedMessage};
use crate::listen::{Message, ResponseHead};

pub(super) fn head(status: u16, headers: &[(&str, &str)]) -> ResponseHead {
    let headers = headers.iter();
    ResponseHead {
        version: Version::HTTP_11,
        status,
        headers: headers
            .map(|(name, value)| ((*name).to_owned(), (*value).to_owned()))
            .collect(),
    }
}

pub(super) fn message(at_millis: u64, event: &str, data: &str) -> TimedMessage {
    TimedMessage {
        at: Duration::from_millis(at_millis),
        message: Message {
            id: String::new(),
            event: event.to_owned(),
            data: data.to_owned(),
            retry: None,
        },
    }
}

/// A heartbeat with `retry`, as the first and the last block of a stream are.
pub(super) fn heartbeat_with_retry(at_millis: u64) -> TimedMessage {
    let mut heartbeat = message(at_millis, "sse.heartbeat", "15");
    heartbeat.message.retry = Some(Duration::from_secs(1));
    heartbeat
}

pub(super) fn recording(messages: Vec<TimedMessage>) -> Recording {
    Recording {
        first_block_at: messages.first().map(|message| message.at),
        messages,
        ..Recording::default()
    }
}
