//! Checks gaps, and the positions at which streams start.

use std::{collections::HashSet, time::Duration};

use support::oracle::At;

use crate::{
    checker::ClientChecker,
    entry::Entry,
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
    let archive = checker.evidence.archive;
    let was_retired = |journal: &Journal| journal.retired.is_some_and(|retired| retired <= at);
    if checker.wants_latest {
        // The latest values follow, and then the position. The gap has the id of the first of them.
        let mut all = archive.journals.iter().chain(&archive.expected);
        let is_justified = match checker.id {
            // The journal was replaced before the client received a latest value.
            None => archive.journals.iter().any(was_retired) || archive.journals.len() > 1,
            Some(current) => all.any(|new| new.born <= at && may_leave(checker, at, new, current)),
        };
        if !is_justified {
            return Err("a gap to another epoch, but the client's journal is in place".into());
        }
        checker.latest = Some(Vec::new());
        checker.new_at = Some(at);
        checker.start_again(id);
        return Ok(());
    }
    let current = checker
        .id
        .ok_or("a gap to another epoch, but the client has no id")?;
    let named = archive.journal(id.epoch);
    let named = named.ok_or("a gap to an epoch that never existed")?;
    // With the latest values, the gap's id does not name the current epoch.
    let continued = archive
        .with_id(id)
        .filter(|journal| journal.epoch != id.epoch);
    let mut result = Err("a gap to another epoch, but the client's journal is in place".to_owned());
    for new in [named].into_iter().chain(continued) {
        if may_leave(checker, at, new, current) {
            result = check_received_from_fork(checker, at, new, (current, id));
        }
        if result.is_ok() {
            break;
        }
    }
    result?;
    checker.new_at = Some(at);
    checker.start_again(id);
    Ok(())
}

/// Whether a client with this id may have received what this journal does not have.
fn may_leave(checker: &ClientChecker, at: At, new: &Journal, current: Id) -> bool {
    let archive = checker.evidence.archive;
    let left = archive.journal(current.epoch);
    let was_left = left.is_none_or(|left| left.retired.is_some_and(|retired| retired <= at));
    let is_invented = matches!(checker.sent, SentId::Invented(sent) if sent == current)
        && checker.canonical(current) != current;
    // Servers forget epochs whose entries were all swept.
    let is_forgotten = new
        .former
        .iter()
        .any(|(epoch, last)| *epoch == current.epoch && archive.may_be_swept(new, last + 1, at));
    was_left
        || is_invented
        || is_forgotten
        || !new.knows(current)
        || archive
            .that_know(current)
            .any(|former| may_have_passed(checker, at, (former, new), current))
}

/// Whether the stream may have passed an entry that only the former journal has, although it had no event for the
/// client.
fn may_have_passed(
    checker: &ClientChecker,
    at: At,
    (former, new): (&Journal, &Journal),
    current: Id,
) -> bool {
    let Some(shared) = new
        .last_shared_with(former.epoch)
        .or(new.shared.get(&former.epoch).copied())
    else {
        return true;
    };
    let lost = shared.saturating_add(1);
    let passed = Position {
        next: lost.saturating_add(1),
        part: 0,
    };
    let exists = former.entry(lost).is_some_and(|entry| entry.absent <= at);
    // A new client receives nothing for entries that have expired.
    exists
        && former
            .wanted(&checker.selection, current.position, passed)
            .all(|(.., entry)| checker.is_irrelevant(entry, at))
}

/// Values saved after other programs removed a journal reach all clients that were connected before.
fn check_received_from_fork(
    checker: &ClientChecker,
    at: At,
    new: &Journal,
    (current, id): (Id, Id),
) -> Result<(), String> {
    let since = checker.evidence.archive.since(new, at);
    let known = new.last_shared_with(current.epoch);
    let kept = known
        .or(new.shared.get(&current.epoch).copied())
        .unwrap_or_default();
    let fork = Position {
        next: kept.saturating_add(1),
        part: 0,
    };
    let start = current.position.min(fork);
    for (number, _, entry) in new.wanted(&checker.selection, start, id.position) {
        let began = (entry.origin).and_then(|origin| checker.evidence.began.get(&origin));
        let is_promised = since.is_zero() || began.is_some_and(|began| *began >= since);
        let may_be_unavailable = checker.may_be_expired(entry, at)
            || checker.evidence.archive.may_be_swept(new, number, at)
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
    let journal = checker
        .evidence
        .archive
        .journal(id.epoch)
        .ok_or("no such journal")?;
    let continues = journal.continues(current) || journal.continues(checker.canonical(current));
    if !continues || id.position < current.position {
        return Err("this gap leads to a wrong position".into());
    }
    let numbers = |(number, ..): (u64, u32, &Entry)| number;
    let (from, to) = (current.position, id.position);
    let wanted: HashSet<u64> =
        (journal.wanted(&checker.selection, from, to).map(numbers)).collect();
    let allowed: HashSet<u64> =
        (journal.allowed(&checker.selection, from, to).map(numbers)).collect();
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
        let swept = checker.evidence.archive.may_be_swept(journal, number, at);
        let gone = journal.may_be_gone(number, at);
        // A folder without its high-water mark cannot be distinguished from one that was swept.
        let swept = swept || journal.damaged.is_some_and(|damaged| damaged <= at);
        if swept || gone {
            // The gap may be about a loss, which hides no revocation.
            let is_later = entry.absent > checker.authenticated && !entry.is_loss;
            may_hide_revocation = Some(may_hide_revocation.unwrap_or(true) && is_later);
        }
        let is_wanted = wanted.contains(&number);
        let is_expired = allowed.contains(&number)
            && entry.absent <= checker.answered
            && checker.may_be_expired(entry, at);
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
        if older >= next && !checker.evidence.has_outage(since, at) {
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
        && journal.born < grace
        && !checker.evidence.has_outage(grace, at);
    let newest = journal.entries.partition_point(|entry| entry.absent <= at) as u64;
    let ring = (newest + 1).saturating_sub(server.setup.in_memory as u64);
    if is_settled && next > ring.max(1) {
        let hidden = (ring.max(1)..next).find(|number| {
            let entry = journal.entry(*number);
            entry.is_some_and(|entry| entry.absent > since)
                && !checker.evidence.archive.may_be_swept(journal, *number, at)
        });
        if let Some(number) = hidden {
            return Err(format!(
                "it starts before entry {next}, but {number} was saved within the lookback"
            ));
        }
    }
    Ok(())
}
