//! The streams of one thread, by the events and audiences that they wait for.
//!
//! An event wakes the streams that want it and no others, so the cost of a rare event does not
//! depend on how many streams are open. A stream that sleeps through unwanted events does not fall
//! behind: its subscriber knows which entries had none of its events, and the stream continues after them.

#[cfg(test)]
mod tests;

use std::{
    collections::VecDeque,
    sync::{Arc, Mutex},
    task::Waker,
};

use super::{
    authorization::Grants,
    cursor::EventId,
    holders::Holders,
    read_request::Filter,
    ring::{NewEvents, Topic},
    topic_index::{Slot, TopicIndex},
};
use crate::{epoch::Epoch, runtime::lock};

/// The streams of one thread. Slots of closed streams are reused.
pub(super) struct Subscribers {
    slots: Vec<Subscriber>,
    free_slots: Vec<Slot>,
    /// The streams that want every event.
    to_all_events: Vec<Slot>,
    /// The others.
    by_event: TopicIndex,
    holders: Arc<Mutex<Holders>>,
    /// The ring was scanned up to here: no entry before has an event of a stream that waits.
    scanned_to: EventId,
}

#[derive(Default)]
struct Subscriber {
    /// Set while the stream waits.
    waker: Option<Waker>,
    /// The first entry that the stream was woken for: no entry before has one of its events.
    woken_at: EventId,
    /// Where the stream is in `to_all_events`, if it is there.
    index_in_all: usize,
}

/// One stream.
pub(super) struct SubscriberId {
    slot: Slot,
    filter: Filter,
}

impl Subscribers {
    pub(super) fn new(scanned_to: EventId, holders: Arc<Mutex<Holders>>) -> Self {
        Self {
            slots: Vec::new(),
            free_slots: Vec::new(),
            to_all_events: Vec::new(),
            by_event: TopicIndex::default(),
            holders,
            scanned_to,
        }
    }

    /// Adds a stream that wants the events of this filter, as far as its grants allow.
    pub(super) fn add(&mut self, filter: &Filter, grants: &Grants) -> SubscriberId {
        let slot = self.free_slots.pop().unwrap_or_else(|| {
            self.slots.push(Subscriber::default());
            Slot::try_from(self.slots.len() - 1).expect("each stream has a file descriptor")
        });
        match filter.names() {
            None => {
                self.slots[slot as usize].index_in_all = self.to_all_events.len();
                self.to_all_events.push(slot);
            }
            Some(names) => {
                for name in names {
                    self.by_event.insert(name, slot);
                }
            }
        }
        if !grants.is_empty() {
            lock(&self.holders).add(slot, grants);
        }
        let filter = filter.clone();
        SubscriberId { slot, filter }
    }

    pub(super) fn remove(&mut self, id: &SubscriberId) {
        match id.filter.names() {
            None => self.remove_from_all(id.slot),
            Some(names) => {
                for name in names {
                    self.by_event.remove(name, id.slot);
                }
            }
        }
        lock(&self.holders).remove(id.slot);
        self.slots[id.slot as usize] = Subscriber::default();
        self.free_slots.push(id.slot);
    }

    fn remove_from_all(&mut self, slot: Slot) {
        let index = self.slots[slot as usize].index_in_all;
        self.to_all_events.swap_remove(index);
        if let Some(moved) = self.to_all_events.get(index) {
            self.slots[*moved as usize].index_in_all = index;
        }
    }

    /// Wakes the stream once, at the next event that it wants. The stream must have read everything
    /// before `scanned_to`.
    pub(super) fn wake_at_next_event(&mut self, id: &SubscriberId, waker: &Waker) {
        match &mut self.slots[id.slot as usize].waker {
            Some(waiting) => waiting.clone_from(waker),
            none => *none = Some(waker.clone()),
        }
    }

    /// For a stream that waited: the first entry that was not checked for its events, or the first that
    /// has one. `None` if that entry is not in the journal of `epoch`.
    pub(super) fn first_unchecked(&self, id: &SubscriberId, epoch: Epoch) -> Option<u64> {
        let subscriber = &self.slots[id.slot as usize];
        let position = match subscriber.waker {
            Some(_) => self.scanned_to,
            None => subscriber.woken_at,
        };
        (position.epoch == epoch).then_some(position.cursor.next)
    }

    /// How many entries before `end` the slowest stream has not read since it was woken.
    pub(super) fn slowest(&self, end: EventId) -> u64 {
        let behind = self.slots.iter().filter_map(|subscriber| {
            // The epoch of a slot that was never woken is no journal's.
            let is_reading = subscriber.waker.is_none() && subscriber.woken_at.epoch == end.epoch;
            let next = subscriber.woken_at.cursor.next;
            is_reading.then(|| end.cursor.next.saturating_sub(next))
        });
        behind.max().unwrap_or(0)
    }

    pub(super) fn scanned_to(&self) -> EventId {
        self.scanned_to
    }

    /// Takes the wakers of the streams that want one of the events between `scanned_to` and `end`.
    /// The caller runs them when nothing is borrowed any more: wakers may be code of the app.
    pub(super) fn take_wakers_for(
        &mut self,
        events: &NewEvents,
        end: EventId,
        wakers: &mut VecDeque<Waker>,
    ) {
        let start = self.scanned_to;
        self.scanned_to = end;
        let NewEvents::Topics(topics) = events else {
            return self.take_all_wakers_at(start, wakers);
        };
        let slots = &mut self.slots;
        let mut take = |slot: Slot, position| slots[slot as usize].take_waker(position, wakers);
        let mut is_first_event = true;
        // In the order of the entries, because a stream continues at the first entry that it was woken for.
        for (topic, number) in topics {
            let position = EventId::before(end.epoch, *number);
            match topic {
                Topic::Event(name) => {
                    if std::mem::take(&mut is_first_event) {
                        (self.to_all_events.iter()).for_each(|slot| take(*slot, position));
                    }
                    (self.by_event.slots(name)).for_each(|slot| take(slot, position));
                }
                Topic::Audiences(names) => {
                    let holders = lock(&self.holders);
                    holders.slots(names).for_each(|slot| take(slot, position));
                }
            }
        }
    }

    /// Takes the wakers of all streams.
    pub(super) fn take_all_wakers(&mut self, wakers: &mut VecDeque<Waker>) {
        self.take_all_wakers_at(self.scanned_to, wakers);
    }

    fn take_all_wakers_at(&mut self, position: EventId, wakers: &mut VecDeque<Waker>) {
        for subscriber in &mut self.slots {
            subscriber.take_waker(position, wakers);
        }
    }
}

impl Subscriber {
    fn take_waker(&mut self, position: EventId, wakers: &mut VecDeque<Waker>) {
        if let Some(waker) = self.waker.take() {
            self.woken_at = position;
            wakers.push_back(waker);
        }
    }
}
