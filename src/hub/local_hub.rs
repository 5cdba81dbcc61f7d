//! What the streams on one worker thread share. Nothing here needs a lock.

#[cfg(test)]
mod tests;

use std::{
    cell::{Cell, RefCell, RefMut},
    rc::Rc,
    task::{Context, Waker},
    time::Instant,
};

use bytes::Bytes;

use super::{
    chunk::MAX_CHUNK_BYTES,
    connections::{Connections, Endpoints},
    cursor::{Cursor, RingPosition},
    filter::Filter,
    read_request::ReadRequest,
    ring::{ReadResult, Ring},
    subscribers::{SubscriberId, Subscribers},
    timers::Timers,
};

/// The streams of one thread.
pub(crate) struct LocalHub {
    subscribers: RefCell<Subscribers>,
    timers: RefCell<Timers>,
    connections: RefCell<Connections>,
    /// The count of the ring's changes, and its end after that many.
    ring_end: Cell<(u64, RingPosition)>,
    shared_chunk: RefCell<Option<SharedChunk>>,
    /// Wakes the task that serves this thread.
    task: RefCell<Waker>,
    /// Reused, so that waking streams allocates nothing.
    wakers: Cell<Vec<Waker>>,
}

/// What the streams at one cursor read next, joined once for all of them.
struct SharedChunk {
    /// The position, and the number of frames sent of its entry.
    start: (RingPosition, usize),
    bytes: Bytes,
    end: Cursor,
}

/// A stream's registration with the hub of its thread, which ends when this is dropped.
pub(crate) struct StreamHandle {
    local_hub: Rc<LocalHub>,
    subscriber: SubscriberId,
    /// The index of its timer and of its connection.
    index: usize,
}

impl LocalHub {
    pub(super) fn new(ring: &Ring) -> Self {
        let ring_end = (ring.changes(), ring.end());
        Self {
            subscribers: RefCell::new(Subscribers::new(ring_end.1)),
            timers: RefCell::new(Timers::new(Instant::now())),
            connections: RefCell::default(),
            ring_end: Cell::new(ring_end),
            shared_chunk: RefCell::new(None),
            task: RefCell::new(Waker::noop().clone()),
            wakers: Cell::default(),
        }
    }

    /// Registers a stream.
    pub(crate) fn add_stream(
        self: Rc<Self>,
        filter: &Filter,
        connection: Option<Endpoints>,
    ) -> StreamHandle {
        let subscriber = self.subscribers.borrow_mut().add(filter.names());
        let index = self.timers.borrow_mut().add();
        self.connections().add(index, connection);
        StreamHandle {
            local_hub: self,
            subscriber,
            index,
        }
    }

    pub(super) fn connections(&self) -> RefMut<'_, Connections> {
        self.connections.borrow_mut()
    }

    /// The end of the ring. The ring's lock is taken only if the ring has changed.
    fn ring_end(&self, ring: &Ring) -> RingPosition {
        // The count first: if the ring changes before its end is read, the next call reads again.
        let changes = ring.changes();
        let (changes_seen, end) = self.ring_end.get();
        if changes_seen == changes {
            return end;
        }
        let end = ring.end();
        self.ring_end.set((changes, end));
        end
    }

    fn read(&self, ring: &Ring, request: &ReadRequest<'_>) -> ReadResult {
        let start = request.position.ring_position();
        let frames_sent = request.position.cursor.frames_sent;
        if start == self.ring_end(ring) && frames_sent == 0 {
            return ReadResult::CaughtUp;
        }
        if !request.is_shareable() {
            return ring.read(request);
        }
        let mut shared = self.shared_chunk.borrow_mut();
        if let Some(chunk) = &*shared
            && chunk.start == (start, frames_sent)
        {
            return ReadResult::Frames(chunk.bytes.clone(), chunk.end);
        }
        let result = ring.read(request);
        if let ReadResult::Frames(bytes, end) = result {
            let bytes = copy_for_this_thread(bytes);
            *shared = Some(SharedChunk {
                start: (start, frames_sent),
                bytes: bytes.clone(),
                end,
            });
            return ReadResult::Frames(bytes, end);
        }
        result
    }

    /// Wakes the streams that want one of the events that were added to the ring.
    pub(crate) fn wake_for_new_entries(&self, ring: &Ring) {
        let scanned_to = self.subscribers.borrow().scanned_to();
        let (events, end) = ring.events_since(scanned_to);
        self.wake(|wakers| {
            let mut subscribers = self.subscribers.borrow_mut();
            subscribers.take_wakers_for(&events, end, wakers);
        });
    }

    /// Wakes all streams.
    pub(super) fn wake_all(&self) {
        self.wake(|wakers| self.subscribers.borrow_mut().take_all_wakers(wakers));
    }

    /// Wakes the streams whose deadline has passed, and returns when to call this again.
    pub(super) fn wake_due(&self, now: Instant) -> Option<Instant> {
        let mut next = None;
        self.wake(|wakers| next = self.timers.borrow_mut().take_due(now, wakers));
        next
    }

    /// Nothing is borrowed while a waker runs: it may be code of the app.
    fn wake(&self, take_wakers: impl FnOnce(&mut Vec<Waker>)) {
        let mut wakers = self.wakers.take();
        take_wakers(&mut wakers);
        for waker in wakers.drain(..) {
            waker.wake();
        }
        self.wakers.set(wakers);
    }

    /// Sets the task to wake when a deadline is set that is before the next scan.
    pub(super) fn set_task(&self, task: &Waker) {
        self.task.borrow_mut().clone_from(task);
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
    pub(crate) fn read(&self, ring: &Ring, request: &ReadRequest<'_>) -> ReadResult {
        self.local_hub.read(ring, request)
    }

    pub(crate) fn ring_end(&self, ring: &Ring) -> RingPosition {
        self.local_hub.ring_end(ring)
    }

    /// Wakes the stream once, at the next event that it wants.
    pub(crate) fn wait(&self, context: &Context<'_>) {
        let mut subscribers = self.local_hub.subscribers.borrow_mut();
        subscribers.wait(&self.subscriber, context.waker());
    }

    /// Where a stream continues that was caught up at `position` and then waited: what it slept
    /// through contains none of its events.
    pub(crate) fn next_wanted(&self, position: RingPosition) -> u64 {
        let mut subscribers = self.local_hub.subscribers.borrow_mut();
        let next = subscribers.next_wanted(&self.subscriber, position.epoch);
        next.map_or(position.next, |next| next.max(position.next))
    }

    /// The stream ends in a shutdown: its connection is ended if the client does not take the last
    /// bytes.
    pub(crate) fn end_in_shutdown(&self) {
        self.local_hub.connections().keep_ended(self.index);
    }

    /// Wakes the stream at this time, in place of any time that was set before.
    pub(crate) fn wake_at(&self, deadline: Instant, context: &Context<'_>) {
        let mut timers = self.local_hub.timers.borrow_mut();
        if timers.set(self.index, deadline, context.waker()) {
            self.local_hub.task.borrow().wake_by_ref();
        }
    }
}

impl Drop for StreamHandle {
    fn drop(&mut self) {
        let local_hub = &self.local_hub;
        local_hub.subscribers.borrow_mut().remove(&self.subscriber);
        local_hub.timers.borrow_mut().remove(self.index);
        local_hub.connections().remove(self.index);
    }
}
