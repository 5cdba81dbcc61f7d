//! The newest entries, encoded and in memory, shared by all streams.

#[cfg(test)]
mod tests;

use std::{
    collections::VecDeque,
    sync::{
        Arc, PoisonError, RwLock, RwLockReadGuard, RwLockWriteGuard,
        atomic::{AtomicU64, AtomicUsize, Ordering},
    },
    time::Instant,
};

use super::{
    chunk::Chunk,
    cursor::{EventId, StartPoints},
    read_frames::ReadFrames,
    read_request::ReadRequest,
    ring_entry::{Content, RingEntry},
};
use crate::{
    audience::Recipients,
    epoch::{Epoch, Epochs},
    observe::SentEvents,
};

/// Upper bound for the bytes of all frames and audiences in the ring: large values must not exhaust the memory
/// of a small server. The default 4,096 entries reach it only if their frames take more than 8 KiB on
/// average. Frames that a read encodes in another format count from the next entry on. A stream whose next
/// entry is no longer in the ring is served from the journal.
const MAX_RING_BYTES: usize = 32 * 1024 * 1024;

/// A window on the journal: consecutive entries up to the newest.
pub(crate) struct Ring {
    window: RwLock<Window>,
    /// Counts changes, so that a reader can tell without the lock that nothing has changed.
    change_count: AtomicU64,
    /// Upper bound for the number of entries.
    capacity: usize,
}

struct Window {
    /// Of the journal.
    epochs: Epochs,
    /// The number of the first of `entries`.
    first_number: u64,
    entries: VecDeque<RingEntry>,
    /// Of all frames and audiences together. A read may encode frames in another format.
    byte_count: AtomicUsize,
}

/// What was added to the ring after a position.
#[derive(Debug, PartialEq, Eq)]
pub(super) enum NewEvents {
    /// The topics of these entries, each with the number of an entry, in ascending order. An event is there only
    /// with the first entry that has it.
    Topics(Vec<(Topic, u64)>),
    /// Every stream is concerned: an entry is unreadable, or the ring no longer holds the position.
    All,
}

/// What streams wait for.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Topic {
    /// An event for everyone.
    Event(Arc<str>),
    /// Something that concerns the streams that hold one of these audiences.
    Audiences(Arc<[String]>),
}

/// What a stream reads from the ring.
#[derive(Debug)]
pub(crate) enum RingRead {
    Frames(ReadFrames),
    /// The stream is at the end of the ring.
    CaughtUp,
    /// The stream is before the ring, whose oldest entry this is: the journal has to serve it.
    Behind {
        ring_start: u64,
    },
    /// The stream is in another journal than the ring, or beyond its end.
    Elsewhere,
}

/// Collects the topics of entries.
#[derive(Default)]
struct Topics<'a> {
    topics: Vec<(Topic, u64)>,
    events: Vec<&'a Arc<str>>,
}

impl<'a> Topics<'a> {
    fn add_audiences(&mut self, names: &Arc<[String]>, number: u64) {
        self.topics
            .push((Topic::Audiences(Arc::clone(names)), number));
    }

    fn add_events(&mut self, events: impl IntoIterator<Item = &'a Arc<str>>, number: u64) {
        for event in events {
            if !self.events.contains(&event) {
                self.events.push(event);
                self.topics.push((Topic::Event(Arc::clone(event)), number));
            }
        }
    }
}

impl Ring {
    pub(crate) fn new(capacity: usize) -> Self {
        Self {
            window: RwLock::new(Window::empty(Epoch(0).into(), 1)),
            change_count: AtomicU64::new(0),
            capacity,
        }
    }

    /// Empties the ring; it continues with the entry `next`. That is in another journal, or after
    /// entries that were swept before they were read.
    pub(crate) fn restart(&self, epochs: Epochs, next: u64) {
        let mut window = self.write();
        let epochs = epochs.remembering(&window.epochs);
        *window = Window::empty(epochs, next);
        self.count_change();
    }

    /// Adds entries, and drops the oldest that are over one of the limits.
    pub(crate) fn push(&self, entries: impl IntoIterator<Item = RingEntry>) {
        let mut window = self.write();
        for entry in entries {
            *window.byte_count.get_mut() += entry.byte_count();
            window.entries.push_back(entry);
        }
        // The newest entry stays, however large: streams that wait for it read it here.
        while window.entries.len() > self.capacity
            || (*window.byte_count.get_mut() > MAX_RING_BYTES && window.entries.len() > 1)
        {
            window.drop_oldest();
        }
        self.count_change();
    }

    /// `Release` pairs with the `Acquire` of [`Ring::change_count`]. The caller holds the write lock, so
    /// a reader that sees the new count and then takes the lock also sees the change.
    fn count_change(&self) {
        self.change_count.fetch_add(1, Ordering::Release);
    }

    /// How often the ring has changed. Read it before the ring itself: a change in between then
    /// leads to one more read, and is never missed.
    pub(super) fn change_count(&self) -> u64 {
        self.change_count.load(Ordering::Acquire)
    }

    /// The position after the newest entry.
    pub(crate) fn end(&self) -> EventId {
        self.read_window().end_position()
    }

    /// When the newest entry was seen. No later one has an earlier time.
    pub(super) fn newest_seen_at(&self) -> Option<Instant> {
        self.read_window().entries.back()?.seen_at
    }

    /// The id of a client here. `None` if the position is in another journal than the ring.
    pub(crate) fn event_id(&self, at: EventId) -> Option<EventId> {
        let window = self.read_window();
        let is_same_journal = at.epoch == window.epochs.current();
        is_same_journal.then(|| at.cursor.event_id(&window.epochs))
    }

    /// The newest entries that `map` returns something for, the newest first, at most this many. Searches at most ten
    /// times as many.
    pub(crate) fn newest<T>(
        &self,
        count: usize,
        map: impl Fn(u64, &RingEntry) -> Option<T>,
    ) -> Vec<T> {
        let window = self.read_window();
        let numbered = (window.first_number..window.end()).rev();
        let numbered = numbered.zip(window.entries.iter().rev());
        let searched = numbered.take(count.saturating_mul(10));
        (searched.filter_map(|(number, entry)| map(number, entry)))
            .take(count)
            .collect()
    }

    /// The events after `position`, and the end of the ring.
    pub(super) fn events_since(&self, position: EventId) -> (NewEvents, EventId) {
        let window = self.read_window();
        (window.events_since(position), window.end_position())
    }

    /// Where a stream may start. New clients receive entries that were seen at `since` or later;
    /// `None` means all.
    pub(crate) fn start_points(&self, since: Option<Instant>) -> StartPoints {
        let window = self.read_window();
        let older = since.map_or(0, |since| {
            window
                .entries
                .partition_point(|entry| entry.seen_at < Some(since))
        });
        StartPoints {
            epochs: window.epochs.clone(),
            lookback_start: window.first_number + older as u64,
            end: window.end(),
        }
    }

    /// What a stream has not received yet, as much as fits into one chunk. Frames set `sent` to what they contain.
    pub(crate) fn read(&self, request: &ReadRequest<'_>, sent: &mut SentEvents) -> RingRead {
        let window = self.read_window();
        let at = request.position.at;
        let end = window.end_position();
        if at == end {
            return RingRead::CaughtUp;
        }
        if at.epoch != end.epoch || at.cursor > end.cursor {
            return RingRead::Elsewhere;
        }
        match window.index_of(at) {
            Some(start) => window.read(request, start, sent),
            None => RingRead::Behind {
                ring_start: window.first_number,
            },
        }
    }

    /// A thread that panicked while it held the lock left a usable window: all fields are updated
    /// entry by entry.
    fn read_window(&self) -> RwLockReadGuard<'_, Window> {
        self.window.read().unwrap_or_else(PoisonError::into_inner)
    }

    fn write(&self) -> RwLockWriteGuard<'_, Window> {
        self.window.write().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Window {
    fn empty(epochs: Epochs, first_number: u64) -> Self {
        Self {
            epochs,
            first_number,
            entries: VecDeque::new(),
            byte_count: AtomicUsize::new(0),
        }
    }

    fn drop_oldest(&mut self) {
        if let Some(entry) = self.entries.pop_front() {
            *self.byte_count.get_mut() -= entry.byte_count();
            self.first_number += 1;
        }
    }

    fn end(&self) -> u64 {
        self.first_number + self.entries.len() as u64
    }

    fn end_position(&self) -> EventId {
        EventId::before(self.epochs.current(), self.end())
    }

    fn events_since(&self, position: EventId) -> NewEvents {
        let Some(start) = self.index_of(position) else {
            return NewEvents::All;
        };
        let mut topics = Topics::default();
        for (number, entry) in (position.cursor.next..).zip(self.entries.range(start..)) {
            match (&entry.content, &entry.recipients) {
                (Content::Unreadable, _) => return NewEvents::All,
                (Content::Revocation(names), _) => topics.add_audiences(names, number),
                (Content::Frames(frames), Recipients::HoldersOf(names)) => {
                    if !frames.is_empty() {
                        topics.add_audiences(names, number);
                    }
                }
                (Content::Frames(frames), Recipients::Everyone) => {
                    topics.add_events(frames.iter().map(|frame| &frame.event), number);
                }
                (Content::Lost(events), _) => topics.add_events(events, number),
            }
        }
        NewEvents::Topics(topics.topics)
    }

    /// The index of the first entry after `position`; `None` if it is not in the window.
    fn index_of(&self, position: EventId) -> Option<usize> {
        let index = position.cursor.next.checked_sub(self.first_number)?;
        let index = usize::try_from(index).ok()?;
        (position.epoch == self.epochs.current() && index <= self.entries.len()).then_some(index)
    }

    fn read(&self, request: &ReadRequest<'_>, start: usize, sent: &mut SentEvents) -> RingRead {
        let mut chunk = Chunk::new(self.epochs.clone());
        let mut cursor = request.position.at.cursor;
        for entry in self.entries.range(start..) {
            let number = cursor.next;
            cursor = chunk.push_entry(request, cursor, entry);
            if cursor.next == number || chunk.must_reauthorize() {
                break;
            }
        }
        if chunk.newly_encoded() > 0 {
            // Relaxed: only the holder of the write lock relies on it, and the lock orders it after this.
            (self.byte_count).fetch_add(chunk.newly_encoded(), Ordering::Relaxed);
        }
        let (frames, contained) = chunk.finish(cursor);
        *sent = contained;
        RingRead::Frames(frames)
    }
}
