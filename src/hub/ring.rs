//! The newest frames, in memory, shared by all streams.

use std::{
    collections::VecDeque,
    sync::{
        Arc, PoisonError, RwLock,
        atomic::{AtomicU64, Ordering},
    },
    time::Instant,
};

use bytes::Bytes;

use super::{
    chunk::Chunk,
    cursor::Cursor,
    place::Opening,
    slot::{Content, Slot, Wanted},
};
use crate::epoch::Epoch;

/// As many bytes of frames as are kept at most.
const MEMORY: usize = 32 * 1024 * 1024;

/// A window on the journal: consecutive entries up to the newest.
pub(crate) struct Ring {
    window: RwLock<Window>,
    /// Another number after each change, so that who has looked before need not look again.
    changes: AtomicU64,
    capacity: usize,
}

/// A place before an entry of one journal.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub(crate) struct Position {
    pub(crate) epoch: Epoch,
    pub(crate) next: u64,
}

/// What has come into the ring since somebody looked.
#[derive(Debug, PartialEq, Eq)]
pub(super) enum News {
    /// These events, each with the first entry that has it.
    Of(Vec<(Arc<str>, u64)>),
    /// Something else than events, or nobody can tell any more.
    ForEverybody,
}

struct Window {
    epoch: Epoch,
    /// The first number of the epoch, if that is known.
    begin: Option<u64>,
    /// The number of the first slot.
    first: u64,
    slots: VecDeque<Slot>,
    bytes: usize,
}

/// What a stream gets.
#[derive(Debug)]
pub(crate) enum Taken {
    /// Frames, perhaps none, and where the stream is then.
    Frames(Bytes, Cursor),
    /// It is where the ring ends.
    CaughtUp,
    /// It is beyond the end.
    Ahead,
    /// It is so far behind that the journal has to serve it.
    Behind,
    /// It is in another journal than this, which the ring shows.
    OtherEpoch(Epoch),
}

impl Ring {
    pub(crate) fn new(capacity: usize) -> Self {
        let window = Window {
            epoch: Epoch(0),
            begin: None,
            first: 1,
            slots: VecDeque::new(),
            bytes: 0,
        };
        Self {
            window: RwLock::new(window),
            changes: AtomicU64::new(0),
            capacity,
        }
    }

    /// Begins again before the entry `next`: in another journal, whose epoch begins at the number
    /// `begin`, or behind swept entries.
    pub(crate) fn restart(&self, epoch: Epoch, begin: Option<u64>, next: u64) {
        let mut window = self.write();
        *window = Window {
            epoch,
            begin,
            first: next,
            slots: VecDeque::new(),
            bytes: 0,
        };
        self.changes.fetch_add(1, Ordering::Release);
    }

    pub(crate) fn push(&self, slots: impl IntoIterator<Item = Slot>) {
        let mut window = self.write();
        for slot in slots {
            window.bytes += slot.content.bytes();
            window.slots.push_back(slot);
        }
        while window.slots.len() > self.capacity
            || (window.bytes > MEMORY && window.slots.len() > 1)
        {
            if let Some(slot) = window.slots.pop_front() {
                window.bytes -= slot.content.bytes();
                window.first += 1;
            }
        }
        self.changes.fetch_add(1, Ordering::Release);
    }

    /// How often it has changed.
    pub(super) fn changes(&self) -> u64 {
        self.changes.load(Ordering::Acquire)
    }

    /// The place behind the last entry.
    pub(crate) fn end(&self) -> Position {
        self.read().position()
    }

    /// What has come since the end was there.
    pub(super) fn news_since(&self, then: Position) -> (News, Position) {
        let window = self.read();
        (window.news_since(then), window.position())
    }

    /// Where a new stream may begin; `since` is the earliest that a new client hears, `None` before
    /// all.
    pub(crate) fn opening(&self, since: Option<Instant>) -> Opening {
        let window = self.read();
        let older = since.map_or(0, |since| {
            window.slots.partition_point(|slot| slot.seen < since)
        });
        Opening {
            epoch: window.epoch,
            begin: window.begin,
            first: window.first,
            recent: window.first + older as u64,
            end: window.end(),
        }
    }

    /// What a stream has not had yet, as much as fits into one chunk.
    pub(crate) fn take(&self, wanted: &Wanted<'_>) -> Taken {
        let window = self.read();
        let Cursor { next, parts } = wanted.place.cursor;
        if wanted.place.epoch != window.epoch {
            return Taken::OtherEpoch(window.epoch);
        }
        if next >= window.end() {
            return if next == window.end() && parts == 0 {
                Taken::CaughtUp
            } else {
                Taken::Ahead
            };
        }
        let Some(start) = next
            .checked_sub(window.first)
            .and_then(|at| usize::try_from(at).ok())
        else {
            return Taken::Behind;
        };
        window.take(wanted, start)
    }

    fn read(&self) -> std::sync::RwLockReadGuard<'_, Window> {
        self.window.read().unwrap_or_else(PoisonError::into_inner)
    }

    fn write(&self) -> std::sync::RwLockWriteGuard<'_, Window> {
        self.window.write().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Window {
    fn end(&self) -> u64 {
        self.first + self.slots.len() as u64
    }

    fn position(&self) -> Position {
        Position {
            epoch: self.epoch,
            next: self.end(),
        }
    }

    fn news_since(&self, then: Position) -> News {
        let known = then
            .next
            .checked_sub(self.first)
            .and_then(|known| usize::try_from(known).ok())
            .filter(|known| then.epoch == self.epoch && *known <= self.slots.len());
        let Some(known) = known else {
            return News::ForEverybody;
        };
        let mut events: Vec<(Arc<str>, u64)> = Vec::new();
        for (number, slot) in (then.next..).zip(self.slots.range(known..)) {
            let Content::Frames(frames) = &slot.content else {
                return News::ForEverybody;
            };
            for frame in frames {
                if events.iter().all(|(event, _)| *event != frame.event) {
                    events.push((Arc::clone(&frame.event), number));
                }
            }
        }
        News::Of(events)
    }

    fn take(&self, wanted: &Wanted<'_>, start: usize) -> Taken {
        let mut chunk = Chunk::new(self.epoch);
        let mut cursor = wanted.place.cursor;
        for slot in self.slots.range(start..) {
            let number = cursor.next;
            cursor = chunk.entry(wanted, cursor, slot);
            if cursor.next == number {
                break;
            }
        }
        Taken::Frames(chunk.finish(cursor), cursor)
    }
}

#[cfg(test)]
mod tests {
    use std::time::{Duration, SystemTime};

    use super::*;
    use crate::hub::{
        frame::{Filter, Frame},
        place::Place,
        slot::Content,
    };

    const EPOCH: Epoch = Epoch(1);

    fn slot(events: &[&str]) -> Slot {
        let frames = events
            .iter()
            .map(|event| Frame {
                event: (*event).into(),
                bytes: Bytes::from(format!("<{event}>")),
            })
            .collect();
        Slot {
            seen: Instant::now(),
            expires: None,
            content: Content::Frames(frames),
        }
    }

    /// Entries 1 to 5, of which the ring keeps 2 to 5.
    fn ring() -> Ring {
        let ring = Ring::new(4);
        ring.restart(EPOCH, None, 1);
        ring.push([slot(&["a"]), slot(&["b"]), slot(&[]), slot(&["a", "b"])]);
        ring.push([slot(&["c"])]);
        ring
    }

    fn take(ring: &Ring, cursor: Cursor, filter: &Filter) -> Taken {
        ring.take(&Wanted {
            place: Place {
                epoch: EPOCH,
                cursor,
                replay_until: 0,
                claims_from: 0,
            },
            filter,
        })
    }

    fn text(taken: Taken) -> String {
        match taken {
            Taken::Frames(bytes, cursor) => {
                format!("{} {}", String::from_utf8_lossy(&bytes), cursor.next)
            }
            other => format!("{other:?}"),
        }
    }

    #[test]
    fn a_stream_gets_all_it_has_not_had() {
        let ring = ring();
        assert_eq!(
            text(take(&ring, Cursor::before(2), &Filter::All)),
            "<b><a><b><c> 6"
        );
        assert_eq!(text(take(&ring, Cursor::before(5), &Filter::All)), "<c> 6");
        assert_eq!(
            text(take(&ring, Cursor { next: 4, parts: 1 }, &Filter::All)),
            "<b><c> 6"
        );
    }

    #[test]
    fn at_the_edges_it_is_told_where_it_is() {
        let ring = ring();
        assert!(matches!(
            take(&ring, Cursor::before(1), &Filter::All),
            Taken::Behind
        ));
        assert!(matches!(
            take(&ring, Cursor::before(6), &Filter::All),
            Taken::CaughtUp
        ));
        assert!(matches!(
            take(&ring, Cursor { next: 6, parts: 1 }, &Filter::All),
            Taken::Ahead
        ));
        assert!(matches!(
            take(&ring, Cursor::before(7), &Filter::All),
            Taken::Ahead
        ));
        ring.restart(Epoch(2), None, 1);
        assert!(matches!(
            take(&ring, Cursor::before(6), &Filter::All),
            Taken::OtherEpoch(Epoch(2))
        ));
    }

    #[test]
    fn a_filter_leaves_out_and_still_advances() {
        let filter = Filter::only(["a".to_owned()].into());
        assert_eq!(text(take(&ring(), Cursor::before(2), &filter)), "<a> 6");
        assert_eq!(text(take(&ring(), Cursor::before(5), &filter)), " 6");
    }

    #[test]
    fn what_is_over_is_a_gap_for_who_returns_and_nothing_for_who_is_new() {
        let ring = Ring::new(4);
        ring.restart(EPOCH, None, 1);
        let over = Some(SystemTime::now() - Duration::from_secs(1));
        ring.push(["a", "b", "a"].map(|event| Slot {
            expires: over,
            ..slot(&[event])
        }));
        let only_b = Filter::only(["b".to_owned()].into());
        let wanted = |filter, replay_until, claims_from| {
            let cursor = Cursor::before(1);
            text(ring.take(&Wanted {
                place: Place {
                    epoch: EPOCH,
                    cursor,
                    replay_until,
                    claims_from,
                },
                filter,
            }))
        };
        assert_eq!(
            wanted(&Filter::All, 0, 0),
            "<a><b><a> 4",
            "delivered as it comes"
        );
        assert_eq!(wanted(&Filter::All, 2, u64::MAX), "<a> 4");
        let told = wanted(&Filter::All, 2, 0);
        assert_eq!(told.matches("sse.gap").count(), 1, "one for both: {told}");
        assert!(told.contains("-2\n") && told.ends_with("<a> 4"), "{told}");
        assert_eq!(
            wanted(&Filter::All, 2, 3),
            "<a> 4",
            "no right to what lies further back"
        );
        let told = wanted(&only_b, 3, 0);
        assert!(told.contains("sse.gap") && told.contains("-3\n"), "{told}");
        let only_c = Filter::only(["c".to_owned()].into());
        assert_eq!(wanted(&only_c, 3, 0), " 4", "nothing for it was over");
    }

    #[test]
    fn who_is_new_begins_a_little_earlier() {
        let ring = Ring::new(4);
        ring.restart(EPOCH, None, 7);
        let now = Instant::now() + Duration::from_secs(60);
        let aged = |seconds| Slot {
            seen: now - Duration::from_secs(seconds),
            ..slot(&["a"])
        };
        ring.push([aged(10), aged(5), aged(1)]);
        let since = |seconds| {
            ring.opening(now.checked_sub(Duration::from_secs(seconds)))
                .recent
        };
        assert_eq!([since(20), since(5), since(3), since(0)], [7, 8, 9, 10]);
        let all = ring.opening(None);
        assert_eq!((all.first, all.recent, all.end), (7, 7, 10));
    }
}
