//! Frames joined into one write to one client.

use bytes::{Bytes, BytesMut};

use super::{
    cursor::{Cursor, Gap},
    frame::encode_gap,
    read_frames::ReadFrames,
    read_request::ReadRequest,
    ring_entry::{Content, RingEntry},
};
use crate::{audience::Recipients, epoch::Epochs, observe::SentEvents};

/// Upper bound for the bytes that are copied into one chunk. It bounds the memory that a client
/// which does not read holds. Larger chunks would not make a burst faster: actix-web flushes
/// whenever 32 KiB are buffered.
pub(super) const MAX_CHUNK_BYTES: usize = 16 * 1024;

/// What one client gets in one write: the frames it wants, and a gap for those that are missing.
pub(super) struct Chunk {
    /// Of the journal that the client reads.
    epochs: Epochs,
    /// A single frame is not copied. That is the usual case, and also how a frame that is larger
    /// than a full chunk is sent.
    first_frame: Option<Bytes>,
    /// Copies of all frames, once there are two.
    joined: BytesMut,
    /// Written before the next frame, so that consecutive missing entries make one gap.
    pending_gap: Option<Gap>,
    newly_encoded: usize,
    must_reauthorize: bool,
    depends_on_grants: bool,
    sent: SentEvents,
}

impl Chunk {
    pub(super) fn new(epochs: Epochs) -> Self {
        Self {
            epochs,
            first_frame: None,
            joined: BytesMut::new(),
            pending_gap: None,
            newly_encoded: 0,
            must_reauthorize: false,
            depends_on_grants: false,
            sent: SentEvents::default(),
        }
    }

    /// Adds what the client gets of the entry at its cursor. Returns the cursor after what was
    /// added: after the entry, or before the frame that does not fit.
    pub(super) fn push_entry(
        &mut self,
        request: &ReadRequest<'_>,
        cursor: Cursor,
        entry: &RingEntry,
    ) -> Cursor {
        let after = Cursor::before(cursor.next + 1);
        let selection = request.selection;
        let frames = match &entry.content {
            Content::Frames(frames) => frames,
            Content::Revocation(name) => {
                self.depends_on_grants = true;
                self.must_reauthorize |= (name.iter())
                    .any(|name| selection.authorization.is_ended_by(cursor.next, name));
                return after;
            }
            Content::Lost(events) => {
                if events.iter().any(|event| selection.filter.wants(event)) {
                    self.add_gap(Gap::Unreadable);
                }
                return after;
            }
            Content::Unreadable => {
                self.add_opaque_gap(request, Gap::Unreadable, after);
                return after;
            }
        };
        let mut frames = frames
            .iter()
            .filter(|frame| frame.part > cursor.part && selection.filter.wants(&frame.event))
            .peekable();
        if frames.peek().is_none() {
            return after;
        }
        self.depends_on_grants |= entry.recipients != Recipients::Everyone;
        if !(selection.authorization.grants).allow(&entry.recipients, cursor.next) {
            return after;
        }
        if request.is_expired(cursor.next, entry.expires_at) {
            if cursor.next >= request.position.gap_applies_from {
                self.add_gap(Gap::Expired);
            }
            return after;
        }
        let is_replayed = cursor.next <= request.position.ttl_applies_until;
        let mut part = cursor.part;
        for frame in frames {
            let bytes = frame.bytes(selection.format, &mut self.newly_encoded);
            if !self.has_room_for(bytes) {
                return Cursor { part, ..cursor };
            }
            self.write_gap(cursor.next);
            self.push(bytes);
            (self.sent).add(&frame.event, is_replayed, entry.saved_at);
            part = frame.part;
        }
        after
    }

    /// Records that entries are missing here.
    pub(super) fn add_gap(&mut self, gap: Gap) {
        self.pending_gap.get_or_insert(gap);
    }

    /// Records that the entries before `end` are missing, which may have been revocations.
    pub(super) fn add_opaque_gap(&mut self, request: &ReadRequest<'_>, gap: Gap, end: Cursor) {
        self.depends_on_grants = true;
        let authorization = &request.selection.authorization;
        self.must_reauthorize |= authorization.may_end_before(end.next);
        self.add_gap(gap);
    }

    /// Whether the stream must not get anything after this.
    pub(super) fn must_reauthorize(&self) -> bool {
        self.must_reauthorize
    }

    /// How many bytes the entries take more in memory, because their frames were encoded in another format for
    /// this chunk.
    pub(super) fn newly_encoded(&self) -> usize {
        self.newly_encoded
    }

    pub(super) fn is_full(&self) -> bool {
        self.len() >= MAX_CHUNK_BYTES
    }

    /// What was read, for a client that continues at `cursor`, and what it contains.
    pub(super) fn finish(mut self, cursor: Cursor) -> (ReadFrames, SentEvents) {
        self.write_gap(cursor.next);
        let bytes = if self.joined.is_empty() {
            self.first_frame.unwrap_or_default()
        } else {
            self.joined.freeze()
        };
        let frames = ReadFrames {
            bytes,
            cursor,
            must_reauthorize: self.must_reauthorize,
            depends_on_grants: self.depends_on_grants,
        };
        (frames, self.sent)
    }

    /// An empty chunk takes a frame of any size.
    fn has_room_for(&self, frame: &Bytes) -> bool {
        let is_empty = self.len() == 0 && self.pending_gap.is_none();
        is_empty || self.len() + frame.len() <= MAX_CHUNK_BYTES
    }

    fn write_gap(&mut self, next: u64) {
        if let Some(gap) = self.pending_gap.take() {
            let id = Cursor::before(next).event_id(&self.epochs);
            self.push(&encode_gap(id, gap));
            self.sent.add_gap(gap);
        }
    }

    fn push(&mut self, frame: &Bytes) {
        match &self.first_frame {
            None => self.first_frame = Some(frame.clone()),
            Some(first_frame) => {
                if self.joined.is_empty() {
                    self.joined.extend_from_slice(first_frame);
                }
                self.joined.extend_from_slice(frame);
            }
        }
    }

    fn len(&self) -> usize {
        if self.joined.is_empty() {
            self.first_frame.as_ref().map_or(0, Bytes::len)
        } else {
            self.joined.len()
        }
    }
}

#[cfg(test)]
mod tests {
    use std::time::Instant;

    use super::*;
    use crate::{
        epoch::Epoch,
        hub::{
            cursor::{EventId, StreamPosition},
            frame::{DataFormat, Frame},
            read_request::{Filter, Selection},
        },
    };

    const EPOCH: Epoch = Epoch(1);
    const FULL: usize = MAX_CHUNK_BYTES;

    /// An entry that triggers the events `a`, `b`, `c`… with frames of these sizes.
    fn entry(sizes: &[usize]) -> RingEntry {
        let frames = (1..).zip(b'a'..).zip(sizes).map(|((part, event), size)| {
            let bytes = vec![event; *size].into();
            Frame::new(char::from(event).to_string().into(), part, bytes)
        });
        RingEntry {
            saved: None,
            seen_at: Some(Instant::now()),
            saved_at: None,
            expires_at: None,
            recipients: Recipients::Everyone,
            content: Content::Frames(frames.collect()),
        }
    }

    fn selection(filter: &Filter) -> Selection {
        Selection {
            filter: filter.clone(),
            ..Selection::default()
        }
    }

    fn request(cursor: Cursor, selection: &Selection) -> ReadRequest<'_> {
        let position = StreamPosition {
            at: EventId {
                epoch: EPOCH,
                cursor,
            },
            ttl_applies_until: 0,
            gap_applies_from: 0,
        };
        ReadRequest {
            position,
            selection,
        }
    }

    /// The chunks of a client that reads these entries: length, and the cursor at the end.
    fn chunks(entries: &[RingEntry], filter: &Filter) -> Vec<(usize, u64, u32)> {
        let mut cursor = Cursor::before(1);
        let mut chunks = Vec::new();
        while usize::try_from(cursor.next).unwrap() <= entries.len() {
            let selection = selection(filter);
            let request = request(cursor, &selection);
            let mut chunk = Chunk::new(EPOCH.into());
            while let Some(entry) = entries.get(usize::try_from(cursor.next).unwrap() - 1) {
                let number = cursor.next;
                cursor = chunk.push_entry(&request, cursor, entry);
                if cursor.next == number {
                    break;
                }
            }
            let (frames, _) = chunk.finish(cursor);
            chunks.push((frames.bytes.len(), cursor.next, cursor.part));
            assert!(
                chunks.len() < 100,
                "the cursor does not advance: {chunks:?}"
            );
        }
        chunks
    }

    #[test]
    fn a_chunk_ends_before_the_frame_that_does_not_fit() {
        let entries = [
            entry(&[FULL - 10]),
            entry(&[10]),
            entry(&[1]),
            entry(&[FULL + 1]),
        ];
        assert_eq!(
            chunks(&entries, &Filter::All),
            [(FULL, 3, 0), (1, 4, 0), (FULL + 1, 5, 0)]
        );
    }

    #[test]
    fn a_chunk_may_end_between_two_events_of_one_entry() {
        let entries = [
            entry(&[10]),
            entry(&[FULL - 10, 3 * FULL, 20]),
            entry(&[30]),
        ];
        assert_eq!(
            chunks(&entries, &Filter::All),
            [(FULL, 2, 1), (3 * FULL, 2, 2), (50, 4, 0)]
        );
        let without_b = Filter::only(["a".to_owned(), "c".to_owned()].into());
        assert_eq!(chunks(&entries, &without_b), [(FULL, 2, 1), (50, 4, 0)]);
    }

    #[test]
    fn a_large_frame_is_not_copied_even_after_a_gap() {
        let large = entry(&[FULL + 1]);
        let Content::Frames(frames) = &large.content else {
            unreachable!("the entry has frames")
        };
        let start = Cursor::before(1);
        let selection = selection(&Filter::All);
        let request = request(start, &selection);
        let mut chunk = Chunk::new(EPOCH.into());
        chunk.add_gap(Gap::Swept);
        assert_eq!(chunk.push_entry(&request, start, &large), start);
        let gap = chunk.finish(start).0.bytes;
        assert!(gap.starts_with(b"id: ") && gap.len() < 200, "{gap:?}");

        let mut chunk = Chunk::new(EPOCH.into());
        let after = chunk.push_entry(&request, start, &large);
        let frame = frames[0].bytes(DataFormat::Envelope, &mut 0);
        assert_eq!(chunk.finish(after).0.bytes.as_ptr(), frame.as_ptr());
    }
}
