//! Checks of a whole run, and reports of its failures.

use std::{collections::HashMap, fmt::Write, time::Duration};

use support::oracle::At;

use crate::{
    archive::Archive,
    audiences::Audience,
    client::{Record, Status},
    clock::Clock,
    entry::Entry,
    evidence::Evidence,
    journal::Journal,
    run::MAX_SHOWN,
    writer::{SaveRecord, What},
};

/// The archive may copy an entry this late on a busy machine.
const MAX_COPY_DELAY: Duration = Duration::from_secs(1);

/// A save tries for five seconds. Its writer may be stopped meanwhile, and the machine busy.
const MAX_SAVE_TIME: Duration = Duration::from_secs(11);

/// Each save that has returned is in a journal once, under its number.
pub(crate) fn check_saves(archive: &Archive, saves: &[SaveRecord]) -> Result<(), String> {
    let mut found: HashMap<(u64, u64), Vec<u64>> = HashMap::new();
    let mut revoked: HashMap<Audience, Vec<u64>> = HashMap::new();
    for journal in &archive.journals {
        let mut here = HashMap::new();
        let is_own = |number| journal.epoch_of(number) == journal.epoch;
        for (number, entry) in (1..).zip(&journal.entries) {
            if let Some(audience) = entry.revokes {
                revoked.entry(audience).or_default().push(number);
            }
            let Some(save) = entry.origin else {
                continue;
            };
            if let Some(before) = here.insert(save, number) {
                return Err(format!(
                    "save {save:?} is entry {before}, and {number} again"
                ));
            }
            if is_own(number) {
                found.entry(save).or_default().push(number);
            }
        }
    }
    for record in saves {
        let writer = record.writer;
        for saved in record.saved() {
            if saved.returned > saved.began + MAX_SAVE_TIME {
                return Err(format!(
                    "writer {writer}: this save took too long: {saved:?}"
                ));
            }
            let at = match saved.what {
                What::Save(save) => found.get(&(writer, save)),
                What::Revocation(audience) => revoked.get(&audience),
                What::Failure => continue,
            };
            if let What::Save(save) = saved.what
                && let Some(journal) = archive.journals.iter().find(|journal| {
                    let again = journal.again.get(&saved.number);
                    again.is_some_and(|again| again.origin == Some((writer, save)))
                })
            {
                return Err(format!(
                    "assigned again: entry {} of {:016x} was removed, and writer {writer} has its number: {saved:?}",
                    saved.number, journal.epoch
                ));
            }
            let is_found = at.is_some_and(|numbers| numbers.contains(&saved.number));
            // The entry may have been removed before it was copied.
            let is_save = matches!(saved.what, What::Save(_));
            let may_be_lost = !(is_save && at.is_some())
                && archive.losses.iter().any(|loss| {
                    loss.end.is_none_or(|end| saved.began <= end)
                        && saved.returned + MAX_COPY_DELAY >= loss.start
                });
            if !is_found && !may_be_lost {
                return Err(format!(
                    "lost: writer {writer}: this save has returned: {saved:?}; the journals have it at {at:?}"
                ));
            }
        }
    }
    Ok(())
}

/// Clients that have not received everything, and what they lack.
pub(crate) fn waiting_clients(
    current: Option<&Journal>,
    clock: &Clock,
    status: &[Status],
) -> Vec<(usize, String)> {
    let Some(journal) = current else {
        return vec![(0, "no journal exists".into())];
    };
    let now = clock.now();
    let (_, wall) = clock.wall(now, now);
    let revocations: Vec<_> = (1_u64..)
        .zip(&journal.entries)
        .filter(|(_, entry)| entry.revokes.is_some())
        .collect();
    let lacks = |status: &Status| {
        let (Some(id), true) = (status.last, status.is_open) else {
            return Some("the client has no stream".to_owned());
        };
        if !journal.continues(id) {
            return Some(format!("the client is in another journal, at {id}"));
        }
        let is_expired = |entry: &Entry| entry.ttl > 0 && wall >= entry.time + entry.ttl;
        if let Some((number, _)) = revocations.iter().find(|(_, entry)| {
            let is_held = |audience| status.selection.held.holds(audience);
            entry.revokes.is_some_and(is_held)
                && status.authenticated.is_some_and(|at| at < entry.absent)
        }) {
            return Some(format!("the revocation {number} has not ended the stream"));
        }
        let (number, ..) = journal
            .wanted(&status.selection, id.position, journal.end())
            .find(|(.., entry)| {
                let is_irrelevant = status.new_at.is_some_and(|new| entry.absent <= new);
                !(is_irrelevant && is_expired(entry))
            })?;
        Some(format!("the client is at {id} and lacks {number}"))
    };
    let waiting = status.iter().enumerate();
    waiting
        .filter_map(|(client, status)| Some((client, lacks(status)?)))
        .collect()
}

/// Checks the stream of every client.
pub(crate) fn check_clients(
    evidence: &Evidence,
    records: &[Vec<Record>],
    end: At,
) -> Result<(), String> {
    let failures: Vec<String> = records
        .iter()
        .enumerate()
        .filter_map(|(client, records)| {
            let (at, why) = evidence.check(records, end).err()?;
            Some(format!("client {client}: {why}\n{}", excerpt(records, at)))
        })
        .collect();
    if failures.is_empty() {
        return Ok(());
    }
    let shown = &failures[..failures.len().min(MAX_SHOWN)];
    Err(format!(
        "{} of {} clients received a wrong stream:\n{}",
        failures.len(),
        records.len(),
        shown.join("\n"),
    ))
}

/// The history of a run's journals.
pub(crate) fn journals(archive: &Archive) -> String {
    let mut text = String::new();
    for journal in &archive.journals {
        let _ = writeln!(
            text,
            "journal {:016x} after {:x?}: {} entries, born {:?}, retired {:?}, damaged {:?}",
            journal.epoch,
            journal.former,
            journal.newest(),
            journal.born,
            journal.retired,
            journal.damaged
        );
    }
    for expected in &archive.expected {
        let last = expected.former.last();
        let _ = writeln!(text, "expected from {:?} on after {last:x?}", expected.born);
    }
    let _ = writeln!(text, "losses: {:?}", archive.losses);
    text
}

/// The records that led to a failure, with the request and the start of the response.
pub(crate) fn excerpt(records: &[Record], at: usize) -> String {
    let first = at.saturating_sub(12);
    let last = records.len().min(at + 2);
    let is_request = |record: &Record| matches!(record, Record::Request { .. });
    let request = records[..at].iter().rposition(is_request).unwrap_or(first);
    let start = request..first.min(request + 2);
    let mut text = String::new();
    for index in start.chain(first..last) {
        let mark = if index == at { ">" } else { " " };
        let _ = writeln!(text, "  {mark} {:?}", records[index]);
    }
    text
}
