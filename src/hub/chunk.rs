//! Frames one behind the other, as one write to one client.

use bytes::{Bytes, BytesMut};

use super::{
    cursor::Cursor,
    frame::{Gap, gap},
    slot::{Content, Slot, Wanted},
};
use crate::epoch::Epoch;

/// As much as one chunk holds, give or take an entry. A client that has more to get takes several.
const FULL: usize = 256 * 1024;

/// What one client gets in one write: the frames it wants, and gaps where some cannot be had.
pub(super) struct Chunk {
    epoch: Epoch,
    /// One frame alone, which is the usual case, is not copied.
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

    /// Adds what a client gets of the entry `number`, of which it has had `parts` frames.
    pub(super) fn entry(&mut self, wanted: &Wanted<'_>, number: u64, parts: usize, slot: &Slot) {
        let frames = match &slot.content {
            Content::Frames(frames) => frames,
            Content::Missing => return self.missed(Gap::Unreadable),
        };
        let mut frames = frames
            .iter()
            .skip(parts)
            .filter(|frame| wanted.filter.wants(frame))
            .peekable();
        if frames.peek().is_none() {
            return;
        }
        if wanted.is_over(number, slot.expires) {
            if wanted.place.returning {
                self.missed(Gap::Expired);
            }
            return;
        }
        self.tell_gap(number);
        frames.for_each(|frame| self.push(&frame.bytes));
    }

    pub(super) fn missed(&mut self, why: Gap) {
        self.gap.get_or_insert(why);
    }

    pub(super) fn is_full(&self) -> bool {
        self.len() >= FULL
    }

    /// The bytes, for a client that goes on before the entry `next`.
    pub(super) fn finish(mut self, next: u64) -> Bytes {
        self.tell_gap(next);
        if self.all.is_empty() {
            self.first.unwrap_or_default()
        } else {
            self.all.freeze()
        }
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
