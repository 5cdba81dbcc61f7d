//! The newest entry of each key, so that `get` does not read the whole journal.

#[cfg(test)]
mod tests;

use std::{
    collections::HashMap,
    sync::Mutex,
    time::{Instant, SystemTime},
};

use super::{batch::BatchEnd, contract::Journal};
use crate::{
    entry::{Entry, UnreadableEntry},
    error::Error,
    runtime::lock,
};

/// After this many new entries, keys whose newest entry was swept are removed. So the index never
/// has more keys than the journal has entries, plus this number.
const PRUNE_INTERVAL_ENTRIES: u64 = 1_000;

/// Entries that are read together. Backward, this many at most are read in vain until a key is found.
const BATCH_ENTRIES: u64 = 32;

/// The index that a journal shares among the threads that look up keys in it.
#[derive(Default)]
pub(super) struct SharedIndex(Mutex<Option<KeyIndex>>);

impl SharedIndex {
    /// The newest entry of a key in the journal that this is the index of.
    pub(super) fn latest(&self, journal: &dyn Journal, key: &str) -> Result<Option<Entry>, Error> {
        let mut index = lock(&self.0);
        let index = match &mut *index {
            Some(index) => index,
            none => none.insert(KeyIndex::new(journal)?),
        };
        let found = index.get(journal, key, ClockReadings::read())?;
        if !journal.is_intact_up_to(index.next_number - 1)? {
            // The index would skip the removed numbers when they are assigned again.
            journal.discard()?;
        }
        if journal.is_replaced() {
            return Err(journal.address().replaced_error());
        }
        Ok(found)
    }
}

/// Which entry is the newest of each key, in one journal.
///
/// The index covers one unbroken range of entries and reads each of them once: forward the entries
/// appended since the last `get`, and backward only until the requested key is found. It stores
/// numbers, not values.
struct KeyIndex {
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
struct ClockReadings {
    wall: SystemTime,
    monotonic: Instant,
}

impl ClockReadings {
    fn read() -> Self {
        Self {
            wall: SystemTime::now(),
            monotonic: Instant::now(),
        }
    }
}

impl KeyIndex {
    fn new(journal: &dyn Journal) -> Result<Self, Error> {
        let next_number = journal.newest_number()? + 1;
        Ok(Self {
            first_number: next_number,
            next_number,
            pruned_at: next_number,
            newest_by_key: HashMap::new(),
        })
    }

    /// The key's newest entry. `None` if that entry has expired or is a tombstone: an older entry
    /// never takes its place.
    fn get(
        &mut self,
        journal: &dyn Journal,
        key: &str,
        now: ClockReadings,
    ) -> Result<Option<Entry>, Error> {
        self.scan_forward(journal, now)?;
        self.scan_backward_for(journal, key, now)?;
        let Some(newest_entry) = self.newest_by_key.get_mut(key) else {
            return Ok(None);
        };
        if newest_entry.expiry.is_expired(now) {
            return Ok(None);
        }
        // It was valid when it was indexed. If it was damaged since, the key has no value.
        let found = journal.read_from(newest_entry.number, 1)?.entries.pop();
        Ok(found.and_then(Result::ok))
    }

    /// Indexes the entries appended since the last scan.
    fn scan_forward(&mut self, journal: &dyn Journal, now: ClockReadings) -> Result<(), Error> {
        loop {
            let batch = journal.read_from(self.next_number, BATCH_ENTRIES)?;
            for entry in batch.entries {
                self.add(self.next_number, entry, now);
                self.next_number += 1;
            }
            match batch.end {
                BatchEnd::CaughtUp => break,
                BatchEnd::More => {}
                BatchEnd::Swept { oldest } => {
                    self.next_number = oldest;
                    self.prune(oldest);
                }
            }
        }
        if self.next_number - self.pruned_at >= PRUNE_INTERVAL_ENTRIES {
            self.pruned_at = self.next_number;
            if let BatchEnd::Swept { oldest } = journal.read_from(self.first_number, 1)?.end {
                self.prune(oldest);
            }
        }
        Ok(())
    }

    /// Indexes older entries until one of this key is found.
    fn scan_backward_for(
        &mut self,
        journal: &dyn Journal,
        key: &str,
        now: ClockReadings,
    ) -> Result<(), Error> {
        while self.first_number > 1 && !self.newest_by_key.contains_key(key) {
            let batch = journal.read_back(self.first_number, BATCH_ENTRIES)?;
            for entry in batch.entries {
                self.first_number -= 1;
                self.add(self.first_number, entry, now);
            }
            if batch.end == BatchEnd::CaughtUp {
                self.first_number = 1;
            }
        }
        Ok(())
    }

    fn add(&mut self, number: u64, entry: Result<Entry, UnreadableEntry>, now: ClockReadings) {
        let (key, expiry) = match entry {
            Ok(entry) => (Box::from(entry.key()), Expiry::of_entry(&entry, now)),
            Err(UnreadableEntry { key: Some(key), .. }) => (key.into_boxed_str(), Expiry::Expired),
            // Damaged so much that its key is unknown.
            Err(_) => return,
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
