//! Positions in a journal: where a stream is, and where it may continue.

use crate::epoch::Epochs;
pub(crate) use crate::event_id::{Cursor, EventId, FIRST_NUMBER};
pub(crate) use crate::gap::Gap;

/// The value of [`StreamPosition::gap_applies_from`] for a client that never had an id of this journal:
/// no expired entry is a gap for it.
const NO_EXPIRED_GAP: u64 = u64::MAX;

/// Where a stream is, and how it treats entries that have expired.
#[derive(Debug, Clone, Copy)]
pub(crate) struct StreamPosition {
    /// In the epoch that was current when the stream got this position, so it is not always what
    /// [`Cursor::event_id`] returns.
    pub(crate) at: EventId,
    /// The time to live applies to entries up to this number: they were saved before the stream
    /// opened.
    pub(crate) ttl_applies_until: u64,
    /// If an entry from this number on has expired, the client receives `sse.gap`. Older entries
    /// are left out silently: they are before the position in the client's id.
    pub(crate) gap_applies_from: u64,
}

/// The numbers of the entries at which a stream may start, all read from the ring at one moment.
#[derive(Debug, Clone)]
pub(crate) struct StartPoints {
    /// Of the ring's journal.
    pub(crate) epochs: Epochs,
    /// The first entry that a new client receives.
    pub(crate) lookback_start: u64,
    /// The entry that will be saved next.
    pub(crate) end: u64,
}

impl StartPoints {
    /// A client without an id starts a few seconds back.
    pub(crate) fn for_new_client(&self) -> StreamPosition {
        self.before(self.lookback_start)
    }

    /// A client without an id that wants only what is saved from now on.
    pub(crate) fn without_lookback(&self) -> StreamPosition {
        self.before(self.end)
    }

    /// A reconnecting client is after its last event, maybe in another journal than the ring.
    ///
    /// In that case, the ring does not show which entries were saved before the stream opened. If the
    /// client's epoch is the current one, it began after this server last checked, so hardly any of
    /// its entries can have expired: the client receives all of them.
    pub(crate) fn for_reconnecting_client(&self, id: EventId) -> StreamPosition {
        let last_kept = self.epochs.last_number_shared_with(id.epoch);
        let mut at = id;
        if last_kept.is_some_and(|last_kept| id.cursor.last_received() <= last_kept) {
            at.epoch = self.epochs.current();
        }
        StreamPosition {
            at,
            ttl_applies_until: last_kept.map_or(0, |_| self.end - 1),
            gap_applies_from: id.cursor.next,
        }
    }

    fn before(&self, next: u64) -> StreamPosition {
        StreamPosition {
            at: EventId::before(self.epochs.current(), next),
            ttl_applies_until: self.end - 1,
            gap_applies_from: NO_EXPIRED_GAP,
        }
    }

    /// Where a client at `position` continues, with a gap if it may miss entries. `None` if the ring shows
    /// another journal, or has not reached the position. If the tail has checked the ring and
    /// `checked_end` was its end, the journal does not have such a position either.
    pub(crate) fn resume(
        &self,
        position: StreamPosition,
        checked_end: Option<EventId>,
    ) -> Option<(StreamPosition, Option<Gap>)> {
        self.find(position).or_else(|| {
            // Otherwise the ring was restarted since.
            let is_checked = checked_end.is_some_and(|end| self.includes(end));
            is_checked.then(|| self.restart(position))
        })
    }

    fn find(&self, position: StreamPosition) -> Option<(StreamPosition, Option<Gap>)> {
        let EventId { epoch, cursor } = position.at;
        let last_kept = self.epochs.last_number_shared_with(epoch)?;
        let (position, gap) = if cursor.last_received() > last_kept {
            // The client gets all entries that have taken the numbers of those that were lost.
            (self.before(last_kept + 1), Some(Gap::OtherEpoch))
        } else {
            (self.in_current_epoch(position, last_kept), None)
        };
        let is_reached = position.at.cursor <= Cursor::before(self.end);
        is_reached.then_some((position, gap))
    }

    /// The numbers up to a position that is still known are the same in both epochs. Those after `last_kept` belong
    /// to entries that were saved after the stream opened.
    fn in_current_epoch(&self, mut position: StreamPosition, last_kept: u64) -> StreamPosition {
        position.at.epoch = self.epochs.current();
        position.ttl_applies_until = position.ttl_applies_until.min(last_kept);
        position
    }

    fn restart(&self, position: StreamPosition) -> (StreamPosition, Option<Gap>) {
        match self.epochs.last_number_shared_with(position.at.epoch) {
            Some(_) => (self.for_new_client(), Some(Gap::UnknownId)),
            // Everything in this journal, however late the client connects and whatever the ring
            // still holds.
            None => (self.before(FIRST_NUMBER), Some(Gap::OtherEpoch)),
        }
    }

    /// Moves back to where a new client starts, for a connection that reconnecting and new pages
    /// share. The pages drop events that they already have by their ids.
    pub(crate) fn with_lookback(&self, mut position: StreamPosition) -> StreamPosition {
        let lookback_start = Cursor::before(self.lookback_start);
        position.at.cursor = position.at.cursor.min(lookback_start);
        position
    }

    fn includes(&self, end: EventId) -> bool {
        end.epoch == self.epochs.current() && end.cursor.next <= self.end
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::epoch::Epoch;

    const A: Epoch = Epoch(1);
    const B: Epoch = Epoch(2);

    /// A ring that shows the entries 8 to 10. Those up to 6 are from the epoch A.
    fn points() -> StartPoints {
        StartPoints {
            epochs: Epochs::from(A).followed_by(B, 6),
            lookback_start: 9,
            end: 11,
        }
    }

    /// Where a client with this id continues, and the reason of the gap, if any.
    fn resumed(id: EventId, checked_end: Option<EventId>) -> Option<(u64, Option<Gap>)> {
        let resumed = points().resume(points().for_reconnecting_client(id), checked_end);
        resumed.map(|(position, gap)| {
            assert_eq!(position.at.epoch, B);
            assert_eq!(position.ttl_applies_until, 10);
            (position.at.cursor.next, gap)
        })
    }

    #[test]
    fn a_client_continues_after_its_id_or_after_what_is_left_of_its_epoch() {
        let at = |epoch, next| resumed(EventId::before(epoch, next), None);
        assert_eq!(at(B, 3), Some((3, None)));
        assert_eq!(at(B, 11), Some((11, None)));
        assert_eq!(at(A, 7), Some((7, None)), "after entry 6");
        assert_eq!(
            at(A, 8),
            Some((7, Some(Gap::OtherEpoch))),
            "entry 7 was lost"
        );
    }

    #[test]
    fn only_a_check_of_the_ring_shows_that_the_journal_does_not_have_an_id() {
        let (beyond, unknown) = (EventId::before(B, 12), EventId::before(Epoch(3), 5));
        let restarted = [EventId::before(B, 12), EventId::before(A, 11)];
        for unchecked in [None, Some(restarted[0]), Some(restarted[1])] {
            assert_eq!(resumed(beyond, unchecked), None);
            assert_eq!(resumed(unknown, unchecked), None);
        }
        let checked = Some(EventId::before(B, 11));
        assert_eq!(resumed(beyond, checked), Some((9, Some(Gap::UnknownId))));
        assert_eq!(resumed(unknown, checked), Some((1, Some(Gap::OtherEpoch))));
    }

    #[test]
    fn the_time_to_live_applies_to_no_entry_that_was_saved_after_the_stream_opened() {
        let open = StreamPosition {
            ttl_applies_until: 4,
            ..points().for_reconnecting_client(EventId::before(B, 11))
        };
        let (position, _) = points().resume(open, None).unwrap();
        assert_eq!(position.ttl_applies_until, 4);
        // Also if the stream goes on in the next epoch.
        let open = StreamPosition {
            at: EventId::before(A, 6),
            ..open
        };
        let (position, gap) = points().resume(open, None).unwrap();
        assert_eq!((position.ttl_applies_until, gap), (4, None));
    }
}
