//! Where a stream is.

use super::{
    cursor::{Cursor, EventId},
    ring::Position,
};
use crate::epoch::Epoch;

/// Where a new stream may begin: numbers of entries in one window.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Opening {
    pub(crate) epoch: Epoch,
    /// The first of the epoch, if that is known.
    pub(crate) begin: Option<u64>,
    /// The first that is in memory.
    pub(crate) first: u64,
    /// The first that a new client hears.
    pub(crate) recent: u64,
    /// The one that comes next.
    pub(crate) end: u64,
}

/// Where a client is in which journal, and what it has a right to.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Place {
    pub(crate) epoch: Epoch,
    pub(crate) cursor: Cursor,
    /// Entries up to this number were saved before the stream came: their time to live counts.
    pub(crate) replay_until: u64,
    /// From this number on the client has a right to them, and must be told of those that are over.
    pub(crate) claims_from: u64,
}

impl Place {
    /// A client that brings no id begins a few seconds back.
    pub(crate) fn of_a_new_client(opening: Opening) -> Self {
        Self::before(opening, opening.recent)
    }

    /// A client of another journal gets all that was saved since this one began, however late it
    /// comes and whatever is in memory.
    pub(crate) fn in_another_journal(opening: Opening) -> Self {
        Self::before(opening, opening.begin.unwrap_or(opening.first))
    }

    fn before(opening: Opening, next: u64) -> Self {
        Self {
            epoch: opening.epoch,
            cursor: Cursor::before(next),
            replay_until: opening.end - 1,
            claims_from: u64::MAX,
        }
    }

    /// A client that comes back to this place in the journal.
    pub(crate) fn of_a_returning_client(opening: Opening, id: EventId) -> Self {
        Self {
            epoch: id.epoch,
            cursor: id.cursor,
            claims_from: id.cursor.next,
            ..Self::of_a_new_client(opening)
        }
    }

    /// The same for a client that shares its connection with a new one, which begins a few seconds
    /// back. What it has had already it knows by the ids. An id that lies beyond what is in memory
    /// stays as it is: whether it is known at all is for the journal to say.
    pub(crate) fn looking_back(mut self, opening: Opening) -> Self {
        if self.epoch == opening.epoch && self.cursor.next <= opening.end {
            self.cursor = self.cursor.min(Cursor::before(opening.recent));
        }
        self
    }

    pub(crate) fn position(&self) -> Position {
        Position {
            epoch: self.epoch,
            next: self.cursor.next,
        }
    }

    pub(crate) fn id(&self) -> EventId {
        self.cursor.id(self.epoch)
    }
}
