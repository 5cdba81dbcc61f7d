//! Entries, in the documented format.

use std::time::SystemTime;

use serde::Deserialize;
use serde_json::value::RawValue;

use support::oracle::{At, KEYS};

use crate::audiences::{Audience, audience};
use crate::model::{EVENTS_OF_KEYS, Format, digest};

/// One entry.
#[derive(Debug, Clone)]
pub(crate) struct Entry {
    /// A moment at which it did not exist yet.
    pub(crate) absent: At,
    /// A moment at which it existed.
    pub(crate) seen: At,
    /// In milliseconds since 1970.
    pub(crate) time: i64,
    pub(crate) ttl: i64,
    /// `None` for a revocation.
    pub(crate) key: Option<usize>,
    /// The writer and its number of the save; `None` for a revocation or a loss.
    pub(crate) origin: Option<(u64, u64)>,
    /// The audiences that may receive it; none stand for everyone.
    pub(crate) to: Box<[Audience]>,
    /// The audience that it revokes.
    pub(crate) revokes: Option<Audience>,
    /// Whether it tells that a value of the key was lost: a drop-in was removed before a server had read it. It has no
    /// value.
    pub(crate) is_loss: bool,
    /// Of the document.
    pub(crate) document: u64,
    /// Of its events' data, in each format.
    digests: [u64; 2],
    /// A moment before its file was truncated or removed. A loss has never had a value.
    pub(crate) gone: Option<At>,
}

#[derive(Deserialize)]
struct Document<'a> {
    time: &'a str,
    ttl_ms: i64,
    key: &'a str,
    #[serde(borrow)]
    value: &'a RawValue,
    #[serde(default)]
    to: Vec<String>,
    revokes: Option<String>,
    #[serde(default)]
    lost: bool,
}

impl Entry {
    /// The events that it triggers with their parts, in order.
    pub(crate) fn events(&self) -> &'static [(u32, u8)] {
        self.key.map_or(&[], |key| &EVENTS_OF_KEYS[key])
    }

    pub(crate) fn digest(&self, format: Format) -> u64 {
        self.digests[format as usize]
    }
}

/// Reads an entry as the format describes it.
pub(crate) fn read(bytes: &[u8], absent: At, seen: At) -> Result<Entry, String> {
    let document: Document = serde_json::from_slice(bytes).map_err(|error| error.to_string())?;
    let time = humantime::parse_rfc3339(document.time).map_err(|error| error.to_string())?;
    let time = time
        .duration_since(SystemTime::UNIX_EPOCH)
        .map_err(|error| error.to_string())?;
    let (value, name) = (document.value.get(), document.time);
    let to = document.to.iter().map(|name| named(name));
    let (key, origin) = match &document.revokes {
        Some(_) => (None, None),
        None if document.lost => (Some(key(document.key)?), None),
        None => (Some(key(document.key)?), Some(origin(value)?)),
    };
    Ok(Entry {
        absent,
        seen,
        time: i64::try_from(time.as_millis()).unwrap(),
        ttl: document.ttl_ms,
        key,
        origin,
        to: to.collect::<Result<_, _>>()?,
        revokes: (document.revokes.as_deref()).map(named).transpose()?,
        is_loss: document.lost,
        document: digest(&String::from_utf8_lossy(bytes)),
        digests: [
            digest(&format!("{{\"timestamp\":\"{name}\",\"value\":{value}}}")),
            digest(value),
        ],
        gone: document.lost.then_some(absent),
    })
}

fn key(name: &str) -> Result<usize, String> {
    let key = KEYS.iter().position(|(key, ..)| *key == name);
    key.ok_or_else(|| "the key is not one of the writers' keys".into())
}

/// The writer and the number of the save, with which each value begins.
fn origin(value: &str) -> Result<(u64, u64), String> {
    let saved: Vec<serde_json::Value> =
        serde_json::from_str(value).map_err(|error| error.to_string())?;
    let number = |at: usize| saved.get(at).and_then(serde_json::Value::as_u64);
    Ok((
        number(0).ok_or("no writer")?,
        number(1).ok_or("no number of the save")?,
    ))
}

fn named(name: &str) -> Result<Audience, String> {
    audience(name).ok_or_else(|| format!("{name} is not one of the writers' audiences"))
}

/// The epoch in this text.
pub(crate) fn parse_epoch(text: &str) -> Option<u64> {
    u64::from_str_radix(text, 16).ok()
}

/// The current epoch of a journal, from the text of its `.id`.
pub(crate) fn epoch(text: &str) -> Option<u64> {
    let mut lines = text.lines();
    if lines.next() != Some("format 2") {
        return None;
    }
    parse_epoch(lines.find_map(|line| line.strip_prefix("epoch "))?)
}
