//! A journal in the memory of one process: for tests, and for the pages that watch the dashboard.

use std::{
    collections::VecDeque,
    io,
    sync::{Arc, Mutex, MutexGuard, Weak},
    time::{Duration, Instant},
};

use super::{
    address::CacheAddress,
    batch::{self, Batch, StoredEntry},
    contract::{EntryWatcher, Journal, KeyedAppend, Notified},
    index::{SharedIndex, Slot},
    tokens::{KeyedSaveIndex, TokenIndex, keyed_saves_are_slow},
};
use crate::{
    entry::Entry,
    epoch::{Epoch, Epochs},
    error::{Error, ErrorKind},
    runtime::{Interrupt, TimedMutex, lock},
};

/// Keeps one journal for all caches that share it, and another one after that was discarded.
#[derive(Default)]
pub(crate) struct MemoryStore(Mutex<Option<Arc<MemoryJournal>>>);

impl MemoryStore {
    pub(crate) fn open(&self) -> Result<Arc<MemoryJournal>, Error> {
        let mut current = lock(&self.0);
        Ok(Arc::clone(match &*current {
            Some(journal) if journal.is_in_place() => journal,
            _ => current.insert(Arc::new(MemoryJournal::new()?)),
        }))
    }
}

pub(crate) struct MemoryJournal {
    epochs: Epochs,
    state: Arc<Mutex<State>>,
    index: SharedIndex,
    keyed_saves: KeyedSaveIndex,
    /// Held by the thread that appends an entry with an idempotency key.
    keyed_save_lock: TimedMutex<()>,
}

struct State {
    /// The number of the first of the entries.
    oldest: u64,
    entries: VecDeque<Vec<u8>>,
    is_discarded: bool,
    /// Changes with each change, so that a watcher misses none.
    version: u64,
    /// The threads that wait for a change.
    waiting: Vec<Weak<Interrupt>>,
    #[cfg(test)]
    reads: std::sync::atomic::AtomicU64,
}

impl MemoryJournal {
    fn new() -> Result<Self, Error> {
        let random = getrandom::u64().map_err(io::Error::other);
        let epoch =
            random.map_err(|error| CacheAddress::Memory.error("open the journal", error))?;
        Ok(Self {
            epochs: Epoch(epoch).into(),
            index: SharedIndex::default(),
            keyed_saves: KeyedSaveIndex::default(),
            keyed_save_lock: TimedMutex::default(),
            state: Arc::new(Mutex::new(State {
                oldest: 1,
                entries: VecDeque::new(),
                is_discarded: false,
                version: 0,
                waiting: Vec::new(),
                #[cfg(test)]
                reads: Default::default(),
            })),
        })
    }

    /// How many entries were read since the last call.
    #[cfg(test)]
    pub(super) fn reads(&self) -> u64 {
        std::mem::take(self.lock().reads.get_mut())
    }

    /// Puts foreign bytes in the place of an entry.
    #[cfg(test)]
    pub(super) fn overwrite(&self, number: u64, bytes: &[u8]) {
        let mut state = self.lock();
        let index = usize::try_from(number - state.oldest).unwrap();
        state.entries[index] = bytes.to_vec();
    }

    fn lock(&self) -> MutexGuard<'_, State> {
        lock(&self.state)
    }
}

impl State {
    fn newest(&self) -> u64 {
        self.oldest + self.entries.len() as u64 - 1
    }

    fn append(&mut self, entry: &[u8]) -> Result<u64, Error> {
        if self.is_discarded {
            return Err(Error::new(ErrorKind::Cache, "the journal was discarded"));
        }
        self.entries.push_back(entry.to_vec());
        self.notify();
        Ok(self.newest())
    }

    fn read(&self, number: u64) -> StoredEntry {
        // Relaxed: the lock orders the accesses.
        #[cfg(test)]
        self.reads
            .fetch_add(1, std::sync::atomic::Ordering::Relaxed);
        let Some(index) = number.checked_sub(self.oldest) else {
            let oldest = self.oldest;
            return StoredEntry::Swept { oldest };
        };
        let bytes = usize::try_from(index)
            .ok()
            .and_then(|index| self.entries.get(index));
        bytes.map_or(StoredEntry::NotYet, |bytes| {
            StoredEntry::Entry(bytes.clone())
        })
    }

    fn notify(&mut self) {
        self.version += 1;
        for interrupt in self.waiting.iter().filter_map(Weak::upgrade) {
            interrupt.wake();
        }
    }
}

impl Journal for MemoryJournal {
    fn address(&self) -> CacheAddress {
        CacheAddress::Memory
    }

    fn epochs(&self) -> Epochs {
        self.epochs.clone()
    }

    fn append_until(&self, entry: &[u8], _: Instant) -> Result<u64, Error> {
        self.lock().append(entry)
    }

    fn append_once(&self, token: &str, after: u64, entry: &[u8]) -> Result<u64, Error> {
        match TokenIndex::of_drop_ins(after).find(self, token)? {
            Some(number) => Ok(number),
            None => self.append(entry),
        }
    }

    fn append_keyed(
        &self,
        idempotency_key: &str,
        entry: &[u8],
        deadline: Instant,
    ) -> Result<KeyedAppend, Error> {
        let lock = self.keyed_save_lock.lock_until(deadline);
        let _lock = lock.ok_or_else(|| keyed_saves_are_slow(self))?;
        match self.keyed_saves.find(self, idempotency_key, deadline)? {
            Some(found) => Ok(KeyedAppend::Found(found)),
            None => (self.append_until(entry, deadline)).map(KeyedAppend::Appended),
        }
    }

    fn read_from(&self, number: u64, limit: u64) -> Result<Batch, Error> {
        let state = self.lock();
        batch::forward(&self.epochs, number, limit, |number| Ok(state.read(number)))
    }

    fn read_back(&self, number: u64, limit: u64) -> Result<Batch, Error> {
        let state = self.lock();
        batch::backward(&self.epochs, number, limit, |number| Ok(state.read(number)))
    }

    fn latest(&self, slot: &Slot<'_>) -> Result<Option<Entry>, Error> {
        self.index.latest(self, slot)
    }

    fn latest_numbers(&self, slots: &[Slot<'_>]) -> Result<Vec<u64>, Error> {
        self.index.latest_numbers(self, slots)
    }

    fn newest_number(&self) -> Result<u64, Error> {
        Ok(self.lock().newest())
    }

    fn sweep(&self, keep: u64) -> Result<bool, Error> {
        let mut state = self.lock();
        while state.entries.len() as u64 > keep && state.entries.pop_front().is_some() {
            state.oldest += 1;
        }
        Ok(false)
    }

    fn is_in_place(&self) -> bool {
        !self.is_replaced()
    }

    fn is_replaced(&self) -> bool {
        self.lock().is_discarded
    }

    fn is_intact_up_to(&self, number: u64) -> Result<bool, Error> {
        Ok(number <= self.newest_number()?)
    }

    fn discard(&self) -> Result<(), Error> {
        let mut state = self.lock();
        state.is_discarded = true;
        state.notify();
        Ok(())
    }

    fn watch(&self) -> Box<dyn EntryWatcher> {
        Box::new(MemoryWatcher {
            seen_version: self.lock().version,
            state: Arc::clone(&self.state),
        })
    }
}

struct MemoryWatcher {
    state: Arc<Mutex<State>>,
    seen_version: u64,
}

impl MemoryWatcher {
    /// Whether something has changed since the last call.
    fn notices_change(&mut self) -> bool {
        let version = lock(&self.state).version;
        std::mem::replace(&mut self.seen_version, version) != version
    }
}

impl EntryWatcher for MemoryWatcher {
    fn wait(&mut self, _next: u64, timeout: Duration, interrupt: &Interrupt) -> Notified {
        let waiting = Arc::new(interrupt.clone());
        let mut state = lock(&self.state);
        state.waiting.retain(|waiting| waiting.strong_count() > 0);
        state.waiting.push(Arc::downgrade(&waiting));
        drop(state);
        // Checked only now: a later change ends the wait.
        let is_changed = self.notices_change();
        if !is_changed {
            interrupt.wait(timeout);
        }
        match is_changed || self.notices_change() {
            true => Notified::Other,
            false => Notified::Nothing,
        }
    }
}
