//! Copies the journals of a cache folder.

use std::{
    fs::{self, File},
    path::{Path, PathBuf},
    sync::{
        Arc, Mutex, MutexGuard, PoisonError,
        atomic::{AtomicBool, Ordering},
    },
    thread::{self, JoinHandle},
    time::Duration,
};

use support::oracle::{At, COPIED};

use super::journal::{JournalFiles, entry_number, folder_number, identity, newest_folder, path};
use crate::{
    archive::{Archive, Current, Loss},
    clock::Clock,
    entry::epoch,
    journal::Journal,
};

/// Often enough to see each folder before it is swept.
const FOLDER_INTERVAL: Duration = Duration::from_millis(5);

/// The journals of a folder.
#[derive(Default)]
pub(crate) struct FolderArchive {
    pub(crate) journals: Vec<JournalFiles>,
    /// The id of the journal that is in place.
    in_place: Option<String>,
    /// Faults after which the library may create another journal.
    pub(crate) losses: Vec<Loss>,
    /// Why this copy is incomplete, or how the journal is broken.
    pub(crate) broken: Option<String>,
}

/// Follows the cache folder at a path on a thread.
pub(crate) struct ArchiveFollower {
    archive: Arc<Mutex<FolderArchive>>,
    ends: Arc<AtomicBool>,
    thread: Option<JoinHandle<()>>,
}

impl FolderArchive {
    /// The journal that is in place.
    pub(crate) fn current(&self) -> Option<&Journal> {
        let id = self.in_place.as_ref()?;
        let files = self.journals.iter().find(|files| files.id == *id);
        files.map(|files| &files.journal)
    }

    /// Hands out the journals.
    pub(crate) fn take(&mut self) -> Archive {
        let current = self.current().map(|journal| Current::Epoch(journal.epoch));
        Archive {
            current,
            journals: self.journals.drain(..).map(|files| files.journal).collect(),
            losses: std::mem::take(&mut self.losses),
            expected: Vec::new(),
            broken: self.broken.take(),
        }
    }

    /// What was copied, for the file [`COPIED`].
    fn notes(&self) -> String {
        let journals = self.journals.iter().map(|files| &files.journal);
        let lines = journals.map(|journal| {
            // Nobody waits for the entries of a damaged journal, which may never be copied.
            let newest = match journal.damaged {
                Some(_) => u64::MAX,
                None => journal.newest(),
            };
            format!("{:016x} {newest}\n", journal.epoch)
        });
        lines.collect()
    }

    /// Copies new entries, and lists the folders of journals that have some, or all. Returns whether
    /// entries were new.
    pub(crate) fn poll(
        &mut self,
        cache: &Path,
        clock: &Clock,
        lists_all: bool,
    ) -> Result<bool, String> {
        self.find_new_journal(cache, clock)?;
        let mut is_new = false;
        for files in &mut self.journals {
            let copied = files.copy(clock)?;
            if lists_all || copied {
                files.list_folders(clock.now())?;
            }
            if lists_all {
                files.note_assigned_again(clock.now());
            }
            is_new |= copied;
        }
        Ok(is_new)
    }

    /// Opens the journal that is in place, unless it is known.
    fn find_new_journal(&mut self, cache: &Path, clock: &Clock) -> Result<(), String> {
        self.in_place = None;
        let Ok(held) = File::open(cache.join(".sse/journal-2")) else {
            return Ok(());
        };
        // Through the opened folder, because another may be at this path by now.
        let id_file = path(&held).join(".id");
        let Ok(id) = fs::read_to_string(&id_file) else {
            return Ok(());
        };
        if self.journals.iter().any(|files| files.id == id) {
            self.in_place = Some(id);
            return Ok(());
        }
        // A journal without a folder of entries cannot be opened, and is about to be replaced.
        if newest_folder(&path(&held)).is_none() {
            return Ok(());
        }
        self.in_place = Some(id.clone());
        let mut known = self.journals.iter().map(|files| &files.journal);
        if let Some(before) = known.clone().find(|known| known.retired.is_none()) {
            return Err(format!(
                "{:016x} was replaced, although it was intact",
                before.epoch
            ));
        }
        // It exists now, and did not yet exist when the one before was damaged or moved away.
        let absent = known
            .next_back()
            .and_then(|journal| journal.retired)
            .unwrap_or_default();
        let epoch = epoch(&id).ok_or_else(|| format!("this is not an id: {id:?}"))?;
        let new = JournalFiles::new(epoch, id, held, absent, clock.now());
        self.journals.push(new);
        Ok(())
    }

    /// Removes a file like another program, and keeps a copy of it. `dir_name` is the name of its
    /// folder.
    pub(crate) fn remove(
        &mut self,
        cache: &Path,
        dir: &File,
        dir_name: &str,
        name: &str,
        clock: &Clock,
    ) {
        // Polls first, so that no journal is missed that is created and removed between two polls, and
        // no entry of a journal that may be put away from now on.
        let polled = match name {
            ".id" | ".high-water" => self.poll(cache, clock, false).map(drop),
            _ => self.find_new_journal(cache, clock),
        };
        if let Err(why) = polled {
            self.broken.get_or_insert(why);
        }
        let now = clock.now();
        let file = path(dir).join(name);
        let (inside, above) = (identity(&path(dir)), identity(&path(dir).join("..")));
        for files in &mut self.journals {
            let is_of_folder = above.is_some_and(|above| files.is_in(above));
            if name == ".id" && inside.is_some_and(|inside| files.is_in(inside)) {
                files.mark_id_lost(now);
            } else if let (true, Some(number)) = (is_of_folder, entry_number(name)) {
                if let Ok(bytes) = fs::read(&file) {
                    files.mark_entry_lost(number, &bytes, now);
                }
            } else if let (".high-water", true, Some(folder)) =
                (name, is_of_folder, folder_number(dir_name))
            {
                files.mark_folder_lost(folder, dir, now);
            }
        }
        let _ = fs::remove_file(file);
    }

    /// A folder of entries is about to be moved away or removed.
    pub(crate) fn mark_folder_lost(&mut self, folder: u64, dir: &File, now: At) {
        let above = identity(&path(dir).join(".."));
        for files in &mut self.journals {
            if above.is_some_and(|above| files.is_in(above)) {
                files.mark_folder_lost(folder, dir, now);
            }
        }
    }
}

impl ArchiveFollower {
    /// Follows the cache of the app in this folder.
    pub(crate) fn start(app: &Path, cache: PathBuf, clock: Arc<Clock>) -> Self {
        let archive = Arc::new(Mutex::new(FolderArchive::default()));
        let ends = Arc::new(AtomicBool::new(false));
        let thread = thread::spawn({
            let (archive, ends) = (Arc::clone(&archive), Arc::clone(&ends));
            let notes = app.join(COPIED);
            move || follow(&cache, &notes, &clock, &archive, &ends)
        });
        Self {
            archive,
            ends,
            thread: Some(thread),
        }
    }

    pub(crate) fn lock(&self) -> MutexGuard<'_, FolderArchive> {
        lock(&self.archive)
    }

    /// For a thread that removes files.
    pub(crate) fn share(&self) -> Arc<Mutex<FolderArchive>> {
        Arc::clone(&self.archive)
    }

    /// The archive after another poll, because the thread may be late on a busy machine.
    pub(crate) fn up_to_date(&self, cache: &Path, clock: &Clock) -> MutexGuard<'_, FolderArchive> {
        let mut archive = self.lock();
        if let Err(why) = archive.poll(cache, clock, false) {
            archive.broken = Some(why);
        }
        archive
    }

    /// Moves the cache folder away. The next process that uses it creates another.
    pub(crate) fn move_cache(&self, cache: &Path, to: &Path, clock: &Clock) {
        let mut archive = self.lock();
        let start = clock.now();
        fs::rename(cache, to).unwrap();
        let end = Some(clock.now());
        archive.losses.push(Loss { start, end });
        // So that no journal is missed that was created and moved between two polls.
        if let Err(why) = archive.find_new_journal(to, clock) {
            archive.broken = Some(why);
        }
        archive.in_place = None;
        for files in &mut archive.journals {
            files.journal.retired.get_or_insert(start);
        }
    }

    /// Truncates the files of some entries that were copied already.
    pub(crate) fn truncate_entries(&self, numbers_from_the_end: &[u64], clock: &Clock) -> usize {
        let mut archive = self.lock();
        let Some(files) = archive.journals.last_mut() else {
            return 0;
        };
        let mut count = 0;
        for back in numbers_from_the_end {
            let Some(number) = files.journal.newest().checked_sub(*back).filter(|n| *n > 0) else {
                continue;
            };
            let now = clock.now();
            let at = usize::try_from(number - 1).unwrap();
            let path = files.entry_path(number);
            if path.is_some_and(|path| truncate(&path)) {
                files.journal.entries[at].gone.get_or_insert(now);
                count += 1;
            }
        }
        count
    }

    pub(crate) fn end(mut self) -> Archive {
        self.ends.store(true, Ordering::SeqCst);
        if let Some(thread) = self.thread.take() {
            thread.join().unwrap();
        }
        self.lock().take()
    }
}

impl Drop for ArchiveFollower {
    fn drop(&mut self) {
        self.ends.store(true, Ordering::SeqCst);
    }
}

pub(crate) fn lock(archive: &Mutex<FolderArchive>) -> MutexGuard<'_, FolderArchive> {
    archive.lock().unwrap_or_else(PoisonError::into_inner)
}

fn truncate(path: &Path) -> bool {
    let file = File::options().write(true).truncate(true).open(path);
    file.is_ok()
}

fn follow(
    cache: &Path,
    notes_file: &Path,
    clock: &Clock,
    archive: &Mutex<FolderArchive>,
    ends: &AtomicBool,
) {
    let mut listed = None;
    let mut noted = String::new();
    loop {
        // Read before the last poll, so that this poll comes after all saves.
        let last = ends.load(Ordering::SeqCst);
        let (is_idle, notes) = {
            let mut archive = lock(archive);
            let now = clock.now();
            let is_due = listed.is_none_or(|listed| now > listed + FOLDER_INTERVAL);
            let result = archive.poll(cache, clock, is_due);
            if is_due {
                listed = Some(now);
            }
            match result {
                Ok(is_new) => (!is_new, archive.notes()),
                Err(why) => {
                    archive.broken = Some(why);
                    return;
                }
            }
        };
        if last && is_idle {
            return;
        }
        if notes != noted {
            let _ = fs::write(notes_file, &notes);
            noted = notes;
        }
        if is_idle {
            thread::sleep(Duration::from_millis(1));
        }
    }
}
