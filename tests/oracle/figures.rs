//! The figures of a run.

use std::{
    fmt::{self, Display},
    ops::AddAssign,
};

use crate::{
    archive::Archive,
    client::Record,
    journal::Journal,
    parser::Block,
    writer::{SaveRecord, What},
};

#[derive(Debug, Default, Clone, Copy)]
pub(crate) struct Figures {
    pub(crate) runs: u64,
    pub(crate) saves: u64,
    /// Saves that have returned to a writer inside a server.
    pub(crate) saves_in_servers: u64,
    pub(crate) deliveries: u64,
    /// Deliveries of what was saved for audiences.
    pub(crate) private: u64,
    pub(crate) revocations: u64,
    /// Entries for drop-ins that were removed before a server had read them.
    pub(crate) lost_drop_ins: u64,
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
    pub(crate) redis_faults: u64,
}

impl Figures {
    /// Adds the records of a run's writers and clients.
    pub(crate) fn count(
        &mut self,
        archive: &Archive,
        saves: &[SaveRecord],
        records: &[Vec<Record>],
    ) {
        self.runs += 1;
        let in_servers = saves.iter().filter(|record| record.is_in_server);
        let returned = in_servers.flat_map(SaveRecord::saved);
        self.saves_in_servers +=
            returned.filter(|saved| saved.what != What::Failure).count() as u64;
        let journals = archive.journals.iter();
        for (_, entry) in journals.flat_map(Journal::own) {
            self.saves += 1;
            self.revocations += u64::from(entry.revokes.is_some());
            self.lost_drop_ins += u64::from(entry.is_loss);
        }
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

impl Figures {
    /// Fails if no writer inside a server has saved anything, although each plan has one.
    pub(crate) fn check_has_saves_in_servers(&self) -> Result<(), String> {
        match self.saves_in_servers {
            0 => Err("no save was made inside a server".into()),
            _ => Ok(()),
        }
    }
}

impl AddAssign for Figures {
    fn add_assign(&mut self, more: Self) {
        self.runs += more.runs;
        self.saves += more.saves;
        self.saves_in_servers += more.saves_in_servers;
        self.deliveries += more.deliveries;
        self.private += more.private;
        self.revocations += more.revocations;
        self.lost_drop_ins += more.lost_drop_ins;
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
        self.redis_faults += more.redis_faults;
    }
}

impl Display for Figures {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(
            f,
            "{} saves, {} of them in servers, {} deliveries, {} of them private, {} revocations, {} reconnects, {} gaps, {} kills, {} stops, \
             {} clock jumps, ",
            self.saves,
            self.saves_in_servers,
            self.deliveries,
            self.private,
            self.revocations,
            self.reconnects,
            self.gaps,
            self.kills,
            self.stops,
            self.jumps,
        )?;
        if self.redis_faults > 0 {
            return write!(f, "{} faults of Redis", self.redis_faults);
        }
        write!(
            f,
            "{} folders moved away, {} overflows, {} truncated and {} removed entries, {} clears, {} lost folders, \
             {} lost drop-ins",
            self.moves,
            self.overflows,
            self.truncated,
            self.removed,
            self.clears,
            self.lost_folders,
            self.lost_drop_ins,
        )
    }
}
