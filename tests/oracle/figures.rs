//! The figures of a run.

use std::{
    fmt::{self, Display},
    ops::AddAssign,
};

use crate::{archive::Archive, client::Record, journal::Journal, parser::Block};

#[derive(Debug, Default, Clone, Copy)]
pub(crate) struct Figures {
    pub(crate) runs: u64,
    pub(crate) saves: u64,
    pub(crate) deliveries: u64,
    /// Deliveries of what was saved for audiences.
    pub(crate) private: u64,
    pub(crate) revocations: u64,
    pub(crate) reconnects: u64,
    pub(crate) gaps: u64,
    pub(crate) kills: u64,
    pub(crate) stops: u64,
    pub(crate) moves: u64,
    pub(crate) jumps: u64,
    pub(crate) overflows: u64,
    pub(crate) truncated: u64,
    pub(crate) removed: u64,
    pub(crate) clears: u64,
    pub(crate) lost_folders: u64,
}

impl Figures {
    /// Adds the records of a run's clients.
    pub(crate) fn count(&mut self, archive: &Archive, records: &[Vec<Record>]) {
        self.runs += 1;
        let journals = archive.journals.iter();
        self.saves += journals.clone().map(Journal::newest).sum::<u64>();
        let entries = journals.flat_map(|journal| &journal.entries);
        self.revocations += entries.filter(|entry| entry.revokes.is_some()).count() as u64;
        for records in records {
            let mut requests = 0_u64;
            for record in records {
                match record {
                    Record::Request { .. } => requests += 1,
                    Record::Block { block, .. } => match block {
                        Block::Event { id, .. } => {
                            let journal = archive.journal(id.epoch);
                            let entry = journal.and_then(|journal| journal.entry(id.entry()));
                            self.deliveries += 1;
                            self.private +=
                                u64::from(entry.is_some_and(|entry| !entry.to.is_empty()));
                        }
                        Block::Gap { .. } => self.gaps += 1,
                        _ => {}
                    },
                    Record::Answer { .. } => {}
                }
            }
            self.reconnects += requests.saturating_sub(1);
        }
    }
}

impl AddAssign for Figures {
    fn add_assign(&mut self, more: Self) {
        self.runs += more.runs;
        self.saves += more.saves;
        self.deliveries += more.deliveries;
        self.private += more.private;
        self.revocations += more.revocations;
        self.reconnects += more.reconnects;
        self.gaps += more.gaps;
        self.kills += more.kills;
        self.stops += more.stops;
        self.moves += more.moves;
        self.jumps += more.jumps;
        self.overflows += more.overflows;
        self.truncated += more.truncated;
        self.removed += more.removed;
        self.clears += more.clears;
        self.lost_folders += more.lost_folders;
    }
}

impl Display for Figures {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(
            f,
            "{} saves, {} deliveries, {} of them private, {} revocations, {} reconnects, {} gaps, {} kills, {} stops, {} folders moved \
             away, {} clock jumps, {} overflows, {} truncated and {} removed entries, {} clears, \
             {} lost folders",
            self.saves,
            self.deliveries,
            self.private,
            self.revocations,
            self.reconnects,
            self.gaps,
            self.kills,
            self.stops,
            self.moves,
            self.jumps,
            self.overflows,
            self.truncated,
            self.removed,
            self.clears,
            self.lost_folders
        )
    }
}
