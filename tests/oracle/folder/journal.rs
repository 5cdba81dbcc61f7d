//! The files of one journal, copied from the disk as soon as its entries appear.

use std::{
    collections::{BTreeMap, BTreeSet},
    fs::{self, File, Metadata},
    io::{self, ErrorKind},
    os::{
        fd::AsRawFd,
        unix::fs::{MetadataExt, OpenOptionsExt},
    },
    path::{Path, PathBuf},
};

use support::oracle::At;

use crate::{
    clock::Clock,
    entry,
    journal::{ENTRIES_PER_FOLDER, Journal, Retention},
};

/// This many of the newest folders of entries are kept open, so that they can be copied after they were
/// swept or moved.
const MAX_OPEN_FOLDERS: usize = 4;

/// One journal and its files.
pub(crate) struct JournalFiles {
    pub(crate) id: String,
    pub(crate) journal: Journal,
    held: File,
    /// A moment at which the next entry did not exist yet.
    absent: At,
    folders: BTreeMap<u64, File>,
    /// Entries that were removed before they were copied.
    saved_copies: BTreeMap<u64, (Vec<u8>, At)>,
    /// Entries that were removed one by one. Their numbers must not be assigned again.
    removed: BTreeSet<u64>,
    /// Folders that were removed, or whose high-water mark was removed.
    lost: BTreeSet<u64>,
}

impl JournalFiles {
    pub(crate) fn new(epoch: u64, id: String, held: File, absent: At, born: At) -> Self {
        Self {
            id,
            journal: Journal::new(epoch, born, Retention::Folders(BTreeMap::new())),
            held,
            absent,
            folders: BTreeMap::new(),
            saved_copies: BTreeMap::new(),
            removed: BTreeSet::new(),
            lost: BTreeSet::new(),
        }
    }

    pub(crate) fn is_in(&self, directory: (u64, u64)) -> bool {
        identity(&path(&self.held)) == Some(directory)
    }

    /// The folder of entries with this number, if it belongs to this journal.
    fn folder(&mut self, folder: u64) -> Option<PathBuf> {
        if !self.folders.contains_key(&folder) {
            if self.lost.contains(&folder) {
                return None;
            }
            let opened = open_dir(&path(&self.held).join(folder_name(folder))).ok()?;
            if !has_mark(&path(&opened).join(".")) {
                return None;
            }
            self.folders.insert(folder, opened);
            if self.folders.len() > MAX_OPEN_FOLDERS {
                self.folders.pop_first();
            }
        }
        self.folders.get(&folder).map(path)
    }

    pub(crate) fn entry_path(&mut self, number: u64) -> Option<PathBuf> {
        let folder = self.folder(number / ENTRIES_PER_FOLDER)?;
        Some(folder.join(format!(".{number:020}")))
    }

    fn has_folder(&self, folder: u64) -> bool {
        has_mark(&path(&self.held).join(folder_name(folder)))
    }

    /// Copies new entries, and returns whether there were any.
    pub(crate) fn copy(&mut self, clock: &Clock) -> Result<bool, String> {
        let before = self.journal.entries.len();
        loop {
            let number = self.journal.newest() + 1;
            let polled = clock.now();
            let saved_copies = self.saved_copies.remove(&number);
            let path = self.entry_path(number);
            let read = match (&saved_copies, &path) {
                (Some((bytes, _)), _) => Ok(bytes.clone()),
                (None, Some(path)) => fs::read(path),
                (None, None) => Err(ErrorKind::NotFound.into()),
            };
            match read {
                Ok(bytes) => self.push(&bytes, saved_copies.map(|(_, gone)| gone), clock.now())?,
                Err(error) if error.kind() == ErrorKind::NotFound => {
                    let folder = number / ENTRIES_PER_FOLDER;
                    let not_yet = self.has_folder(folder)
                        || (number.is_multiple_of(ENTRIES_PER_FOLDER)
                            && self.has_folder(folder - 1))
                        || path.is_some_and(|path| path.is_file());
                    if !not_yet && self.journal.damaged.is_none() {
                        return Err(format!(
                            "entry {number} of {:016x} was swept before it was copied: this machine is too slow for this test, or the journal is broken",
                            self.journal.epoch
                        ));
                    }
                    self.absent = polled;
                    return Ok(self.journal.entries.len() > before);
                }
                Err(error) => return Err(format!("entry {number}: {error}")),
            }
        }
    }

    fn push(&mut self, bytes: &[u8], gone: Option<At>, seen: At) -> Result<(), String> {
        let number = self.journal.newest() + 1;
        let mut entry = entry::read(bytes, self.absent, seen).map_err(|why| {
            let text = String::from_utf8_lossy(bytes);
            format!(
                "entry {number} of {:016x} is torn: {why}: {text:?}",
                self.journal.epoch
            )
        })?;
        entry.gone = entry.gone.or(gone);
        self.journal.entries.push(entry);
        Ok(())
    }

    /// Records which folders exist.
    pub(crate) fn list_folders(&mut self, now: At) -> Result<(), String> {
        let mut present = match &mut self.journal.retention {
            Retention::Folders(present) => std::mem::take(present),
            Retention::Newest(_) => return Ok(()),
        };
        for item in fs::read_dir(path(&self.held)).into_iter().flatten() {
            let name = item.map_err(|error| error.to_string())?.file_name();
            if let Some(folder) = name.to_str().and_then(folder_number)
                && self.has_folder(folder)
            {
                present.insert(folder, now);
            }
        }
        self.journal.retention = Retention::Folders(present);
        Ok(())
    }

    /// Notes the entries that have the numbers of removed ones.
    pub(crate) fn note_assigned_again(&mut self, now: At) {
        if self.journal.damaged.is_some() {
            return;
        }
        for number in &self.removed {
            let folder = path(&self.held).join(folder_name(*number / ENTRIES_PER_FOLDER));
            let bytes = fs::read(folder.join(format!(".{number:020}")));
            let entry = bytes
                .ok()
                .and_then(|bytes| entry::read(&bytes, now, now).ok());
            if let Some(entry) = entry {
                self.journal.again.insert(*number, entry);
            }
        }
    }

    /// The entry's file is about to be removed.
    pub(crate) fn mark_entry_lost(&mut self, number: u64, bytes: &[u8], now: At) {
        match self.journal.entry(number) {
            None => drop(self.saved_copies.insert(number, (bytes.to_owned(), now))),
            Some(_) => {
                let at = usize::try_from(number - 1).unwrap();
                self.journal.entries[at].gone.get_or_insert(now);
            }
        }
    }

    /// The entry was removed alone, and the journal stays.
    pub(crate) fn mark_entry_removed(&mut self, number: u64) {
        self.removed.insert(number);
    }

    /// The folder, or its mark, is about to be removed.
    pub(crate) fn mark_folder_lost(&mut self, folder: u64, opened: &File, now: At) {
        if let Ok(opened) = opened.try_clone() {
            self.folders.entry(folder).or_insert(opened);
        }
        self.lost.insert(folder);
        self.mark_id_lost(now);
    }

    /// The journal's id is about to be removed.
    pub(crate) fn mark_id_lost(&mut self, now: At) {
        self.journal.damaged.get_or_insert(now);
        self.journal.retired.get_or_insert(now);
    }
}

/// Opens a folder, without following a link.
pub(crate) fn open_dir(path: &Path) -> io::Result<File> {
    let flags = libc::O_DIRECTORY | libc::O_NOFOLLOW;
    File::options().read(true).custom_flags(flags).open(path)
}

/// A path to an open folder, wherever it was moved to.
pub(crate) fn path(opened: &File) -> PathBuf {
    PathBuf::from(format!("/proc/self/fd/{}", opened.as_raw_fd()))
}

pub(crate) fn identity(path: &Path) -> Option<(u64, u64)> {
    let found = fs::metadata(path).ok()?;
    Some((found.dev(), found.ino()))
}

pub(crate) fn folder_name(folder: u64) -> String {
    format!("{folder:012}")
}

/// The number of the folder with this name. Names of another length are not folders of entries.
pub(crate) fn folder_number(name: &str) -> Option<u64> {
    digits(name, 12)
}

/// The number of the entry with this name.
pub(crate) fn entry_number(name: &str) -> Option<u64> {
    digits(name.strip_prefix('.')?, 20)
}

fn digits(text: &str, count: usize) -> Option<u64> {
    let is_canonical = text.len() == count && text.bytes().all(|byte| byte.is_ascii_digit());
    is_canonical.then(|| text.parse().ok()).flatten()
}

/// Whether this is a folder of entries, and not something with such a name.
fn has_mark(folder: &Path) -> bool {
    let is = |path: &Path, kind: fn(&Metadata) -> bool| {
        path.symlink_metadata().is_ok_and(|found| kind(&found))
    };
    is(folder, Metadata::is_dir) && is(&folder.join(".high-water"), Metadata::is_file)
}

/// The newest folder of entries of a journal.
pub(crate) fn newest_folder(journal: &Path) -> Option<u64> {
    let names = fs::read_dir(journal).into_iter().flatten().flatten();
    names
        .filter_map(|item| folder_number(item.file_name().to_str()?))
        .filter(|folder| has_mark(&journal.join(folder_name(*folder))))
        .max()
}
