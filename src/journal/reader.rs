//! One reader's way through a journal.

use std::{
    sync::Arc,
    time::{Duration, SystemTime},
};

use super::{Journal, Read};
use crate::{entry::Entry, error::Error};

/// So many older entries in a row end the search for recent ones. A drop-in has the time of its
/// file, which may be older than that of entries before it.
const OLD_IN_A_ROW: u32 = 32;

/// Reads entries one after the other.
pub(crate) struct Reader {
    journal: Arc<dyn Journal>,
    next: u64,
}

/// What a reader met.
#[derive(Debug)]
pub(crate) enum Step {
    /// The next entry.
    Entry(Entry),
    /// The next entry is none that anybody hears: it deletes a key's value.
    Tombstone(Entry),
    /// There is no further entry yet.
    CaughtUp,
    /// The oldest entries were swept before they were read; the reader goes on behind them.
    Swept,
    /// An entry cannot be used, for this reason; the reader goes on behind it.
    Unreadable(String),
}

impl Reader {
    /// A reader whose first entry is the one with the number `next`.
    pub(crate) fn new(journal: Arc<dyn Journal>, next: u64) -> Self {
        Self { journal, next }
    }

    /// A reader that begins with what was saved within `age`, but with no more than the newest
    /// `most` entries.
    pub(crate) fn recent(
        journal: Arc<dyn Journal>,
        age: Duration,
        most: u64,
    ) -> Result<Self, Error> {
        let newest = journal.newest()?;
        let oldest_wanted = newest.saturating_sub(most) + 1;
        let now = SystemTime::now();
        let mut first = newest + 1;
        let mut number = first;
        let mut old = 0;
        while number > oldest_wanted && old < OLD_IN_A_ROW {
            number -= 1;
            match Self::new(Arc::clone(&journal), number).step()? {
                Step::Entry(entry) | Step::Tombstone(entry) if entry.age(now) <= age => {
                    first = number;
                    old = 0;
                }
                Step::Swept => break,
                _ => old += 1,
            }
        }
        Ok(Self::new(journal, first))
    }

    pub(crate) fn journal(&self) -> &Arc<dyn Journal> {
        &self.journal
    }

    /// The number of the next entry.
    pub(crate) fn next(&self) -> u64 {
        self.next
    }

    /// Leaves the next entry out.
    pub(crate) fn skip(&mut self) {
        self.next += 1;
    }

    pub(crate) fn step(&mut self) -> Result<Step, Error> {
        let number = self.next;
        let (next, step) = match self.journal.read(number)? {
            Read::NotYet => (number, Step::CaughtUp),
            // Never backwards, whatever a journal says of itself.
            Read::Swept { oldest } => (oldest.max(number + 1), Step::Swept),
            Read::Broken(why) => (number + 1, Step::Unreadable(why)),
            Read::Entry(bytes) => {
                let step = match Entry::parse(self.journal.epoch(), number, &bytes) {
                    Ok(entry) if entry.is_tombstone() => Step::Tombstone(entry),
                    Ok(entry) => Step::Entry(entry),
                    Err(why) => Step::Unreadable(why),
                };
                (number + 1, step)
            }
        };
        self.next = next;
        Ok(step)
    }
}
