//! Whether a key has a value for anybody. The index cannot tell: it knows the values of given audiences only.

use std::{collections::HashSet, time::SystemTime};

use crate::{
    audience::Recipients,
    entry::Entry,
    error::Error,
    journal::{BatchEnd, Journal},
};

/// Entries that are read together.
const BATCH_ENTRIES: u64 = 32;

/// Whether the key has a value for everyone or for any audience. Reads the journal backward until it finds one, or a
/// deletion of the key.
pub(super) fn has_any_value(journal: &dyn Journal, key: &str) -> Result<bool, Error> {
    let now = SystemTime::now();
    let mut search = Search::default();
    let mut next = journal.newest_number()? + 1;
    loop {
        let batch = journal.read_back(next, BATCH_ENTRIES)?;
        for entry in batch.entries {
            next -= 1;
            let found = match entry {
                Ok(entry) if entry.key() == key => search.examine(&entry, now),
                // It deletes the key's values, as in the index.
                Err(unreadable) if unreadable.key.as_deref() == Some(key) => Some(false),
                _ => None,
            };
            if let Some(has_value) = found {
                return Ok(has_value);
            }
        }
        if batch.end != BatchEnd::More {
            return Ok(false);
        }
    }
}

/// What the newer entries of the key have shown. The newest entry of a slot decides.
#[derive(Default)]
struct Search {
    has_public_entry: bool,
    audiences: HashSet<String>,
}

impl Search {
    /// Whether the key has a value; `None` if older entries decide.
    fn examine(&mut self, entry: &Entry, now: SystemTime) -> Option<bool> {
        let is_newest = match entry.recipients() {
            _ if entry.revoked_audience().is_some() => return None,
            Recipients::Everyone if entry.is_tombstone() => return Some(false),
            Recipients::Everyone => !std::mem::replace(&mut self.has_public_entry, true),
            Recipients::HoldersOf(names) => {
                let former_count = self.audiences.len();
                self.audiences.extend(names.iter().cloned());
                self.audiences.len() > former_count
            }
        };
        let is_live = entry.expires_at(now).is_none_or(|end| now <= end);
        (is_newest && is_live && entry.has_value()).then_some(true)
    }
}
