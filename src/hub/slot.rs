//! One entry in memory, and what a stream wants of it.

use std::time::{Instant, SystemTime};

use super::{
    frame::{Filter, Frame, frames},
    place::Place,
};
use crate::{config::Events, entry::Entry};

/// One entry.
pub(crate) struct Slot {
    pub(crate) seen: Instant,
    /// When it is no longer replayed.
    pub(crate) expires: Option<SystemTime>,
    pub(crate) content: Content,
}

pub(crate) enum Content {
    /// One frame for each event that listens to the entry's key; often none.
    Frames(Vec<Frame>),
    /// The entry could not be read.
    Missing,
}

impl Slot {
    /// An entry that is seen now.
    pub(crate) fn of(entry: &Entry, events: &Events, now: SystemTime) -> Self {
        let content = match frames(entry, events) {
            Ok(frames) => Content::Frames(frames),
            Err(error) => {
                log::error!("journal entry {} is skipped: {error}", entry.number());
                Content::Missing
            }
        };
        Self {
            seen: Instant::now(),
            expires: entry.expires(now),
            content,
        }
    }
}

impl Content {
    /// How much memory its frames take.
    pub(crate) fn bytes(&self) -> usize {
        match self {
            Self::Frames(frames) => frames.iter().map(|frame| frame.bytes.len()).sum(),
            Self::Missing => 0,
        }
    }
}

/// What a stream asks for.
pub(crate) struct Wanted<'a> {
    pub(crate) place: Place,
    pub(crate) filter: &'a Filter,
}

impl Wanted<'_> {
    /// Whether any other stream at this place that asks for the same gets the same, now and later.
    pub(crate) fn is_what_all_get(&self) -> bool {
        matches!(self.filter, Filter::All) && self.place.cursor.next > self.place.replay_until
    }

    /// Time to live governs what is replayed, never what is delivered as it comes.
    pub(crate) fn is_over(&self, number: u64, expires: Option<SystemTime>) -> bool {
        number <= self.place.replay_until
            && expires.is_some_and(|expires| SystemTime::now() > expires)
    }
}
