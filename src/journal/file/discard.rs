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

/// Moves the journal into the trash if its name still belongs to `judged`. `None` means that the
/// name did not belong to a folder.
pub(super) fn discard_journal(folder: &CacheFolder, judged: Option<&OpenFolder>) -> io::Result<()> {
    let trash = folder
        .trash()
        .map_err(|error| io::Error::other(error.to_string()))?;
    let _lock = folder.lock_for_repair()?;
    let sse_folder = folder.sse_folder();
    // Another process may have discarded it since it was judged.
    let is_still_in_place = match judged {
        Some(judged) => judged.is_at(sse_folder, JOURNAL_NAME)?,
        None => sse_folder
            .open_folder(JOURNAL_NAME)
            .is_err_and(|error| is_not_a_folder(&error)),
    };
    if !is_still_in_place {
        return Ok(());
    }
    match judged {
        // If a sound journal was discarded instead, its clients receive `sse.gap`.
        Some(judged) => trash::discard_if(judged, sse_folder, JOURNAL_NAME, &trash).map(drop),
        None => trash::discard(sse_folder, JOURNAL_NAME, &trash),
    }
}
