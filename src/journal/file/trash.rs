//! Discards files and folders: one rename moves them into the trash, where they are deleted.

use std::io;

use super::{
    open_folder::{OpenFolder, found, is_folder, is_temporary},
    random::{is_unfinished_name, random_u64},
    test_hooks,
};
use crate::error::Error;

/// Folders in discarded folders are moved up and emptied in the next round, so that deep nesting by
/// another program causes no recursion. The library's own folders need three rounds: a journal, its
/// folders, and unfinished folders in those. With 8, one call also deletes most trees of other programs,
/// and still ends soon. Deeper folders are left for the next call.
const MAX_EMPTYING_ROUNDS: u32 = 8;

/// Moves a file or folder into the trash, in one step. A writer that is about to rename a file in it
/// finds neither its file nor its folder.
pub(crate) fn discard(
    parent: &OpenFolder,
    name: &str,
    trash_folder: &OpenFolder,
) -> io::Result<()> {
    discard_as(parent, name, trash_folder).map(drop)
}

/// The same, if the name still belongs to the folder `found_damaged`. Another process may have put an
/// intact folder in its place since that was found damaged.
///
/// `false`: an intact folder was moved away and could not be moved back.
pub(super) fn discard_if(
    found_damaged: &OpenFolder,
    parent: &OpenFolder,
    name: &str,
    trash_folder: &OpenFolder,
) -> io::Result<bool> {
    let Some(discarded) = discard_as(parent, name, trash_folder)? else {
        return Ok(true);
    };
    test_hooks::stall_point();
    if found_damaged.is_at(trash_folder, &discarded)? || found_damaged.is_removed() {
        return Ok(true);
    }
    match trash_folder.rename_new(&discarded, parent, name) {
        Ok(()) => Ok(true),
        // The name is taken again, or another process has emptied the trash meanwhile.
        Err(error)
            if matches!(
                error.kind(),
                io::ErrorKind::AlreadyExists | io::ErrorKind::NotFound
            ) =>
        {
            Ok(false)
        }
        Err(error) => Err(error),
    }
}

/// Returns the name in the trash; `None` if another process was faster.
fn discard_as(
    parent: &OpenFolder,
    name: &str,
    trash_folder: &OpenFolder,
) -> io::Result<Option<String>> {
    let new_name = format!("{:016x}", random_u64()?);
    let renamed = found(parent.rename_new(name, trash_folder, &new_name))?;
    Ok(renamed.map(|()| new_name))
}

/// Deletes what was discarded, by this process or by one that was killed while it deleted.
///
/// An item that cannot be deleted does not hold up the others; the first such error is returned at
/// the end.
pub(super) fn delete_contents(trash_folder: &OpenFolder) -> Result<(), Error> {
    let mut result = Ok(());
    for _ in 0..MAX_EMPTYING_ROUNDS {
        let names = names(trash_folder)?;
        if names.is_empty() {
            break;
        }
        result = Ok(());
        for name in names {
            // Unfinished files first: a rename that is under way must not find an entry's name free.
            let removed = remove_unfinished_in(trash_folder, &name)
                .and_then(|()| remove_tree(trash_folder, &name, trash_folder));
            result = result.and(removed);
        }
    }
    result
}

/// Removes the unfinished files of everything in the trash.
pub(super) fn remove_unfinished(trash_folder: &OpenFolder) -> Result<(), Error> {
    for name in names(trash_folder)? {
        match remove_unfinished_in(trash_folder, &name) {
            // Another user's folder. It was not part of the journal, whose folders every process that
            // may sweep it may also empty.
            Err(error) if error.is_permission_denied() => {}
            result => result?,
        }
    }
    Ok(())
}

/// Removes a file, a link, or a folder with its files. Folders in it are moved into the trash.
fn remove_tree(parent: &OpenFolder, name: &str, trash_folder: &OpenFolder) -> Result<(), Error> {
    match parent.open_folder(name) {
        Ok(folder) => {
            for item in names(&folder)? {
                remove_file_or_discard(&folder, &item, trash_folder)?;
            }
            ignore_races(parent, name, parent.remove_folder(name))
        }
        // A file or a link; or a folder that this user may not open, which stays.
        Err(_) => ignore_races(parent, name, parent.remove_file(name)),
    }
}

fn remove_unfinished_in(trash_folder: &OpenFolder, name: &str) -> Result<(), Error> {
    let discarded = match trash_folder.open_folder(name) {
        Ok(discarded) => discarded,
        Err(error) if is_temporary(&error) => {
            return Err(Error::io(
                "empty the trash",
                &trash_folder.path_of(name),
                error,
            ));
        }
        // A file contains nothing. A folder that may not be opened is reported when it is removed.
        Err(_) => return Ok(()),
    };
    for item in names(&discarded)? {
        if is_unfinished_name(&item) {
            remove_file_or_discard(&discarded, &item, trash_folder)?;
        }
    }
    Ok(())
}

fn remove_file_or_discard(
    parent: &OpenFolder,
    name: &str,
    trash_folder: &OpenFolder,
) -> Result<(), Error> {
    let result = match parent.stat(name) {
        Ok(Some(stat)) if is_folder(&stat) => discard(parent, name, trash_folder),
        Ok(Some(_)) => parent.remove_file(name),
        Ok(None) => Ok(()),
        Err(error) => Err(error),
    };
    ignore_races(parent, name, result)
}

fn names(folder: &OpenFolder) -> Result<Vec<String>, Error> {
    let names = found(folder.names());
    let names = names.map_err(|error| Error::io("empty the trash", folder.path(), error))?;
    Ok(names.unwrap_or_default())
}

/// Several processes may empty the same trash.
fn ignore_races(parent: &OpenFolder, name: &str, result: io::Result<()>) -> Result<(), Error> {
    match result {
        Err(error)
            if !matches!(
                error.kind(),
                io::ErrorKind::NotFound | io::ErrorKind::DirectoryNotEmpty
            ) =>
        {
            Err(Error::io("empty the trash", &parent.path_of(name), error))
        }
        _ => Ok(()),
    }
}
