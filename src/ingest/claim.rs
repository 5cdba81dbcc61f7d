//! One drop-in on its way from its writer into the journal.

use std::{fs::File, io, path::PathBuf, time::Duration};

use super::{
    document::{self, ReadError},
    ready,
    watch::DropInWatch,
    writers::WriterCheck,
};
use crate::{
    config::Config,
    error::{Error, one_line},
    journal::file::{
        CacheFolder, FileJournal, OpenFolder, discard, is_temporary, remove_tree, time_ordered_name,
    },
};

/// The time between two checks of a drop-in that still has a writer. It begins short, because most
/// writers close their file at once, and doubles, so that a slow one costs little.
const MIN_CHECK_DELAY: Duration = Duration::from_millis(5);
const MAX_CHECK_DELAY: Duration = Duration::from_millis(200);

/// A drop-in in `claimed/NAME/KEY`.
pub(super) struct Claim {
    /// Names sort in the order in which the claims were made, so recovery keeps that order.
    name: String,
    key: String,
    writers: WriterCheck,
    check_delay: Duration,
}

pub(super) enum ClaimState {
    /// The drop-in is in the journal, or was set aside.
    Finished,
    /// A program may still be writing it.
    HasWriter,
}

impl Claim {
    /// Takes the file away from its writer; `None` if another process was faster.
    pub(super) fn take(
        key: &str,
        folder: &CacheFolder,
        claimed: &OpenFolder,
        watch: &mut DropInWatch,
    ) -> Result<Option<Self>, Error> {
        let cannot = |error| Error::io("ingest the drop-in", &folder.root().path_of(key), error);
        let name = time_ordered_name().map_err(cannot)?;
        let permissions = folder.permissions();
        let claim_folder = permissions.create_folder(claimed, &name).map_err(cannot)?;
        // Before the rename, so that no close of a writer is missed.
        watch.add_claim(&name, &claim_folder);
        match folder.root().rename(key, &claim_folder, key) {
            Ok(()) => {
                // The writer may have closed the file before the rename, and that notification may
                // still be pending.
                watch.read();
                let was_closed = watch.take_closed(key);
                Ok(Some(Self::new(name, key.to_owned(), was_closed)))
            }
            Err(error) => {
                let _ = claimed.remove_folder(&name);
                match error.kind() {
                    io::ErrorKind::NotFound => Ok(None),
                    _ => Err(cannot(error)),
                }
            }
        }
    }

    /// A claim of a process that was killed.
    pub(super) fn recovered(
        name: String,
        key: String,
        folder: &OpenFolder,
        watch: &mut DropInWatch,
    ) -> Self {
        watch.add_claim(&name, folder);
        Self::new(name, key, false)
    }

    fn new(name: String, key: String, was_closed: bool) -> Self {
        Self {
            name,
            key,
            writers: WriterCheck::new(was_closed),
            check_delay: MIN_CHECK_DELAY,
        }
    }

    pub(super) fn key(&self) -> &str {
        &self.key
    }

    pub(super) fn check_delay(&self) -> Duration {
        self.check_delay
    }

    /// Appends the drop-in to the journal if its writer has closed it.
    pub(super) fn try_finish(
        &mut self,
        journal: &FileJournal,
        claimed: &OpenFolder,
        config: &Config,
        watch: &mut DropInWatch,
    ) -> Result<ClaimState, Error> {
        self.check_delay = (self.check_delay * 2).min(MAX_CHECK_DELAY);
        let folder = journal.cache_folder();
        let opened = claimed.open_folder(&self.name);
        let mut file = match opened.and_then(|claim| claim.open_file(&self.key)) {
            Ok(file) => file,
            // Another program has cleared the cache.
            Err(error) if error.kind() == io::ErrorKind::NotFound => {
                return self.finish(folder, claimed);
            }
            Err(error) if is_temporary(&error) => return Err(self.cannot_read(claimed, error)),
            Err(error) => return self.set_aside(folder, claimed, &error.to_string()),
        };
        if watch.take_closed(&self.name) {
            self.writers.writer_closed();
        }
        if !self.writers.has_no_writer(&file, config.poll_interval()) {
            return Ok(ClaimState::HasWriter);
        }
        self.ingest(&mut file, journal, claimed, config)
    }

    fn ingest(
        &self,
        file: &mut File,
        journal: &FileJournal,
        claimed: &OpenFolder,
        config: &Config,
    ) -> Result<ClaimState, Error> {
        let folder = journal.cache_folder();
        match document::read(file, &self.name, &self.key, config) {
            Err(ReadError::Temporary(error)) => Err(self.cannot_read(claimed, error)),
            Err(ReadError::Broken(why)) => self.set_aside(folder, claimed, &why),
            Ok(None) => self.finish(folder, claimed),
            Ok(Some(document)) => {
                let ready = folder.ready()?;
                ready::write(folder, &ready, &self.name, &document)?;
                remove_claim(&self.name, folder, claimed)?;
                ready::append(&self.name, &document, &ready, journal)?;
                Ok(ClaimState::Finished)
            }
        }
    }

    fn finish(&self, folder: &CacheFolder, claimed: &OpenFolder) -> Result<ClaimState, Error> {
        remove_claim(&self.name, folder, claimed)?;
        Ok(ClaimState::Finished)
    }

    fn path(&self, claimed: &OpenFolder) -> PathBuf {
        claimed.path_of(&self.name).join(&self.key)
    }

    fn cannot_read(&self, claimed: &OpenFolder, error: io::Error) -> Error {
        Error::io("read the drop-in", &self.path(claimed), error)
    }

    /// Keeps the last broken drop-in of each key for its owner to read.
    fn set_aside(
        &self,
        folder: &CacheFolder,
        claimed: &OpenFolder,
        why: &str,
    ) -> Result<ClaimState, Error> {
        let cannot = |error| Error::io("set the drop-in aside", &self.path(claimed), error);
        let broken = folder.broken()?;
        let claim = claimed.open_folder(&self.name).map_err(cannot)?;
        if claim.rename(&self.key, &broken, &self.key).is_err() {
            // A folder has the name: a rename does not replace folders.
            discard(&broken, &self.key, &folder.trash()?).map_err(cannot)?;
            claim
                .rename(&self.key, &broken, &self.key)
                .map_err(cannot)?;
        }
        log::error!(
            "the drop-in `{}` is skipped and kept as {}: {}",
            one_line(&self.key),
            one_line(&broken.path_of(&self.key).to_string_lossy()),
            one_line(why)
        );
        self.finish(folder, claimed)
    }
}

/// Removes what is left of a claim.
pub(super) fn remove_claim(
    name: &str,
    folder: &CacheFolder,
    claimed: &OpenFolder,
) -> Result<(), Error> {
    remove_tree(claimed, name, &folder.trash()?)
}
