//! Entries that this process saves reach its streams without a detour through the journal.
//!
//! A reader of the journal is woken when an entry gets its number, and then reads it. The thread that has saved the
//! entry knows both already.

use std::sync::{Arc, Mutex, Weak};

use crate::{config::Config, epoch::Epochs, runtime::lock};

/// An entry that is in the journal.
pub(crate) struct SavedEntry<'a> {
    /// The epochs of its journal.
    pub(crate) epochs: &'a Epochs,
    pub(crate) number: u64,
    pub(crate) document: &'a [u8],
}

/// A reader of the journal that also takes entries from their writers.
pub(crate) trait EntryReceiver: Send + Sync {
    /// Takes the entry if it is the next one to be read. If entries before it are missing, has the journal read.
    fn receive(&self, entry: &SavedEntry<'_>, config: &Config);
}

/// The receivers of one process, usually one or none.
#[derive(Default)]
pub(super) struct HandOver(Mutex<Vec<Weak<dyn EntryReceiver>>>);

impl HandOver {
    /// Hands all entries that are saved from now on to this receiver, as long as it lives.
    pub(super) fn add(&self, receiver: Weak<dyn EntryReceiver>) {
        let mut receivers = lock(&self.0);
        receivers.retain(|receiver| receiver.strong_count() > 0);
        receivers.push(receiver);
    }

    pub(super) fn hand_over(&self, entry: &SavedEntry<'_>, config: &Config) {
        // The lock is not held while receivers work, so that several threads can save at once.
        let receivers: Vec<Arc<dyn EntryReceiver>> =
            lock(&self.0).iter().filter_map(Weak::upgrade).collect();
        for receiver in receivers {
            receiver.receive(entry, config);
        }
    }
}
