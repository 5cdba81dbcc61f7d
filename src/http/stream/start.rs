//! Where a stream starts.

use crate::{
    http::subscription::LastEventId,
    hub::{Gap, StartPoints, StreamPosition},
};

/// The first position of a stream, and what it implies.
pub(super) struct Start {
    pub(super) position: StreamPosition,
    /// Set if the client's id is not one of this library's.
    pub(super) gap: Option<Gap>,
    pub(super) is_reconnecting: bool,
    /// Whether the client is in another journal than the ring: then the ring's end does not show which
    /// of the entries were saved before the stream opened.
    pub(super) needs_ttl_limit: bool,
}

impl Start {
    pub(super) fn new(
        points: StartPoints,
        last_event_id: Option<LastEventId>,
        wants_lookback: bool,
    ) -> Self {
        let mut start = Self {
            position: StreamPosition::for_new_client(points),
            gap: None,
            is_reconnecting: false,
            needs_ttl_limit: false,
        };
        match last_event_id {
            None => {}
            Some(LastEventId::Invalid) => start.gap = Some(Gap::UnknownId),
            // Even if the epochs differ, this is no gap yet: the journal on disk may be newer than
            // the one that the tail follows, and it decides.
            Some(LastEventId::Valid(id)) => {
                start.position = StreamPosition::for_reconnecting_client(points, id);
                if wants_lookback {
                    start.position = start.position.with_lookback(points);
                }
                start.is_reconnecting = true;
                start.needs_ttl_limit = id.epoch != points.epoch;
            }
        }
        start
    }
}
