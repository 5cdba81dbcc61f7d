//! What the scripts of the library have written, as the append-only files show it.

use std::str;

use support::oracle::At;

use super::aof::Transaction;
use crate::{
    archive::Archive,
    entry::{self, Entry, parse_epoch},
    journal::{Journal, Retention},
};

/// What is known of the data of one server.
#[derive(Debug, Clone, Copy, Default)]
pub(super) struct Head {
    /// `None` if its data may have been replaced since.
    epoch: Option<u64>,
    newest: u64,
}

/// The fields of the hash that a transaction sets.
#[derive(Debug, Default)]
struct Fields {
    epoch: Option<u64>,
    newest: Option<u64>,
    former: Option<Vec<(u64, u64)>>,
}

/// Adds what a transaction on a server has appended. `keep` entries are never swept. Returns `false` if it continues
/// entries that must be read from another server first.
pub(super) fn apply(
    archive: &mut Archive,
    head: &mut Head,
    transaction: &Transaction,
    (absent, seen): (At, At),
    keep: u64,
) -> Result<bool, String> {
    let (mut entries, mut fields) = (Vec::new(), Fields::default());
    for command in transaction {
        let words: Vec<&[u8]> = command.iter().map(Vec::as_slice).collect();
        match words[..] {
            [name, ..] if name.eq_ignore_ascii_case(b"FLUSHALL") => *head = Head::default(),
            [name, key, ref rest @ ..]
                if name.eq_ignore_ascii_case(b"XADD") && key.ends_with(b":s") =>
            {
                let (number, document) =
                    appended(rest).ok_or("an XADD that is not the library's")?;
                let entry = entry::read(document, absent, seen)
                    .map_err(|why| format!("entry {number} is torn: {why}"))?;
                entries.push((number, entry));
            }
            [name, key, ref rest @ ..]
                if name.eq_ignore_ascii_case(b"HSET") && key.ends_with(b":m") =>
            {
                fields.set(rest)?;
            }
            [name, key, b"n", by]
                if name.eq_ignore_ascii_case(b"HINCRBY") && key.ends_with(b":m") =>
            {
                let by: u64 = String::from_utf8_lossy(by).parse().unwrap_or_default();
                fields.newest = Some(head.newest + by);
            }
            _ => {}
        }
    }
    if entries.is_empty() && fields.newest.is_none() && fields.epoch.is_none() {
        return Ok(true);
    }
    if !is_ready(
        archive,
        *head,
        &fields,
        entries.first().map(|(number, _)| *number),
    ) {
        return Ok(false);
    }
    if let Some(epoch) = fields.epoch {
        let newest = entries.first().map(|(number, _)| number - 1);
        begin(archive, epoch, &fields, seen, keep)?;
        head.epoch = Some(epoch);
        head.newest = newest.or(fields.newest).unwrap_or_default();
    }
    let Some(epoch) = head.epoch else {
        // A replica that was copied from a master, whose own file has these entries.
        return Ok(true);
    };
    for (number, entry) in entries {
        if number != head.newest + 1 {
            return Err(format!(
                "entry {number} of {epoch:016x} follows {}",
                head.newest
            ));
        }
        head.newest = number;
        push(archive, epoch, number, entry)?;
    }
    match fields.newest {
        Some(newest) if newest != head.newest => Err(format!(
            "a hole: the counter of {epoch:016x} is {newest}, and the newest entry {}",
            head.newest
        )),
        _ => Ok(true),
    }
}

/// Whether all entries before these were read.
fn is_ready(archive: &Archive, head: Head, fields: &Fields, first: Option<u64>) -> bool {
    let newest = |epoch| archive.journal(epoch).map_or(0, Journal::newest);
    match (fields.epoch, &fields.former, head.epoch) {
        (Some(_), Some(former), _) => former
            .last()
            .is_none_or(|(epoch, last)| newest(*epoch) >= *last),
        (None, _, Some(epoch)) => first.is_none_or(|first| newest(epoch) + 1 >= first),
        _ => true,
    }
}

/// The number and the document of `[OPTIONS…] NUMBER-0 d DOCUMENT t TOKEN`.
fn appended<'a>(words: &[&'a [u8]]) -> Option<(u64, &'a [u8])> {
    let number = |word: &[u8]| str::from_utf8(word).ok()?.strip_suffix("-0")?.parse().ok();
    let (at, number) = (0..)
        .zip(words)
        .find_map(|(at, word)| Some((at, number(word)?)))?;
    let mut fields = words.get(at + 1..)?.chunks(2);
    let document = fields.find_map(|field| match field {
        [b"d", document] => Some(*document),
        _ => None,
    });
    Some((number, document?))
}

impl Fields {
    fn set(&mut self, words: &[&[u8]]) -> Result<(), String> {
        for field in words.chunks(2) {
            let [name, value] = field else {
                return Err("an HSET with an odd number of words".into());
            };
            let value = String::from_utf8_lossy(value);
            let wrong = || format!("the journal's hash has an invalid value: {value:?}");
            match *name {
                b"e" => self.epoch = Some(parse_epoch(&value).ok_or_else(wrong)?),
                b"n" => self.newest = Some(value.parse().map_err(|_| wrong())?),
                b"f" => self.former = Some(former(&value).ok_or_else(wrong)?),
                _ => {}
            }
        }
        Ok(())
    }
}

/// Parses `EPOCH:NUMBER,EPOCH:NUMBER`.
pub(super) fn former(text: &str) -> Option<Vec<(u64, u64)>> {
    let items = text.split(',').filter(|item| !item.is_empty());
    let parsed = items.map(|item| {
        let (epoch, last) = item.split_once(':')?;
        Some((parse_epoch(epoch)?, last.parse().ok()?))
    });
    parsed.collect()
}

/// An epoch begins after the last one of its former epochs.
fn begin(
    archive: &mut Archive,
    epoch: u64,
    fields: &Fields,
    born: At,
    keep: u64,
) -> Result<(), String> {
    let former = fields.former.as_deref().unwrap_or_default();
    let parent = match former.last() {
        Some((parent, last)) => {
            let parent = archive.journal(*parent);
            Some((parent.ok_or("the former epoch never existed")?, *last))
        }
        None => None,
    };
    let mut new = match parent {
        Some((parent, last)) => parent.fork(epoch, last, born),
        None => Journal::new(epoch, born, Retention::Newest(keep)),
    };
    // Epochs without entries are forgotten.
    let are_known = former.iter().all(|former| new.former.contains(former));
    if !are_known {
        return Err(format!(
            "{epoch:016x} follows {former:x?}, and not {:x?}",
            new.former
        ));
    }
    match archive
        .journals
        .iter()
        .find(|journal| journal.epoch == epoch)
    {
        Some(known) if known.former == new.former => {}
        Some(known) => {
            return Err(format!(
                "an epoch was kept: {epoch:016x} began after {:x?}, and again after {:x?}",
                known.former, new.former
            ));
        }
        None => {
            archive.relate(&mut new);
            archive.journals.push(new);
        }
    }
    Ok(())
}

fn push(archive: &mut Archive, epoch: u64, number: u64, entry: Entry) -> Result<(), String> {
    let mut journals = archive.journals.iter_mut();
    let journal = journals
        .find(|journal| journal.epoch == epoch)
        .ok_or("no such epoch")?;
    match journal.entry(number) {
        // Another server has the same entry.
        Some(known) if known.document == entry.document => {}
        Some(known) => {
            return Err(format!(
                "assigned again: entry {number} of {epoch:016x} was {known:?}, and is {entry:?}"
            ));
        }
        None if number == journal.newest() + 1 => journal.entries.push(entry),
        None => {
            return Err(format!(
                "a hole: entry {number} of {epoch:016x} was saved after {}",
                journal.newest()
            ));
        }
    }
    Ok(())
}
