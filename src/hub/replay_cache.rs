//! The entries that replays have read from the journal, encoded.
//!
//! Many clients may request the same entries, for example after a restart of their server. One of them has
//! an entry read from the journal, and the others find it here.

#[cfg(test)]
mod tests;

use std::{
    collections::BTreeMap,
    sync::{Arc, Mutex},
};

use super::ring_entry::RingEntry;
use crate::{config::Config, epoch::Epoch, runtime::lock};

/// Upper bound for the bytes of all entries: enough for the 10,000 that a journal keeps by default, if
/// their frames take half a KiB on average.
const MAX_BYTES: usize = 8 * 1024 * 1024;

/// What an entry takes in addition to the bytes of its frames and audiences, roughly.
const ENTRY_OVERHEAD_BYTES: usize = 256;

/// Keeps the newest of the entries, because most clients have missed only these.
#[derive(Default)]
pub(super) struct ReplayCache(Mutex<CachedEntries>);

#[derive(Default)]
struct CachedEntries {
    source: Option<EntrySource>,
    by_number: BTreeMap<u64, CachedEntry>,
    byte_count: usize,
}

struct CachedEntry {
    entry: Arc<RingEntry>,
    /// When it was inserted. The entry grows if its frames are encoded in another format, and is then inserted
    /// again.
    byte_count: usize,
}

/// What an encoded entry depends on, apart from its number.
#[derive(Clone)]
pub(super) struct EntrySource {
    pub(super) epoch: Epoch,
    /// It says which events an entry triggers.
    pub(super) config: Arc<Config>,
}

impl PartialEq for EntrySource {
    fn eq(&self, other: &Self) -> bool {
        self.epoch == other.epoch && Arc::ptr_eq(&self.config, &other.config)
    }
}

impl ReplayCache {
    pub(super) fn get(&self, source: &EntrySource, number: u64) -> Option<Arc<RingEntry>> {
        let entries = lock(&self.0);
        let is_current = entries.source.as_ref() == Some(source);
        let cached = is_current.then(|| entries.by_number.get(&number))?;
        cached.map(|cached| Arc::clone(&cached.entry))
    }

    pub(super) fn insert(&self, source: &EntrySource, number: u64, entry: &Arc<RingEntry>) {
        let mut entries = lock(&self.0);
        if entries.source.as_ref() != Some(source) {
            *entries = CachedEntries::default();
            entries.source = Some(source.clone());
        }
        let cached = CachedEntry::new(entry);
        entries.byte_count += cached.byte_count;
        let former = entries.by_number.insert(number, cached);
        entries.byte_count -= former.map_or(0, |former| former.byte_count);
        while entries.byte_count > MAX_BYTES
            && let Some((_, oldest)) = entries.by_number.pop_first()
        {
            entries.byte_count -= oldest.byte_count;
        }
    }
}

impl CachedEntry {
    fn new(entry: &Arc<RingEntry>) -> Self {
        Self {
            entry: Arc::clone(entry),
            byte_count: entry.byte_count() + ENTRY_OVERHEAD_BYTES,
        }
    }
}
