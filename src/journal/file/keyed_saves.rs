//! One save with an idempotency key at a time looks for the key and appends.

use std::{
    io, thread,
    time::{Duration, Instant},
};

use rustix::fs::FlockOperation;

use super::{
    file_journal::FileJournal,
    flock::{LockResult, try_lock},
    open_folder::OpenFolder,
};
use crate::{error::Error, journal::tokens::keyed_saves_are_slow, runtime::TimedGuard};

/// About as long as such a save takes.
const LOCK_RETRY_DELAY: Duration = Duration::from_millis(1);

/// While this exists, no other thread or process saves with an idempotency key.
pub(super) struct KeyedSaveLock<'a> {
    // Dropped first: the next thread finds the folder unlocked.
    _folder: OpenFolder,
    _own: TimedGuard<'a, ()>,
}

impl FileJournal {
    /// Waits until no other thread or process has the lock. The kernel releases it when a process ends.
    ///
    /// Without the lock, nothing may be appended: the entry could be there twice. So a process that was stopped in
    /// between holds up such saves of others, which fail at the deadline.
    pub(super) fn lock_keyed_saves(&self, deadline: Instant) -> Result<KeyedSaveLock<'_>, Error> {
        let own = self.keyed_save_lock.lock_until(deadline);
        let own = own.ok_or_else(|| keyed_saves_are_slow(self))?;
        let error_at = |error| Error::io("lock the journal", self.folder.path(), error);
        // A new descriptor: a lock belongs to one opening of a file.
        let folder = self.folder.open_folder(".").map_err(error_at)?;
        loop {
            match try_lock(&folder, FlockOperation::NonBlockingLockExclusive) {
                LockResult::Locked => {
                    return Ok(KeyedSaveLock {
                        _folder: folder,
                        _own: own,
                    });
                }
                LockResult::Busy if Instant::now() < deadline => thread::sleep(LOCK_RETRY_DELAY),
                LockResult::Busy => return Err(keyed_saves_are_slow(self)),
                LockResult::Unsupported => {
                    let error = error_at(io::ErrorKind::Unsupported.into());
                    return Err(error.with_help(
                        "save without an idempotency key, or set SSE_CACHE to a folder on a file system with locks \
                         (flock)",
                    ));
                }
            }
        }
    }
}
