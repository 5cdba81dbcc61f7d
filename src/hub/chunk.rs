//! Frames one behind the other, as one write to one client.

use bytes::{Bytes, BytesMut};

use super::{
    cursor::Cursor,
    frame::{Gap, gap},
    slot::{Content, Slot, Wanted},
};
use crate::epoch::Epoch;

/// As many bytes are copied together for one client. It bounds what a client that does not read
/// costs; more would make a burst no faster, for actix-web writes after 32 KiB.
pub(super) const FULL: usize = 16 * 1024;

/// What one client gets in one write: the frames it wants, and gaps where some cannot be had.
pub(super) struct Chunk {
    epoch: Epoch,
    /// One frame alone is not copied. That is the usual case, and that of all frames which are
    /// larger than a full chunk.
    first: Option<Bytes>,
    all: BytesMut,
    /// Told before the next frame, so that any number of entries make one gap.
    gap: Option<Gap>,
}

impl Chunk {
    pub(super) fn new(epoch: Epoch) -> Self {
        Self {
            epoch,
            first: None,
            all: BytesMut::new(),
            gap: None,
        }
    }

    /// Adds what a client gets of the entry at its cursor, and gives the cursor behind what was
    /// added: behind the entry, or before the frame for which there is no room.
    pub(super) fn entry(&mut self, wanted: &Wanted<'_>, at: Cursor, slot: &Slot) -> Cursor {
        let behind = Cursor::before(at.next + 1);
        let frames = match &slot.content {
            Content::Frames(frames) => frames,
            Content::Missing => {
                self.missed(Gap::Unreadable);
                return behind;
            }
        };
        let mut frames = frames
            .iter()
            .enumerate()
            .skip(at.parts)
            .filter(|(_, frame)| wanted.filter.wants(frame))
            .peekable();
        if frames.peek().is_none() {
            return behind;
        }
        if wanted.is_over(at.next, slot.expires) {
            if at.next >= wanted.place.claims_from {
                self.missed(Gap::Expired);
            }
            return behind;
        }
        for (parts, frame) in frames {
            if !self.has_room_for(&frame.bytes) {
                return Cursor { parts, ..at };
            }
            self.tell_gap(at.next);
            self.push(&frame.bytes);
        }
        behind
    }

    pub(super) fn missed(&mut self, why: Gap) {
        self.gap.get_or_insert(why);
    }

    pub(super) fn is_full(&self) -> bool {
        self.len() >= FULL
    }

    /// The bytes, for a client that goes on at `next`.
    pub(super) fn finish(mut self, next: Cursor) -> Bytes {
        self.tell_gap(next.next);
        if self.all.is_empty() {
            self.first.unwrap_or_default()
        } else {
            self.all.freeze()
        }
    }

    /// There always is in an empty one.
    fn has_room_for(&self, frame: &Bytes) -> bool {
        (self.len() == 0 && self.gap.is_none()) || self.len() + frame.len() <= FULL
    }

    fn tell_gap(&mut self, next: u64) {
        if let Some(why) = self.gap.take() {
            self.push(&gap(Cursor::before(next).id(self.epoch), why));
        }
    }

    fn push(&mut self, frame: &Bytes) {
        match &self.first {
            None => self.first = Some(frame.clone()),
            Some(first) => {
                if self.all.is_empty() {
                    self.all.extend_from_slice(first);
                }
                self.all.extend_from_slice(frame);
            }
        }
    }

    fn len(&self) -> usize {
        if self.all.is_empty() {
            self.first.as_ref().map_or(0, Bytes::len)
        } else {
            self.all.len()
        }
    }
}

#[cfg(test)]
mod tests {
    use std::time::Instant;

    use super::*;
    use crate::hub::{
        frame::{Filter, Frame},
        place::Place,
    };

    const EPOCH: Epoch = Epoch(1);

    /// An entry that fires the events `a`, `b`, `c`… with frames of these sizes.
    fn slot(sizes: &[usize]) -> Slot {
        let frames = (b'a'..).zip(sizes).map(|(event, size)| Frame {
            event: char::from(event).to_string().into(),
            bytes: vec![event; *size].into(),
        });
        Slot {
            seen: Instant::now(),
            expires: None,
            content: Content::Frames(frames.collect()),
        }
    }

    /// All chunks of a client that reads these entries: how long each is, and where it ends.
    fn chunks(slots: &[Slot], filter: &Filter) -> Vec<(usize, u64, usize)> {
        let mut cursor = Cursor::before(1);
        let mut chunks = Vec::new();
        while usize::try_from(cursor.next).unwrap() <= slots.len() {
            let place = Place {
                epoch: EPOCH,
                cursor,
                replay_until: 0,
                claims_from: 0,
            };
            let wanted = Wanted { place, filter };
            let mut chunk = Chunk::new(EPOCH);
            while let Some(slot) = slots.get(usize::try_from(cursor.next).unwrap() - 1) {
                let number = cursor.next;
                cursor = chunk.entry(&wanted, cursor, slot);
                if cursor.next == number {
                    break;
                }
            }
            chunks.push((chunk.finish(cursor).len(), cursor.next, cursor.parts));
            assert!(chunks.len() < 100, "it does not advance: {chunks:?}");
        }
        chunks
    }

    #[test]
    fn a_chunk_ends_before_the_frame_for_which_it_has_no_room() {
        let slots = [
            slot(&[FULL - 10]),
            slot(&[10]),
            slot(&[1]),
            slot(&[FULL + 1]),
        ];
        assert_eq!(
            chunks(&slots, &Filter::All),
            [(FULL, 3, 0), (1, 4, 0), (FULL + 1, 5, 0)]
        );
    }

    #[test]
    fn a_chunk_may_end_between_the_events_of_one_entry() {
        let slots = [slot(&[10]), slot(&[FULL - 10, 3 * FULL, 20]), slot(&[30])];
        assert_eq!(
            chunks(&slots, &Filter::All),
            [(FULL, 2, 1), (3 * FULL, 2, 2), (50, 4, 0)]
        );
        let without_b = Filter::only(["a".to_owned(), "c".to_owned()].into());
        assert_eq!(chunks(&slots, &without_b), [(FULL, 2, 2), (50, 4, 0)]);
    }

    #[test]
    fn a_large_frame_is_not_copied_not_even_behind_a_gap() {
        let large = slot(&[FULL + 1]);
        let Content::Frames(frames) = &large.content else {
            unreachable!("it has frames")
        };
        let wanted = Wanted {
            place: Place {
                epoch: EPOCH,
                cursor: Cursor::before(1),
                replay_until: 0,
                claims_from: 0,
            },
            filter: &Filter::All,
        };
        let mut chunk = Chunk::new(EPOCH);
        chunk.missed(Gap::Swept);
        let at = Cursor::before(1);
        assert_eq!(chunk.entry(&wanted, at, &large), at);
        let told = chunk.finish(at);
        assert!(told.starts_with(b"id: ") && told.len() < 200, "{told:?}");

        let mut chunk = Chunk::new(EPOCH);
        let behind = chunk.entry(&wanted, at, &large);
        assert_eq!(chunk.finish(behind).as_ptr(), frames[0].bytes.as_ptr());
    }
}
