//! When a gap may be told, when it must, and where a stream may begin.

use std::{collections::HashSet, time::Duration};

use support::oracle::At;

use crate::{
    client::Sent,
    journal::Journal,
    model::{Id, Place},
    parser::Reason,
    verdict::Judge,
};

/// The file system's time is in milliseconds, and so are an entry's.
const ROUNDING: Duration = Duration::from_millis(5);

pub(crate) fn judge(judge: &mut Judge, at: At, reason: Reason, id: Id) -> Result<(), String> {
    match reason {
        Reason::UnknownId => unknown_id(judge, at, id),
        Reason::OtherEpoch => other_epoch(judge, at, id),
        Reason::Expired | Reason::Swept | Reason::Unreadable => missing(judge, at, reason, id),
    }
}

/// Only for what no server has given.
fn unknown_id(judge: &mut Judge, at: At, id: Id) -> Result<(), String> {
    let justified = match (judge.sent, judge.id) {
        (Sent::Garbage, None) => true,
        (Sent::Invented(sent), Some(own)) if sent == own => {
            let newest = judge.case.truth.journal(sent.epoch).map(Journal::newest);
            newest.is_none_or(|newest| sent.place.next > newest)
        }
        _ => false,
    };
    if !justified {
        return Err("a gap for an unknown id, but a server gave this one".into());
    }
    begin(judge, at, id)
}

fn other_epoch(judge: &mut Judge, at: At, id: Id) -> Result<(), String> {
    let own = judge.id.ok_or("a gap to another epoch for who has none")?;
    if own.epoch == id.epoch {
        return Err("a gap to another epoch, which is the same".into());
    }
    let justified = match judge.case.truth.journal(own.epoch) {
        Some(journal) => journal.retired.is_some_and(|retired| retired <= at),
        None => matches!(judge.sent, Sent::Invented(sent) if sent == own),
    };
    if !justified {
        return Err("a gap to another epoch, but its own is in force".into());
    }
    let new = judge.case.truth.journal(id.epoch);
    let new = new.ok_or("a gap to an epoch that never was")?;
    judge.new_at = Some(at);
    had_from_the_beginning(judge, at, new, id)?;
    judge.go(id);
    Ok(())
}

/// What is saved after other programs took a journal away reaches everybody who was there before.
fn had_from_the_beginning(judge: &Judge, at: At, new: &Journal, id: Id) -> Result<(), String> {
    let since = judge.case.truth.since(new, at);
    let start = Place { next: 1, parts: 0 };
    for (number, _, entry) in new.wanted(judge.filter, start, id.place) {
        let began = judge.case.began.get(&(entry.writer, entry.save));
        let is_promised = began.is_some_and(|began| *began >= since);
        let may_be_over = judge.may_be_over(entry, at)
            || new.may_be_swept(number, at)
            || new.may_be_gone(number, at);
        if is_promised && !may_be_over {
            return Err(format!(
                "lost: entry {number}, saved from {began:?} on, after the loss that ended at \
                 {since:?}; it is put behind it"
            ));
        }
    }
    Ok(())
}

/// A client that was put at a place like one that is new.
fn begin(judge: &mut Judge, at: At, id: Id) -> Result<(), String> {
    judge.new_at = Some(at);
    judge_lookback(judge, at, id)?;
    judge.go(id);
    Ok(())
}

/// Entries that were no longer to be had: at least one, and of those that it wanted no other.
fn missing(judge: &mut Judge, at: At, reason: Reason, id: Id) -> Result<(), String> {
    let own = judge.id.ok_or("a gap before it was told where it is")?;
    if own.epoch != id.epoch || id.place < own.place {
        return Err("this gap leads elsewhere".into());
    }
    let journal = judge
        .case
        .truth
        .journal(id.epoch)
        .ok_or("no such journal")?;
    let wanted: HashSet<u64> = journal
        .wanted(judge.filter, own.place, id.place)
        .map(|(number, ..)| number)
        .collect();
    // What came last in a journal that was cleared was perhaps never copied.
    let mut justified = journal.damaged.is_some_and(|damaged| damaged <= at);
    for number in own.place.next..=id.place.next {
        let Some(entry) = journal.entry(number) else {
            continue;
        };
        if number == id.place.next && id.place.parts == 0 {
            break;
        }
        let swept = journal.may_be_swept(number, at);
        let gone = journal.may_be_gone(number, at);
        // A folder that has lost its mark looks like one that was swept.
        let swept = swept || journal.damaged.is_some_and(|damaged| damaged <= at);
        let is_wanted = wanted.contains(&number);
        let over = is_wanted && entry.absent <= judge.answered && judge.may_be_over(entry, at);
        let was_to_be_had = !(swept || gone || over || judge.is_nothing_to_it(entry, at));
        if is_wanted && was_to_be_had {
            return Err(format!(
                "a gap over entry {number}, which was to be had; seen on the disk at {:?}",
                entry.seen
            ));
        }
        justified |= match reason {
            Reason::Expired => over,
            Reason::Swept => swept,
            _ => gone,
        };
    }
    if !justified {
        return Err("a gap, but nothing was missing".into());
    }
    judge.go(id);
    Ok(())
}

/// Where a new client is put: all of the last moments is before it, and nothing older.
pub(crate) fn judge_lookback(judge: &Judge, at: At, id: Id) -> Result<(), String> {
    let journal = judge
        .case
        .truth
        .journal(id.epoch)
        .ok_or("no such journal")?;
    let life = &judge.case.servers[judge.server];
    let lookback = life.setup.lookback;
    let next = id.place.next;
    if let Some(since) = judge.asked.checked_sub(lookback + ROUNDING) {
        let older = judge.case.passed(judge.server, id.epoch, since);
        if older >= next {
            return Err(format!(
                "it begins before entry {next}, but {older} was had earlier than a new client may"
            ));
        }
    }
    // A server that was away has its own view of what is recent.
    let since = at.saturating_sub(lookback);
    let grace = since.saturating_sub(Duration::from_secs(2));
    let is_settled = life.started < grace
        && !life
            .disturbed
            .iter()
            .any(|when| (grace..=at).contains(when))
        && journal.entry(1).is_some_and(|first| first.seen < grace)
        && journal.born < grace;
    let newest = journal.entries.partition_point(|entry| entry.absent <= at) as u64;
    let ring = (newest + 1).saturating_sub(life.setup.in_memory as u64);
    if is_settled && next > ring.max(1) {
        let hidden = (ring.max(1)..next).find(|number| {
            let entry = journal.entry(*number);
            entry.is_some_and(|entry| entry.absent > since) && !journal.may_be_swept(*number, at)
        });
        if let Some(number) = hidden {
            return Err(format!(
                "it begins before entry {next}, but {number} was saved within the lookback"
            ));
        }
    }
    Ok(())
}
