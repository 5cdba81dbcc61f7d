//! Finds saves that are already in a journal by what names them: the drop-in or the idempotency key.

use std::{collections::HashMap, sync::Mutex, time::Instant};

use super::{batch::BatchEnd, contract::Journal};
use crate::{
    entry::Entry,
    error::{Error, ErrorKind},
    runtime::{TimedGuard, TimedMutex, lock},
};

/// Entries that are read together.
const BATCH_ENTRIES: u64 = 64;

/// After this many new entries, the tokens of swept ones are removed. So an index never has more tokens than the
/// journal has entries, plus this many.
const PRUNE_INTERVAL_ENTRIES: u64 = 1_000;

/// What names the save that an entry is from.
type TokenOf = fn(&Entry) -> Option<&str>;

/// The numbers of the entries that have a token, up to the last that was read.
pub(super) struct TokenIndex {
    token_of: TokenOf,
    /// No entry with a lower number is indexed.
    first_number: u64,
    next_number: u64,
    /// `next_number` at the time of the last pruning.
    pruned_at: u64,
    numbers: HashMap<Box<str>, u64>,
}

/// The index that a journal shares among the threads that look for drop-ins in it.
#[derive(Default)]
pub(super) struct DropInIndex(Mutex<Option<TokenIndex>>);

impl DropInIndex {
    /// The number of the entry that has this token and a higher number than `after`.
    pub(super) fn find(
        &self,
        journal: &dyn Journal,
        token: &str,
        after: u64,
    ) -> Result<Option<u64>, Error> {
        if after > 0 {
            return TokenIndex::of_drop_ins(after).find(journal, token);
        }
        // A killed process may have left many saves, so the whole journal is read only once for them.
        lock(&self.0)
            .get_or_insert_with(|| TokenIndex::of_drop_ins(0))
            .find(journal, token)
    }

    /// Frees its memory. It is needed again only if another process is killed.
    pub(super) fn forget(&self) {
        *lock(&self.0) = None;
    }
}

/// The index that a journal shares among the threads that look for saves with an idempotency key in it. It is kept, so
/// that only the first of them reads the whole journal.
pub(super) struct KeyedSaveIndex(TimedMutex<TokenIndex>);

impl Default for KeyedSaveIndex {
    fn default() -> Self {
        Self(TimedMutex::new(TokenIndex::after(
            Entry::idempotency_key,
            0,
        )))
    }
}

impl KeyedSaveIndex {
    /// Reads the entries that are not indexed yet. Fails if other threads use the index until the deadline.
    pub(super) fn catch_up(&self, journal: &dyn Journal, deadline: Instant) -> Result<(), Error> {
        let mut index = self.lock_until(journal, deadline)?;
        while index.read_batch(journal)? {}
        Ok(())
    }

    /// The entry of the save with this idempotency key. Fails if other threads use the index until the deadline.
    pub(super) fn find(
        &self,
        journal: &dyn Journal,
        idempotency_key: &str,
        deadline: Instant,
    ) -> Result<Option<Entry>, Error> {
        let mut index = self.lock_until(journal, deadline)?;
        let found = index.find_entry(journal, idempotency_key)?;
        if !journal.is_intact_up_to(index.next_number - 1)? {
            // The index would skip the removed numbers when they are assigned again.
            journal.discard()?;
        }
        if journal.is_replaced() {
            return Err(journal.address().replaced_error());
        }
        Ok(found)
    }

    fn lock_until(
        &self,
        journal: &dyn Journal,
        deadline: Instant,
    ) -> Result<TimedGuard<'_, TokenIndex>, Error> {
        let index = self.0.lock_until(deadline);
        index.ok_or_else(|| keyed_saves_are_slow(journal))
    }
}

/// Another save with an idempotency key is not finished in time.
pub(super) fn keyed_saves_are_slow(journal: &dyn Journal) -> Error {
    let text = format!(
        "cannot save in {}: other saves with an idempotency key take too long; nothing was saved",
        journal.address()
    );
    Error::new(ErrorKind::Cache, text).with_help(
        "repeat the save; if this error stays, see whether a process that uses the cache was stopped",
    )
}

impl TokenIndex {
    /// Of the drop-ins with a higher number than `after`.
    pub(super) fn of_drop_ins(after: u64) -> Self {
        Self::after(Entry::token, after)
    }

    fn after(token_of: TokenOf, after: u64) -> Self {
        Self {
            token_of,
            first_number: after + 1,
            next_number: after + 1,
            pruned_at: after + 1,
            numbers: HashMap::new(),
        }
    }

    /// Reads the entries that are not indexed yet, up to the one that is searched.
    pub(super) fn find(
        &mut self,
        journal: &dyn Journal,
        token: &str,
    ) -> Result<Option<u64>, Error> {
        while !self.numbers.contains_key(token) && self.read_batch(journal)? {}
        Ok(self.numbers.get(token).copied())
    }

    /// Indexes more entries; `false` if there are no others.
    fn read_batch(&mut self, journal: &dyn Journal) -> Result<bool, Error> {
        let batch = journal.read_from(self.next_number, BATCH_ENTRIES)?;
        for entry in batch.entries {
            if let Ok(entry) = entry
                && let Some(token) = (self.token_of)(&entry)
            {
                self.numbers.insert(token.into(), self.next_number);
            }
            self.next_number += 1;
        }
        match batch.end {
            BatchEnd::More => return Ok(true),
            BatchEnd::Swept { oldest } => {
                self.next_number = oldest;
                self.prune(oldest);
                return Ok(true);
            }
            BatchEnd::CaughtUp => {}
        }
        if self.next_number - self.pruned_at >= PRUNE_INTERVAL_ENTRIES {
            self.pruned_at = self.next_number;
            if let BatchEnd::Swept { oldest } = journal.read_from(self.first_number, 1)?.end {
                self.prune(oldest);
            }
        }
        Ok(false)
    }

    fn find_entry(&mut self, journal: &dyn Journal, token: &str) -> Result<Option<Entry>, Error> {
        while let Some(number) = self.find(journal, token)? {
            if let Some(Ok(entry)) = journal.read_from(number, 1)?.entries.pop() {
                return Ok(Some(entry));
            }
            // It was swept or damaged since it was indexed. A later one may have the same token.
            self.numbers.remove(token);
        }
        Ok(None)
    }

    fn prune(&mut self, oldest: u64) {
        self.first_number = oldest;
        self.numbers.retain(|_, number| *number >= oldest);
    }
}

#[cfg(test)]
mod tests;
