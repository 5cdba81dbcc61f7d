//! Checks gaps, and the positions at which streams start.

use std::{collections::HashSet, time::Duration};

use support::oracle::At;

use crate::{
    evidence::ClientChecker,
    journal::Journal,
    model::{Id, Position},
    parser::Reason,
    request::SentId,
};

/// The timestamps of the file system and of entries are in milliseconds.
pub(crate) const ROUNDING: Duration = Duration::from_millis(5);

pub(crate) fn check(
    checker: &mut ClientChecker,
    at: At,
    reason: Reason,
    id: Id,
) -> Result<(), String> {
    match reason {
        Reason::UnknownId => unknown_id(checker, at, id),
        Reason::OtherEpoch => other_epoch(checker, at, id),
        Reason::Expired | Reason::Swept | Reason::Unreadable => missing(checker, at, reason, id),
    }
}

/// Only for an id that no server has sent.
fn unknown_id(checker: &mut ClientChecker, at: At, id: Id) -> Result<(), String> {
    let justified = match (checker.sent, checker.id) {
        (SentId::Garbage, None) => true,
        (SentId::Invented(sent), Some(current)) if sent == current => {
            let newest = checker
                .evidence
                .archive
                .journal(sent.epoch)
                .map(Journal::newest);
            newest.is_none_or(|newest| sent.position.next > newest)
        }
        _ => false,
    };
    if !justified {
        return Err("a gap for an unknown id, but a server has sent this id".into());
    }
    start_as_new(checker, at, id)?;
    if checker.wants_latest {
        checker.latest = Some(Vec::new());
    }
    Ok(())
}

fn other_epoch(checker: &mut ClientChecker, at: At, id: Id) -> Result<(), String> {
    let journals = &checker.evidence.archive.journals;
    let was_retired = |journal: &Journal| journal.retired.is_some_and(|retired| retired <= at);
    let justified = match checker.id {
        // The journal was replaced before the client received a latest value.
        None => checker.wants_latest && journals.iter().any(was_retired),
        Some(current) if current.epoch == id.epoch => {
            return Err("a gap to another epoch, but to the same one".into());
        }
        Some(current) => match checker.evidence.archive.journal(current.epoch) {
            Some(journal) => was_retired(journal),
            None => matches!(checker.sent, SentId::Invented(sent) if sent == current),
        },
    };
    checker.latest = None;
    if !justified {
        return Err("a gap to another epoch, but the client's journal is in place".into());
    }
    let new = checker.evidence.archive.journal(id.epoch);
    let new = new.ok_or("a gap to an epoch that never existed")?;
    checker.new_at = Some(at);
    check_received_from_start(checker, at, new, id)?;
    checker.advance(id);
    Ok(())
}

/// Values saved after other programs removed a journal reach all clients that were connected before.
fn check_received_from_start(
    checker: &ClientChecker,
    at: At,
    new: &Journal,
    id: Id,
) -> Result<(), String> {
    let since = checker.evidence.archive.since(new, at);
    let start = Position { next: 1, part: 0 };
    for (number, _, entry) in new.wanted(&checker.selection, start, id.position) {
        let began = (entry.origin).and_then(|origin| checker.evidence.began.get(&origin));
        let is_promised = began.is_some_and(|began| *began >= since);
        let may_be_unavailable = checker.may_be_expired(entry, at)
            || new.may_be_swept(number, at)
            || new.may_be_gone(number, at);
        if is_promised && !may_be_unavailable {
            return Err(format!(
                "lost: entry {number}, saved from {began:?} on, after the loss that ended at \
                 {since:?}; the client is moved past it"
            ));
        }
    }
    Ok(())
}

/// The client gets the position of a new client.
fn start_as_new(checker: &mut ClientChecker, at: At, id: Id) -> Result<(), String> {
    checker.new_at = Some(at);
    if !checker.wants_latest {
        check_lookback(checker, at, id)?;
    }
    checker.advance(id);
    Ok(())
}

/// At least one entry was unavailable, and no available entry that the client wanted was skipped.
fn missing(checker: &mut ClientChecker, at: At, reason: Reason, id: Id) -> Result<(), String> {
    if checker.latest.take().is_some() {
        checker.advance(id);
        return Ok(());
    }
    let current = checker.id.ok_or("a gap before the client has an id")?;
    if current.epoch != id.epoch || id.position < current.position {
        return Err("this gap leads to a wrong position".into());
    }
    let journal = checker
        .evidence
        .archive
        .journal(id.epoch)
        .ok_or("no such journal")?;
    let wanted: HashSet<u64> = journal
        .wanted(&checker.selection, current.position, id.position)
        .map(|(number, ..)| number)
        .collect();
    // The last entries of a cleared journal may not have been copied.
    let mut justified = journal.damaged.is_some_and(|damaged| damaged <= at);
    // Whether each entry that may be missing was saved after the request was authenticated.
    let mut may_hide_revocation = None;
    for number in current.position.next..=id.position.next {
        let Some(entry) = journal.entry(number) else {
            continue;
        };
        if number == id.position.next && id.position.part == 0 {
            break;
        }
        let swept = journal.may_be_swept(number, at);
        let gone = journal.may_be_gone(number, at);
        // A folder without its high-water mark cannot be distinguished from one that was swept.
        let swept = swept || journal.damaged.is_some_and(|damaged| damaged <= at);
        if swept || gone {
            let is_later = entry.absent > checker.authenticated;
            may_hide_revocation = Some(may_hide_revocation.unwrap_or(true) && is_later);
        }
        let is_wanted = wanted.contains(&number);
        let is_expired =
            is_wanted && entry.absent <= checker.answered && checker.may_be_expired(entry, at);
        let was_available = !(swept || gone || is_expired || checker.is_irrelevant(entry, at));
        if is_wanted && was_available {
            return Err(format!(
                "a gap over entry {number}, which was available: {entry:?}, response at {:?}",
                checker.answered
            ));
        }
        justified |= match reason {
            Reason::Expired => is_expired,
            Reason::Swept => swept,
            _ => gone,
        };
    }
    if !justified {
        return Err("a gap, but nothing was missing".into());
    }
    let is_holder = !checker.selection.held.is_public();
    checker.must_end |= is_holder && reason != Reason::Expired && may_hide_revocation == Some(true);
    checker.advance(id);
    Ok(())
}

/// A new client starts before everything saved within the lookback, and after everything older.
pub(crate) fn check_lookback(checker: &ClientChecker, at: At, id: Id) -> Result<(), String> {
    let journal = checker
        .evidence
        .archive
        .journal(id.epoch)
        .ok_or("no such journal")?;
    let server = &checker.evidence.servers[checker.server];
    let lookback = server.setup.lookback;
    let next = id.position.next;
    if let Some(since) = checker.asked.checked_sub(lookback + ROUNDING) {
        let older = checker.evidence.passed(checker.server, id.epoch, since);
        if older >= next {
            return Err(format!(
                "it starts before entry {next}, but {older} is older than the lookback"
            ));
        }
    }
    // A server that was stopped may read entries late.
    let since = at.saturating_sub(lookback);
    let grace = since.saturating_sub(Duration::from_secs(2));
    let is_settled = server.started < grace
        && !server
            .disturbed
            .iter()
            .any(|when| (grace..=at).contains(when))
        && journal.entry(1).is_some_and(|first| first.seen < grace)
        && journal.born < grace;
    let newest = journal.entries.partition_point(|entry| entry.absent <= at) as u64;
    let ring = (newest + 1).saturating_sub(server.setup.in_memory as u64);
    if is_settled && next > ring.max(1) {
        let hidden = (ring.max(1)..next).find(|number| {
            let entry = journal.entry(*number);
            entry.is_some_and(|entry| entry.absent > since) && !journal.may_be_swept(*number, at)
        });
        if let Some(number) = hidden {
            return Err(format!(
                "it starts before entry {next}, but {number} was saved within the lookback"
            ));
        }
    }
    Ok(())
}
