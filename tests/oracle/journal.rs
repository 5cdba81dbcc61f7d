//! One journal, as far as it was copied.

use std::collections::BTreeMap;

use support::oracle::At;

use crate::{
    audiences::Selection,
    entry::Entry,
    model::{Id, Position},
};

pub(crate) const ENTRIES_PER_FOLDER: u64 = 1_000;

/// The entries from number 1 on that belong together: those of one epoch, and those of the epochs before which it has
/// kept.
#[derive(Debug, Clone)]
pub(crate) struct Journal {
    pub(crate) epoch: u64,
    /// The epochs before, the oldest first, each with the newest number that is the same in this journal.
    pub(crate) former: Vec<(u64, u64)>,
    /// Other epochs with the same first entries, each with the newest number that is the same there.
    pub(crate) shared: BTreeMap<u64, u64>,
    /// When it was first seen.
    pub(crate) born: At,
    pub(crate) entries: Vec<Entry>,
    /// A moment before a fault after which the library may create another journal.
    pub(crate) retired: Option<At>,
    /// A moment after which the library may remove what remains of it.
    pub(crate) damaged: Option<At>,
    pub(crate) retention: Retention,
    /// Entries seen under the numbers of removed ones. A writer that finds its number marked moves its entry to a later
    /// one, so it is an error only if a save returns such a number.
    pub(crate) again: BTreeMap<u64, Entry>,
}

/// Which entries may have been swept.
#[derive(Debug, Clone)]
pub(crate) enum Retention {
    /// Those of older folders. When each folder was last seen.
    Folders(BTreeMap<u64, At>),
    /// All but this many.
    Newest(u64),
}

/// Whether a stream may receive an entry.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Permission {
    Granted,
    /// Only if the server does not know the epoch of a grant.
    Depends,
    Denied,
}

impl Journal {
    pub(crate) fn new(epoch: u64, born: At, retention: Retention) -> Self {
        Self {
            epoch,
            former: Vec::new(),
            shared: BTreeMap::new(),
            born,
            entries: Vec::new(),
            retired: None,
            damaged: None,
            retention,
            again: BTreeMap::new(),
        }
    }

    pub(crate) fn entry(&self, number: u64) -> Option<&Entry> {
        let at = usize::try_from(number.checked_sub(1)?).ok()?;
        self.entries.get(at)
    }

    pub(crate) fn newest(&self) -> u64 {
        self.entries.len() as u64
    }

    /// The entries of its own epoch, with their numbers.
    pub(crate) fn own(&self) -> impl Iterator<Item = (u64, &Entry)> {
        let kept = self.former.last().map_or(0, |(_, last)| *last);
        let own = (1..).zip(&self.entries);
        own.filter(move |(number, _)| *number > kept)
    }

    /// The newest number whose entry is the same in this epoch. `None` if the epoch is not part of this journal.
    pub(crate) fn last_shared_with(&self, epoch: u64) -> Option<u64> {
        if epoch == self.epoch {
            return Some(u64::MAX);
        }
        let former = self.former.iter().find(|(former, _)| *former == epoch);
        former.map(|(_, last)| *last)
    }

    /// The epoch in which the entry with this number was saved.
    pub(crate) fn epoch_of(&self, number: u64) -> u64 {
        let former = self.former.iter().find(|(_, last)| number <= *last);
        former.map_or(self.epoch, |(epoch, _)| *epoch)
    }

    /// Whether every server must know that a client with this id continues here without a gap.
    pub(crate) fn knows(&self, id: Id) -> bool {
        let last = self.last_shared_with(id.epoch);
        last.is_some_and(|last| id.entry() <= last)
    }

    /// Whether a client that has received everything up to this id may continue here without a gap. A server may
    /// remember an epoch that Redis has lost.
    pub(crate) fn continues(&self, id: Id) -> bool {
        let shared = self.shared.get(&id.epoch);
        self.knows(id) || shared.is_some_and(|last| id.entry() <= *last)
    }

    /// Whether a client may receive the entry with this number if it was granted what was saved since another event.
    pub(crate) fn is_after(&self, number: u64, (epoch, since): (u64, u64)) -> Permission {
        match (self.last_shared_with(epoch), self.shared.get(&epoch)) {
            (Some(last), _) if number <= since.min(last) => Permission::Denied,
            (None, Some(last)) if number <= since.min(*last) => Permission::Depends,
            _ => Permission::Granted,
        }
    }

    /// Relates two journals by the entries that they share.
    pub(crate) fn relate(&mut self, other: &mut Self) {
        let own = (self.former.iter().copied()).chain([(self.epoch, u64::MAX)]);
        let shared = own.filter_map(|(epoch, last)| Some(other.last_shared_with(epoch)?.min(last)));
        if let Some(last) = shared.max() {
            self.shared.insert(other.epoch, last);
            other.shared.insert(self.epoch, last);
        }
    }

    pub(crate) fn end(&self) -> Position {
        Position {
            next: self.newest() + 1,
            part: 0,
        }
    }

    /// The events between two positions that the stream certainly receives: the entry's number, and the event's part.
    pub(crate) fn wanted(
        &self,
        selection: &Selection,
        from: Position,
        to: Position,
    ) -> impl Iterator<Item = (u64, u32, &Entry)> {
        self.selected(selection, from, to, |permission| {
            permission == Permission::Granted
        })
    }

    /// The events between two positions that the stream may receive.
    pub(crate) fn allowed(
        &self,
        selection: &Selection,
        from: Position,
        to: Position,
    ) -> impl Iterator<Item = (u64, u32, &Entry)> {
        self.selected(selection, from, to, |permission| {
            permission != Permission::Denied
        })
    }

    fn selected(
        &self,
        selection: &Selection,
        from: Position,
        to: Position,
        has: impl Fn(Permission) -> bool,
    ) -> impl Iterator<Item = (u64, u32, &Entry)> {
        let Selection { filter, held } = selection;
        (from.next..=to.next)
            .filter_map(|number| Some((number, self.entry(number)?)))
            .filter(move |(number, entry)| has(held.permission(&entry.to, self, *number)))
            .flat_map(move |(number, entry)| {
                let events = entry.events().iter();
                events
                    .filter(move |(part, event)| {
                        let after = Position {
                            next: number,
                            part: *part,
                        };
                        from < after && after <= to && filter.wants(*event)
                    })
                    .map(move |(part, _)| (number, *part, entry))
            })
    }

    /// Whether the entry may have been swept from this journal at a moment.
    pub(crate) fn may_have_swept(&self, number: u64, at: At) -> bool {
        match &self.retention {
            Retention::Folders(present) => {
                let last = present.get(&(number / ENTRIES_PER_FOLDER));
                last.is_none_or(|last| {
                    *last <= at && present.last_key_value().map(|(_, last)| last) != Some(last)
                })
            }
            // Another epoch may have swept it, too.
            Retention::Newest(count) => {
                let later = self.entry(number + count);
                later.is_some_and(|later| later.absent <= at)
            }
        }
    }

    /// Whether the entry's file may have been truncated or removed at a moment.
    pub(crate) fn may_be_gone(&self, number: u64, at: At) -> bool {
        let entry_gone = self.entry(number).and_then(|entry| entry.gone);
        [entry_gone, self.damaged]
            .into_iter()
            .flatten()
            .any(|gone| gone <= at)
    }

    /// The journal that continues after `last` in another epoch.
    pub(crate) fn fork(&self, epoch: u64, last: u64, born: At) -> Self {
        let count = usize::try_from(last).unwrap_or(usize::MAX);
        let earlier = self.former.iter().filter(|(_, kept)| *kept < last);
        Self {
            former: earlier.copied().chain([(self.epoch, last)]).collect(),
            entries: self.entries.iter().take(count).cloned().collect(),
            ..Self::new(epoch, born, self.retention.clone())
        }
    }
}
