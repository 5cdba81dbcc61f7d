//! Reads a journal entry by entry.

use std::{
    sync::Arc,
    time::{Duration, SystemTime},
};

use super::contract::{Journal, StoredEntry};
use crate::{entry::Entry, error::Error};

/// The search for recent entries goes backward and ends at this many older ones in succession. One
/// older entry proves nothing: a drop-in has the modification time of its file, which may be older
/// than the entries before it. With 32, a usual batch of old drop-ins does not end the search, and the
/// entries that are read in vain cost less than a millisecond.
const MAX_CONSECUTIVE_OLD_ENTRIES: u32 = 32;

/// A position in a journal that moves forward only.
pub(crate) struct JournalReader {
    journal: Arc<dyn Journal>,
    next_number: u64,
}

/// The result of reading the next entry.
#[derive(Debug)]
pub(crate) enum ReadOutcome {
    /// The next entry.
    Entry(Entry),
    /// The next entry deletes a key's value, so it has no event.
    Tombstone(Entry),
    /// No further entry exists yet.
    CaughtUp,
    /// The next entries were swept before they were read; the reader skips them.
    Swept,
    /// The next entry cannot be read, for this reason; the reader skips it.
    Unreadable(
        #[cfg_attr(
            not(feature = "actix"),
            expect(dead_code, reason = "only the hub logs the reason")
        )]
        String,
    ),
}

impl JournalReader {
    /// A reader whose first entry has the number `next_number`.
    pub(crate) fn new(journal: Arc<dyn Journal>, next_number: u64) -> Self {
        Self {
            journal,
            next_number,
        }
    }

    /// A reader that starts with the first entry that may have been saved within `max_age`, but with
    /// at most the newest `max_entries` entries.
    pub(crate) fn starting_within(
        journal: Arc<dyn Journal>,
        max_age: Duration,
        max_entries: u64,
    ) -> Result<Self, Error> {
        let newest_number = journal.newest_number()?;
        let lowest_number = newest_number.saturating_sub(max_entries) + 1;
        let now = SystemTime::now();
        let mut first_number = newest_number + 1;
        let mut number = first_number;
        let mut consecutive_old = 0;
        while number > lowest_number && consecutive_old < MAX_CONSECUTIVE_OLD_ENTRIES {
            number -= 1;
            match Self::new(Arc::clone(&journal), number).read_next()? {
                ReadOutcome::Entry(entry) | ReadOutcome::Tombstone(entry)
                    if entry.age(now).is_none_or(|age| age <= max_age) =>
                {
                    first_number = number;
                    consecutive_old = 0;
                }
                ReadOutcome::Swept => break,
                _ => consecutive_old += 1,
            }
        }
        Ok(Self::new(journal, first_number))
    }

    pub(crate) fn journal(&self) -> &Arc<dyn Journal> {
        &self.journal
    }

    /// The number of the next entry.
    pub(crate) fn next_number(&self) -> u64 {
        self.next_number
    }

    /// Skips the next entry.
    #[cfg_attr(
        not(feature = "actix"),
        expect(dead_code, reason = "only the hub skips entries that it cannot read")
    )]
    pub(crate) fn skip(&mut self) {
        self.next_number += 1;
    }

    pub(crate) fn read_next(&mut self) -> Result<ReadOutcome, Error> {
        let number = self.next_number;
        let (next_number, outcome) = match self.journal.read(number)? {
            StoredEntry::NotYet => (number, ReadOutcome::CaughtUp),
            // Never backward, even if a damaged journal reports a lower number.
            StoredEntry::Swept { oldest } => (oldest.max(number + 1), ReadOutcome::Swept),
            StoredEntry::Unreadable(reason) => (number + 1, ReadOutcome::Unreadable(reason)),
            StoredEntry::Entry(bytes) => (number + 1, self.parse(number, &bytes)),
        };
        self.next_number = next_number;
        Ok(outcome)
    }

    fn parse(&self, number: u64, bytes: &[u8]) -> ReadOutcome {
        let epoch = self.journal().epochs().epoch_of(number);
        match Entry::parse(epoch, number, bytes) {
            Ok(entry) if entry.is_tombstone() => ReadOutcome::Tombstone(entry),
            Ok(entry) => ReadOutcome::Entry(entry),
            Err(reason) => ReadOutcome::Unreadable(reason),
        }
    }
}
