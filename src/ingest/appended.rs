//! Finds the drop-ins that are already in the journal, after a server was killed or an append failed.

use std::collections::HashSet;

use crate::{
    entry,
    error::Error,
    journal::{Journal, StoredEntry},
};

/// Those of the names whose entries are in the journal with a higher number than `after`.
pub(super) fn find(
    journal: &dyn Journal,
    after: u64,
    names: &HashSet<String>,
) -> Result<HashSet<String>, Error> {
    let mut found = HashSet::new();
    let mut number = after + 1;
    while found.len() < names.len() {
        match journal.read(number)? {
            StoredEntry::Entry(bytes) => {
                found.extend(entry::drop_in_name(&bytes).filter(|name| names.contains(name)));
            }
            StoredEntry::Unreadable(_) => {}
            StoredEntry::Swept { oldest } => {
                number = oldest.max(number + 1);
                continue;
            }
            StoredEntry::NotYet => break,
        }
        number += 1;
    }
    Ok(found)
}
