//! The ids of events, from which clients know where they are, and what they consist of.

use std::{
    fmt::{self, Debug, Display},
    str::FromStr,
};

use crate::{
    epoch::{Epoch, Epochs, parse_hex},
    error::{Error, ErrorKind, excerpt},
};

/// Four bits each, and leading zeros, so that every part has one spelling.
const PART_DIGITS: usize = 8;

/// The number of the first entry of every journal.
pub(crate) const FIRST_NUMBER: u64 = 1;

/// A position between two frames: before the entry `next`, but after those of its frames whose `part`
/// is not higher than this one.
///
/// A count of frames would have another meaning after `SSE_EVENTS` was changed.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
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

impl Default for Cursor {
    fn default() -> Self {
        Self::before(FIRST_NUMBER)
    }
}

/// The id of an event. Browsers receive it with the event, and send the last one as `Last-Event-ID` when
/// they reconnect.
///
/// A later event of the same cache has a greater id, unless the journal was replaced, or a power failure
/// or a failover of Redis lost events in between; the default is before all. An id is printed and parsed in
/// the form that clients use:
///
/// ```no_run
/// use actix_web_sse::{Error, EventId, cache};
///
/// /// Whether a client has received what was saved, by the id of the last event that it has received.
/// fn has_received(last_event_id: &str, saved: EventId) -> Result<bool, Error> {
///     Ok(last_event_id.parse::<EventId>()? >= saved)
/// }
///
/// # fn main() -> Result<(), Error> {
/// let saved = cache().save_blocking("event_cache_key1", "1")?;
/// assert!(has_received(&saved.to_string(), saved)?);
/// # Ok(()) }
/// ```
// Of one journal, `EPOCH-41` is the cursor after entry 41, and `EPOCH-42.PART` the one after one of several
// events of entry 42. The order of the fields is the order of ids.
#[derive(Clone, Copy, Default, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct EventId {
    pub(crate) cursor: Cursor,
    pub(crate) epoch: Epoch,
}

impl Debug for EventId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "EventId({self})")
    }
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
    type Err = Error;

    fn from_str(text: &str) -> Result<Self, Error> {
        parse(text).map_err(|()| {
            let text = excerpt(text);
            Error::new(ErrorKind::Request, format!("`{text}` is not an event id"))
                .with_help("use the id of an event as the client has received it")
        })
    }
}

fn parse(text: &str) -> Result<EventId, ()> {
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
    Ok(EventId { cursor, epoch })
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
            assert_eq!(text.parse::<EventId>().unwrap(), id);
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
            assert!(text.parse::<EventId>().is_err(), "{text}");
        }
    }

    #[test]
    fn later_events_have_greater_ids() {
        let ids = ["-9", "-10.00000001", "-10.00000002", "-10", "-11"];
        let ids = ids.map(|end| format!("00000000000000ff{end}").parse::<EventId>().unwrap());
        assert!(ids.is_sorted_by(|former, later| former < later), "{ids:?}");
    }
}
