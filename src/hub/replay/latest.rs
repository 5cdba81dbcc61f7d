//! The latest values, with which a stream may begin.

use super::Replay;
use crate::{
    error::Error,
    hub::{
        cursor::{Cursor, Gap},
        read_frames::ReadFrames,
    },
    journal::Slot,
};

impl Replay<'_> {
    /// Reads the newest entries before the position, in ascending order, as many as fit into one chunk. At the
    /// end, the cursor is the position.
    ///
    /// An entry after the position is left out, because the stream sends it later. So a client never receives
    /// an older value after a newer one.
    pub(super) fn read_latest(
        mut self,
        after: Cursor,
        gap: Option<Gap>,
    ) -> Result<ReadFrames, Error> {
        if let Some(gap) = gap {
            self.chunk.add_gap(gap);
        }
        let position = self.request.position.at.cursor;
        for number in self.latest_numbers()? {
            if number < after.next || number >= position.next {
                continue;
            }
            // Chunks may end in the middle of an entry.
            self.cursor = Cursor::before(number).max(after);
            let fits = self.push_if_readable()?;
            if !fits || self.chunk.is_full() {
                return Ok(self.chunk.finish(self.cursor));
            }
        }
        Ok(self.chunk.finish(position))
    }

    fn latest_numbers(&self) -> Result<Vec<u64>, Error> {
        let events = self.source.config.events();
        let selection = self.request.selection;
        let is_wanted = |key: &&str| {
            let mut events = events.of_key(key);
            events.any(|event| selection.filter.wants(event))
        };
        let slots: Vec<_> = (events.keys().filter(is_wanted))
            .flat_map(|key| {
                let audiences = selection.authorization.grants.exact_names();
                let private = audiences.map(move |name| Slot {
                    key,
                    audience: Some(name),
                });
                std::iter::once(Slot::public(key)).chain(private)
            })
            .collect();
        self.journal.latest_numbers(&slots)
    }

    /// `false`: the next frame does not fit. An entry that was swept or damaged since has no value any more.
    fn push_if_readable(&mut self) -> Result<bool, Error> {
        let number = self.cursor.next;
        if let Some(entry) = self.cache.get(&self.source, number) {
            return Ok(self.push(&entry));
        }
        let read = self.journal.read_from(number, 1)?.entries.pop();
        let Some(Ok(entry)) = read else {
            return Ok(true);
        };
        let entry = self.encode(number, Ok(entry));
        Ok(self.push(&entry))
    }
}
