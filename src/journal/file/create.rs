//! Opens a cache folder's journal, and makes it where there is none.

use std::{
    fs,
    io::{self, Write},
    path::Path,
    sync::{Arc, Mutex},
    thread,
    time::Duration,
};

use super::{
    CacheFolder, FileJournal, find,
    layout::Layout,
    open::{regular_file, rename_without_replacing},
};
use crate::{epoch::Epoch, error::Error};

/// Other processes may be making or removing the journal at the same time.
const TRIES: u32 = 20;

impl FileJournal {
    /// Opens the folder's journal.
    ///
    /// What is left of one whose files were removed in part, as by `rm -r` beside a program that
    /// saves, is put away, and another is made.
    pub(crate) fn open(folder: Arc<CacheFolder>) -> Result<Self, Error> {
        let path = folder.journal();
        let mut last = io::Error::from(io::ErrorKind::NotFound);
        for _ in 0..TRIES {
            match open_existing(&path) {
                Ok((layout, epoch)) => {
                    return Ok(Self {
                        folder,
                        layout,
                        epoch,
                        known: Mutex::new(None),
                    });
                }
                Err(error) if error.kind() == io::ErrorKind::NotFound => last = error,
                Err(error) => return Err(Error::io("open the journal", &path, error)),
            }
            folder.make(&folder.own())?;
            folder.make(&folder.trash())?;
            let made = build(&folder);
            match made {
                Ok(()) => {}
                // It is there, and yet it could not be opened: it is being made, or it is damaged.
                Err(error) if error.kind() == io::ErrorKind::AlreadyExists => {
                    thread::sleep(Duration::from_millis(5));
                    if open_existing(&path).is_err() {
                        put_away(&path, &folder.trash());
                    }
                }
                // Its folder was removed meanwhile.
                Err(error) if error.kind() == io::ErrorKind::NotFound => last = error,
                Err(error) => return Err(Error::io("make the journal", &path, error)),
            }
        }
        Err(
            Error::io("open the journal", &path, last).with_help(format!(
                "remove `{}` while no program uses it; values saved there are lost",
                path.display()
            )),
        )
    }
}

fn open_existing(journal: &Path) -> io::Result<(Layout, Epoch)> {
    let entries = journal.join("entries");
    let layout = Layout::open(entries.clone())
        .map_err(|error| missing_unless(&entries, fs::FileType::is_dir, error))?;
    let has_folders = find::folders(&layout).is_ok_and(|folders| !folders.is_empty());
    let word = journal.join("word");
    let text =
        regular_file(&word).map_err(|error| missing_unless(&word, fs::FileType::is_file, error))?;
    let word = std::str::from_utf8(&text).map(str::trim);
    match word.map(|word| u128::from_str_radix(word, 16)) {
        Ok(Ok(word)) if has_folders => Ok((layout, epoch(word, boot_id()))),
        _ => Err(io::ErrorKind::NotFound.into()),
    }
}

/// A link, a FIFO or a device in the place of a part is none: the journal is damaged, and not
/// merely out of reach.
fn missing_unless(path: &Path, is: fn(&fs::FileType) -> bool, error: io::Error) -> io::Error {
    match fs::symlink_metadata(path) {
        Ok(found) if !is(&found.file_type()) => io::ErrorKind::NotFound.into(),
        _ => error,
    }
}

/// Makes a journal under another name and renames it into place, so that nobody sees half of one,
/// and of several processes that do so at once, one makes it for all.
fn build(folder: &CacheFolder) -> io::Result<()> {
    let dir = folder.access().dot_dir(&folder.own())?;
    let random = || getrandom::u64().map_err(|error| io::Error::other(error.to_string()));
    let mut file = folder.access().dot_file(dir.path())?;
    writeln!(file, "{:016x}{:016x}", random()?, random()?)?;
    file.persist(dir.path().join("word"))?;
    folder.access().make_dir(&dir.path().join("entries"))?;
    folder
        .access()
        .make_dir(&dir.path().join("entries/000000000000"))?;
    rename_without_replacing(dir.path(), &folder.journal())?;
    let _ = dir.keep();
    Ok(())
}

fn put_away(journal: &Path, trash: &Path) {
    log::warn!(
        "{}: this journal is damaged; another is begun",
        journal.display()
    );
    // Where it fails, another process was faster, or the next try says why.
    if let Ok(random) = getrandom::u64() {
        let _ = rename_without_replacing(journal, &trash.join(format!("{random:016x}")));
    }
}

/// The journal's random word and the machine's boot, mixed: both are random, so the result differs
/// for every journal and every boot.
fn epoch(word: u128, boot: u128) -> Epoch {
    let mixed = word ^ boot;
    let half = |bits: u128| u64::try_from(bits & u128::from(u64::MAX)).unwrap_or_default();
    Epoch(half(mixed >> 64) ^ half(mixed))
}

/// A reboot may lose the last entries, since saves are not synced to the disk one by one. So what
/// follows is another epoch. Where the system does not name its boots there is one epoch only.
fn boot_id() -> u128 {
    fs::read_to_string("/proc/sys/kernel/random/boot_id")
        .ok()
        .and_then(|id| u128::from_str_radix(&id.trim().replace('-', ""), 16).ok())
        .unwrap_or_default()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{config::Config, journal::Journal};

    fn open(app: &Path) -> FileJournal {
        let config = Config::new(app, "a:k").unwrap();
        FileJournal::open(Arc::new(CacheFolder::prepare(&config).unwrap())).unwrap()
    }

    #[test]
    fn every_process_opens_the_same_journal() {
        let app = tempfile::tempdir().unwrap();
        assert_eq!(open(app.path()).epoch(), open(app.path()).epoch());
    }

    #[test]
    fn what_is_left_of_a_journal_is_put_away() {
        for remove in ["word", "entries", "entries/000000000000"] {
            let app = tempfile::tempdir().unwrap();
            let before = open(app.path());
            let path = app.path().join("writable/cache/.sse/journal").join(remove);
            let _ = fs::remove_file(&path).or_else(|_| fs::remove_dir_all(&path));
            let after = open(app.path());
            assert!(!before.is_current(), "{remove}");
            assert_eq!(after.append(b"1").unwrap(), 1, "{remove}");
        }
    }

    #[test]
    fn a_journal_whose_folder_was_replaced_never_writes_into_the_new_one() {
        let app = tempfile::tempdir().unwrap();
        let old = open(app.path());
        for _ in 0..5 {
            old.append(b"old").unwrap();
        }
        fs::rename(app.path().join("writable"), app.path().join("elsewhere")).unwrap();
        let new = open(app.path());
        assert!(!old.is_current() && new.is_current());
        assert_eq!(old.append(b"old").unwrap(), 6);
        assert_eq!(new.newest().unwrap(), 0);
        assert_eq!(new.append(b"new").unwrap(), 1);
    }
}
