//! Checks that streams receive only what was saved for them, and nothing after a revocation.

use std::collections::HashMap;

use support::oracle::At;

use crate::{
    archive::Archive,
    audiences::{Audience, Held},
    checker::ClientChecker,
    entry::Entry,
    evidence::Evidence,
    journal::{Journal, Permission},
    writer::{SaveRecord, What},
};

/// A revocation in a journal.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Revocation {
    audience: Audience,
    epoch: u64,
    /// The index of the journal.
    journal: usize,
    number: u64,
    /// A moment at which it did not exist yet.
    absent: At,
    /// Whether everything in later journals comes after it.
    precedes_later_journals: bool,
}

pub(crate) fn find_revocations(archive: &Archive, saves: &[SaveRecord]) -> Vec<Revocation> {
    // The copy of a journal may be late on a busy machine; the writers know better when they began.
    let mut began: HashMap<(u64, Audience), At> = HashMap::new();
    for saved in saves.iter().flat_map(SaveRecord::saved) {
        if let What::Revocation(audience) = saved.what {
            // Two journals may have the same revocation under the same number.
            let earliest = began.entry((saved.number, audience)).or_insert(At::MAX);
            *earliest = saved.began.min(*earliest);
        }
    }
    let mut revocations = Vec::new();
    for (index, journal) in archive.journals.iter().enumerate() {
        for (number, entry) in journal.own() {
            let Some(audience) = entry.revokes else {
                continue;
            };
            revocations.push(Revocation {
                audience,
                epoch: journal.epoch,
                journal: index,
                number,
                absent: match began.get(&(number, audience)) {
                    Some(began) if archive.has_once(number, audience) => entry.absent.max(*began),
                    _ => entry.absent,
                },
                // What is saved while the journal is replaced may be in no order with the next one.
                precedes_later_journals: journal
                    .retired
                    .is_some_and(|retired| entry.seen < retired),
            });
        }
    }
    revocations
}

impl Evidence<'_> {
    /// The revocations of these audiences that did not exist at a moment.
    pub(crate) fn revocations_after(&self, at: At, held: &Held) -> Vec<Revocation> {
        let ends =
            |revocation: &&Revocation| revocation.absent > at && held.holds(revocation.audience);
        self.revocations.iter().filter(ends).copied().collect()
    }
}

impl ClientChecker<'_> {
    /// The stream may receive this entry at this point.
    pub(crate) fn check_authorized(
        &self,
        journal: &Journal,
        number: u64,
        entry: &Entry,
    ) -> Result<(), String> {
        let permission = self.selection.held.permission(&entry.to, journal, number);
        if permission == Permission::Denied {
            return Err(format!("not for this client: {entry:?}"));
        }
        if self.must_end {
            return Err("the stream continues where it may have missed a revocation".into());
        }
        let index = self.evidence.archive.index(journal.epoch);
        let revocation = self.revocations.iter().find(|revocation| {
            let is_here = journal.epoch_of(revocation.number) == revocation.epoch;
            is_here && revocation.number < number
                || revocation.journal < index && revocation.precedes_later_journals
        });
        match revocation {
            Some(revocation) => Err(format!(
                "revoked: the stream continues after {revocation:?}"
            )),
            None => Ok(()),
        }
    }
}
