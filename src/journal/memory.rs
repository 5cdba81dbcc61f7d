//! A journal in the memory of one process, for tests.

use std::{
    collections::VecDeque,
    io,
    sync::{Arc, Mutex, MutexGuard, PoisonError},
    time::Duration,
};

use super::{
    address::CacheAddress,
    contract::{EntryWatcher, Journal, StoredEntry},
};
use crate::{
    epoch::{Epoch, Epochs},
    error::{Error, ErrorKind},
    runtime::Interrupt,
};

/// Keeps one journal for all caches that share it, and another one after that was discarded.
#[derive(Default)]
pub(crate) struct MemoryStore(Mutex<Option<Arc<MemoryJournal>>>);

impl MemoryStore {
    pub(crate) fn open(&self) -> Result<Arc<MemoryJournal>, Error> {
        let mut current = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        Ok(Arc::clone(match &*current {
            Some(journal) if journal.is_in_place() => journal,
            _ => current.insert(Arc::new(MemoryJournal::new()?)),
        }))
    }
}

pub(crate) struct MemoryJournal {
    epoch: Epoch,
    state: Arc<Mutex<State>>,
}

struct State {
    /// The number of the first of the entries.
    oldest: u64,
    entries: VecDeque<Vec<u8>>,
    is_discarded: bool,
    /// Changes with each change, so that a watcher misses none.
    version: u64,
    /// The threads that wait for a change.
    waiting: Vec<Interrupt>,
}

impl MemoryJournal {
    fn new() -> Result<Self, Error> {
        let random = getrandom::u64().map_err(io::Error::other);
        let epoch =
            random.map_err(|error| CacheAddress::Memory.error("open the journal", error))?;
        Ok(Self {
            epoch: Epoch(epoch),
            state: Arc::new(Mutex::new(State {
                oldest: 1,
                entries: VecDeque::new(),
                is_discarded: false,
                version: 0,
                waiting: Vec::new(),
            })),
        })
    }

    fn lock(&self) -> MutexGuard<'_, State> {
        lock(&self.state)
    }
}

/// Each change is made in one step, so a panic leaves the state usable.
fn lock(state: &Mutex<State>) -> MutexGuard<'_, State> {
    state.lock().unwrap_or_else(PoisonError::into_inner)
}

impl State {
    fn newest(&self) -> u64 {
        self.oldest + self.entries.len() as u64 - 1
    }

    fn get(&self, number: u64) -> Option<&Vec<u8>> {
        let index = number.checked_sub(self.oldest)?;
        self.entries.get(usize::try_from(index).ok()?)
    }

    fn notify(&mut self) {
        self.version += 1;
        for interrupt in &self.waiting {
            interrupt.wake();
        }
    }
}

impl Journal for MemoryJournal {
    fn address(&self) -> CacheAddress {
        CacheAddress::Memory
    }

    fn epochs(&self) -> Epochs {
        self.epoch.into()
    }

    fn append(&self, entry: &[u8]) -> Result<u64, Error> {
        let mut state = self.lock();
        if state.is_discarded {
            return Err(Error::new(ErrorKind::Cache, "the journal was discarded"));
        }
        state.entries.push_back(entry.to_vec());
        state.notify();
        Ok(state.newest())
    }

    fn read(&self, number: u64) -> Result<StoredEntry, Error> {
        let state = self.lock();
        Ok(match state.get(number) {
            Some(bytes) => StoredEntry::Entry(bytes.clone()),
            None if number < state.oldest => StoredEntry::Swept {
                oldest: state.oldest,
            },
            None => StoredEntry::NotYet,
        })
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
    fn wait(&mut self, _next: u64, timeout: Duration, interrupt: &Interrupt) -> bool {
        lock(&self.state).waiting.push(interrupt.clone());
        // Checked only now: a later change ends the wait.
        let is_changed = self.notices_change();
        if !is_changed {
            interrupt.wait(timeout);
        }
        let mut state = lock(&self.state);
        state.waiting.retain(|waiting| !waiting.is_same(interrupt));
        drop(state);
        is_changed || self.notices_change()
    }
}
