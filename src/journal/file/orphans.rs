//! What is left by a process that is killed while it creates a file or directory.
//!
//! In the journal it leaves with its directory. This is about the rest of `.sse/`.

use std::{
    io,
    time::{Duration, SystemTime},
};

use super::{
    CacheFolder,
    access::is_unfinished,
    dir::{Dir, age, is_dir},
    sweep,
};
use crate::error::Error;

/// No process works so long on one file. If one was stopped for longer, it does the work again:
/// every process that has lost an unfinished file or directory creates another.
const MAX_AGE: Duration = Duration::from_secs(3600);

/// Removes unfinished files and directories that no process works on any more.
pub(crate) fn sweep_orphans(folder: &CacheFolder) -> Result<(), Error> {
    let trash = folder.trash()?;
    sweep_dir(folder.own(), &trash)?;
    sweep_dir(&folder.ready()?, &trash)?;
    sweep_dir(&folder.claimed()?, &trash)?;
    sweep::empty(&trash)
}

fn sweep_dir(dir: &Dir, trash: &Dir) -> Result<(), Error> {
    let now = SystemTime::now();
    let names = dir
        .names()
        .map_err(|error| Error::io("look for unfinished files", dir.path(), error))?;
    for name in names.iter().filter(|name| is_unfinished(name)) {
        remove_if_old(dir, name, now, trash)
            .map_err(|error| Error::io("remove the unfinished file", &dir.path_of(name), error))?;
    }
    Ok(())
}

fn remove_if_old(dir: &Dir, name: &str, now: SystemTime, trash: &Dir) -> io::Result<()> {
    let Some(stat) = dir.stat(name)? else {
        // Finished or removed meanwhile.
        return Ok(());
    };
    if age(&stat, now).is_none_or(|age| age <= MAX_AGE) {
        return Ok(());
    }
    if is_dir(&stat) {
        // A process that is about to rename it finds all of it or nothing.
        return sweep::discard(dir, name, trash);
    }
    match dir.remove_file(name) {
        Err(error) if error.kind() != io::ErrorKind::NotFound => Err(error),
        _ => Ok(()),
    }
}
