//! Serves a client from the journal: one that was away, or one that lags behind the ring.

use std::{sync::Arc, time::SystemTime};

use bytes::Bytes;

use super::{
    chunk::Chunk,
    cursor::Cursor,
    frame::{Filter, Gap},
    place::Place,
    slot::{Slot, Wanted},
};
use crate::{
    cache::JournalHandle,
    epoch::Epoch,
    error::Error,
    journal::{Journal, JournalReader, ReadOutcome},
};

/// As many entries are read for a client at a time; one that wants none of them may leave between.
const MOST: u64 = 2_000;

/// What a client gets from the journal.
#[derive(Debug)]
pub(crate) enum Replayed {
    /// Frames, perhaps none, and where the client is then.
    Frames(Bytes, Cursor),
    /// The client is further than the ring, and rightly so.
    Ahead,
    /// No entry has this number: the id is none that this journal has given.
    Unknown,
    /// The client's journal is in force, and the ring still shows the one before.
    InForce {
        /// What the ring shows.
        outdated: Epoch,
        /// The newest entry that the client comes back to.
        newest: u64,
    },
    /// The journal in force is another.
    OtherEpoch,
    /// It is another, and a third is what the ring still shows.
    Outdated(Epoch),
}

/// What a stream asks of the journal; it owns all, since it is answered on another thread.
pub(crate) struct Request {
    pub(crate) place: Place,
    pub(crate) filter: Filter,
    /// The journal that the ring shows.
    pub(crate) ring: Epoch,
    /// Where the ring takes over.
    pub(crate) until: u64,
}

/// How often to ask again because the journal is replaced meanwhile.
const ATTEMPTS: u32 = 20;

/// Reads entries from the journal up to `until`, or as many as fit into one chunk.
///
/// Files are read, so this belongs on a thread that may wait for them.
pub(crate) fn replay(store: &JournalHandle, request: &Request) -> Result<Replayed, Error> {
    let mut attempts = 0..ATTEMPTS;
    loop {
        let journal = store.current()?;
        match replay_from(Arc::clone(&journal), store, request) {
            // It was found to be damaged, or was replaced. The client is told of the one in force.
            Err(_) if !journal.is_in_place() && attempts.next().is_some() => {}
            result => return result,
        }
    }
}

fn replay_from(
    journal: Arc<dyn Journal>,
    store: &JournalHandle,
    request: &Request,
) -> Result<Replayed, Error> {
    if journal.epoch() != request.place.epoch {
        let expected = [request.place.epoch, journal.epoch()];
        return Ok(if expected.contains(&request.ring) {
            Replayed::OtherEpoch
        } else {
            Replayed::Outdated(request.ring)
        });
    }
    if request.ring != request.place.epoch {
        let outdated = request.ring;
        let newest = journal.newest()?;
        return Ok(Replayed::InForce { outdated, newest });
    }
    let mut cursor = request.place.cursor;
    let Cursor { next, parts } = cursor;
    if next >= request.until {
        // The tail has not come so far, but another server on this cache may have.
        let newest = journal.newest()?;
        let known = if parts == 0 { next - 1 } else { next };
        return Ok(if known <= newest {
            Replayed::Ahead
        } else {
            Replayed::Unknown
        });
    }
    let wanted = Wanted {
        place: request.place,
        filter: &request.filter,
    };
    let config = store.config();
    let mut chunk = Chunk::new(request.place.epoch);
    let mut reader = JournalReader::new(journal, next);
    let until = request.until.min(next.saturating_add(MOST));
    while cursor.next < until && !chunk.is_full() {
        let behind = Cursor::before(cursor.next + 1);
        cursor = match reader.read_next()? {
            ReadOutcome::Entry(entry) | ReadOutcome::Tombstone(entry) => {
                let slot = Slot::of(&entry, config.events(), SystemTime::now());
                let reached = chunk.entry(&wanted, cursor, &slot);
                if reached.next == cursor.next {
                    // The rest of the entry, or all of it, is read again for the next chunk.
                    cursor = reached;
                    break;
                }
                reached
            }
            ReadOutcome::Unreadable(_) => {
                chunk.missed(Gap::Unreadable);
                behind
            }
            ReadOutcome::Swept => {
                chunk.missed(Gap::Swept);
                Cursor::before(reader.next_number())
            }
            // The ring knew the entry. Either its file alone is gone, or the whole journal.
            ReadOutcome::CaughtUp if reader.journal().is_in_place() => {
                reader.skip();
                chunk.missed(Gap::Unreadable);
                behind
            }
            ReadOutcome::CaughtUp => return Ok(Replayed::OtherEpoch),
        };
    }
    Ok(Replayed::Frames(chunk.finish(cursor), cursor))
}
