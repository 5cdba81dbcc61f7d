//! Serves a stream from the journal if its client was away, or if the ring does not contain its next entry
//! any more. Also reads the latest values, with which a stream may begin.

mod latest;
#[cfg(test)]
mod tests;

use std::{
    collections::VecDeque,
    sync::Arc,
    time::{Duration, Instant, SystemTime},
};

use super::{
    chunk::Chunk,
    cursor::{Cursor, Gap, StreamPosition},
    read_frames::ReadFrames,
    read_request::{ReadRequest, Selection},
    replay_cache::{EntrySource, ReplayCache},
    ring_entry::RingEntry,
};
use crate::{
    cache::JournalHandle,
    config::Config,
    entry::{Entry, UnreadableEntry},
    error::Error,
    journal::{BatchEnd, Journal},
    observe::SentEvents,
    spans,
};

/// How long a request may read before it waits for its next turn. A chunk of usual entries takes about a
/// millisecond. A stream whose filter matches nothing ends its turn here, and so do large values or a slow
/// disk, so that a thousand clients who request the whole journal delay another one by about a second. A
/// turn begins and ends within about 20 µs, which is a hundredth of this.
const MAX_TURN: Duration = Duration::from_millis(2);

/// Entries that are read together at most: enough to make the call cheap. A turn begins with one and doubles
/// the number with each call, so that it reads few in vain if the values are large or the disk is slow.
const MAX_BATCH_ENTRIES: u64 = 32;

/// A stream's request to the journal. It owns everything, because another thread handles it.
pub(crate) struct ReplayRequest {
    pub(crate) position: StreamPosition,
    pub(crate) selection: Selection,
    pub(crate) range: ReplayRange,
}

/// Which entries a stream requests.
#[derive(Debug, Clone)]
pub(crate) enum ReplayRange {
    /// Those from its position to the oldest in the ring, where the stream continues.
    UpTo(u64),
    /// The newest of each key before its position, for everyone and for each of the stream's audiences.
    Latest {
        /// The client may have missed events before.
        gap: Option<Gap>,
    },
    /// The rest of the latest values, from this cursor on.
    RestOfLatest(Cursor, Arc<[u64]>),
}

/// The answer of the journal.
#[derive(Debug)]
pub(crate) enum ReplayResult {
    Frames(ReadFrames, SentEvents),
    /// Some of the latest values, and the numbers of all.
    Latest(ReadFrames, SentEvents, Arc<[u64]>),
    /// The client's journal was replaced.
    Replaced,
}

/// Reads entries from the journal up to the ring, or as many as fit into one chunk and one turn.
///
/// It reads files, so call it on a thread that may block.
pub(super) fn replay(
    journal_handle: &JournalHandle,
    cache: &ReplayCache,
    request: &ReplayRequest,
) -> Result<ReplayResult, Error> {
    let span = spans::replay(request.position.at);
    let result = span.in_scope(|| read(journal_handle, cache, request));
    if let Ok(ReplayResult::Frames(frames, _) | ReplayResult::Latest(frames, ..)) = &result {
        span.record("bytes", frames.bytes.len());
    }
    spans::record_error(&span, &result);
    result
}

fn read(
    journal_handle: &JournalHandle,
    cache: &ReplayCache,
    request: &ReplayRequest,
) -> Result<ReplayResult, Error> {
    journal_handle.retry_if_replaced(|journal| {
        if journal.epoch() != request.position.at.epoch {
            return Ok(ReplayResult::Replaced);
        }
        let replay = Replay::new(Arc::clone(journal), journal_handle.config(), cache, request);
        match &request.range {
            ReplayRange::UpTo(end) => replay.read_up_to(*end),
            ReplayRange::Latest { gap } => replay.read_latest(*gap),
            ReplayRange::RestOfLatest(from, numbers) => {
                replay.read_rest_of_latest(*from, Arc::clone(numbers))
            }
        }
    })
}

/// The reading of one chunk.
struct Replay<'a> {
    request: ReadRequest<'a>,
    source: EntrySource,
    cache: &'a ReplayCache,
    journal: Arc<dyn Journal>,
    /// The entries from the cursor on that were read and not sent yet.
    batch: VecDeque<Arc<RingEntry>>,
    /// How many the next call reads.
    batch_limit: u64,
    cursor: Cursor,
    chunk: Chunk,
}

impl<'a> Replay<'a> {
    fn new(
        journal: Arc<dyn Journal>,
        config: Arc<Config>,
        cache: &'a ReplayCache,
        request: &'a ReplayRequest,
    ) -> Self {
        let cursor = request.position.at.cursor;
        let chunk = Chunk::new(journal.epochs());
        Self {
            request: ReadRequest {
                position: request.position,
                selection: &request.selection,
            },
            source: EntrySource {
                epoch: journal.epoch(),
                config,
            },
            cache,
            journal,
            batch: VecDeque::new(),
            batch_limit: 1,
            cursor,
            chunk,
        }
    }

    /// Reads the entries before `end`.
    fn read_up_to(mut self, end: u64) -> Result<ReplayResult, Error> {
        let turn_end = Instant::now() + MAX_TURN;
        while self.cursor.next < end
            && !self.chunk.is_full()
            && self.read_entry(end)?
            && !self.chunk.must_reauthorize()
            && Instant::now() < turn_end
        {}
        let (frames, sent) = self.chunk.finish(self.cursor);
        Ok(ReplayResult::Frames(frames, sent))
    }

    /// `false`: the next frame does not fit.
    fn read_entry(&mut self, end: u64) -> Result<bool, Error> {
        let number = self.cursor.next;
        let entry = self.batch.pop_front();
        if let Some(entry) = entry.or_else(|| self.cache.get(&self.source, number)) {
            return Ok(self.push(&entry));
        }
        let limit = self.batch_limit.min(end - number);
        self.batch_limit = (2 * limit).min(MAX_BATCH_ENTRIES);
        let batch = self.journal.read_from(number, limit)?;
        self.batch = (number..)
            .zip(batch.entries)
            .map(|(number, entry)| self.encode(number, entry))
            .collect();
        match (self.batch.pop_front(), batch.end) {
            // In the same turn: otherwise a slow disk could keep a replay from advancing.
            (Some(entry), _) => return Ok(self.push(&entry)),
            (None, BatchEnd::Swept { oldest }) => self.skip_to(oldest, Gap::Swept),
            // The ring has had this entry. Either its file was removed, or the whole journal.
            _ if self.journal.is_replaced() => return Err(self.journal.address().replaced_error()),
            _ => self.skip_to(number + 1, Gap::Unreadable),
        }
        Ok(true)
    }

    fn encode(&self, number: u64, entry: Result<Entry, UnreadableEntry>) -> Arc<RingEntry> {
        let Ok(entry) = entry else {
            return Arc::new(RingEntry::unreadable());
        };
        let events = self.source.config.events();
        let entry = Arc::new(RingEntry::new(&entry, events, SystemTime::now()));
        self.cache.insert(&self.source, number, &entry);
        entry
    }

    /// `false`: the next request reads the entry again for the frames that did not fit.
    fn push(&mut self, entry: &Arc<RingEntry>) -> bool {
        let number = self.cursor.next;
        let encoded = self.chunk.newly_encoded();
        self.cursor = self.chunk.push_entry(&self.request, self.cursor, entry);
        if self.chunk.newly_encoded() > encoded {
            // The entry has grown.
            self.cache.insert(&self.source, number, entry);
        }
        self.cursor.next != number
    }

    fn skip_to(&mut self, number: u64, gap: Gap) {
        self.cursor = Cursor::before(number);
        self.chunk.add_opaque_gap(&self.request, gap, self.cursor);
    }
}
