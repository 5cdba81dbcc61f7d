//! Positions in a journal: where a stream is, where it may continue, and the event ids from
//! which clients know where they are.

use std::{
    fmt::{self, Display},
    str::FromStr,
};

use super::gap::Gap;
use crate::epoch::{Epoch, Epochs, parse_hex};

/// Four bits each, and leading zeros, so that every part has one spelling.
const PART_DIGITS: usize = 8;

/// The number of the first entry of every journal.
const FIRST_NUMBER: u64 = 1;

/// The value of [`StreamPosition::gap_applies_from`] for a client that never had an id of this journal:
/// no expired entry is a gap for it.
const NO_EXPIRED_GAP: u64 = u64::MAX;

/// The value of [`StreamPosition::ttl_applies_until`] until the end of the client's journal is known.
const UNKNOWN_END: u64 = u64::MAX;

/// A position between two frames: before the entry `next`, but after those of its frames whose `part`
/// is not higher than this one.
///
/// A count of frames would have another meaning after `SSE_EVENTS` was changed.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) struct Cursor {
    pub(crate) next: u64,
    /// 0 before the entry's first frame.
    pub(crate) part: u32,
}

impl Cursor {
    /// Before the first frame of the entry `next`.
    pub(crate) fn before(next: u64) -> Self {
        Self { next, part: 0 }
    }

    /// The newest entry of which a client at this position has received at least a part.
    fn last_received(self) -> u64 {
        match self.part {
            0 => self.next - 1,
            _ => self.next,
        }
    }

    /// The id of a client that has received everything before this position. It is the same in later
    /// epochs, so that clients can compare it with the ids that they have.
    pub(crate) fn event_id(self, epochs: &Epochs) -> EventId {
        EventId {
            epoch: epochs.epoch_of(self.last_received()),
            cursor: self,
        }
    }
}

impl Default for Cursor {
    fn default() -> Self {
        Self::before(FIRST_NUMBER)
    }
}

/// A cursor into one journal. Clients receive it in the field `id` and send it back as
/// `Last-Event-ID`: `EPOCH-41` after entry 41, `EPOCH-42.PART` after one of several events of entry 42.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub(crate) struct EventId {
    pub(crate) epoch: Epoch,
    pub(crate) cursor: Cursor,
}

impl EventId {
    /// Before the first frame of the entry `next`.
    pub(crate) fn before(epoch: Epoch, next: u64) -> Self {
        Self {
            epoch,
            cursor: Cursor::before(next),
        }
    }
}

impl Display for EventId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Cursor { next, part } = self.cursor;
        match part {
            0 => write!(f, "{}-{}", self.epoch, next - 1),
            part => write!(f, "{}-{next}.{part:0PART_DIGITS$x}", self.epoch),
        }
    }
}

impl FromStr for EventId {
    type Err = ();

    fn from_str(text: &str) -> Result<Self, ()> {
        let (epoch, position) = text.split_once('-').ok_or(())?;
        let epoch = epoch.parse()?;
        let cursor = match position.split_once('.') {
            None => Cursor::before(parse_number(position)?.checked_add(1).ok_or(())?),
            Some((next, part)) => Cursor {
                next: parse_number(next)?,
                part: parse_part(part)?,
            },
        };
        // No entry has this number.
        if cursor.next == 0 {
            return Err(());
        }
        Ok(Self { epoch, cursor })
    }
}

/// Parses a part only in the form that `Display` writes. 0 is not the part of any frame.
fn parse_part(text: &str) -> Result<u32, ()> {
    let part = u32::try_from(parse_hex(text, PART_DIGITS)?).map_err(|_| ())?;
    if part == 0 { Err(()) } else { Ok(part) }
}

/// Parses digits only in the form that `Display` writes: without sign or leading zeros.
fn parse_number(text: &str) -> Result<u64, ()> {
    let is_canonical = text == "0" || !text.starts_with('0');
    if !is_canonical || !text.bytes().all(|byte| byte.is_ascii_digit()) {
        return Err(());
    }
    text.parse().map_err(|_| ())
}

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

impl StreamPosition {
    /// A reconnecting client is after its last event.
    pub(crate) fn of_client(id: EventId) -> Self {
        Self {
            at: id,
            ttl_applies_until: UNKNOWN_END,
            gap_applies_from: id.cursor.next,
        }
    }
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
            (self.in_current_epoch(position), None)
        };
        let is_reached = position.at.cursor <= Cursor::before(self.end);
        is_reached.then_some((position, gap))
    }

    fn in_current_epoch(&self, position: StreamPosition) -> StreamPosition {
        let epoch = self.epochs.current();
        if position.at.epoch != epoch {
            let at = EventId {
                epoch,
                ..position.at
            };
            return self.in_current_epoch(StreamPosition::of_client(at));
        }
        StreamPosition {
            ttl_applies_until: position.ttl_applies_until.min(self.end - 1),
            ..position
        }
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

    #[test]
    fn an_id_is_read_as_it_was_written() {
        let middle_of_entry = Cursor {
            next: 42,
            part: 0x0c3f_0001,
        };
        for (cursor, text) in [
            (Cursor::before(1), "00000000000000ff-0"),
            (Cursor::before(42), "00000000000000ff-41"),
            (middle_of_entry, "00000000000000ff-42.0c3f0001"),
        ] {
            let id = cursor.event_id(&Epoch(255).into());
            assert_eq!(id.to_string(), text);
            assert_eq!(text.parse(), Ok(id));
        }
    }

    #[test]
    fn any_other_text_is_not_an_id() {
        for text in [
            "",
            "-",
            "41",
            "ff-41",
            "00000000000000FF-41",
            "00000000000000ff-",
            "00000000000000ff-041",
            "00000000000000ff-+41",
            "00000000000000ff-4 1",
            "00000000000000ff-41.",
            "00000000000000ff-41.1",
            "00000000000000ff-41.00000000",
            "00000000000000ff-41.0C3F0001",
            "00000000000000ff-41.+c3f0001",
            "00000000000000ff-41.00c3f0001",
            "00000000000000ff-41.0c3f0001.0c3f0001",
            "00000000000000ff-0.0c3f0001",
            "00000000000000ff-041.0c3f0001",
            "00000000000000ff-18446744073709551615",
            "00000000000000ff-99999999999999999999999",
            "00000000000000ff--1",
            "\u{2026}",
        ] {
            assert_eq!(text.parse::<EventId>(), Err(()), "{text}");
        }
    }
}
