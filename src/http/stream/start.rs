//! Where a stream starts.

use crate::{
    http::subscription::LastEventId,
    hub::{EventId, Gap, StartPoints, StreamPosition},
};

/// The first position of a stream, and what it implies.
pub(super) struct Start {
    pub(super) position: StreamPosition,
    /// Set if the client's id is not one of this library's, or if what it has received was lost.
    pub(super) gap: Option<Gap>,
    pub(super) is_reconnecting: bool,
}

impl Start {
    pub(super) fn new(
        points: &StartPoints,
        last_event_id: Option<LastEventId>,
        wants_lookback: bool,
    ) -> Self {
        let gap = match last_event_id {
            None => None,
            Some(LastEventId::Invalid) => Some(Gap::UnknownId),
            Some(LastEventId::Valid(id)) => return Self::resume(points, id, wants_lookback),
        };
        Self {
            position: StreamPosition::for_new_client(points),
            gap,
            is_reconnecting: false,
        }
    }

    /// Where a client with this id continues in the ring's journal.
    pub(super) fn resume(points: &StartPoints, id: EventId, wants_lookback: bool) -> Self {
        let last_kept = points.epochs.last_number_shared_with(id.epoch);
        let epoch = last_kept.map_or(id.epoch, |_| points.epochs.current());
        let lost_after = last_kept.filter(|last_kept| id.cursor.last_received() > *last_kept);
        let mut position = match lost_after {
            Some(last_kept) => StreamPosition::after_loss(points, last_kept),
            None => StreamPosition::for_reconnecting_client(points, EventId { epoch, ..id }),
        };
        if wants_lookback {
            position = position.with_lookback(points);
        }
        Self {
            position,
            gap: lost_after.map(|_| Gap::OtherEpoch),
            is_reconnecting: true,
        }
    }
}
