//! Checks the stream of each client against the journals.

use std::{collections::HashMap, time::Duration};

use support::oracle::At;

use crate::{
    archive::Archive,
    checker::ClientChecker,
    client::Record,
    clock::Clock,
    parser::Block,
    revocations::{Revocation, find_revocations},
    server::ServerRun,
    writer::{SaveRecord, What},
};

/// A server follows its journal again at most so long after an outage.
const MAX_DELAY: Duration = Duration::from_secs(4);

/// Everything that was recorded in a run.
pub(crate) struct Evidence<'a> {
    pub(crate) archive: &'a Archive,
    pub(crate) clock: &'a Clock,
    /// The server processes, by their number.
    pub(crate) servers: &'a [ServerRun],
    /// When each save that returned has begun.
    pub(crate) began: HashMap<(u64, u64), At>,
    /// In the order of the journals.
    pub(crate) revocations: Vec<Revocation>,
    /// Disturbances of the place of the journals.
    outages: &'a [(At, At)],
    /// How far each server process had read each journal, and when that was first observed.
    passed: HashMap<(usize, u64), Vec<(At, u64)>>,
}

impl<'a> Evidence<'a> {
    pub(crate) fn new(
        archive: &'a Archive,
        clock: &'a Clock,
        servers: &'a [ServerRun],
        saves: &[SaveRecord],
        records: &[Vec<Record>],
        outages: &'a [(At, At)],
    ) -> Self {
        let mut events: HashMap<(usize, u64), Vec<(At, u64)>> = HashMap::new();
        for records in records {
            let mut server = 0;
            for record in records {
                match record {
                    Record::Request { server: of, .. } => server = *of,
                    Record::Block {
                        at,
                        block: Block::Event { id, .. },
                    } => {
                        let passed = events.entry((server, id.epoch)).or_default();
                        passed.push((*at, id.position.next - 1));
                    }
                    _ => {}
                }
            }
        }
        for passed in events.values_mut() {
            passed.sort_unstable();
            let mut furthest = 0;
            for (_, number) in passed {
                furthest = furthest.max(*number);
                *number = furthest;
            }
        }
        let began = saves.iter().flat_map(|record| {
            let saved = record.saved().into_iter();
            saved.filter_map(|saved| match saved.what {
                What::Save(save) => Some(((record.writer, save), saved.began)),
                What::Revocation(_) | What::Failure => None,
            })
        });
        Self {
            archive,
            clock,
            servers,
            began: began.collect(),
            revocations: find_revocations(archive, saves),
            outages,
            passed: events,
        }
    }

    /// Whether the place of the journals was disturbed in this span, or so shortly before that servers may be late.
    pub(crate) fn has_outage(&self, from: At, to: At) -> bool {
        let is_near = |(start, end): &(At, At)| *start <= to && from <= *end + MAX_DELAY;
        self.outages.iter().any(is_near)
    }

    /// The newest entry that a server process is known to have read at a moment.
    pub(crate) fn passed(&self, server: usize, epoch: u64, at: At) -> u64 {
        let Some(passed) = self.passed.get(&(server, epoch)) else {
            return 0;
        };
        let before = passed.partition_point(|(when, _)| *when < at);
        before.checked_sub(1).map_or(0, |last| passed[last].1)
    }

    /// The first error in the stream of a client, and the record at which it was found.
    pub(crate) fn check(&self, records: &[Record], end: At) -> Result<(), (usize, String)> {
        let mut checker = ClientChecker::new(self);
        for (at, record) in records.iter().enumerate() {
            checker.record(record).map_err(|why| (at, why))?;
        }
        checker.end(end).map_err(|why| (records.len(), why))
    }
}
