//! What a process leaves that is killed while it makes a file or folder.
//!
//! In the journal it goes with its folder. This is about the rest of `.sse/`.

use std::{
    fs, io,
    path::Path,
    time::{Duration, SystemTime},
};

use super::{CacheFolder, folder::is_unfinished, sweep};
use crate::error::Error;

/// Nobody works so long on a file. Should somebody have been stopped for longer, the work is done
/// again: everybody who has lost an unfinished file or folder makes another.
const AGE: Duration = Duration::from_secs(3600);

/// Removes unfinished files and folders that nobody works on any more.
pub(crate) fn sweep_orphans(folder: &CacheFolder) -> Result<(), Error> {
    let now = SystemTime::now();
    for dir in [folder.own(), folder.ready(), folder.claimed()] {
        let cannot = |error| Error::io("look for unfinished files", &dir, error);
        let items = match fs::read_dir(&dir) {
            Ok(items) => items,
            Err(error) if error.kind() == io::ErrorKind::NotFound => continue,
            Err(error) => return Err(cannot(error)),
        };
        for item in items {
            let item = item.map_err(cannot)?;
            if is_unfinished(&item.file_name()) {
                remove_if_old(&item.path(), now, folder)?;
            }
        }
    }
    sweep::empty(&folder.trash())
}

fn remove_if_old(path: &Path, now: SystemTime, folder: &CacheFolder) -> Result<(), Error> {
    let Ok(found) = fs::symlink_metadata(path) else {
        // Finished or removed meanwhile.
        return Ok(());
    };
    let age = found.modified().ok().map(|time| now.duration_since(time));
    if !matches!(age, Some(Ok(age)) if age > AGE) {
        return Ok(());
    }
    if found.is_dir() {
        // Whoever is about to rename it finds all of it or nothing.
        return sweep::discard(path, &folder.trash());
    }
    match fs::remove_file(path) {
        Err(error) if error.kind() != io::ErrorKind::NotFound => {
            Err(Error::io("remove the unfinished file", path, error))
        }
        _ => Ok(()),
    }
}
