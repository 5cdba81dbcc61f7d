//! What the streams on one worker thread share: nothing here is locked.

use std::{
    cell::{Cell, RefCell, RefMut},
    rc::Rc,
    task::{Context, Waker},
    time::Instant,
};

use bytes::Bytes;

use super::{
    alarms::Alarms,
    chunk::FULL,
    cursor::Cursor,
    disconnect::{Connections, Endpoints},
    frame::Filter,
    ring::{Position, Ring, Taken},
    slot::Wanted,
    waiters::{Ticket, Waiters},
};

/// The streams of one thread.
pub(crate) struct Worker {
    waiters: RefCell<Waiters>,
    alarms: RefCell<Alarms>,
    connections: RefCell<Connections>,
    /// The end of the ring when it was looked at last, and after how many changes that was.
    seen: Cell<(u64, Position)>,
    chunk: RefCell<Option<SharedChunk>>,
    /// Of the task that wakes the streams.
    task: RefCell<Waker>,
    /// Kept for the next time, so that waking allocates nothing.
    wakers: Cell<Vec<Waker>>,
}

/// What the streams at one place get next, put together once for all of them.
struct SharedChunk {
    from: (Position, usize),
    bytes: Bytes,
    to: Cursor,
}

/// A stream's place among those of its thread.
pub(crate) struct Member {
    worker: Rc<Worker>,
    ticket: Ticket,
    /// Among the alarms and the connections.
    place: usize,
}

impl Worker {
    pub(super) fn new(ring: &Ring) -> Self {
        let seen = (ring.changes(), ring.end());
        Self {
            waiters: RefCell::new(Waiters::new(seen.1)),
            alarms: RefCell::new(Alarms::new(Instant::now())),
            connections: RefCell::default(),
            seen: Cell::new(seen),
            chunk: RefCell::new(None),
            task: RefCell::new(Waker::noop().clone()),
            wakers: Cell::default(),
        }
    }

    /// A place for a stream.
    pub(crate) fn join(self: Rc<Self>, filter: &Filter, connection: Option<Endpoints>) -> Member {
        let ticket = self.waiters.borrow_mut().join(filter.names());
        let place = self.alarms.borrow_mut().join();
        self.connections().join(place, connection);
        Member {
            worker: self,
            ticket,
            place,
        }
    }

    pub(super) fn connections(&self) -> RefMut<'_, Connections> {
        self.connections.borrow_mut()
    }

    /// Where the ring ends. As long as it does not change, its lock is left alone.
    fn end(&self, ring: &Ring) -> Position {
        // First the count, then the look: a change in between is looked at again.
        let changes = ring.changes();
        let (seen, end) = self.seen.get();
        if seen == changes {
            return end;
        }
        let end = ring.end();
        self.seen.set((changes, end));
        end
    }

    fn take(&self, ring: &Ring, wanted: &Wanted<'_>) -> Taken {
        let from = wanted.place.position();
        let parts = wanted.place.cursor.parts;
        if from == self.end(ring) && parts == 0 {
            return Taken::CaughtUp;
        }
        if !wanted.is_what_all_get() {
            return ring.take(wanted);
        }
        let mut chunk = self.chunk.borrow_mut();
        if let Some(chunk) = &*chunk
            && chunk.from == (from, parts)
        {
            return Taken::Frames(chunk.bytes.clone(), chunk.to);
        }
        let taken = ring.take(wanted);
        if let Taken::Frames(bytes, to) = taken {
            let bytes = of_this_thread(bytes);
            *chunk = Some(SharedChunk {
                from: (from, parts),
                bytes: bytes.clone(),
                to,
            });
            return Taken::Frames(bytes, to);
        }
        taken
    }

    /// Wakes those for whom there is something in the ring.
    pub(crate) fn hear(&self, ring: &Ring) {
        let then = self.waiters.borrow().looked_at();
        let (news, end) = ring.news_since(then);
        self.wake(|wakers| self.waiters.borrow_mut().hear(&news, end, wakers));
    }

    /// Wakes all.
    pub(super) fn wake_all(&self) {
        self.wake(|wakers| self.waiters.borrow_mut().wake_all(wakers));
    }

    /// Wakes those whose time has come, and says when to look again.
    pub(super) fn ring_alarms(&self, now: Instant) -> Option<Instant> {
        let mut next = None;
        self.wake(|wakers| next = self.alarms.borrow_mut().due(now, wakers));
        next
    }

    /// Nothing is borrowed while a waker runs: it may be code of somebody else.
    fn wake(&self, take: impl FnOnce(&mut Vec<Waker>)) {
        let mut wakers = self.wakers.take();
        take(&mut wakers);
        for waker in wakers.drain(..) {
            waker.wake();
        }
        self.wakers.set(wakers);
    }

    /// The task to wake when an alarm is set for earlier than it looks.
    pub(super) fn is_served_by(&self, task: &Waker) {
        self.task.borrow_mut().clone_from(task);
    }
}

/// Every thread counts the holders of its own copy. All of them counting those of one would wait
/// for each other's caches with each delivery.
fn of_this_thread(bytes: Bytes) -> Bytes {
    if bytes.len() <= FULL {
        Bytes::copy_from_slice(&bytes)
    } else {
        bytes
    }
}

impl Member {
    /// What a stream has not had yet, as much as fits into one chunk.
    pub(crate) fn take(&self, ring: &Ring, wanted: &Wanted<'_>) -> Taken {
        self.worker.take(ring, wanted)
    }

    /// Where the ring ends.
    pub(crate) fn end(&self, ring: &Ring) -> Position {
        self.worker.end(ring)
    }

    /// Wakes the stream at the next event that it wants, once.
    pub(crate) fn wait(&self, context: &Context<'_>) {
        let mut waiters = self.worker.waiters.borrow_mut();
        waiters.wait(&self.ticket, context.waker());
    }

    /// Where a stream is now that was caught up before it waited: it has slept through what is none
    /// of its events.
    pub(crate) fn slept_until(&self, from: Position) -> u64 {
        let mut waiters = self.worker.waiters.borrow_mut();
        let until = waiters.slept_until(&self.ticket, from.epoch);
        until.map_or(from.next, |until| until.max(from.next))
    }

    /// The stream ends because all are told to. Whether its client takes the last bytes is looked at.
    pub(crate) fn end_with_all(&self) {
        self.worker.connections().end(self.place);
    }

    /// Wakes the stream at this time, and at none that was set before.
    pub(crate) fn wake_at(&self, at: Instant, context: &Context<'_>) {
        let mut alarms = self.worker.alarms.borrow_mut();
        if alarms.set(self.place, at, context.waker()) {
            self.worker.task.borrow().wake_by_ref();
        }
    }
}

impl Drop for Member {
    fn drop(&mut self) {
        self.worker.waiters.borrow_mut().leave(&self.ticket);
        self.worker.alarms.borrow_mut().leave(self.place);
        self.worker.connections().leave(self.place);
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{
        epoch::Epoch,
        hub::{
            frame::Frame,
            place::Place,
            slot::{Content, Slot},
        },
    };

    fn slot(bytes: &'static str) -> Slot {
        let frame = Frame {
            event: "a".into(),
            bytes: Bytes::from_static(bytes.as_bytes()),
        };
        Slot {
            seen: Instant::now(),
            expires: None,
            content: Content::Frames(vec![frame]),
        }
    }

    fn ring() -> Ring {
        let ring = Ring::new(10);
        ring.restart(Epoch(1), None, 1);
        ring
    }

    fn take(worker: &Worker, ring: &Ring, next: u64) -> Taken {
        let place = Place {
            epoch: Epoch(1),
            cursor: Cursor::before(next),
            replay_until: 0,
            claims_from: 0,
        };
        worker.take(
            ring,
            &Wanted {
                place,
                filter: &Filter::All,
            },
        )
    }

    #[test]
    fn streams_at_one_place_share_their_chunk() {
        let ring = ring();
        let worker = Worker::new(&ring);
        ring.push([slot("<1>"), slot("<2>")]);
        let chunks = [1, 1].map(|next| match take(&worker, &ring, next) {
            Taken::Frames(bytes, to) => (bytes, to.next),
            other => panic!("{other:?}"),
        });
        assert_eq!(chunks[0], (Bytes::from("<1><2>"), 3));
        assert_eq!(chunks[0].0.as_ptr(), chunks[1].0.as_ptr());
    }

    #[test]
    fn what_is_shared_is_what_is_there() {
        let ring = ring();
        let worker = Worker::new(&ring);
        assert!(matches!(take(&worker, &ring, 1), Taken::CaughtUp));
        ring.push([slot("<1>")]);
        for (next, text) in [(1, "<1>"), (1, "<1>"), (2, ""), (1, "<1>")] {
            let taken = match take(&worker, &ring, next) {
                Taken::Frames(bytes, _) => bytes,
                _ => Bytes::new(),
            };
            assert_eq!(taken, text);
        }
        ring.push([slot("<2>")]);
        assert!(matches!(take(&worker, &ring, 2), Taken::Frames(bytes, _) if bytes == "<2>"));
        ring.restart(Epoch(2), None, 3);
        assert!(matches!(
            take(&worker, &ring, 3),
            Taken::OtherEpoch(Epoch(2))
        ));
    }
}
