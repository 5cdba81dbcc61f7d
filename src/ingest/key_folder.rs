//! `claimed/KEY`: the folder of one key's claimed drop-ins. The server that ingests them locks it.
//!
//! The folder exists only while drop-ins are in it, and the lock belongs to the folder that is held
//! open, not to its path. Whoever finds drop-ins in a folder has its lock, so if a folder is removed or
//! replaced, no other server has the drop-ins that the holder of the lock knows.

use rustix::{fs::FlockOperation, io::Errno};

use crate::{
    error::Error,
    journal::file::{CacheFolder, OpenFolder},
};

/// Opens and locks the folder of a key, and creates it if it is missing. `None`: another server uses it.
///
/// Its former holder may have removed the folder meanwhile. Then nothing can be renamed to it.
pub(super) fn lock(
    cache_folder: &CacheFolder,
    claimed_folder: &OpenFolder,
    key: &str,
) -> Result<Option<OpenFolder>, Error> {
    let folder = match cache_folder.open_or_create_folder(claimed_folder, key) {
        // Another server has removed it right after it was created.
        Err(error) if error.is_not_found() => return Ok(None),
        opened => opened?,
    };
    match rustix::fs::flock(&folder, FlockOperation::NonBlockingLockExclusive) {
        Ok(()) => Ok(Some(folder)),
        Err(Errno::WOULDBLOCK) => Ok(None),
        Err(error) => Err(Error::io(
            "lock the drop-ins",
            &claimed_folder.path_of(key),
            error.into(),
        )),
    }
}

/// Removes the folder if nothing is left in it, and releases the lock.
pub(super) fn release(folder: OpenFolder, claimed_folder: &OpenFolder, key: &str) {
    // Before the lock is released, so that no other server uses the folder. Fails if other programs
    // have put files there, which stay.
    let _ = claimed_folder.remove_folder(key);
    drop(folder);
}
