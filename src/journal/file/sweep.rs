//! Rule 3: the oldest directory leaves as a whole.

use std::io;

use super::{
    FileJournal,
    access::{is_unfinished, random},
    dir::{Dir, is_dir, is_temporary},
    numbering::folder_name,
};
use crate::error::Error;

/// Directories inside discarded directories are moved up and emptied in a next round, so that none
/// is entered recursively, however deep somebody has nested them. More rounds are for the next call.
const ROUNDS: u32 = 8;

impl FileJournal {
    /// Removes the oldest directories as long as at least `keep` entries are left. The newest never
    /// leaves, because the next one is created in it.
    pub(super) fn sweep_to(&self, keep: u64) -> Result<(), Error> {
        let trash = self.folder.trash()?;
        // One directory has nothing to remove, and is the usual case.
        if self.folder_numbers()?.len() > 1 {
            self.sweep_through(&trash, self.find_newest()?.saturating_sub(keep))?;
        }
        empty(&trash)
    }

    /// Removes the directories whose entries all have numbers up to `last`, except the newest.
    ///
    /// A writer may be in the middle of the system call that renames an unfinished directory from
    /// the oldest directory to the next one's name, and have looked up both already: that call goes
    /// on to work wherever the oldest directory is by then. As long as the next directory exists,
    /// its name is taken and nothing comes of it. So the next directory must not leave before the
    /// unfinished files of the oldest are gone.
    pub(super) fn sweep_through(&self, trash: &Dir, last: u64) -> Result<(), Error> {
        let newest = self.newest_folder()?.number();
        let numbers = self.folder_numbers()?;
        for number in numbers
            .into_iter()
            .take_while(|number| *number < newest && self.numbering.last(*number) <= last)
        {
            // Another sweeper may have taken out the one before, and be no further yet.
            for name in names(trash)? {
                match remove_unfinished_in(trash, &name) {
                    // Another user's directory, and none of the journal: that can be emptied by all
                    // who may sweep it.
                    Err(error) if error.is_about_permission() => {}
                    result => result?,
                }
            }
            let name = folder_name(number);
            discard(&self.dir, &name, trash)
                .map_err(|error| Error::io("sweep the journal", &self.dir.path_of(&name), error))?;
        }
        Ok(())
    }
}

/// Moves a file or directory into the trash, in one step. A writer that was about to rename a file
/// in it finds neither its file nor its directory.
pub(crate) fn discard(dir: &Dir, name: &str, trash: &Dir) -> io::Result<()> {
    discard_as(dir, name, trash).map(drop)
}

/// The same, if the name still leads to this directory. Another process may have put a sound one
/// in its place since somebody judged it.
///
/// `false`: a sound one was moved away, and could not be moved back.
pub(super) fn discard_if(judged: &Dir, dir: &Dir, name: &str, trash: &Dir) -> io::Result<bool> {
    let Some(discarded) = discard_as(dir, name, trash)? else {
        return Ok(true);
    };
    if judged.is_at(trash, &discarded)? {
        return Ok(true);
    }
    match trash.rename_new(&discarded, dir, name) {
        Err(error) if error.kind() == io::ErrorKind::AlreadyExists => Ok(false),
        result => result.map(|()| true),
    }
}

/// The name in the trash; `None` if another process was faster.
fn discard_as(dir: &Dir, name: &str, trash: &Dir) -> io::Result<Option<String>> {
    let new_name = format!("{:016x}", random()?);
    match dir.rename_new(name, trash, &new_name) {
        Ok(()) => Ok(Some(new_name)),
        Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(None),
        Err(error) => Err(error),
    }
}

/// Removes what was discarded, now or by a process that was killed while it did this.
///
/// What cannot be removed holds up nothing else; the first such error is returned at the end.
pub(super) fn empty(trash: &Dir) -> Result<(), Error> {
    let mut result = Ok(());
    for _ in 0..ROUNDS {
        let names = names(trash)?;
        if names.is_empty() {
            break;
        }
        result = Ok(());
        for name in names {
            // First: a rename that is under way must not find an entry's name free.
            let removed =
                remove_unfinished_in(trash, &name).and_then(|()| remove_tree(trash, &name, trash));
            result = result.and(removed);
        }
    }
    result
}

/// Removes a file, a link, or a directory with its files. Directories in it are moved to the trash.
pub(crate) fn remove_tree(dir: &Dir, name: &str, trash: &Dir) -> Result<(), Error> {
    match dir.open_dir(name) {
        Ok(inner) => {
            for item in names(&inner)? {
                remove_file_or_discard(&inner, &item, trash)?;
            }
            done(dir, name, dir.remove_dir(name))
        }
        // A file or a link; or a directory that this user may not open, which stays.
        Err(_) => done(dir, name, dir.remove_file(name)),
    }
}

fn remove_unfinished_in(trash: &Dir, name: &str) -> Result<(), Error> {
    let discarded = match trash.open_dir(name) {
        Ok(discarded) => discarded,
        Err(error) if is_temporary(&error) => {
            return Err(Error::io("empty the trash", &trash.path_of(name), error));
        }
        // A file has nothing in it. What may not be opened is reported when it is removed.
        Err(_) => return Ok(()),
    };
    for item in names(&discarded)? {
        if is_unfinished(&item) {
            remove_file_or_discard(&discarded, &item, trash)?;
        }
    }
    Ok(())
}

fn remove_file_or_discard(dir: &Dir, name: &str, trash: &Dir) -> Result<(), Error> {
    let result = match dir.stat(name) {
        Ok(Some(stat)) if is_dir(&stat) => discard(dir, name, trash),
        Ok(Some(_)) => dir.remove_file(name),
        Ok(None) => Ok(()),
        Err(error) => Err(error),
    };
    done(dir, name, result)
}

fn names(dir: &Dir) -> Result<Vec<String>, Error> {
    match dir.names() {
        Err(error) if error.kind() != io::ErrorKind::NotFound => {
            Err(Error::io("empty the trash", dir.path(), error))
        }
        names => Ok(names.unwrap_or_default()),
    }
}

/// Several sweepers may empty the same trash.
fn done(dir: &Dir, name: &str, result: io::Result<()>) -> Result<(), Error> {
    match result {
        Err(error)
            if !matches!(
                error.kind(),
                io::ErrorKind::NotFound | io::ErrorKind::DirectoryNotEmpty
            ) =>
        {
            Err(Error::io("empty the trash", &dir.path_of(name), error))
        }
        _ => Ok(()),
    }
}
