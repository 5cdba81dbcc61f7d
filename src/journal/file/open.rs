//! Opens a cache folder's journal, and creates it if it does not exist.

use std::{io, sync::Arc, thread, time::Duration};

use tracing::Level;

use super::{
    cache_folder::CacheFolder,
    discard::{JOURNAL_NAME, discard_journal},
    entry_folder::EntryFolder,
    file_journal::FileJournal,
    find::{folder_numbers, open_first},
    id::{IdFile, JOURNAL_FORMAT_VERSION, OpenError},
    layout::{Layout, folder_name},
    open_folder::{OpenFolder, is_not_a_folder, read_all},
};
use crate::{
    error::{Error, ErrorKind, Location},
    runtime::LimitedLog,
};

/// The first line of the file by which a version with a later format takes the place of this journal.
const REPLACEMENT_FIRST_LINE: &str = "This cache is used by a newer version of actix-web-sse.";

/// A tenth of a second in all, with [`OPEN_RETRY_DELAY`]. Each attempt after the first means that
/// another process created or removed the journal meanwhile.
const MAX_OPEN_ATTEMPTS: u32 = 20;

/// About as long as another process takes to create or discard a journal.
const OPEN_RETRY_DELAY: Duration = Duration::from_millis(5);

impl FileJournal {
    /// Opens the folder's journal. If it is missing or damaged, a new one is created.
    pub(crate) fn open(cache_folder: &Arc<CacheFolder>) -> Result<Self, Error> {
        let _impersonation = cache_folder.impersonate_owner()?;
        let mut last_error = io::Error::from(io::ErrorKind::NotFound);
        for attempt in 0..MAX_OPEN_ATTEMPTS {
            if attempt > 0 {
                thread::sleep(OPEN_RETRY_DELAY);
            }
            let repaired = match open_existing(cache_folder) {
                Ok((folder, id)) => {
                    let mut journal = Self::new(Arc::clone(cache_folder), folder, id);
                    let entered = journal.enter_epoch();
                    // Only proof that it was replaced, or that another process has started an epoch, is a
                    // reason to open it again.
                    if journal.id.is_in_place().unwrap_or(true) {
                        return entered.map(|()| journal);
                    }
                    continue;
                }
                Err(OpenError::Missing) => create(cache_folder),
                Err(OpenError::Damaged(found_damaged)) => {
                    discard_damaged(cache_folder, found_damaged.as_ref())
                }
                Err(OpenError::Newer) => return Err(newer_version_error(cache_folder)),
                Err(OpenError::Io(error)) => return Err(open_error(cache_folder, error)),
            };
            let Err(error) = repaired else { continue };
            // Another process may be doing the same. But if it has removed `.sse/`, the caller must
            // create that first.
            let is_race = matches!(
                error.kind(),
                io::ErrorKind::NotFound | io::ErrorKind::AlreadyExists
            );
            if !is_race || cache_folder.sse_folder().is_removed() {
                return Err(open_error(cache_folder, error));
            }
            last_error = error;
        }
        Err(open_error(cache_folder, last_error))
    }

    /// Opens the folder's journal; `None` if it is missing or damaged.
    pub(super) fn open_existing(cache_folder: CacheFolder) -> Result<Option<Self>, Error> {
        let _impersonation = cache_folder.impersonate_owner()?;
        match open_existing(&cache_folder) {
            Ok((journal, id)) => Ok(Some(Self::new(Arc::new(cache_folder), journal, id))),
            Err(OpenError::Missing | OpenError::Damaged(_)) => Ok(None),
            Err(OpenError::Newer) => Err(newer_version_error(&cache_folder)),
            Err(OpenError::Io(error)) => Err(open_error(&cache_folder, error)),
        }
    }
}

fn open_existing(cache_folder: &CacheFolder) -> Result<(OpenFolder, IdFile), OpenError> {
    let journal = match cache_folder.sse_folder().open_folder(JOURNAL_NAME) {
        Ok(journal) => journal,
        Err(error) if error.kind() == io::ErrorKind::NotFound => return Err(OpenError::Missing),
        Err(error) if is_not_a_folder(&error) && is_claimed_by_newer_version(cache_folder) => {
            return Err(OpenError::Newer);
        }
        Err(error) if is_not_a_folder(&error) => return Err(OpenError::Damaged(None)),
        Err(error) => return Err(OpenError::Io(error)),
    };
    let id = IdFile::open(&journal).and_then(|id| {
        let is_usable = has_entry_folder(&journal).map_err(OpenError::Io)?;
        is_usable.then_some(id).ok_or(OpenError::Damaged(None))
    });
    match id {
        Ok(id) => Ok((journal, id)),
        Err(OpenError::Damaged(_)) => Err(OpenError::Damaged(Some(journal))),
        Err(error) => Err(error),
    }
}

/// The next folder of entries is created in the newest one, so a journal needs at least one.
fn has_entry_folder(journal: &OpenFolder) -> io::Result<bool> {
    Ok(open_first(journal, Layout::default(), folder_numbers)?.is_some())
}

/// Whether a newer version has put its file in the journal's place.
fn is_claimed_by_newer_version(cache_folder: &CacheFolder) -> bool {
    let file = cache_folder.sse_folder().open_file(JOURNAL_NAME);
    file.and_then(|mut file| read_all(&mut file))
        .is_ok_and(|text| text.starts_with(REPLACEMENT_FIRST_LINE.as_bytes()))
}

/// Creates a journal under another name and renames it, so that no process sees half of one. If
/// several processes do so at once, one of them succeeds.
fn create(cache_folder: &CacheFolder) -> io::Result<()> {
    let permissions = cache_folder.permissions();
    let (journal, unfinished) = permissions.create_unfinished_folder(cache_folder.sse_folder())?;
    IdFile::create(permissions, &journal)?;
    let first_folder = permissions.create_folder(&journal, &folder_name(0))?;
    // The number 0 is never assigned, so it counts as taken.
    EntryFolder::create_high_water(permissions, &first_folder, b"\n")?;
    unfinished.rename_new(cache_folder.sse_folder(), JOURNAL_NAME)
}

fn discard_damaged(
    cache_folder: &CacheFolder,
    found_damaged: Option<&OpenFolder>,
) -> io::Result<()> {
    // Another program may damage each new one at once.
    static LOG: LimitedLog = LimitedLog::new(Level::WARN, "damaged journals were replaced");
    let path = cache_folder.sse_folder().path_of(JOURNAL_NAME);
    LOG.log(|| {
        format!(
            "{}: this journal is damaged and is replaced by a new one; clients receive sse.gap",
            path.display()
        )
    });
    discard_journal(cache_folder, found_damaged)
}

fn open_error(cache_folder: &CacheFolder, error: io::Error) -> Error {
    let path = cache_folder.sse_folder().path_of(JOURNAL_NAME);
    let error = Error::io("open the journal", &path, error);
    if error.help().is_some() {
        return error;
    }
    error.with_help(format!(
        "stop all programs that use `{}`, then remove it; the values saved there will be lost",
        path.display()
    ))
}

fn newer_version_error(cache_folder: &CacheFolder) -> Error {
    Error::new(
        ErrorKind::Cache,
        format!(
            "a newer version of actix-web-sse uses this cache folder; this version reads only \
             format {JOURNAL_FORMAT_VERSION}"
        ),
    )
    .with_location(Location::file(
        cache_folder.sse_folder().path_of(JOURNAL_NAME),
    ))
    .with_help(
        "update the library (a newer version in Cargo.toml, then `cargo update`) or the `sse` \
         command, or set SSE_CACHE to another folder",
    )
}

#[cfg(test)]
mod tests;
