//! Filters, positions and ids, implemented independently of the library.

use std::{
    hash::{DefaultHasher, Hash, Hasher},
    sync::LazyLock,
};

use support::{
    event_part,
    oracle::{EVENTS, KEYS},
};

/// A set of events, one bit for each.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Filter(pub(crate) u8);

impl Filter {
    pub(crate) const ALL: Self = Self(0b111_1111);

    pub(crate) fn wants(self, event: u8) -> bool {
        self.0 & (1 << event) != 0
    }

    pub(crate) fn parameter(self) -> Option<String> {
        if self == Self::ALL {
            return None;
        }
        let names: Vec<&str> = (0..)
            .zip(EVENTS)
            .filter(|(at, _)| self.wants(*at))
            .map(|(_, name)| name)
            .collect();
        Some(format!("events={}", names.join(",")))
    }
}

/// What a client receives as the data of an event.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Format {
    Envelope,
    /// The value alone.
    Value,
}

impl Format {
    pub(crate) fn parameter(self) -> Option<&'static str> {
        match self {
            Self::Envelope => None,
            Self::Value => Some("data=value"),
        }
    }
}

/// A position in a journal: before the entry `next`, of which the events up to `part` were received. An
/// event's part is a hash of its name, and 0 is before the first.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) struct Position {
    pub(crate) next: u64,
    pub(crate) part: u32,
}

/// The id of a position.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Id {
    pub(crate) epoch: u64,
    pub(crate) position: Position,
}

impl Id {
    pub(crate) fn after(epoch: u64, number: u64) -> Self {
        let next = number.saturating_add(1);
        Self {
            epoch,
            position: Position { next, part: 0 },
        }
    }

    /// The newest entry of which a client with this id has received at least a part. It is the entry of the event
    /// that has this id.
    pub(crate) fn entry(self) -> u64 {
        let Position { next, part } = self.position;
        if part == 0 { next - 1 } else { next }
    }

    pub(crate) fn parse(text: &str) -> Option<Self> {
        let (epoch, position) = text.split_once('-')?;
        let epoch = u64::from_str_radix(epoch, 16).ok()?;
        Some(match position.split_once('.') {
            None => Self::after(epoch, position.parse().ok()?),
            Some((next, part)) => Self {
                epoch,
                position: Position {
                    next: next.parse().ok()?,
                    part: parse_part(part)?,
                },
            },
        })
    }
}

impl std::fmt::Display for Id {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        let Position { next, part } = self.position;
        match part {
            0 => write!(f, "{:016x}-{}", self.epoch, next - 1),
            _ => write!(f, "{:016x}-{next}.{part:08x}", self.epoch),
        }
    }
}

/// Eight digits, and never 0.
fn parse_part(text: &str) -> Option<u32> {
    let part = u32::from_str_radix(text, 16).ok()?;
    (part > 0 && format!("{part:08x}") == text).then_some(part)
}

/// The events of each key with their parts, in the order in which a client receives them.
pub(crate) static EVENTS_OF_KEYS: LazyLock<Vec<Vec<(u32, u8)>>> = LazyLock::new(|| {
    let of_key = |events: &[u8]| {
        let with_part = |event: &u8| (event_part(EVENTS[usize::from(*event)]), *event);
        let mut events: Vec<_> = events.iter().map(with_part).collect();
        events.sort_unstable();
        events
    };
    KEYS.iter().map(|(_, events, _)| of_key(events)).collect()
});

/// A digest of an event's data, because a million of them are kept.
pub(crate) fn digest(data: &str) -> u64 {
    let mut hasher = DefaultHasher::new();
    data.hash(&mut hasher);
    hasher.finish()
}
