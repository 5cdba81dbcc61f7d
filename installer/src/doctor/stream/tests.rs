//! Responses and recordings for the tests of the checks.

use std::time::Duration;

use hyper::Version;
use hyper::header::{HeaderMap, HeaderValue};

use super::probe::{Recording, TimedBlock};
use crate::http::ResponseHead;
use crate::listen::Block;

pub(super) fn head(status: u16, headers: &[(&'static str, &'static str)]) -> ResponseHead {
    let mut map = HeaderMap::new();
    for (name, value) in headers {
        map.append(*name, HeaderValue::from_static(value));
    }
    ResponseHead {
        version: Version::HTTP_11,
        status,
        headers: map,
    }
}

pub(super) fn block(at_millis: u64, event: &str, data: &str) -> TimedBlock {
    TimedBlock {
        at: Duration::from_millis(at_millis),
        block: Block {
            id: String::new(),
            event: event.to_owned(),
            data: Some(data.to_owned()),
            retry: None,
            is_planned_end: false,
        },
    }
}

/// A heartbeat with `retry`, as the first and the last block of a stream are.
pub(super) fn heartbeat_with_retry(at_millis: u64) -> TimedBlock {
    let mut heartbeat = block(at_millis, "sse.heartbeat", "15");
    heartbeat.block.retry = Some(Duration::from_secs(1));
    heartbeat
}

pub(super) fn recording(blocks: Vec<TimedBlock>) -> Recording {
    Recording {
        blocks,
        ..Recording::default()
    }
}
