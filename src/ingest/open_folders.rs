//! How many folders of claimed drop-ins may be open at once.
//!
//! Each takes a descriptor until its drop-ins are in the journal, and that takes others. If the folders
//! took all of them, none could ever be closed.

use rustix::process::{Resource, getrlimit};

/// Folders take at most this part of the descriptors: the app, its connections and the journal need more.
const DESCRIPTORS_PER_FOLDER: u64 = 4;

/// Read each time, because an app may raise its limit when it has started.
pub(super) fn limit() -> usize {
    let descriptors = getrlimit(Resource::Nofile).current.unwrap_or(u64::MAX);
    let folders = (descriptors / DESCRIPTORS_PER_FOLDER).max(1);
    usize::try_from(folders).unwrap_or(usize::MAX)
}
