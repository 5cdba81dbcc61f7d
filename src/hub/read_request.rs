//! What a stream requests from the ring or the journal.

use std::time::SystemTime;

use super::{cursor::StreamPosition, filter::Filter};

/// A request for everything after a position that matches a filter.
pub(crate) struct ReadRequest<'a> {
    pub(crate) position: StreamPosition,
    pub(crate) filter: &'a Filter,
}

impl ReadRequest<'_> {
    /// Whether the result depends on the cursor alone, so that all streams of a thread at the same
    /// cursor can share it.
    pub(crate) fn is_shareable(&self) -> bool {
        matches!(self.filter, Filter::All)
            && self.position.at.cursor.next > self.position.ttl_applies_until
    }

    /// Whether an entry has expired for this stream. The time to live governs what is replayed,
    /// never what is delivered live.
    pub(crate) fn is_expired(&self, number: u64, expires_at: Option<SystemTime>) -> bool {
        number <= self.position.ttl_applies_until
            && expires_at.is_some_and(|expires_at| SystemTime::now() > expires_at)
    }
}
