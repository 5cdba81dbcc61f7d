//! Positions in a journal: where a stream is, where it may start, and the event ids from
//! which clients know where they are.

use std::{
    fmt::{self, Display},
    str::FromStr,
};

use crate::epoch::{Epoch, Epochs};

/// Four bits each, and leading zeros, so that every part has one spelling.
const PART_DIGITS: usize = 8;

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
    pub(crate) fn last_received(self) -> u64 {
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

/// A cursor into one journal, as clients receive it in the field `id` and send it back as
/// `Last-Event-ID`: `EPOCH-41` after entry 41, `EPOCH-42.PART` after one of several events of entry 42.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct EventId {
    pub(crate) epoch: Epoch,
    pub(crate) cursor: Cursor,
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
    let is_hex = text
        .bytes()
        .all(|byte| matches!(byte, b'0'..=b'9' | b'a'..=b'f'));
    if text.len() != PART_DIGITS || !is_hex {
        return Err(());
    }
    let part = u32::from_str_radix(text, 16).map_err(|_| ())?;
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

/// A position before an entry of the ring's journal.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub(crate) struct RingPosition {
    pub(crate) epoch: Epoch,
    pub(crate) next: u64,
}

/// The numbers of the entries at which a stream may start, all read from the ring at one moment.
#[derive(Debug, Clone)]
pub(crate) struct StartPoints {
    /// Of the ring's journal.
    pub(crate) epochs: Epochs,
    /// The oldest entry in the ring.
    pub(crate) ring_start: u64,
    /// The first entry that a new client receives.
    pub(crate) lookback_start: u64,
    /// The entry that will be saved next.
    pub(crate) end: u64,
}

/// The number of the first entry of every journal.
const FIRST_NUMBER: u64 = 1;

/// The value of [`StreamPosition::gap_applies_from`] for a client that never had an id of this journal:
/// no expired entry is a gap for it.
const NO_EXPIRED_GAP: u64 = u64::MAX;

/// Where a stream is, in which journal, and how it treats entries that have expired.
#[derive(Debug, Clone, Copy)]
pub(crate) struct StreamPosition {
    pub(crate) epoch: Epoch,
    pub(crate) cursor: Cursor,
    /// The time to live applies to entries up to this number: they were saved before the stream
    /// opened.
    pub(crate) ttl_applies_until: u64,
    /// If an entry from this number on has expired, the client receives `sse.gap`. Older entries
    /// are left out silently: they are before the position in the client's id.
    pub(crate) gap_applies_from: u64,
}

impl StreamPosition {
    /// A client without an id starts a few seconds back.
    pub(crate) fn for_new_client(points: &StartPoints) -> Self {
        Self::before(points, points.lookback_start)
    }

    /// A client of another journal gets everything in this one, however late it connects and whatever
    /// the ring still holds.
    pub(crate) fn for_client_of_another_journal(points: &StartPoints) -> Self {
        Self::before(points, FIRST_NUMBER)
    }

    fn before(points: &StartPoints, next: u64) -> Self {
        Self {
            epoch: points.epochs.current(),
            cursor: Cursor::before(next),
            ttl_applies_until: points.end - 1,
            gap_applies_from: NO_EXPIRED_GAP,
        }
    }

    /// A client that has received entries after `last_kept` that were lost since gets all that have taken
    /// their numbers.
    pub(crate) fn after_loss(points: &StartPoints, last_kept: u64) -> Self {
        Self::before(points, last_kept + 1)
    }

    /// A reconnecting client continues after its last event.
    ///
    /// The client may be in another journal than the ring. That alone does not cause a gap: the journal on
    /// disk decides, and it may be newer than the ring's. In that case, the ring does not show which
    /// entries were saved before the stream opened. The client receives all of them, since the
    /// journal is younger than the server's last check.
    pub(crate) fn for_reconnecting_client(points: &StartPoints, id: EventId) -> Self {
        let is_in_ring = id.epoch == points.epochs.current();
        Self {
            epoch: id.epoch,
            cursor: id.cursor,
            ttl_applies_until: if is_in_ring { points.end - 1 } else { 0 },
            gap_applies_from: id.cursor.next,
        }
    }

    /// Moves back to where a new client starts, for a connection that reconnecting and new pages
    /// share. The pages drop events that they already have by their ids.
    ///
    /// An id beyond the ring's end is kept: only the journal can tell whether it is valid.
    pub(crate) fn with_lookback(mut self, points: &StartPoints) -> Self {
        if self.epoch == points.epochs.current() && self.cursor.next <= points.end {
            self.cursor = self.cursor.min(Cursor::before(points.lookback_start));
        }
        self
    }

    pub(crate) fn ring_position(&self) -> RingPosition {
        RingPosition {
            epoch: self.epoch,
            next: self.cursor.next,
        }
    }

    /// The id that tells a client to continue here after a gap: in the current epoch, because it may have
    /// ids of former epochs with higher numbers.
    pub(crate) fn id_after_gap(&self) -> EventId {
        EventId {
            epoch: self.epoch,
            cursor: self.cursor,
        }
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
