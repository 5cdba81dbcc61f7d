//! Reads a drop-in's file as a journal entry.

use std::{
    collections::BTreeSet,
    fs::{File, Metadata},
    io,
    os::unix::fs::MetadataExt,
    sync::Mutex,
    time::SystemTime,
};

use tracing::Level;

use super::content::{self, DropInContent};
use crate::{
    config::Config,
    entry,
    journal::{
        Journal,
        file::{is_temporary, read_all, time_of_ordered_name},
    },
    runtime::{LimitedLog, lock},
};

/// Why a drop-in cannot be read.
pub(super) enum ReadError {
    /// It can never be read.
    Broken(String),
    /// The machine lacks a resource now, so the next attempt may succeed.
    Temporary(io::Error),
}

/// PHP's format is longer than JSON: `i:10000000;i:1;` becomes `1,`. With the largest value, this
/// factor is still below 8.
const MAX_PHP_BYTES_PER_JSON_BYTE: u64 = 8;

/// More than a CodeIgniter record adds to a short value.
const MAX_RECORD_OVERHEAD_BYTES: u64 = 1024;

/// The drop-in as a journal entry with the name under which it was claimed; `None` if it has already
/// expired.
pub(super) fn read(
    file: &mut File,
    claim_name: &str,
    key: &str,
    config: &Config,
    journal: &dyn Journal,
) -> Result<Option<Vec<u8>>, ReadError> {
    let metadata = file.metadata().map_err(ReadError::Temporary)?;
    let content = read_content(file, &metadata, config.max_value_bytes())?;
    let now = SystemTime::now();
    // A program that copies or moves files may keep an old time of modification, so the time to live
    // begins with the claim, or when a slow writer finished the file.
    let written_at = metadata
        .modified()
        .ok()
        .max(time_of_ordered_name(claim_name));
    let saved_at = content.time.or(written_at).unwrap_or(now).min(now);
    if content.trailing_bytes > 0 {
        report_overlapping_saves(key, content.trailing_bytes);
    }
    if content.has_expired(now) {
        static LOG: LimitedLog = LimitedLog::new(Level::INFO, "drop-ins had expired");
        LOG.log(|| format!("a drop-in of the key `{key}` has expired and triggers no event"));
        return Ok(None);
    }
    let ttl = content.ttl.unwrap_or(config.ttl());
    let time = journal.to_journal_time(saved_at);
    let document = entry::encode_drop_in_document(claim_name, key, content.value, ttl, time);
    Ok(Some(document))
}

/// The record is followed by the rest of a longer one.
fn report_overlapping_saves(key: &str, trailing_bytes: usize) {
    /// An app that saves one key from several processes may do so for as long as it runs, so each key is
    /// reported once. Only keys in `SSE_EVENTS` are added.
    static REPORTED_KEYS: Mutex<BTreeSet<String>> = Mutex::new(BTreeSet::new());
    if lock(&REPORTED_KEYS).insert(key.to_owned()) {
        tracing::warn!(
            "the record in a drop-in of the key `{key}` is followed by {trailing_bytes} bytes, which are \
             ignored: probably, two programs saved the key at the same moment, and the value of one \
             is lost (logged once per key); help: to lose no value, use `sse save`"
        );
    }
}

fn read_content(
    file: &mut File,
    metadata: &Metadata,
    max_value_bytes: usize,
) -> Result<DropInContent, ReadError> {
    let broken = |reason: String| Err(ReadError::Broken(reason));
    if metadata.nlink() > 1 {
        // It may be a private file, to which a user who cannot read it has created a link.
        return broken("the file has a second name (a hard link)".into());
    }
    if metadata.len()
        > MAX_PHP_BYTES_PER_JSON_BYTE * (max_value_bytes as u64) + MAX_RECORD_OVERHEAD_BYTES
    {
        return broken(format!(
            "it is much longer than the largest value, {max_value_bytes} bytes"
        ));
    }
    let bytes = match read_all(file) {
        Err(error) if is_temporary(&error) => return Err(ReadError::Temporary(error)),
        Err(error) => return broken(error.to_string()),
        Ok(bytes) => bytes,
    };
    let content = content::parse(&bytes).map_err(ReadError::Broken)?;
    if content.value.get().len() > max_value_bytes {
        return broken(format!("its value is longer than {max_value_bytes} bytes"));
    }
    Ok(content)
}

/// What is wrong with a drop-in that cannot be opened, and what to do.
pub(super) fn describe_open_error(error: &io::Error) -> String {
    if error.kind() != io::ErrorKind::PermissionDenied {
        return error.to_string();
    }
    format!(
        "{error}; help: run both programs as one user, or give them a common group (chgrp GROUP FOLDER; \
         chmod 2770 FOLDER) that may read the files; in CodeIgniter, 'mode' => 0640 of $file in \
         app/Config/Cache.php lets it"
    )
}
