//! Finishes the drop-ins of a process that was killed.

use std::collections::HashSet;

use super::{
    claim::{ClaimedDropIn, remove_claim},
    drop_in_watcher::DropInWatcher,
    ready,
};
use crate::{
    entry,
    error::{Error, one_line},
    journal::{
        Journal, StoredEntry,
        file::{FileJournal, OpenFolder, discard, is_temporary, read_all},
    },
    key,
};

/// A file in `ready/`.
struct ReadyEntry {
    name: String,
    document: Vec<u8>,
}

/// The drop-ins that the killed process claimed, oldest first. Folders without a drop-in are removed.
pub(super) fn recover_claims(
    claimed_folder: &OpenFolder,
    watcher: &mut DropInWatcher,
) -> Result<Vec<ClaimedDropIn>, Error> {
    let mut claims = Vec::new();
    for name in visible_names(claimed_folder)? {
        // Links and devices of other programs are ignored.
        let Ok(folder) = claimed_folder.open_folder(&name) else {
            continue;
        };
        match visible_names(&folder)?.pop() {
            Some(key) if key::rule_violation(&key).is_none() => {
                claims.push(ClaimedDropIn::recovered(name, key, &folder, watcher));
            }
            // Fails if the folder contains files of other programs, which stay.
            _ => drop(claimed_folder.remove_folder(&name)),
        }
    }
    Ok(claims)
}

/// Appends the ready entries that are not in the journal yet. `report` is called with the name of each
/// that cannot be ingested, and its error.
pub(super) fn append_ready(
    journal: &FileJournal,
    claimed_folder: &OpenFolder,
    mut report: impl FnMut(&str, &Error),
) -> Result<(), Error> {
    let cache_folder = journal.cache_folder();
    let ready_folder = cache_folder.ready_folder()?;
    let entries = read_ready(&ready_folder)?;
    let appended = appended_names(journal, &entries)?;
    for ReadyEntry { name, document } in entries {
        if let Err(error) = remove_claim(&name, cache_folder, claimed_folder) {
            // For example, it belongs to another user, who has removed the permission. The others are
            // ingested.
            report(&name, &error);
            continue;
        }
        if appended.contains(&name) {
            ready::remove(&name, &ready_folder)?;
        } else if entry::drop_in_name(&document).as_ref() == Some(&name) {
            ready::append(&name, &document, &ready_folder, journal)?;
        } else {
            log::error!(
                "the drop-in `{}` is skipped: it is damaged",
                one_line(&name)
            );
            discard(&ready_folder, &name, &cache_folder.trash_folder()?).map_err(|error| {
                Error::io(
                    "remove the damaged drop-in",
                    &ready_folder.path_of(&name),
                    error,
                )
            })?;
        }
    }
    Ok(())
}

fn read_ready(ready_folder: &OpenFolder) -> Result<Vec<ReadyEntry>, Error> {
    let mut entries = Vec::new();
    for name in visible_names(ready_folder)? {
        let document = ready_folder
            .open_file(&name)
            .and_then(|mut file| read_all(&mut file));
        match document {
            Ok(document) => entries.push(ReadyEntry { name, document }),
            Err(error) if is_temporary(&error) => {
                return Err(Error::io(
                    "read the drop-in",
                    &ready_folder.path_of(&name),
                    error,
                ));
            }
            // A link or a device is not an entry.
            Err(_) => {}
        }
    }
    Ok(entries)
}

/// The names of those entries that are in the journal. A server that is killed right after the append
/// leaves the ready file.
fn appended_names(journal: &FileJournal, entries: &[ReadyEntry]) -> Result<HashSet<String>, Error> {
    let mut appended = HashSet::new();
    let mut number = journal.newest_number()?;
    while number > 0 && appended.len() < entries.len() {
        match journal.read(number)? {
            StoredEntry::Entry(bytes) => {
                let name = entry::drop_in_name(&bytes);
                appended
                    .extend(name.filter(|name| entries.iter().any(|entry| entry.name == *name)));
            }
            StoredEntry::Swept { .. } => break,
            StoredEntry::NotYet | StoredEntry::Unreadable(_) => {}
        }
        number -= 1;
    }
    Ok(appended)
}

/// The names in a folder that do not start with a dot, in ascending order.
pub(super) fn visible_names(folder: &OpenFolder) -> Result<Vec<String>, Error> {
    let mut names = folder
        .names()
        .map_err(|error| Error::io("find drop-ins", folder.path(), error))?;
    names.retain(|name| !name.starts_with('.'));
    names.sort_unstable();
    Ok(names)
}
