//! `claimed/KEY`: the folder of one key's claimed drop-ins. The server that ingests them locks it.
//!
//! The folder exists only while drop-ins are in it, and the lock belongs to the folder that is held
//! open, not to its path. Whoever finds drop-ins in a folder has its lock, so if a folder is removed or
//! replaced, no other server has the drop-ins that the holder of the lock knows.

use std::io;

use rustix::{fs::FlockOperation, io::Errno};

use crate::{
    error::Error,
    journal::file::{CacheFolder, OpenFolder},
};

/// In each attempt, another server removes the folder in the moment between its creation and its lock.
/// If that happens ten times in a row, the key is left to the other servers until the next poll.
const MAX_LOCK_ATTEMPTS: u32 = 10;

/// Opens and locks the folder of a key, and creates it if it is missing. `None`: another server has
/// locked it.
pub(super) fn lock(
    cache_folder: &CacheFolder,
    claimed_folder: &OpenFolder,
    key: &str,
) -> Result<Option<OpenFolder>, Error> {
    let error_at = |error| Error::io("lock the drop-ins", &claimed_folder.path_of(key), error);
    for _ in 0..MAX_LOCK_ATTEMPTS {
        let folder = match cache_folder.open_or_create_folder(claimed_folder, key) {
            Err(error) if error.is_not_found() => continue,
            opened => opened?,
        };
        match rustix::fs::flock(&folder, FlockOperation::NonBlockingLockExclusive) {
            Ok(()) => {}
            Err(Errno::WOULDBLOCK) => return Ok(None),
            Err(error) => return Err(error_at(error.into())),
        }
        // Its former holder may have removed it before it released the lock.
        if folder.is_at(claimed_folder, key).map_err(error_at)? {
            return Ok(Some(folder));
        }
    }
    Ok(None)
}

/// Removes the folder if nothing is left in it, and releases the lock.
pub(super) fn release(folder: OpenFolder, claimed_folder: &OpenFolder, key: &str) {
    // Before the lock is released, so that no other server uses the folder. Fails if other programs
    // have put files there, which stay.
    let _: io::Result<()> = claimed_folder.remove_folder(key);
    drop(folder);
}
