//! What is wrong with a run, in words.

use std::{collections::HashMap, fmt::Write, time::Duration};

use support::oracle::At;

use crate::{
    client::{Record, Status},
    clock::Clock,
    disk::Entry,
    truth::Truth,
    verdict::Case,
    world::SHOWN,
    writer::Writer,
};

/// On a busy machine it takes so long to copy an entry.
const FOLLOWER_IS_LATE: Duration = Duration::from_secs(1);

/// Whatever a writer was told is saved is in a journal, under that number, once.
pub(crate) fn check_saves(truth: &Truth, writers: &[Writer]) -> Result<(), String> {
    let mut found: HashMap<(u64, u64), Vec<u64>> = HashMap::new();
    for journal in &truth.journals {
        let mut here = HashMap::new();
        for (number, entry) in (1..).zip(&journal.entries) {
            let save = (entry.writer, entry.save);
            if let Some(before) = here.insert(save, number) {
                return Err(format!(
                    "save {save:?} is entry {before}, and {number} again"
                ));
            }
            found.entry(save).or_default().push(number);
        }
    }
    for writer in writers {
        for saved in writer.saved() {
            let at = found.get(&(writer.name, saved.save));
            let is_found = at.is_some_and(|numbers| numbers.contains(&saved.number));
            // It may have been removed before it was copied.
            let may_be_lost = at.is_none()
                && truth.losses.iter().any(|loss| {
                    loss.end.is_none_or(|end| saved.began <= end)
                        && saved.returned + FOLLOWER_IS_LATE >= loss.start
                });
            if !is_found && !may_be_lost {
                return Err(format!(
                    "lost: writer {} was told that this is saved: {saved:?}; a reader finds it at {at:?}",
                    writer.name
                ));
            }
        }
    }
    Ok(())
}

/// Clients that have not had everything that there is for them, and what they lack.
pub(crate) fn who_waits(truth: &Truth, clock: &Clock, status: &[Status]) -> Vec<(usize, String)> {
    let Some(journal) = truth.current() else {
        return vec![(0, "there is no journal".into())];
    };
    let now = clock.now();
    let (_, wall) = clock.wall(now, now);
    let lacks = |status: &Status| {
        let (Some(id), true) = (status.last, status.is_open) else {
            return Some("it has no stream".to_owned());
        };
        if id.epoch != journal.epoch {
            return Some(format!("it is in another journal, at {id}"));
        }
        let is_over = |entry: &Entry| entry.ttl > 0 && wall >= entry.time + entry.ttl;
        let (number, ..) = journal
            .wanted(status.filter, id.place, journal.end())
            .find(|(.., entry)| {
                let is_nothing_to_it = status.new_at.is_some_and(|new| entry.absent <= new);
                !(is_nothing_to_it && is_over(entry))
            })?;
        Some(format!("it is at {id}, and wants {number}"))
    };
    let waiting = status.iter().enumerate();
    waiting
        .filter_map(|(client, status)| Some((client, lacks(status)?)))
        .collect()
}

/// Every client's stream, one after the other.
pub(crate) fn judge_all(case: &Case, records: &[Vec<Record>], end: At) -> Result<(), String> {
    let failures: Vec<String> = records
        .iter()
        .enumerate()
        .filter_map(|(client, records)| {
            let (at, why) = case.judge(records, end).err()?;
            Some(format!("client {client}: {why}\n{}", excerpt(records, at)))
        })
        .collect();
    if failures.is_empty() {
        return Ok(());
    }
    let shown = &failures[..failures.len().min(SHOWN)];
    Err(format!(
        "{} of {} clients were told something wrong:\n{}",
        failures.len(),
        records.len(),
        shown.join("\n"),
    ))
}

/// What became of the journals of a run.
pub(crate) fn journals(truth: &Truth) -> String {
    let mut text = String::new();
    for journal in &truth.journals {
        let _ = writeln!(
            text,
            "journal {:016x}: {} entries, born {:?}, retired {:?}, damaged {:?}",
            journal.epoch,
            journal.newest(),
            journal.born,
            journal.retired,
            journal.damaged
        );
    }
    let _ = writeln!(text, "losses: {:?}", truth.losses);
    text
}

/// What led to a failure.
pub(crate) fn excerpt(records: &[Record], at: usize) -> String {
    let first = at.saturating_sub(12);
    let last = records.len().min(at + 2);
    let mut text = String::new();
    for (index, record) in (first..).zip(&records[first..last]) {
        let mark = if index == at { ">" } else { " " };
        let _ = writeln!(text, "  {mark} {record:?}");
    }
    text
}
