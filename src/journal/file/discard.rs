//! Discards a damaged journal, so that every process opens a new one.

use std::io;

use super::{
    cache_folder::CacheFolder,
    open_folder::{OpenFolder, is_not_a_folder},
    trash,
};

/// The journal's name in `.sse/`, which ends with the version of its format. When a version changes
/// the format, it leaves a file under the name of the former journal. Programs that expect a folder
/// there then refuse the cache, instead of creating a second journal beside the new one.
pub(super) const JOURNAL_NAME: &str = "journal-2";

/// Moves the journal into the trash if its name still belongs to the folder that was found damaged.
/// `None` means that the name did not belong to a folder.
pub(super) fn discard_journal(
    cache_folder: &CacheFolder,
    found_damaged: Option<&OpenFolder>,
) -> io::Result<()> {
    let trash_folder = cache_folder
        .trash_folder()
        .map_err(|error| io::Error::other(error.to_string()))?;
    let _lock = cache_folder.lock_for_repair()?;
    let sse_folder = cache_folder.sse_folder();
    let opened = sse_folder.open_folder(JOURNAL_NAME);
    match found_damaged {
        // If an intact journal was discarded instead, its clients receive `sse.gap`.
        Some(found_damaged) if found_damaged.is_at(sse_folder, JOURNAL_NAME)? => {
            trash::discard_if(found_damaged, sse_folder, JOURNAL_NAME, &trash_folder).map(drop)
        }
        None if opened.is_err_and(|error| is_not_a_folder(&error)) => {
            trash::discard(sse_folder, JOURNAL_NAME, &trash_folder)
        }
        // Another process has discarded it since it was found damaged.
        _ => Ok(()),
    }
}
