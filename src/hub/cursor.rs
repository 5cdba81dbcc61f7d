//! A place between two frames, and the event id that stands for it.

use std::{
    fmt::{self, Display},
    str::FromStr,
};

use crate::epoch::Epoch;

/// Where a stream is: before the entry `next`, of which it has had `parts` frames already.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) struct Cursor {
    pub(crate) next: u64,
    pub(crate) parts: usize,
}

impl Cursor {
    pub(crate) fn before(next: u64) -> Self {
        Self { next, parts: 0 }
    }

    /// The id of a client that has had all before this place.
    pub(crate) fn id(self, epoch: Epoch) -> EventId {
        EventId {
            epoch,
            cursor: self,
        }
    }
}

/// A place in one journal, as `id` field and as `Last-Event-ID`: `EPOCH-41` behind entry 41, and
/// `EPOCH-42.1` where of several events of entry 42 one has been had.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct EventId {
    pub(crate) epoch: Epoch,
    pub(crate) cursor: Cursor,
}

impl Display for EventId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Cursor { next, parts } = self.cursor;
        match parts {
            0 => write!(f, "{}-{}", self.epoch, next - 1),
            parts => write!(f, "{}-{next}.{parts}", self.epoch),
        }
    }
}

impl FromStr for EventId {
    type Err = ();

    fn from_str(text: &str) -> Result<Self, ()> {
        let (epoch, place) = text.split_once('-').ok_or(())?;
        let epoch = epoch.parse()?;
        let cursor = match place.split_once('.') {
            None => Cursor::before(number(place)?.checked_add(1).ok_or(())?),
            Some((entry, parts)) => Cursor {
                next: number(entry)?,
                parts: usize::try_from(number(parts)?).map_err(|_| ())?,
            },
        };
        // Neither is an id of ours: there is no entry 0, and the last part has the entry's own id.
        if cursor.next == 0 || (place.contains('.') && cursor.parts == 0) {
            return Err(());
        }
        Ok(Self { epoch, cursor })
    }
}

/// Digits as we write them: no sign, no leading zero.
fn number(text: &str) -> Result<u64, ()> {
    let canonical = text == "0" || !text.starts_with('0');
    if !canonical || !text.bytes().all(|byte| byte.is_ascii_digit()) {
        return Err(());
    }
    text.parse().map_err(|_| ())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn ids_are_read_as_they_are_written() {
        for (cursor, text) in [
            (Cursor::before(1), "00000000000000ff-0"),
            (Cursor::before(42), "00000000000000ff-41"),
            (Cursor { next: 42, parts: 1 }, "00000000000000ff-42.1"),
        ] {
            let id = cursor.id(Epoch(255));
            assert_eq!(id.to_string(), text);
            assert_eq!(text.parse(), Ok(id));
        }
    }

    #[test]
    fn nothing_else_is_an_id() {
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
            "00000000000000ff-41.0",
            "00000000000000ff-41.",
            "00000000000000ff-0.1",
            "00000000000000ff-18446744073709551615",
            "00000000000000ff-99999999999999999999999",
            "00000000000000ff--1",
            "\u{2026}",
        ] {
            assert_eq!(text.parse::<EventId>(), Err(()), "{text}");
        }
    }
}
