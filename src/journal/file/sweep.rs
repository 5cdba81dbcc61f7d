//! Rule 3: the oldest folder leaves whole.

use std::{
    fs, io,
    path::{Path, PathBuf},
};

use super::{find, layout::Layout, open::rename_without_replacing};
use crate::error::Error;

/// Removes the oldest folders as long as at least `keep` entries are left. The newest folder never
/// leaves, because its numbers are what the next folder is born from.
pub(super) fn sweep(layout: &Layout, trash: &Path, keep: u64) -> Result<(), Error> {
    // One folder has nothing to remove, and is the usual case.
    if find::folders(layout)?.len() > 1 {
        sweep_through(layout, trash, find::newest(layout)?.saturating_sub(keep))?;
    }
    empty(trash)
}

/// Takes out the folders whose entries all have numbers up to `last`, except the newest folder.
///
/// A writer may be in the middle of the system call that renames a folder it has made in the
/// oldest folder to the next one's name, and have looked up both places already: that call goes on
/// to work wherever the oldest folder is by then. While the next folder exists the name is taken,
/// so nothing comes of it; so the next folder must not leave before the unfinished files of the
/// oldest are gone.
pub(super) fn sweep_through(layout: &Layout, trash: &Path, last: u64) -> Result<(), Error> {
    let folders = find::folders(layout)?;
    let all_but_newest = &folders[..folders.len().saturating_sub(1)];
    for folder in all_but_newest
        .iter()
        .take_while(|folder| layout.last(**folder) <= last)
    {
        // Another sweeper may have taken out the one before, and be no further yet.
        for discarded in paths(trash)? {
            remove_unfinished(&discarded)?;
        }
        discard(&layout.folder(*folder), trash)?;
    }
    Ok(())
}

/// Takes a folder out of the journal in one step. A writer that was about to rename a file in it
/// finds neither its file nor its folder.
pub(super) fn discard(folder: &Path, trash: &Path) -> Result<(), Error> {
    let random = getrandom::u64().map_err(|error| {
        Error::io(
            "sweep the journal",
            folder,
            io::Error::other(error.to_string()),
        )
    })?;
    let target = trash.join(format!("{random:016x}"));
    match rename_without_replacing(folder, &target) {
        Ok(()) => Ok(()),
        // Another sweeper was faster.
        Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(()),
        Err(error) => Err(Error::io("sweep the journal", folder, error)),
    }
}

/// Removes what was discarded, now or by a process that was killed while it did this.
pub(super) fn empty(trash: &Path) -> Result<(), Error> {
    for folder in paths(trash)? {
        // First: a rename that is under way must not find an entry's name free.
        remove_unfinished(&folder)?;
        for path in paths(&folder)? {
            remove(&path)?;
        }
        gone(&folder, fs::remove_dir(&folder))?;
    }
    Ok(())
}

fn remove_unfinished(folder: &Path) -> Result<(), Error> {
    let is_unfinished = |path: &PathBuf| {
        path.file_name()
            .is_some_and(|name| name.as_encoded_bytes().starts_with(b"."))
    };
    paths(folder)?
        .iter()
        .filter(|path| is_unfinished(path))
        .try_for_each(|path| remove(path))
}

fn remove(path: &Path) -> Result<(), Error> {
    gone(
        path,
        fs::remove_file(path).or_else(|_| fs::remove_dir_all(path)),
    )
}

fn paths(dir: &Path) -> Result<Vec<PathBuf>, Error> {
    match fs::read_dir(dir) {
        Ok(items) => Ok(items.filter_map(|item| Some(item.ok()?.path())).collect()),
        Err(error) => gone(dir, Err(error)).map(|()| Vec::new()),
    }
}

/// Several sweepers may empty the same trash.
fn gone(path: &Path, result: io::Result<()>) -> Result<(), Error> {
    match result {
        Err(error)
            if !matches!(
                error.kind(),
                io::ErrorKind::NotFound | io::ErrorKind::DirectoryNotEmpty
            ) =>
        {
            Err(Error::io("empty the trash", path, error))
        }
        _ => Ok(()),
    }
}
