//! Entries on the disk, in the documented format.

use std::{
    fs::{self, Metadata},
    os::unix::fs::MetadataExt,
    time::SystemTime,
};

use serde::Deserialize;
use serde_json::value::RawValue;

use support::oracle::{At, KEYS};

use crate::model::{EVENTS_OF_KEYS, digest};

/// One entry.
#[derive(Clone)]
pub(crate) struct Entry {
    /// A moment at which it did not exist yet.
    pub(crate) absent: At,
    /// A moment at which it existed.
    pub(crate) seen: At,
    /// In milliseconds since 1970.
    pub(crate) time: i64,
    pub(crate) ttl: i64,
    key: usize,
    pub(crate) writer: u64,
    pub(crate) save: u64,
    pub(crate) digest: u64,
    /// A moment before its file was truncated or removed.
    pub(crate) gone: Option<At>,
}

#[derive(Deserialize)]
struct Document<'a> {
    time: &'a str,
    ttl_ms: i64,
    key: &'a str,
    #[serde(borrow)]
    value: &'a RawValue,
}

impl Entry {
    /// The events that it triggers with their parts, in order.
    pub(crate) fn events(&self) -> &'static [(u32, u8)] {
        &EVENTS_OF_KEYS[self.key]
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
    let saved: Vec<serde_json::Value> =
        serde_json::from_str(value).map_err(|error| error.to_string())?;
    let number = |at: usize| saved.get(at).and_then(serde_json::Value::as_u64);
    Ok(Entry {
        absent,
        seen,
        time: i64::try_from(time.as_millis()).unwrap(),
        ttl: document.ttl_ms,
        key: KEYS
            .iter()
            .position(|(key, ..)| *key == document.key)
            .ok_or("the key is not one of the writers' keys")?,
        writer: number(0).ok_or("no writer")?,
        save: number(1).ok_or("no number of the save")?,
        digest: digest(&format!("{{\"timestamp\":\"{name}\",\"value\":{value}}}")),
        gone: None,
    })
}

/// The epoch of a journal: a mix of its random id, the file that contains it, and this boot.
pub(crate) fn epoch(text: &str, file: &Metadata) -> Option<u64> {
    let id = text.strip_prefix("format 2\nid ")?.lines().next()?;
    let id = u128::from_str_radix(id, 16).ok()?;
    let boot = fs::read_to_string("/proc/sys/kernel/random/boot_id").ok()?;
    let boot = u128::from_str_radix(&boot.trim().replace('-', ""), 16).ok()?;
    let created = file.created().ok();
    let created = created.and_then(|time| time.duration_since(SystemTime::UNIX_EPOCH).ok());
    let created = created.map_or(0, |time| time.as_nanos());
    let file = (created << 64 ^ u128::from(file.ino()))
        .wrapping_mul(0x9e37_79b9_7f4a_7c15_f39c_c060_5ced_c835);
    let mixed = id ^ boot ^ file;
    u64::try_from((mixed >> 64) ^ (mixed & u128::from(u64::MAX))).ok()
}
