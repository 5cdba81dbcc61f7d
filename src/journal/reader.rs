//! One reader's way through a journal.

use std::sync::Arc;

use super::{Journal, Read};
use crate::{entry::Entry, error::Error};

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
    /// There is no further entry yet.
    CaughtUp,
    /// One or more entries could not be had; the reader goes on behind them.
    Missed(Missed),
}

/// Why entries could not be had.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Missed {
    /// The oldest were swept before they were read.
    Swept,
    /// An entry's file cannot be read.
    Unreadable,
}

impl Reader {
    /// A reader whose first entry is the one with the number `next`.
    pub(crate) fn new(journal: Arc<dyn Journal>, next: u64) -> Self {
        Self { journal, next }
    }

    /// The number of the next entry.
    pub(crate) fn next(&self) -> u64 {
        self.next
    }

    pub(crate) fn step(&mut self) -> Result<Step, Error> {
        match self.journal.read(self.next)? {
            Read::Entry(bytes) => {
                let number = self.next;
                self.next += 1;
                match Entry::parse(self.journal.epoch(), number, &bytes) {
                    Ok(entry) => Ok(Step::Entry(entry)),
                    Err(why) => Ok(Step::unreadable(number, &why)),
                }
            }
            Read::NotYet => Ok(Step::CaughtUp),
            Read::Swept { oldest } => {
                // Never backwards, whatever a journal says of itself.
                self.next = oldest.max(self.next + 1);
                Ok(Step::Missed(Missed::Swept))
            }
            Read::Broken(why) => {
                let number = self.next;
                self.next += 1;
                Ok(Step::unreadable(number, &why))
            }
        }
    }
}

impl Step {
    fn unreadable(number: u64, why: &str) -> Self {
        log::error!("journal entry {number} is skipped: {why}");
        Self::Missed(Missed::Unreadable)
    }
}
