//! Filters, positions and ids, implemented independently of the library.

use std::hash::{DefaultHasher, Hash, Hasher};

use support::oracle::EVENTS;

/// A set of events, one bit for each.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Filter(pub(crate) u8);

impl Filter {
    pub(crate) const ALL: Self = Self(0b111_1111);

    pub(crate) fn wants(self, event: u8) -> bool {
        self.0 & (1 << event) != 0
    }

    pub(crate) fn query(self) -> String {
        if self == Self::ALL {
            return String::new();
        }
        let names: Vec<&str> = (0..)
            .zip(EVENTS)
            .filter(|(at, _)| self.wants(*at))
            .map(|(_, name)| name)
            .collect();
        format!("?events={}", names.join(","))
    }
}

/// A position in a journal: before the entry `next`, of which `parts` events were received.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) struct Position {
    pub(crate) next: u64,
    pub(crate) parts: usize,
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
            position: Position { next, parts: 0 },
        }
    }

    pub(crate) fn parse(text: &str) -> Option<Self> {
        let (epoch, position) = text.split_once('-')?;
        let epoch = u64::from_str_radix(epoch, 16).ok()?;
        Some(match position.split_once('.') {
            None => Self::after(epoch, position.parse().ok()?),
            Some((next, parts)) => Self {
                epoch,
                position: Position {
                    next: next.parse().ok()?,
                    parts: parts.parse().ok()?,
                },
            },
        })
    }
}

impl std::fmt::Display for Id {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        let Position { next, parts } = self.position;
        match parts {
            0 => write!(f, "{:016x}-{}", self.epoch, next - 1),
            _ => write!(f, "{:016x}-{next}.{parts}", self.epoch),
        }
    }
}

/// A digest of an event's data, because a million of them are kept.
pub(crate) fn digest(data: &str) -> u64 {
    let mut hasher = DefaultHasher::new();
    data.hash(&mut hasher);
    hasher.finish()
}
