//! Opens a cache folder's journal, and creates it if there is none.

use std::{
    io::{self, Write},
    sync::{Arc, Mutex},
    thread,
    time::Duration,
};

use super::{
    CacheFolder, FileJournal,
    dir::{Dir, is_dir, is_file, is_no_dir},
    entry_folder::EntryFolder,
    find::{first_open, numbers},
    id::{FORMAT, IdFile, NoId},
    numbering::{Numbering, folder_name},
    sweep,
};
use crate::error::{Error, ErrorKind, Location};

/// The journal's name below `.sse/`, which ends with the version of its format. When a version
/// replaces the format, it leaves a file under the name of the former one: programs that look for
/// a directory there refuse the cache instead of beginning a journal of their own beside it.
const NAME: &str = "journal-2";

/// The journal's name in format 1.
const FORMER_NAME: &str = "journal";

/// How the file begins that stands in for a replaced journal.
const REPLACED: &str = "This cache is used by a newer version of actix-web-sse.";

/// How often to try while other processes create or remove the journal.
const ATTEMPTS: u32 = 20;

/// The pause in between.
const PAUSE: Duration = Duration::from_millis(5);

impl FileJournal {
    /// Opens the folder's journal.
    ///
    /// If its files were removed in part, what is left is put away, and another is created.
    pub(crate) fn open(folder: &Arc<CacheFolder>) -> Result<Self, Error> {
        let _impersonation = folder.impersonate_owner()?;
        let mut last = io::Error::from(io::ErrorKind::NotFound);
        for attempt in 0..ATTEMPTS {
            if attempt > 0 {
                thread::sleep(PAUSE);
            }
            replace_former(folder)?;
            last = match open_existing(folder) {
                Ok((dir, id)) => return Ok(Self::new(Arc::clone(folder), dir, id)),
                Err(Refused::Missing) => match build(folder) {
                    Ok(()) => continue,
                    Err(error) => error,
                },
                Err(Refused::Damaged(judged)) => match put_away_damaged(folder, judged.as_ref()) {
                    Ok(()) => continue,
                    Err(error) => error,
                },
                Err(Refused::Newer) => return Err(newer(folder)),
                Err(Refused::Unreadable(error)) => return Err(cannot_open(folder, error)),
            };
            // Another process may be doing the same. If it has removed `.sse/`, that must be created
            // first.
            let is_race = matches!(
                last.kind(),
                io::ErrorKind::NotFound | io::ErrorKind::AlreadyExists
            );
            if !is_race || folder.own().is_removed() {
                return Err(cannot_open(folder, last));
            }
        }
        Err(cannot_open(folder, last))
    }

    fn new(folder: Arc<CacheFolder>, dir: Dir, id: IdFile) -> Self {
        Self {
            dir: Arc::new(dir),
            epoch: id.epoch(),
            id,
            folder,
            numbering: Numbering::default(),
            newest: Mutex::default(),
            last_read: Mutex::default(),
        }
    }
}

/// Why there is no journal to open.
enum Refused {
    Missing,
    /// Held, so that nothing else is put away. `None`: it is not a directory.
    Damaged(Option<Dir>),
    /// It is of a format that a newer version of this library has introduced.
    Newer,
    Unreadable(io::Error),
}

fn open_existing(folder: &CacheFolder) -> Result<(Dir, IdFile), Refused> {
    let dir = match folder.own().open_dir(NAME) {
        Ok(dir) => dir,
        Err(error) if error.kind() == io::ErrorKind::NotFound => return Err(Refused::Missing),
        Err(error) if is_no_dir(&error) && is_replaced(folder) => return Err(Refused::Newer),
        Err(error) if is_no_dir(&error) => return Err(Refused::Damaged(None)),
        Err(error) => return Err(Refused::Unreadable(error)),
    };
    match IdFile::open(&dir) {
        Ok(id) => match has_entry_folder(&dir) {
            Ok(true) => Ok((dir, id)),
            Ok(false) => Err(Refused::Damaged(Some(dir))),
            Err(error) => Err(Refused::Unreadable(error)),
        },
        Err(NoId::Damaged) => Err(Refused::Damaged(Some(dir))),
        Err(NoId::Newer) => Err(Refused::Newer),
        Err(NoId::Unreadable(error)) => Err(Refused::Unreadable(error)),
    }
}

/// Whether there is a folder of entries that the next one can be created in.
fn has_entry_folder(journal: &Dir) -> io::Result<bool> {
    Ok(first_open(journal, Numbering::default(), numbers)?.is_some())
}

/// Whether a newer version has left its file in the journal's place.
fn is_replaced(folder: &CacheFolder) -> bool {
    let file = folder.own().open_file(NAME);
    file.and_then(|mut file| super::dir::read_all(&mut file))
        .is_ok_and(|text| text.starts_with(REPLACED.as_bytes()))
}

/// Creates a journal under another name and renames it into place, so that nobody sees half of
/// one, and of several processes that do so at once, one does it for all.
fn build(folder: &CacheFolder) -> io::Result<()> {
    let access = folder.access();
    let (journal, unfinished) = access.unfinished_dir(folder.own())?;
    IdFile::write(access, &journal)?;
    let first = access.create_dir(&journal, &folder_name(0))?;
    // Number 0 is never an entry's.
    EntryFolder::create_mark(access, &first, b"\n")?;
    unfinished.rename_new(folder.own(), NAME)
}

pub(super) fn put_away(folder: &CacheFolder, judged: Option<&Dir>) -> io::Result<()> {
    let trash = folder
        .trash()
        .map_err(|error| io::Error::other(error.to_string()))?;
    let _lock = folder.lock_for_repair()?;
    // Another process may have done this since the journal was judged.
    let is_still_there = match judged {
        Some(judged) => judged.is_at(folder.own(), NAME)?,
        None => folder
            .own()
            .open_dir(NAME)
            .is_err_and(|error| is_no_dir(&error)),
    };
    if !is_still_there {
        return Ok(());
    }
    match judged {
        // If it was a sound one instead, its clients are told of a gap.
        Some(judged) => sweep::discard_if(judged, folder.own(), NAME, &trash).map(drop),
        None => sweep::discard(folder.own(), NAME, &trash),
    }
}

fn put_away_damaged(folder: &CacheFolder, judged: Option<&Dir>) -> io::Result<()> {
    log::warn!(
        "{}: this journal is damaged, so another is begun; clients are told of a gap",
        folder.own().path_of(NAME).display()
    );
    put_away(folder, judged)
}

/// Format 1 had no version and gave the numbers of removed entries again. Its journal is put away,
/// and a file takes its name, at which programs of that version stop.
pub(super) fn replace_former(folder: &CacheFolder) -> Result<(), Error> {
    let own = folder.own();
    let cannot = |error| {
        Error::io(
            "replace the former journal",
            &own.path_of(FORMER_NAME),
            error,
        )
    };
    match own.stat(FORMER_NAME).map_err(cannot)? {
        Some(stat) if is_file(&stat) => return Ok(()),
        Some(stat) => {
            log::warn!(
                "{}: this journal has format 1; format {FORMAT} is begun beside it, and clients \
                 are told of a gap",
                own.path_of(FORMER_NAME).display()
            );
            if is_dir(&stat) {
                sweep::discard(own, FORMER_NAME, &folder.trash()?).map_err(cannot)?;
            } else {
                own.remove_file(FORMER_NAME).map_err(cannot)?;
            }
        }
        None => {}
    }
    let access = folder.access();
    let written = access.unfinished_file(own).and_then(|(mut file, unfinished)| {
        write!(
            file,
            "{REPLACED}\n\n\
             Update the program that has sent you here: the library with `cargo update`, the `sse`\n\
             command with `cargo install`. Or give it another folder in SSE_CACHE.\n"
        )?;
        unfinished.rename_new(own, FORMER_NAME)
    });
    match written {
        // Another process was faster.
        Err(error) if error.kind() == io::ErrorKind::AlreadyExists => Ok(()),
        result => result.map_err(cannot),
    }
}

fn cannot_open(folder: &CacheFolder, error: io::Error) -> Error {
    let path = folder.own().path_of(NAME);
    let error = Error::io("open the journal", &path, error);
    if error.help().is_some() {
        return error;
    }
    error.with_help(format!(
        "remove `{}` while no program uses it; values saved there are lost",
        path.display()
    ))
}

fn newer(folder: &CacheFolder) -> Error {
    Error::new(
        ErrorKind::Cache,
        format!("a newer version of actix-web-sse uses this cache; this one reads format {FORMAT}"),
    )
    .at(Location::file(folder.own().path_of(NAME)))
    .with_help(
        "update the library (`cargo update`) or the `sse` command, or name another folder in \
         SSE_CACHE",
    )
}

#[cfg(test)]
mod tests;
