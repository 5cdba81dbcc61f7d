//! The latest values, with which a stream may begin.

use std::sync::Arc;

use super::{Replay, ReplayResult};
use crate::{
    error::Error,
    hub::cursor::{Cursor, Gap},
    journal::Slot,
};

impl Replay<'_> {
    /// Reads the newest entries before the position, in ascending order, as many as fit into one chunk. After the
    /// last, the cursor is the position.
    ///
    /// An entry after the position is left out, because the stream sends it later. So a client never receives
    /// an older value after a newer one.
    pub(super) fn read_latest(mut self, gap: Option<Gap>) -> Result<ReplayResult, Error> {
        if let Some(gap) = gap {
            self.chunk.add_gap(gap);
        }
        let end = self.request.position.at.cursor.next;
        let numbers = self.latest_numbers()?;
        let before = numbers.partition_point(|number| *number < end);
        self.read_rest_of_latest(Cursor::default(), numbers[..before].into())
    }

    /// Continues at `from`, which may be in the middle of an entry.
    pub(super) fn read_rest_of_latest(
        mut self,
        from: Cursor,
        numbers: Arc<[u64]>,
    ) -> Result<ReplayResult, Error> {
        let first = numbers.partition_point(|number| *number < from.next);
        for number in &numbers[first..] {
            self.cursor = Cursor::before(*number).max(from);
            let fits = self.push_if_readable()?;
            if !fits || self.chunk.is_full() {
                let (frames, sent) = self.chunk.finish(self.cursor);
                return Ok(ReplayResult::Latest(frames, sent, numbers));
            }
        }
        let (frames, sent) = self.chunk.finish(self.request.position.at.cursor);
        Ok(ReplayResult::Latest(frames, sent, numbers))
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
