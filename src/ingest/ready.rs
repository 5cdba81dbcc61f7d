//! Complete entries in `.sse/ready/` that are on their way into the journal.

use std::io::{self, Write};

use crate::{
    error::Error,
    journal::{
        Journal,
        file::{CacheFolder, FileJournal, OpenFolder},
    },
};

pub(super) fn write(
    cache_folder: &CacheFolder,
    ready_folder: &OpenFolder,
    name: &str,
    document: &[u8],
) -> Result<(), Error> {
    let permissions = cache_folder.permissions();
    let written =
        permissions
            .create_unfinished_file(ready_folder)
            .and_then(|(mut file, unfinished)| {
                file.write_all(document)?;
                unfinished.replace(name)
            });
    written.map_err(|error| Error::io("ingest the drop-in", &ready_folder.path_of(name), error))
}

/// Appends a ready entry to the journal. If the server is killed before it removes the ready file, the
/// next server finds the file's name in the entry.
pub(super) fn append(
    name: &str,
    document: &[u8],
    ready_folder: &OpenFolder,
    journal: &FileJournal,
) -> Result<(), Error> {
    journal.append(document)?;
    // If the journal was replaced meanwhile, the entry may be in the old one. The ready file then
    // stays, and is appended to the new journal.
    if journal.is_in_place() {
        remove(name, ready_folder)?;
    }
    Ok(())
}

pub(super) fn remove(name: &str, ready_folder: &OpenFolder) -> Result<(), Error> {
    match ready_folder.remove_file(name) {
        Err(error) if error.kind() != io::ErrorKind::NotFound => Err(Error::io(
            "ingest the drop-in",
            &ready_folder.path_of(name),
            error,
        )),
        _ => Ok(()),
    }
}
