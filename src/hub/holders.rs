//! Which streams of a thread hold which audiences.

use super::{
    authorization::Grants,
    topic_index::{Slot, TopicIndex},
};

/// Shared with other threads, which count the streams.
#[derive(Default)]
pub(super) struct Holders {
    by_name: TopicIndex,
    /// The streams with a grant for all names that start with a prefix.
    with_prefix: Vec<Slot>,
    /// By slot.
    grants: Vec<Grants>,
}

impl Holders {
    pub(super) fn add(&mut self, slot: Slot, grants: &Grants) {
        if grants.is_empty() {
            return;
        }
        for name in grants.exact_names() {
            self.by_name.insert(name, slot);
        }
        if grants.has_prefix() {
            self.with_prefix.push(slot);
        }
        let index = slot as usize;
        if index >= self.grants.len() {
            self.grants.resize_with(index + 1, Grants::default);
        }
        self.grants[index] = grants.clone();
    }

    pub(super) fn remove(&mut self, slot: Slot) {
        let Some(grants) = self.grants.get_mut(slot as usize).map(std::mem::take) else {
            return;
        };
        for name in grants.exact_names() {
            self.by_name.remove(name, slot);
        }
        if grants.has_prefix() {
            self.with_prefix.retain(|other| *other != slot);
        }
    }

    /// The streams that hold one of these names, and perhaps a few others.
    pub(super) fn slots(&self, names: &[String]) -> impl Iterator<Item = Slot> {
        let with_prefix = self.with_prefix.iter().copied().filter(|slot| {
            let grants = &self.grants[*slot as usize];
            names.iter().any(|name| grants.hold(name))
        });
        (names.iter().flat_map(|name| self.by_name.slots(name))).chain(with_prefix)
    }

    /// How many streams hold this name as it is, rather than by a prefix.
    pub(super) fn count(&self, name: &str) -> usize {
        let holds = |slot: &Slot| {
            let grants = &self.grants[*slot as usize];
            grants.exact_names().any(|granted| granted == name)
        };
        self.by_name.slots(name).filter(holds).count()
    }
}
