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
    pub(super) is_returning: bool,
    /// The client is in another journal than the ring, so the ring's end does not tell which of
    /// its entries were saved before the stream opened.
    pub(super) is_ttl_limit_unknown: bool,
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
            is_returning: false,
            is_ttl_limit_unknown: false,
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
                start.is_returning = true;
                start.is_ttl_limit_unknown = id.epoch != points.epoch;
            }
        }
        start
    }
}
