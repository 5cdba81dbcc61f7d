//! The streams of one thread, by the events that they wait for.
//!
//! An event wakes the streams that want it and no others, so the cost of a rare event does not
//! depend on how many streams are open. A stream that sleeps through unwanted events does not fall
//! behind: the list knows which entries had none of its events, and the stream continues after them.

#[cfg(test)]
mod tests;

use std::{
    collections::{HashMap, HashSet},
    task::Waker,
};

use super::{cursor::EventId, ring::NewEvents};
use crate::epoch::Epoch;

/// The streams of one thread.
#[derive(Default)]
pub(super) struct Subscribers {
    to_all_events: SubscriberList,
    by_event: HashMap<Box<str>, SubscriberList>,
    /// The ring was scanned up to here: no entry before has an event of a stream that waits.
    scanned_to: EventId,
}

/// The streams that want the same event. Slots of closed streams are reused.
#[derive(Default)]
struct SubscriberList {
    slots: Vec<Subscriber>,
    free_slots: Vec<usize>,
}

#[derive(Default)]
struct Subscriber {
    /// Set while the stream waits.
    waker: Option<Waker>,
    /// The first entry that the stream was woken for: no entry before has one of its events.
    woken_at: EventId,
}

/// The slots of one stream: one among the streams that want all events, or one for each event that
/// it names.
pub(super) enum SubscriberId {
    All(usize),
    Named(Box<[(Box<str>, usize)]>),
}

impl Subscribers {
    pub(super) fn new(scanned_to: EventId) -> Self {
        Self {
            scanned_to,
            ..Self::default()
        }
    }

    /// Adds a stream that wants these events; `None` means all.
    pub(super) fn add(&mut self, names: Option<&HashSet<String>>) -> SubscriberId {
        let Some(names) = names else {
            return SubscriberId::All(self.to_all_events.add());
        };
        let named = names.iter().map(|name| {
            let name = name.as_str().into();
            let list = self.by_event.entry(Box::clone(&name)).or_default();
            (name, list.add())
        });
        SubscriberId::Named(named.collect())
    }

    pub(super) fn remove(&mut self, id: &SubscriberId) {
        match id {
            SubscriberId::All(slot) => self.to_all_events.remove(*slot),
            SubscriberId::Named(named) => {
                for (name, slot) in named {
                    self.remove_named(name, *slot);
                }
            }
        }
    }

    fn remove_named(&mut self, name: &str, slot: usize) {
        if let Some(list) = self.by_event.get_mut(name) {
            list.remove(slot);
            if list.is_empty() {
                self.by_event.remove(name);
            }
        }
    }

    /// Wakes the stream once, at the next event that it wants. The stream must have read everything
    /// before `scanned_to`.
    pub(super) fn wake_at_next_event(&mut self, id: &SubscriberId, waker: &Waker) {
        self.for_each_slot(id, |subscriber| match &mut subscriber.waker {
            Some(waiting) => waiting.clone_from(waker),
            none => *none = Some(waker.clone()),
        });
    }

    /// For a stream that waited: the first entry that was not checked for its events, or the first that
    /// has one. `None` if that entry is not in the journal of `epoch`.
    pub(super) fn first_unchecked(&mut self, id: &SubscriberId, epoch: Epoch) -> Option<u64> {
        let scanned_to = self.scanned_to;
        let mut earliest = Some(u64::MAX);
        self.for_each_slot(id, |subscriber| {
            let position = match subscriber.waker {
                Some(_) => scanned_to,
                None => subscriber.woken_at,
            };
            let next = (position.epoch == epoch).then_some(position.cursor.next);
            // `None` is the least, so it wins if one of the slots is in another journal.
            earliest = earliest.min(next);
        });
        earliest
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
        wakers: &mut Vec<Waker>,
    ) {
        let start = self.scanned_to;
        self.scanned_to = end;
        match events {
            NewEvents::All => self.take_all_wakers_at(start, wakers),
            NewEvents::Named(events) => {
                let at = |next| EventId::before(end.epoch, next);
                if let Some(number) = events.iter().map(|(_, number)| *number).min() {
                    self.to_all_events.take_wakers(at(number), wakers);
                }
                for (name, number) in events {
                    if let Some(list) = self.by_event.get_mut(&**name) {
                        list.take_wakers(at(*number), wakers);
                    }
                }
            }
        }
    }

    /// Takes the wakers of all streams.
    pub(super) fn take_all_wakers(&mut self, wakers: &mut Vec<Waker>) {
        self.take_all_wakers_at(self.scanned_to, wakers);
    }

    fn take_all_wakers_at(&mut self, position: EventId, wakers: &mut Vec<Waker>) {
        self.to_all_events.take_wakers(position, wakers);
        for list in self.by_event.values_mut() {
            list.take_wakers(position, wakers);
        }
    }

    fn for_each_slot(&mut self, id: &SubscriberId, mut visit: impl FnMut(&mut Subscriber)) {
        match id {
            SubscriberId::All(slot) => visit(&mut self.to_all_events.slots[*slot]),
            SubscriberId::Named(named) => {
                for (name, slot) in named {
                    if let Some(list) = self.by_event.get_mut(name) {
                        visit(&mut list.slots[*slot]);
                    }
                }
            }
        }
    }
}

impl SubscriberList {
    fn add(&mut self) -> usize {
        self.free_slots.pop().unwrap_or_else(|| {
            self.slots.push(Subscriber::default());
            self.slots.len() - 1
        })
    }

    fn remove(&mut self, slot: usize) {
        self.slots[slot] = Subscriber::default();
        self.free_slots.push(slot);
    }

    fn is_empty(&self) -> bool {
        self.slots.len() == self.free_slots.len()
    }

    fn take_wakers(&mut self, position: EventId, wakers: &mut Vec<Waker>) {
        for subscriber in &mut self.slots {
            if let Some(waker) = subscriber.waker.take() {
                subscriber.woken_at = position;
                wakers.push(waker);
            }
        }
    }
}
