//! The newest entry of each key, so that `get` does not read the whole journal.

#[cfg(test)]
mod tests;

use std::{
    collections::HashMap,
    sync::Arc,
    time::{Instant, SystemTime},
};

use super::contract::{Journal, Lookup};
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
    first: u64,
    /// One more than the highest indexed number.
    next: u64,
    /// `next` at the time of the last pruning.
    pruned_at: u64,
    newest: HashMap<Box<str>, NewestEntry>,
}

/// The newest entry of one key.
struct NewestEntry {
    number: u64,
    expiry: Expiry,
}

enum Expiry {
    /// Expired for good, even if a clock is set back later; also used for tombstones.
    Expired,
    /// Valid until it is swept.
    Never,
    /// Expires when either clock reaches its time. The wall clock may be set back, and the monotonic
    /// clock stands still while the machine sleeps.
    At(SystemTime, Option<Instant>),
}

/// Both clocks, read together.
#[derive(Clone, Copy)]
pub(crate) struct Clocks {
    wall: SystemTime,
    monotonic: Instant,
}

impl Clocks {
    pub(crate) fn read() -> Self {
        Self {
            wall: SystemTime::now(),
            monotonic: Instant::now(),
        }
    }
}

impl KeyIndex {
    pub(crate) fn new(journal: Arc<dyn Journal>) -> Result<Self, Error> {
        let next = journal.newest()? + 1;
        Ok(Self {
            journal,
            first: next,
            next,
            pruned_at: next,
            newest: HashMap::new(),
        })
    }

    /// The highest indexed number.
    pub(crate) fn last_indexed(&self) -> u64 {
        self.next - 1
    }

    pub(crate) fn is_of(&self, journal: &Arc<dyn Journal>) -> bool {
        Arc::ptr_eq(&self.journal, journal)
    }

    /// The key's newest entry. `None` if that entry has expired or is a tombstone: an older entry
    /// never takes its place.
    pub(crate) fn get(&mut self, key: &str, now: Clocks) -> Result<Option<Entry>, Error> {
        self.scan_forward(now)?;
        self.scan_backward_for(key, now)?;
        let Some(newest) = self.newest.get_mut(key) else {
            return Ok(None);
        };
        if newest.expiry.is_expired(now) {
            return Ok(None);
        }
        match self.journal.read(newest.number)? {
            // It was valid when it was indexed. If it was damaged since, the key has no value.
            Lookup::Entry(bytes) => {
                Ok(Entry::parse(self.journal.epoch(), newest.number, &bytes).ok())
            }
            Lookup::NotYet | Lookup::Swept { .. } | Lookup::Broken(_) => Ok(None),
        }
    }

    /// Indexes the entries appended since the last scan.
    fn scan_forward(&mut self, now: Clocks) -> Result<(), Error> {
        loop {
            match self.journal.read(self.next)? {
                Lookup::NotYet => break,
                Lookup::Swept { oldest } => {
                    self.next = oldest.max(self.next + 1);
                    self.prune(self.next);
                }
                Lookup::Broken(_) => self.next += 1,
                Lookup::Entry(bytes) => {
                    self.add(self.next, &bytes, now);
                    self.next += 1;
                }
            }
        }
        if self.next - self.pruned_at >= PRUNE_INTERVAL_ENTRIES {
            self.pruned_at = self.next;
            if let Lookup::Swept { oldest } = self.journal.read(self.first)? {
                self.prune(oldest);
            }
        }
        Ok(())
    }

    /// Indexes older entries until one of this key is found.
    fn scan_backward_for(&mut self, key: &str, now: Clocks) -> Result<(), Error> {
        while self.first > 1 && !self.newest.contains_key(key) {
            let number = self.first - 1;
            self.first = match self.journal.read(number)? {
                Lookup::Swept { .. } => 1,
                Lookup::NotYet | Lookup::Broken(_) => number,
                Lookup::Entry(bytes) => {
                    self.add(number, &bytes, now);
                    number
                }
            };
        }
        Ok(())
    }

    fn add(&mut self, number: u64, bytes: &[u8], now: Clocks) {
        let (key, expiry) = match Entry::parse(self.journal.epoch(), number, bytes) {
            Ok(entry) => (Box::from(entry.key()), Expiry::of_entry(&entry, now)),
            Err(_) => match entry::key_of_unusable(bytes) {
                Some(key) => (key.into_boxed_str(), Expiry::Expired),
                // Damaged so much that its key is unknown.
                None => return,
            },
        };
        // The backward scan meets older entries of keys that are already indexed.
        let indexed = self.newest.get(&key);
        if indexed.is_none_or(|newest| newest.number < number) {
            self.newest.insert(key, NewestEntry { number, expiry });
        }
    }

    fn prune(&mut self, oldest: u64) {
        self.newest.retain(|_, newest| newest.number >= oldest);
        self.first = 1;
    }
}

impl Expiry {
    fn of_entry(entry: &Entry, now: Clocks) -> Self {
        if entry.is_tombstone() {
            return Self::Expired;
        }
        match entry.expires(now.wall) {
            None => Self::Never,
            Some(end) => match end.duration_since(now.wall) {
                Ok(left) => Self::At(end, now.monotonic.checked_add(left)),
                Err(_) => Self::Expired,
            },
        }
    }

    /// Once `true`, always `true`.
    fn is_expired(&mut self, now: Clocks) -> bool {
        if let Self::At(end, monotonic) = self
            && (now.wall > *end || monotonic.is_some_and(|end| now.monotonic > end))
        {
            *self = Self::Expired;
        }
        matches!(self, Self::Expired)
    }
}
