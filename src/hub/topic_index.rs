//! Which streams of a thread want a topic: an event, or what is saved for an audience.

use std::{
    collections::BTreeSet,
    hash::{BuildHasher, RandomState},
};

/// The number of a stream among those of its thread.
pub(super) type Slot = u32;

/// Slots by topic. It stores a hash instead of the topic's name, because a server may have five names for each
/// of 100,000 streams: an element takes about 14 bytes. Two names with the same hash wake a stream in vain,
/// which then finds nothing to send. The keys of the hash are random, so nobody can choose such names.
#[derive(Default)]
pub(super) struct TopicIndex {
    elements: BTreeSet<(u32, Slot)>,
    hasher: RandomState,
}

impl TopicIndex {
    pub(super) fn insert(&mut self, name: &str, slot: Slot) {
        self.elements.insert((self.hash(name), slot));
    }

    pub(super) fn remove(&mut self, name: &str, slot: Slot) {
        self.elements.remove(&(self.hash(name), slot));
    }

    /// The slots of this topic, and perhaps a few of others.
    pub(super) fn slots(&self, name: &str) -> impl Iterator<Item = Slot> {
        let hash = self.hash(name);
        let range = (hash, Slot::MIN)..=(hash, Slot::MAX);
        self.elements.range(range).map(|(_, slot)| *slot)
    }

    fn hash(&self, name: &str) -> u32 {
        // The upper half is as good as the lower one.
        u32::try_from(self.hasher.hash_one(name) >> 32).unwrap_or(u32::MAX)
    }
}
