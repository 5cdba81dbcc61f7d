//! The newest entry of each key, so that `get` does not read the whole journal.

#[cfg(test)]
mod tests;

use std::{
    collections::HashMap,
    sync::Arc,
    time::{Instant, SystemTime},
};

use super::contract::{Journal, StoredEntry};
use crate::{
    entry::{self, Entry},
    error::Error,
};

/// After this many new entries, keys whose newest entry was swept are removed. So the index never
/// has more keys than the journal has entries, plus this number.
const PRUNE_INTERVAL_ENTRIES: u64 = 1_000;

/// Which entry is the newest of each key, in one journal.
///
/// The index covers one unbroken range of entries and reads each of them once: forward the entries
/// appended since the last `get`, and backward only until the requested key is found. It stores
/// numbers, not values.
pub(crate) struct KeyIndex {
    journal: Arc<dyn Journal>,
    /// The lowest indexed number; 1 if no older entry exists any more.
    first_number: u64,
    /// One more than the highest indexed number.
    next_number: u64,
    /// `next_number` at the time of the last pruning.
    pruned_at: u64,
    newest_by_key: HashMap<Box<str>, NewestEntry>,
}

/// The newest entry of one key.
struct NewestEntry {
    number: u64,
    expiry: Expiry,
}

enum Expiry {
    /// Expired for good, even if a clock is set back later. Also for tombstones and for entries that
    /// this version does not support, which have no value.
    Expired,
    /// Valid until it is swept.
    Never,
    /// Expires when either clock reaches its time. The wall clock may be set back, and the monotonic
    /// clock stands still while the machine sleeps.
    At(SystemTime, Option<Instant>),
}

/// The times that both clocks show at one moment.
#[derive(Clone, Copy)]
pub(crate) struct ClockReadings {
    wall: SystemTime,
    monotonic: Instant,
}

impl ClockReadings {
    pub(crate) fn read() -> Self {
        Self {
            wall: SystemTime::now(),
            monotonic: Instant::now(),
        }
    }
}

impl KeyIndex {
    pub(crate) fn new(journal: Arc<dyn Journal>) -> Result<Self, Error> {
        let next_number = journal.newest_number()? + 1;
        Ok(Self {
            journal,
            first_number: next_number,
            next_number,
            pruned_at: next_number,
            newest_by_key: HashMap::new(),
        })
    }

    /// The highest indexed number.
    pub(crate) fn last_indexed(&self) -> u64 {
        self.next_number - 1
    }

    pub(crate) fn is_of(&self, journal: &Arc<dyn Journal>) -> bool {
        Arc::ptr_eq(&self.journal, journal)
    }

    /// The key's newest entry. `None` if that entry has expired or is a tombstone: an older entry
    /// never takes its place.
    pub(crate) fn get(&mut self, key: &str, now: ClockReadings) -> Result<Option<Entry>, Error> {
        self.scan_forward(now)?;
        self.scan_backward_for(key, now)?;
        let Some(newest_entry) = self.newest_by_key.get_mut(key) else {
            return Ok(None);
        };
        if newest_entry.expiry.is_expired(now) {
            return Ok(None);
        }
        match self.journal.read(newest_entry.number)? {
            // It was valid when it was indexed. If it was damaged since, the key has no value.
            StoredEntry::Entry(bytes) => {
                let number = newest_entry.number;
                let epoch = self.journal.epochs().epoch_of(number);
                Ok(Entry::parse(epoch, number, &bytes).ok())
            }
            StoredEntry::NotYet | StoredEntry::Swept { .. } | StoredEntry::Unreadable(_) => {
                Ok(None)
            }
        }
    }

    /// Indexes the entries appended since the last scan.
    fn scan_forward(&mut self, now: ClockReadings) -> Result<(), Error> {
        loop {
            match self.journal.read(self.next_number)? {
                StoredEntry::NotYet => break,
                StoredEntry::Swept { oldest } => {
                    self.next_number = oldest.max(self.next_number + 1);
                    self.prune(self.next_number);
                }
                StoredEntry::Unreadable(_) => self.next_number += 1,
                StoredEntry::Entry(bytes) => {
                    self.add(self.next_number, &bytes, now);
                    self.next_number += 1;
                }
            }
        }
        if self.next_number - self.pruned_at >= PRUNE_INTERVAL_ENTRIES {
            self.pruned_at = self.next_number;
            if let StoredEntry::Swept { oldest } = self.journal.read(self.first_number)? {
                self.prune(oldest);
            }
        }
        Ok(())
    }

    /// Indexes older entries until one of this key is found.
    fn scan_backward_for(&mut self, key: &str, now: ClockReadings) -> Result<(), Error> {
        while self.first_number > 1 && !self.newest_by_key.contains_key(key) {
            let number = self.first_number - 1;
            self.first_number = match self.journal.read(number)? {
                StoredEntry::Swept { .. } => 1,
                StoredEntry::NotYet | StoredEntry::Unreadable(_) => number,
                StoredEntry::Entry(bytes) => {
                    self.add(number, &bytes, now);
                    number
                }
            };
        }
        Ok(())
    }

    fn add(&mut self, number: u64, bytes: &[u8], now: ClockReadings) {
        let (key, expiry) = match Entry::parse(self.journal.epoch(), number, bytes) {
            Ok(entry) => (Box::from(entry.key()), Expiry::of_entry(&entry, now)),
            Err(_) => match entry::key_of_unsupported(bytes) {
                Some(key) => (key.into_boxed_str(), Expiry::Expired),
                // Damaged so much that its key is unknown.
                None => return,
            },
        };
        // The backward scan meets older entries of keys that are already indexed.
        let indexed = self.newest_by_key.get(&key);
        if indexed.is_none_or(|newest| newest.number < number) {
            self.newest_by_key
                .insert(key, NewestEntry { number, expiry });
        }
    }

    fn prune(&mut self, oldest: u64) {
        self.newest_by_key
            .retain(|_, newest| newest.number >= oldest);
        self.first_number = 1;
    }
}

impl Expiry {
    fn of_entry(entry: &Entry, now: ClockReadings) -> Self {
        if entry.is_tombstone() {
            return Self::Expired;
        }
        match entry.expires_at(now.wall) {
            None => Self::Never,
            Some(wall_end) => match wall_end.duration_since(now.wall) {
                Ok(left) => Self::At(wall_end, now.monotonic.checked_add(left)),
                Err(_) => Self::Expired,
            },
        }
    }

    /// Once `true`, always `true`.
    fn is_expired(&mut self, now: ClockReadings) -> bool {
        if let Self::At(wall_end, monotonic_end) = self
            && (now.wall > *wall_end || monotonic_end.is_some_and(|end| now.monotonic > end))
        {
            *self = Self::Expired;
        }
        matches!(self, Self::Expired)
    }
}
