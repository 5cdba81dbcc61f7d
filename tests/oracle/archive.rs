//! The archive: every entry of every journal, copied as soon as it appears.
//!
//! It reads the documented formats and shares no code with the library. Entries are copied before they are swept,
//! removed or lost.

use support::oracle::At;

use crate::{
    audiences::Audience,
    journal::Journal,
    model::{Format, Id},
};

#[derive(Default)]
pub(crate) struct Archive {
    pub(crate) journals: Vec<Journal>,
    /// The journal that is in place.
    pub(crate) current: Option<Current>,
    /// Faults after which the library may create another journal.
    pub(crate) losses: Vec<Loss>,
    /// Journals that were about to begin, when a server was found with entries that an epoch would continue. Some have
    /// never begun, because nothing was saved.
    pub(crate) expected: Vec<Journal>,
    /// Why this copy is incomplete, or how the journal is broken.
    pub(crate) broken: Option<String>,
}

/// Which journal is in place.
pub(crate) enum Current {
    /// The one with this epoch.
    Epoch(u64),
    /// A part of one.
    Part(Box<Journal>),
}

/// Other programs removed a file that a journal requires.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Loss {
    pub(crate) start: At,
    /// `None` while it continues.
    pub(crate) end: Option<At>,
}

impl Archive {
    pub(crate) fn journal(&self, epoch: u64) -> Option<&Journal> {
        let mut all = self.journals.iter().chain(&self.expected);
        all.find(|journal| journal.epoch == epoch)
    }

    /// Adds what another epoch shares with all journals.
    pub(crate) fn relate(&mut self, new: &mut Journal) {
        for known in self.journals.iter_mut().chain(&mut self.expected) {
            known.relate(new);
        }
    }

    /// The index of a journal, in the order in which they were created.
    pub(crate) fn index(&self, epoch: u64) -> usize {
        let index = self
            .journals
            .iter()
            .position(|journal| journal.epoch == epoch);
        index.unwrap_or(self.journals.len())
    }

    /// The journals in which a client may have this id, because its newest entry is that of the id.
    pub(crate) fn with_id(&self, id: Id) -> impl Iterator<Item = &Journal> {
        let all = self.that_know(id);
        all.filter(move |journal| journal.epoch_of(id.entry()) == id.epoch)
    }

    /// The journals in which a client with this id may be. After a gap, its newest entry may be one from before the
    /// id's epoch.
    pub(crate) fn that_know(&self, id: Id) -> impl Iterator<Item = &Journal> {
        let all = self.journals.iter().chain(&self.expected);
        all.filter(move |journal| journal.knows(id))
    }

    /// Whether the entry of a journal may have been swept at a moment, from this journal or from one that goes on after
    /// the entry.
    pub(crate) fn may_be_swept(&self, journal: &Journal, number: u64, at: At) -> bool {
        let id = Id::after(journal.epoch_of(number), number);
        journal.may_have_swept(number, at)
            || (self.with_id(id))
                .any(|other| other.epoch != journal.epoch && other.may_have_swept(number, at))
    }

    /// Whether only one journal has a revocation of this audience under this number.
    pub(crate) fn has_once(&self, number: u64, audience: Audience) -> bool {
        let entries = self.journals.iter().filter_map(|journal| {
            let is_own = journal.epoch_of(number) == journal.epoch;
            journal.entry(number).filter(|_| is_own)
        });
        entries
            .filter(|entry| entry.revokes == Some(audience))
            .count()
            == 1
    }

    /// The epochs and numbers of entries with this content.
    pub(crate) fn find(&self, format: Format, digest: u64) -> Vec<String> {
        let all = self.journals.iter().flat_map(|journal| {
            journal
                .own()
                .filter(|(_, entry)| entry.digest(format) == digest)
                .map(|(number, _)| Id::after(journal.epoch, number).to_string())
        });
        all.collect()
    }

    /// The journal that is in place.
    pub(crate) fn current(&self) -> Option<&Journal> {
        match self.current.as_ref()? {
            Current::Epoch(epoch) => self.journal(*epoch),
            Current::Part(journal) => Some(journal),
        }
    }

    /// Values saved after this moment are in this journal or in a later one.
    pub(crate) fn since(&self, journal: &Journal, at: At) -> At {
        let last = journal.born.max(journal.retired.unwrap_or_default());
        let losses = self.losses.iter();
        losses
            .filter(|loss| loss.start <= at.min(last))
            .map(|loss| loss.end.unwrap_or(At::MAX))
            .max()
            .unwrap_or_default()
    }
}
