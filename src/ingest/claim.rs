//! One drop-in on its way from its writer into the journal.

use std::{fs::File, io, path::PathBuf, time::Duration};

use super::{
    drop_in_file::{self, ReadError},
    drop_in_watcher::DropInWatcher,
    ready,
    writers::WriterCheck,
};
use crate::{
    config::Config,
    error::{Error, one_line},
    journal::file::{
        CacheFolder, FileJournal, OpenFolder, discard, is_temporary, remove_tree, time_ordered_name,
    },
};

/// The delay that a drop-in starts with. Each check doubles it before it is used, so a drop-in that
/// still has a writer is checked after 10 ms, then after 20 ms: soon, because most writers close
/// their file at once. A drop-in that waits behind another of its key is not checked and keeps this
/// delay, so meanwhile the thread wakes, and checks the other one, 200 times a second.
const MIN_WRITER_CHECK_DELAY: Duration = Duration::from_millis(5);

/// The longest delay between two checks. Five checks a second cost little, and if no file notification
/// reports that the writer has closed the file, the value is at most this late.
const MAX_WRITER_CHECK_DELAY: Duration = Duration::from_millis(200);

/// A drop-in in `claimed/NAME/KEY`.
pub(super) struct ClaimedDropIn {
    /// Names sort in the order in which the drop-ins were claimed, so recovery keeps that order.
    name: String,
    key: String,
    writer_check: WriterCheck,
    check_delay: Duration,
}

pub(super) enum ClaimState {
    /// The drop-in is in the journal, or was set aside.
    Finished,
    /// A program may still be writing it.
    HasWriter,
}

impl ClaimedDropIn {
    /// Takes the file away from its writer; `None` if another process was faster.
    pub(super) fn take(
        key: &str,
        cache_folder: &CacheFolder,
        claimed_folder: &OpenFolder,
        watcher: &mut DropInWatcher,
    ) -> Result<Option<Self>, Error> {
        let error_at = |error| {
            Error::io(
                "ingest the drop-in",
                &cache_folder.root().path_of(key),
                error,
            )
        };
        let name = time_ordered_name().map_err(error_at)?;
        let permissions = cache_folder.permissions();
        let claim_folder = permissions
            .create_folder(claimed_folder, &name)
            .map_err(error_at)?;
        // Before the rename, so that no close of a writer is missed.
        watcher.add_claim(&name, &claim_folder);
        match cache_folder.root().rename(key, &claim_folder, key) {
            Ok(()) => {
                // The writer may have closed the file before the rename, and that notification may
                // still be pending.
                watcher.read();
                let was_closed = watcher.take_closed(key);
                Ok(Some(Self::new(name, key.to_owned(), was_closed)))
            }
            Err(error) => {
                let _ = claimed_folder.remove_folder(&name);
                match error.kind() {
                    io::ErrorKind::NotFound => Ok(None),
                    _ => Err(error_at(error)),
                }
            }
        }
    }

    /// A drop-in that a process claimed that was then killed.
    pub(super) fn recovered(
        name: String,
        key: String,
        folder: &OpenFolder,
        watcher: &mut DropInWatcher,
    ) -> Self {
        watcher.add_claim(&name, folder);
        Self::new(name, key, false)
    }

    fn new(name: String, key: String, was_closed: bool) -> Self {
        Self {
            name,
            key,
            writer_check: WriterCheck::new(was_closed),
            check_delay: MIN_WRITER_CHECK_DELAY,
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
        claimed_folder: &OpenFolder,
        config: &Config,
        watcher: &mut DropInWatcher,
    ) -> Result<ClaimState, Error> {
        self.check_delay = (self.check_delay * 2).min(MAX_WRITER_CHECK_DELAY);
        let cache_folder = journal.cache_folder();
        let opened = claimed_folder.open_folder(&self.name);
        let mut file = match opened.and_then(|claim_folder| claim_folder.open_file(&self.key)) {
            Ok(file) => file,
            // Another program has cleared the cache.
            Err(error) if error.kind() == io::ErrorKind::NotFound => {
                return self.finish(cache_folder, claimed_folder);
            }
            Err(error) if is_temporary(&error) => {
                return Err(self.read_error(claimed_folder, error));
            }
            Err(error) => {
                let reason = drop_in_file::describe_open_error(&error);
                return self.set_aside(cache_folder, claimed_folder, &reason);
            }
        };
        if watcher.take_closed(&self.name) {
            self.writer_check.writer_closed();
        }
        if !self
            .writer_check
            .has_no_writer(&file, config.poll_interval())
        {
            return Ok(ClaimState::HasWriter);
        }
        self.ingest(&mut file, journal, claimed_folder, config)
    }

    fn ingest(
        &self,
        file: &mut File,
        journal: &FileJournal,
        claimed_folder: &OpenFolder,
        config: &Config,
    ) -> Result<ClaimState, Error> {
        let cache_folder = journal.cache_folder();
        match drop_in_file::read(file, &self.name, &self.key, config) {
            Err(ReadError::Temporary(error)) => Err(self.read_error(claimed_folder, error)),
            Err(ReadError::Broken(reason)) => self.set_aside(cache_folder, claimed_folder, &reason),
            Ok(None) => self.finish(cache_folder, claimed_folder),
            Ok(Some(document)) => {
                let ready_folder = cache_folder.ready_folder()?;
                ready::write(cache_folder, &ready_folder, &self.name, &document)?;
                remove_claim(&self.name, cache_folder, claimed_folder)?;
                ready::append(&self.name, &document, &ready_folder, journal)?;
                Ok(ClaimState::Finished)
            }
        }
    }

    fn finish(
        &self,
        cache_folder: &CacheFolder,
        claimed_folder: &OpenFolder,
    ) -> Result<ClaimState, Error> {
        remove_claim(&self.name, cache_folder, claimed_folder)?;
        Ok(ClaimState::Finished)
    }

    fn path(&self, claimed_folder: &OpenFolder) -> PathBuf {
        claimed_folder.path_of(&self.name).join(&self.key)
    }

    fn read_error(&self, claimed_folder: &OpenFolder, error: io::Error) -> Error {
        Error::io("read the drop-in", &self.path(claimed_folder), error)
    }

    /// Keeps the last broken drop-in of each key for its owner to read.
    fn set_aside(
        &self,
        cache_folder: &CacheFolder,
        claimed_folder: &OpenFolder,
        reason: &str,
    ) -> Result<ClaimState, Error> {
        let error_at =
            |error| Error::io("set the drop-in aside", &self.path(claimed_folder), error);
        let broken_folder = cache_folder.broken_folder()?;
        let claim_folder = claimed_folder.open_folder(&self.name).map_err(error_at)?;
        if claim_folder
            .rename(&self.key, &broken_folder, &self.key)
            .is_err()
        {
            // A folder has the name: a rename does not replace folders.
            discard(&broken_folder, &self.key, &cache_folder.trash_folder()?).map_err(error_at)?;
            claim_folder
                .rename(&self.key, &broken_folder, &self.key)
                .map_err(error_at)?;
        }
        log::error!(
            "the drop-in `{}` is skipped and kept as {}: {}",
            one_line(&self.key),
            one_line(&broken_folder.path_of(&self.key).to_string_lossy()),
            one_line(reason)
        );
        self.finish(cache_folder, claimed_folder)
    }
}

/// Removes what is left of a claimed drop-in.
pub(super) fn remove_claim(
    name: &str,
    cache_folder: &CacheFolder,
    claimed_folder: &OpenFolder,
) -> Result<(), Error> {
    remove_tree(claimed_folder, name, &cache_folder.trash_folder()?)
}
