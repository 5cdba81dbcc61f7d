//! The newest entry of each slot, that is of each key for everyone and for each audience, so that `get` does not
//! read the whole journal.

#[cfg(test)]
mod tests;

use std::{
    borrow::Cow,
    collections::HashMap,
    sync::Mutex,
    time::{Instant, SystemTime},
};

use super::{batch::BatchEnd, contract::Journal};
use crate::{
    audience::Recipients,
    entry::{Entry, UnreadableEntry},
    error::Error,
    runtime::lock,
};

/// After this many new entries, slots whose newest entry was swept are removed. So the index never has more slots
/// than the entries of the journal have recipients, plus those of this many.
const PRUNE_INTERVAL_ENTRIES: u64 = 1_000;

/// Entries that are read together. Backward, this many at most are read in vain until a slot is found.
const BATCH_ENTRIES: u64 = 32;

/// Where a value is: what was saved under one key for everyone, or for one audience.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Slot<'a> {
    pub(crate) key: &'a str,
    /// `None` stands for everyone.
    pub(crate) audience: Option<&'a str>,
}

impl<'a> Slot<'a> {
    /// What was saved under the key for everyone.
    pub(crate) fn public(key: &'a str) -> Self {
        let audience = None;
        Self { key, audience }
    }

    /// A name of its own: neither part contains a line end.
    fn name(&self) -> Cow<'_, str> {
        match self.audience {
            None => self.key.into(),
            Some(audience) => format!("{}\n{audience}", self.key).into(),
        }
    }
}

/// The index that a journal shares among the threads that look up slots in it.
#[derive(Default)]
pub(super) struct SharedIndex(Mutex<Option<SlotIndex>>);

impl SharedIndex {
    /// The newest entry of a slot in the journal that this is the index of.
    pub(super) fn latest(
        &self,
        journal: &dyn Journal,
        slot: &Slot<'_>,
    ) -> Result<Option<Entry>, Error> {
        self.look_up(journal, |index, now| index.get(journal, slot, now))
    }

    /// The numbers of the newest entries of these slots, in ascending order, each once.
    pub(super) fn latest_numbers(
        &self,
        journal: &dyn Journal,
        slots: &[Slot<'_>],
    ) -> Result<Vec<u64>, Error> {
        self.look_up(journal, |index, now| {
            index.newest_numbers(journal, slots, now)
        })
    }

    fn look_up<T>(
        &self,
        journal: &dyn Journal,
        look_up: impl FnOnce(&mut SlotIndex, ClockReadings) -> Result<T, Error>,
    ) -> Result<T, Error> {
        let mut index = lock(&self.0);
        let index = match &mut *index {
            Some(index) => index,
            none => none.insert(SlotIndex::new(journal)?),
        };
        index.scan_forward(journal)?;
        // After the scan: the clock may have been set back meanwhile, and values were saved since.
        let now = ClockReadings::read();
        let found = look_up(index, now)?;
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

/// Which entry is the newest of each slot, in one journal.
///
/// The index covers one unbroken range of entries and reads each of them once: forward the entries
/// appended since the last lookup, and backward only until the requested slot is found. It stores
/// numbers, not values.
struct SlotIndex {
    /// The lowest indexed number; 1 if no older entry exists any more.
    first_number: u64,
    /// One more than the highest indexed number.
    next_number: u64,
    /// `next_number` at the time of the last pruning.
    pruned_at: u64,
    /// By the name of the slot.
    newest_by_slot: HashMap<Box<str>, NewestEntry>,
    /// By key: the newest entry that deletes the values for everyone and for every audience.
    deleted_by_key: HashMap<Box<str>, u64>,
}

/// The newest entry of one slot.
struct NewestEntry {
    number: u64,
    expiry: Expiry,
}

enum Expiry {
    /// Expired for good, even if a clock is set back later. Also for tombstones, which have no value.
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

impl SlotIndex {
    fn new(journal: &dyn Journal) -> Result<Self, Error> {
        let next_number = journal.newest_number()? + 1;
        Ok(Self {
            first_number: next_number,
            next_number,
            pruned_at: next_number,
            newest_by_slot: HashMap::new(),
            deleted_by_key: HashMap::new(),
        })
    }

    /// The slot's newest entry. `None` if that entry has expired or is a tombstone: an older entry
    /// never takes its place. Scan forward before.
    fn get(
        &mut self,
        journal: &dyn Journal,
        slot: &Slot<'_>,
        now: ClockReadings,
    ) -> Result<Option<Entry>, Error> {
        let Some(number) = self.find(journal, slot, now)? else {
            return Ok(None);
        };
        // It was valid when it was indexed. If it was damaged since, the slot has no value.
        let found = journal.read_from(number, 1)?.entries.pop();
        Ok(found.and_then(Result::ok))
    }

    fn newest_numbers(
        &mut self,
        journal: &dyn Journal,
        slots: &[Slot<'_>],
        now: ClockReadings,
    ) -> Result<Vec<u64>, Error> {
        let mut numbers = Vec::new();
        for slot in slots {
            numbers.extend(self.find(journal, slot, now)?);
        }
        numbers.sort_unstable();
        // One entry may be the newest of several audiences.
        numbers.dedup();
        Ok(numbers)
    }

    /// The number of the slot's newest entry, unless it has no value any more. Everything up to the newest entry
    /// was indexed before.
    fn find(
        &mut self,
        journal: &dyn Journal,
        slot: &Slot<'_>,
        now: ClockReadings,
    ) -> Result<Option<u64>, Error> {
        let name = slot.name();
        self.scan_backward_for(journal, slot.key, &name, now)?;
        let deleted_at = self.deleted_by_key.get(slot.key).copied();
        let newest = self.newest_by_slot.get_mut(&*name);
        let newest = newest.filter(|newest| Some(newest.number) > deleted_at);
        Ok(newest.and_then(|newest| (!newest.expiry.is_expired(now)).then_some(newest.number)))
    }

    /// Indexes the entries appended since the last scan.
    fn scan_forward(&mut self, journal: &dyn Journal) -> Result<(), Error> {
        loop {
            let batch = journal.read_from(self.next_number, BATCH_ENTRIES)?;
            // After the read: an entry that is saved meanwhile would count as one from the future, and expire early.
            let now = ClockReadings::read();
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

    /// Indexes older entries until one of this slot is found, or a deletion of the whole key.
    fn scan_backward_for(
        &mut self,
        journal: &dyn Journal,
        key: &str,
        name: &str,
        now: ClockReadings,
    ) -> Result<(), Error> {
        while self.first_number > 1
            && !self.newest_by_slot.contains_key(name)
            && !self.deleted_by_key.contains_key(key)
        {
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
        let entry = match entry {
            Ok(entry) => entry,
            Err(UnreadableEntry { key: Some(key), .. }) => return self.add_deletion(&key, number),
            // Damaged so much that its key is unknown.
            Err(_) => return,
        };
        let key = entry.key();
        match entry.recipients() {
            // It belongs to no slot.
            _ if entry.revoked_audience().is_some() => {}
            Recipients::Everyone if entry.is_tombstone() => self.add_deletion(key, number),
            Recipients::Everyone => self.add_to_slot(&Slot::public(key), number, &entry, now),
            Recipients::HoldersOf(names) => {
                for name in names.iter() {
                    let audience = Some(&**name);
                    self.add_to_slot(&Slot { key, audience }, number, &entry, now);
                }
            }
        }
    }

    fn add_to_slot(&mut self, slot: &Slot<'_>, number: u64, entry: &Entry, now: ClockReadings) {
        let name = slot.name();
        // The backward scan meets older entries of slots that are already indexed.
        let indexed = self.newest_by_slot.get(&*name);
        if indexed.is_none_or(|newest| newest.number < number) {
            let expiry = Expiry::of_entry(entry, now);
            let newest = NewestEntry { number, expiry };
            self.newest_by_slot.insert((*name).into(), newest);
        }
    }

    /// Deletes the values of the key for everyone and for every audience. So does an entry that this version does
    /// not support.
    fn add_deletion(&mut self, key: &str, number: u64) {
        let newest = self.deleted_by_key.entry(key.into()).or_default();
        *newest = number.max(*newest);
    }

    fn prune(&mut self, oldest: u64) {
        self.newest_by_slot
            .retain(|_, newest| newest.number >= oldest);
        self.deleted_by_key.retain(|_, number| *number >= oldest);
        self.first_number = 1;
    }
}

impl Expiry {
    fn of_entry(entry: &Entry, now: ClockReadings) -> Self {
        if !entry.has_value() {
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
