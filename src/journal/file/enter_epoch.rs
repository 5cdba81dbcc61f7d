//! Continues a journal's epoch, or starts the next one, when a process opens the journal.
//!
//! A crash of the machine may lose the last saves, and their numbers are assigned again. So the first process
//! that opens the journal after a restart of the machine starts a new epoch, before it reads or saves
//! anything (docs/architecture.md, "Epochs"). A copy of the journal, such as a restored backup, also gets a
//! new epoch, because it gets other entries than its original.

use std::io;

use rustix::fs::FlockOperation;

use super::{
    file_journal::FileJournal,
    flock::{LockResult, lock_within_a_second, try_lock},
    id::IdFile,
};
use crate::error::Error;

impl FileJournal {
    /// Call it before anything else is done with the journal. Afterwards, check that its id is still in
    /// place: another process may have started an epoch meanwhile.
    pub(super) fn enter_epoch(&mut self) -> Result<(), Error> {
        let error_at = |error| Error::io("use the journal", self.folder.path(), error);
        if !self.id.is_of_this_boot() {
            // One process at a time decides. So whoever holds the shared lock has entered the epoch.
            let _lock = self.cache_folder.lock_for_repair().map_err(error_at)?;
            self.id = IdFile::open(&self.folder).map_err(|error| error_at(error.into()))?;
            if !self.id.is_of_this_boot() && !self.is_open_elsewhere() {
                return self.start_epoch();
            }
        }
        // Without the lock, another process may start an epoch although this one is at work. This one then
        // finds that its id is no longer in place, and opens the journal again.
        let _ = lock_within_a_second(&self.id, FlockOperation::NonBlockingLockShared);
        Ok(())
    }

    /// Whether another process has entered the journal's epoch.
    fn is_open_elsewhere(&self) -> bool {
        let exclusive = try_lock(&self.id, FlockOperation::NonBlockingLockExclusive);
        // A process that holds the exclusive lock for so long was stopped here, and has not entered.
        let shared = FlockOperation::NonBlockingLockShared;
        exclusive == LockResult::Busy && try_lock(&self.id, shared) == LockResult::Locked
    }

    fn start_epoch(&mut self) -> Result<(), Error> {
        let newest = self.find_newest_number()?;
        let error_at =
            |error| Error::io("start an epoch of the journal", self.folder.path(), error);
        let permissions = self.cache_folder.permissions();
        match self.id.start_epoch(permissions, &self.folder, newest) {
            Ok(()) => {
                let _ = lock_within_a_second(&self.id, FlockOperation::NonBlockingLockShared);
                Ok(())
            }
            // A user who may not write here cannot save either. Others must neither wait for it nor believe
            // that an epoch has started.
            Err(error) if is_not_permitted(&error) => {
                let _ = try_lock(&self.id, FlockOperation::NonBlockingUnlock);
                Ok(())
            }
            Err(error) => Err(error_at(error)),
        }
    }
}

fn is_not_permitted(error: &io::Error) -> bool {
    matches!(
        error.kind(),
        io::ErrorKind::PermissionDenied | io::ErrorKind::ReadOnlyFilesystem
    )
}
