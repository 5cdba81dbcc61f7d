//! Unfinished files and folders whose process was killed.
//!
//! In a folder of entries they are removed with the folder. This module removes them from the rest of
//! `.sse/`.

use std::{
    io,
    time::{Duration, SystemTime},
};

use super::{
    cache_folder::CacheFolder,
    open_folder::{OpenFolder, age, found, is_folder},
    random::is_unfinished_name,
    trash,
};
use crate::error::Error;

/// No process works on one file for this long. A process that was stopped for longer finds its file
/// gone and creates another.
const MAX_UNFINISHED_AGE: Duration = Duration::from_secs(3600);

/// Removes unfinished files and folders that no process works on any more.
pub(super) fn sweep_orphans(cache_folder: &CacheFolder) -> Result<(), Error> {
    let trash_folder = cache_folder.trash_folder()?;
    sweep_folder(cache_folder.sse_folder(), &trash_folder)?;
    sweep_folder(&cache_folder.claimed_folder()?, &trash_folder)?;
    trash::delete_contents(&trash_folder)
}

fn sweep_folder(folder: &OpenFolder, trash_folder: &OpenFolder) -> Result<(), Error> {
    let now = SystemTime::now();
    let names = folder
        .names()
        .map_err(|error| Error::io("find unfinished files", folder.path(), error))?;
    for name in names.iter().filter(|name| is_unfinished_name(name)) {
        remove_if_old(folder, name, now, trash_folder).map_err(|error| {
            Error::io("remove the unfinished file", &folder.path_of(name), error)
        })?;
    }
    Ok(())
}

fn remove_if_old(
    folder: &OpenFolder,
    name: &str,
    now: SystemTime,
    trash_folder: &OpenFolder,
) -> io::Result<()> {
    let Some(stat) = folder.stat(name)? else {
        // Finished or removed meanwhile.
        return Ok(());
    };
    if age(&stat, now).is_none_or(|age| age <= MAX_UNFINISHED_AGE) {
        return Ok(());
    }
    if is_folder(&stat) {
        // In one step: a process that is about to rename it finds all of it or nothing.
        return trash::discard(folder, name, trash_folder);
    }
    found(folder.remove_file(name)).map(drop)
}
