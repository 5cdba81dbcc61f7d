//! What the streams on one worker thread share. Nothing here needs a lock.

#[cfg(test)]
mod tests;

use std::{
    cell::{Cell, RefCell, RefMut},
    collections::VecDeque,
    rc::Rc,
    sync::{Arc, Mutex},
    task::{Context, Waker},
    time::Instant,
};

use bytes::Bytes;

use super::{
    chunk::MAX_CHUNK_BYTES,
    connections::{Connections, Endpoints},
    cursor::{Cursor, EventId},
    event_names::EventNames,
    holders::Holders,
    read_frames::ReadFrames,
    read_request::{ReadRequest, Selection},
    ring::{Ring, RingRead},
    subscribers::{SubscriberId, Subscribers},
    timers::Timers,
};
use crate::observe::{DELIVERIES_PER_LAG, DeliveryTally, Observations, SentEvents};

/// How many streams are woken before they and the other tasks of the thread run. So a task that becomes ready
/// meanwhile, such as a request, waits for this many deliveries, not for those to all streams; and the data that a
/// wake-up loads into the CPU's cache is still there when the stream runs.
const MAX_GROUP: usize = 64;

/// The streams of one thread.
pub(crate) struct LocalHub {
    subscribers: RefCell<Subscribers>,
    timers: RefCell<Timers>,
    connections: RefCell<Connections>,
    seen_end: Cell<SeenEnd>,
    /// One for each format.
    shared_chunks: RefCell<[Option<SharedChunk>; 2]>,
    event_names: EventNames,
    /// Wakes the task that wakes the streams of this thread.
    task_waker: RefCell<Waker>,
    tally: RefCell<DeliveryTally>,
    /// The wakers of the streams that are woken next, because something is new or due for them.
    wakers: Cell<VecDeque<Waker>>,
}

/// The end of the ring when it was last read.
#[derive(Clone, Copy)]
struct SeenEnd {
    /// How often the ring had changed by then.
    change_count: u64,
    position: EventId,
}

/// What the streams of one format at one cursor read next, joined once for all of them that may receive the same.
struct SharedChunk {
    start: EventId,
    bytes: Bytes,
    end: Cursor,
    /// Then it is for streams without grants.
    depends_on_grants: bool,
    sent: SentEvents,
    /// How many streams got it since that was last added to the tally.
    untallied_streams: u32,
}

/// A stream's registration with the hub of its thread, which ends when this is dropped.
pub(crate) struct StreamHandle {
    local_hub: Rc<LocalHub>,
    subscriber_id: SubscriberId,
    /// `Timers` assigns it, and `Connections` uses the same.
    stream_index: usize,
}

impl LocalHub {
    pub(super) fn new(
        ring: &Ring,
        holders: Arc<Mutex<Holders>>,
        observations: Observations,
    ) -> Self {
        // The count first, as in `ring_end`.
        let seen_end = SeenEnd {
            change_count: ring.change_count(),
            position: ring.end(),
        };
        Self {
            subscribers: RefCell::new(Subscribers::new(seen_end.position, holders)),
            timers: RefCell::new(Timers::new(Instant::now())),
            connections: RefCell::default(),
            seen_end: Cell::new(seen_end),
            shared_chunks: RefCell::default(),
            event_names: EventNames::default(),
            task_waker: RefCell::new(Waker::noop().clone()),
            tally: RefCell::new(DeliveryTally::new(observations)),
            wakers: Cell::default(),
        }
    }

    /// Registers a stream.
    pub(crate) fn add_stream(
        self: Rc<Self>,
        selection: &Selection,
        connection: Option<Endpoints>,
    ) -> StreamHandle {
        let Selection {
            filter,
            authorization,
            ..
        } = selection;
        let subscriber_id = (self.subscribers.borrow_mut()).add(filter, &authorization.grants);
        let stream_index = self.timers.borrow_mut().add();
        self.connections().add(stream_index, connection);
        StreamHandle {
            local_hub: self,
            subscriber_id,
            stream_index,
        }
    }

    /// The comment that names all events of this version of the configuration.
    pub(super) fn event_names(&self, version: u32, encode: impl FnOnce() -> Rc<str>) -> Rc<str> {
        self.event_names.comment(version, encode)
    }

    pub(super) fn connections(&self) -> RefMut<'_, Connections> {
        self.connections.borrow_mut()
    }

    /// The end of the ring. The ring's lock is taken only if the ring has changed.
    fn ring_end(&self, ring: &Ring) -> EventId {
        // The count first: if the ring changes before its end is read, the next call reads again.
        let change_count = ring.change_count();
        let seen_end = self.seen_end.get();
        if seen_end.change_count == change_count {
            return seen_end.position;
        }
        let position = ring.end();
        self.seen_end.set(SeenEnd {
            change_count,
            position,
        });
        position
    }

    fn read(&self, ring: &Ring, request: &ReadRequest<'_>) -> RingRead {
        let start = request.position.at;
        if start == self.ring_end(ring) {
            return RingRead::CaughtUp;
        }
        if !request.is_shareable() {
            return self.read_alone(ring, request);
        }
        let is_public = request.selection.authorization.is_public();
        let shared_chunk = &mut self.shared_chunks.borrow_mut()[request.selection.format as usize];
        if let Some(chunk) = shared_chunk
            && chunk.start == start
            && (is_public || !chunk.depends_on_grants)
        {
            chunk.untallied_streams += 1;
            if chunk.untallied_streams == DELIVERIES_PER_LAG {
                chunk.add_to(&mut self.tally.borrow_mut());
            }
            return RingRead::Frames(chunk.frames());
        }
        let mut sent = SentEvents::default();
        match ring.read(request, &mut sent) {
            RingRead::Frames(read) if is_public || !read.depends_on_grants => {
                if let Some(former) = shared_chunk {
                    former.add_to(&mut self.tally.borrow_mut());
                }
                let chunk = SharedChunk {
                    start,
                    bytes: copy_for_this_thread(read.bytes),
                    end: read.cursor,
                    depends_on_grants: read.depends_on_grants,
                    sent,
                    untallied_streams: 1,
                };
                RingRead::Frames(shared_chunk.insert(chunk).frames())
            }
            result => {
                self.tally.borrow_mut().add(&sent, 1);
                result
            }
        }
    }

    /// Reads what only this stream may get.
    fn read_alone(&self, ring: &Ring, request: &ReadRequest<'_>) -> RingRead {
        let mut sent = SentEvents::default();
        let result = ring.read(request, &mut sent);
        self.tally.borrow_mut().add(&sent, 1);
        result
    }

    /// Reports what the streams have sent in this turn.
    pub(crate) fn report_deliveries(&self) {
        let mut tally = self.tally.borrow_mut();
        if tally.has_sent() {
            for chunk in self.shared_chunks.borrow_mut().iter_mut().flatten() {
                chunk.add_to(&mut tally);
            }
            tally.report();
        }
    }

    /// Queues the streams that want one of the events that were added to the ring.
    pub(crate) fn queue_for_new_entries(&self, ring: &Ring) {
        let mut subscribers = self.subscribers.borrow_mut();
        let (events, end) = ring.events_since(subscribers.scanned_to());
        self.queue(|wakers| subscribers.take_wakers_for(&events, end, wakers));
    }

    /// How many entries the slowest stream of this thread has not read yet.
    pub(super) fn slowest_stream(&self, ring: &Ring) -> u64 {
        self.subscribers.borrow().slowest(self.ring_end(ring))
    }

    /// Queues all streams.
    pub(super) fn queue_all(&self) {
        self.queue(|wakers| self.subscribers.borrow_mut().take_all_wakers(wakers));
    }

    /// Queues the streams whose deadline has passed, and returns when to call this again.
    pub(super) fn queue_due(&self, now: Instant) -> Option<Instant> {
        self.queue(|wakers| self.timers.borrow_mut().take_due(now, wakers))
    }

    fn queue<T>(&self, take_wakers: impl FnOnce(&mut VecDeque<Waker>) -> T) -> T {
        let mut wakers = self.wakers.take();
        let result = take_wakers(&mut wakers);
        self.wakers.set(wakers);
        result
    }

    /// Wakes the streams that were queued first, and returns whether others are left.
    ///
    /// Nothing is borrowed while a waker runs: it may be code of the app.
    pub(crate) fn wake_group(&self) -> bool {
        let mut wakers = self.wakers.take();
        let count = wakers.len().min(MAX_GROUP);
        for waker in wakers.drain(..count) {
            waker.wake();
        }
        let has_more = !wakers.is_empty();
        self.wakers.set(wakers);
        has_more
    }

    /// Sets the task's waker. It is woken when a stream sets a deadline that is before the next scan.
    pub(super) fn set_task_waker(&self, waker: &Waker) {
        self.task_waker.borrow_mut().clone_from(waker);
    }
}

impl Drop for LocalHub {
    fn drop(&mut self) {
        self.report_deliveries();
    }
}

impl SharedChunk {
    fn add_to(&mut self, tally: &mut DeliveryTally) {
        // A chunk that was tallied in an earlier turn has an old lag, which was measured then.
        if self.untallied_streams > 0 {
            tally.add(&self.sent, std::mem::take(&mut self.untallied_streams));
        }
    }

    fn frames(&self) -> ReadFrames {
        ReadFrames {
            bytes: self.bytes.clone(),
            cursor: self.end,
            must_reauthorize: false,
            depends_on_grants: self.depends_on_grants,
        }
    }
}

/// Sharing one `Bytes` across workers would move the cache line of its reference count between
/// cores on every delivery, so each thread shares a copy. Copying a larger frame would cost more
/// than that.
fn copy_for_this_thread(bytes: Bytes) -> Bytes {
    if bytes.len() <= MAX_CHUNK_BYTES {
        Bytes::copy_from_slice(&bytes)
    } else {
        bytes
    }
}

impl StreamHandle {
    /// What the stream has not received yet, as much as fits into one chunk.
    pub(crate) fn read(&self, ring: &Ring, request: &ReadRequest<'_>) -> RingRead {
        self.local_hub.read(ring, request)
    }

    /// The stream sends a chunk that another thread has read for it.
    pub(crate) fn note_replayed(&self, sent: &SentEvents) {
        self.local_hub.tally.borrow_mut().add(sent, 1);
    }

    /// The stream sends so many bytes. They are reported after the streams that are woken now have sent theirs.
    pub(crate) fn note_sent(&self, byte_count: usize) {
        if self.local_hub.tally.borrow_mut().add_bytes(byte_count) {
            self.local_hub.task_waker.borrow().wake_by_ref();
        }
    }

    /// Wakes the stream once, at the next event that it wants.
    pub(crate) fn wake_at_next_event(&self, context: &Context<'_>) {
        let mut subscribers = self.local_hub.subscribers.borrow_mut();
        subscribers.wake_at_next_event(&self.subscriber_id, context.waker());
    }

    /// For a stream that was caught up at `at` and then waited: the cursor at which it continues.
    /// No entry before it has one of its events.
    pub(crate) fn first_unchecked(&self, at: EventId) -> Cursor {
        let subscribers = self.local_hub.subscribers.borrow();
        let first_unchecked = subscribers.first_unchecked(&self.subscriber_id, at.epoch);
        first_unchecked.map_or(at.cursor, |number| at.cursor.max(Cursor::before(number)))
    }

    /// The stream ends in a shutdown: its connection is ended if the client does not take the last
    /// bytes.
    pub(crate) fn end_in_shutdown(&self) {
        self.local_hub.connections().keep_ended(self.stream_index);
    }

    /// Wakes the stream at this time, in place of any time that was set before.
    pub(crate) fn wake_at(&self, deadline: Instant, context: &Context<'_>) {
        let mut timers = self.local_hub.timers.borrow_mut();
        if timers.set(self.stream_index, deadline, context.waker()) {
            self.local_hub.task_waker.borrow().wake_by_ref();
        }
    }
}

impl Drop for StreamHandle {
    fn drop(&mut self) {
        let local_hub = &self.local_hub;
        local_hub
            .subscribers
            .borrow_mut()
            .remove(&self.subscriber_id);
        local_hub.timers.borrow_mut().remove(self.stream_index);
        local_hub.connections().remove(self.stream_index);
    }
}
