//! Whether a journal can be used, before the app depends on it.

use std::io::Write;

use super::{cache_folder::CacheFolder, file_journal::FileJournal, open_folder::OpenFolder};
use crate::{
    config::Config,
    error::Error,
    event_id::{Cursor, EventId},
};

/// Checks the journal in the configured folder, if it exists. Creates and repairs no journal.
pub(crate) fn check_existing(config: &Config) -> Result<(), Error> {
    if !CacheFolder::exists(config)? {
        return Ok(());
    }
    let folder = CacheFolder::prepare(config)?;
    match FileJournal::open_existing(folder)? {
        Some(journal) => journal.check_usable(),
        None => Ok(()),
    }
}

/// Whether clients of the journal in the configured folder may be at this id, if they have received
/// everything; `None` if the folder has no usable journal.
pub(crate) fn may_be_at(config: &Config, id: EventId) -> Result<Option<bool>, Error> {
    if !CacheFolder::exists(config)? {
        return Ok(None);
    }
    let journal = FileJournal::open_existing(CacheFolder::prepare(config)?)?;
    let may_be_at = journal.map(|journal| {
        let epochs = journal.id.epochs();
        let newest = Cursor::before(journal.find_newest_number()? + 1).event_id(epochs);
        // Until the first save in an epoch, the newest entry is of a former one.
        Ok(id.epoch == epochs.current() || (id.epoch == newest.epoch && id <= newest))
    });
    may_be_at.transpose()
}

impl FileJournal {
    /// Fails if this process cannot read the journal, save, or ingest drop-ins. Changes nothing.
    pub(crate) fn check_usable(&self) -> Result<(), Error> {
        let _impersonation = self.cache_folder.impersonate_owner()?;
        self.find_newest_number()?;
        self.check_appendable()?;
        // Drop-ins are renamed from the cache folder to a folder in `claimed/`.
        self.check_writable(self.cache_folder.root())?;
        self.check_writable(&self.cache_folder.claimed_folder()?)
    }

    /// An append writes an unfinished file into the newest folder and raises its high-water mark.
    fn check_appendable(&self) -> Result<(), Error> {
        let Some(folder) = self.known_newest_folder() else {
            return Ok(());
        };
        self.check_writable(folder.as_open_folder())?;
        let mark = folder.open_high_water();
        mark.map_err(|error| Error::io("save", folder.path(), error))?;
        Ok(())
    }

    /// Writes a file and removes it: that also shows a read-only file system, a full one, and a quota.
    fn check_writable(&self, folder: &OpenFolder) -> Result<(), Error> {
        let permissions = self.cache_folder.permissions();
        let written = (permissions.create_unfinished_file(folder))
            .and_then(|(mut file, _unfinished)| file.write_all(b"\n"));
        written.map_err(|error| Error::io("write to a folder", folder.path(), error))
    }
}
