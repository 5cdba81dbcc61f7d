//! Serves a stream from the journal if its client was away, or if the ring does not contain its next entry
//! any more.

#[cfg(test)]
mod tests;

use std::{
    ops::ControlFlow,
    sync::Arc,
    time::{Duration, Instant, SystemTime},
};

use bytes::Bytes;

use super::{
    chunk::Chunk,
    cursor::{Cursor, StreamPosition},
    filter::Filter,
    frame::Gap,
    read_request::ReadRequest,
    replay_cache::{EntrySource, ReplayCache},
    ring_entry::RingEntry,
};
use crate::{
    cache::JournalHandle,
    config::Config,
    epoch::Epoch,
    error::Error,
    journal::{Journal, JournalReader, MAX_REPLACEMENT_RETRIES, ReadOutcome},
};

/// How long a request may read before it waits for its next turn. A chunk of usual entries takes about a
/// millisecond. A stream whose filter matches nothing ends its turn here, and so do large values or a slow
/// disk, so that a thousand clients who request the whole journal delay another one by about a second. A
/// turn begins and ends within about 20 µs, which is a hundredth of this.
const MAX_TURN: Duration = Duration::from_millis(2);

/// A stream's request to the journal. It owns everything, because another thread handles it.
pub(crate) struct ReplayRequest {
    pub(crate) position: StreamPosition,
    pub(crate) filter: Filter,
    /// The epoch of the ring.
    pub(crate) ring_epoch: Epoch,
    /// The oldest entry in the ring: the stream continues there.
    pub(crate) ring_start: u64,
}

/// The answer of the journal.
#[derive(Debug)]
pub(crate) enum ReplayResult {
    /// Frames, possibly none, and the cursor after them.
    Frames(Bytes, Cursor),
    /// The journal has entries up to the client's id, and the ring has not reached it yet.
    Ahead,
    /// The journal has no entry with the number in the client's id, so it never issued that id.
    UnknownId,
    /// The client's journal was replaced. The ring shows the client's or the current one.
    ClientOutdated,
    /// The ring shows a journal that is neither the current one nor the client's.
    RingOutdated { ring_epoch: Epoch },
}

/// Reads entries from the journal up to the ring, or as many as fit into one chunk and one turn.
///
/// It reads files, so call it on a thread that may block.
pub(super) fn replay(
    journal_handle: &JournalHandle,
    cache: &ReplayCache,
    request: &ReplayRequest,
) -> Result<ReplayResult, Error> {
    let mut retries = 0..MAX_REPLACEMENT_RETRIES;
    loop {
        let journal = journal_handle.current()?;
        match replay_from(
            Arc::clone(&journal),
            journal_handle.config(),
            cache,
            request,
        ) {
            // The journal was replaced, or was found to be damaged: retry with the current one.
            Err(_) if journal.is_replaced() && retries.next().is_some() => {}
            result => return result,
        }
    }
}

fn replay_from(
    journal: Arc<dyn Journal>,
    config: Arc<Config>,
    cache: &ReplayCache,
    request: &ReplayRequest,
) -> Result<ReplayResult, Error> {
    let ring_epoch = request.ring_epoch;
    let (client_epoch, epoch) = (request.position.epoch, journal.epoch());
    if client_epoch != epoch && [client_epoch, epoch].contains(&ring_epoch) {
        return Ok(ReplayResult::ClientOutdated);
    }
    if ring_epoch != client_epoch {
        return Ok(ReplayResult::RingOutdated { ring_epoch });
    }
    if request.position.cursor.next >= request.ring_start {
        // The ring has not reached this entry. Another server on this cache may have sent it.
        return Ok(
            if request.position.cursor.last_received() <= journal.newest_number()? {
                ReplayResult::Ahead
            } else {
                ReplayResult::UnknownId
            },
        );
    }
    Replay::new(journal, config, cache, request).run()
}

/// The reading of one chunk.
struct Replay<'a> {
    request: ReadRequest<'a>,
    source: EntrySource,
    cache: &'a ReplayCache,
    reader: JournalReader,
    cursor: Cursor,
    /// The entry at which reading ends.
    end: u64,
    chunk: Chunk,
}

/// Why the reading of a chunk ends early.
enum ChunkEnd {
    /// The next frame does not fit.
    Full,
    Replaced,
}

impl<'a> Replay<'a> {
    fn new(
        journal: Arc<dyn Journal>,
        config: Arc<Config>,
        cache: &'a ReplayCache,
        request: &'a ReplayRequest,
    ) -> Self {
        let cursor = request.position.cursor;
        let chunk = Chunk::new(journal.epochs());
        Self {
            request: ReadRequest {
                position: request.position,
                filter: &request.filter,
            },
            source: EntrySource {
                epoch: journal.epoch(),
                config,
            },
            cache,
            reader: JournalReader::new(journal, cursor.next),
            cursor,
            end: request.ring_start,
            chunk,
        }
    }

    fn run(mut self) -> Result<ReplayResult, Error> {
        let turn_end = Instant::now() + MAX_TURN;
        while self.cursor.next < self.end && !self.chunk.is_full() {
            match self.read_entry()? {
                ControlFlow::Continue(()) if Instant::now() >= turn_end => break,
                ControlFlow::Continue(()) => {}
                ControlFlow::Break(ChunkEnd::Full) => break,
                ControlFlow::Break(ChunkEnd::Replaced) => return Ok(ReplayResult::ClientOutdated),
            }
        }
        let cursor = self.cursor;
        Ok(ReplayResult::Frames(self.chunk.finish(cursor), cursor))
    }

    fn read_entry(&mut self) -> Result<ControlFlow<ChunkEnd>, Error> {
        let number = self.cursor.next;
        if let Some(entry) = self.cache.get(&self.source, number) {
            self.reader.skip();
            return Ok(self.push(&entry));
        }
        match self.reader.read_next()? {
            ReadOutcome::Entry(entry) | ReadOutcome::Tombstone(entry) => {
                let events = self.source.config.events();
                let entry = Arc::new(RingEntry::new(&entry, events, SystemTime::now()));
                self.cache.insert(&self.source, number, &entry);
                return Ok(self.push(&entry));
            }
            ReadOutcome::Unreadable(_) => self.skip(Gap::Unreadable),
            ReadOutcome::Swept => self.skip(Gap::Swept),
            // The ring has had this entry. Either its file was removed, or the whole journal.
            ReadOutcome::CaughtUp if !self.reader.journal().is_replaced() => {
                self.reader.skip();
                self.skip(Gap::Unreadable);
            }
            ReadOutcome::CaughtUp => return Ok(ControlFlow::Break(ChunkEnd::Replaced)),
        }
        Ok(ControlFlow::Continue(()))
    }

    fn push(&mut self, entry: &RingEntry) -> ControlFlow<ChunkEnd> {
        let number = self.cursor.next;
        self.cursor = self.chunk.push_entry(&self.request, self.cursor, entry);
        if self.cursor.next == number {
            // The next request reads the entry again for the frames that did not fit.
            return ControlFlow::Break(ChunkEnd::Full);
        }
        ControlFlow::Continue(())
    }

    /// Continues where the reader is.
    fn skip(&mut self, gap: Gap) {
        self.chunk.add_gap(gap);
        self.cursor = Cursor::before(self.reader.next_number());
    }
}
