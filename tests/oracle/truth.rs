//! The truth: every entry of every journal, copied from the disk as it appears.
//!
//! This follows the documented format and shares nothing with the library. What is swept or removed
//! later was copied before.

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

use support::oracle::At;

use crate::{
    clock::Clock,
    disk::epoch,
    journal::{Journal, entry_number, folder_number, identity, newest_folder, path},
    model::Id,
};

/// How often the folders are listed.
const FOLDERS_EVERY: Duration = Duration::from_millis(5);

#[derive(Default)]
pub(crate) struct Truth {
    pub(crate) journals: Vec<Journal>,
    /// The id in place.
    in_place: Option<String>,
    /// The faults that may end a journal.
    pub(crate) losses: Vec<Loss>,
    /// Why this is not the truth.
    pub(crate) broken: Option<String>,
}

/// Other programs took away what a journal cannot do without.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Loss {
    pub(crate) start: At,
    /// `None`: it goes on.
    pub(crate) end: Option<At>,
}

/// Follows the cache folder at a path on a thread.
pub(crate) struct TruthFollower {
    truth: Arc<Mutex<Truth>>,
    ends: Arc<AtomicBool>,
    thread: Option<JoinHandle<()>>,
}

impl Truth {
    pub(crate) fn journal(&self, epoch: u64) -> Option<&Journal> {
        self.journals.iter().find(|journal| journal.epoch == epoch)
    }

    /// The epochs and numbers of entries with this content.
    pub(crate) fn find(&self, digest: u64) -> Vec<String> {
        let all = self.journals.iter().flat_map(|journal| {
            let entries = (1..).zip(&journal.entries);
            entries
                .filter(|(_, entry)| entry.digest == digest)
                .map(|(number, _)| Id::behind(journal.epoch, number).to_string())
        });
        all.collect()
    }

    /// The journal in place.
    pub(crate) fn current(&self) -> Option<&Journal> {
        let id = self.in_place.as_ref()?;
        self.journals.iter().find(|journal| journal.id == *id)
    }

    /// What was saved since was saved into this journal, or one that came after it.
    pub(crate) fn since(&self, journal: &Journal, at: At) -> At {
        let last = journal.born.max(journal.retired.unwrap_or_default());
        let losses = self.losses.iter();
        losses
            .filter(|loss| loss.start <= at.min(last))
            .map(|loss| loss.end.unwrap_or(At::MAX))
            .max()
            .unwrap_or_default()
    }

    /// Copies all that is new, and lists the folders where something was, or all. `false`: nothing
    /// was.
    pub(crate) fn look(
        &mut self,
        cache: &Path,
        clock: &Clock,
        lists_all: bool,
    ) -> Result<bool, String> {
        self.look_for_another(cache, clock)?;
        let mut is_new = false;
        for journal in &mut self.journals {
            let copied = journal.copy(clock)?;
            if lists_all || copied {
                journal.list_folders(clock.now())?;
            }
            if lists_all {
                journal.check_removed()?;
            }
            is_new |= copied;
        }
        Ok(is_new)
    }

    /// Opens the journal in place, unless it is known.
    fn look_for_another(&mut self, cache: &Path, clock: &Clock) -> Result<(), String> {
        self.in_place = None;
        let Ok(held) = File::open(cache.join(".sse/journal-2")) else {
            return Ok(());
        };
        // Through the folder that was opened: another may be in its place by now.
        let id_file = path(&held).join(".id");
        let (Ok(id), Ok(found)) = (fs::read_to_string(&id_file), fs::metadata(&id_file)) else {
            return Ok(());
        };
        if self.journals.iter().any(|journal| journal.id == id) {
            self.in_place = Some(id);
            return Ok(());
        }
        // Nobody can open a journal without a folder; another is about to take its place.
        if newest_folder(&path(&held)).is_none() {
            return Ok(());
        }
        self.in_place = Some(id.clone());
        if let Some(before) = self.journals.iter().find(|known| known.retired.is_none()) {
            return Err(format!(
                "{:016x} was replaced, although nothing had happened to it",
                before.epoch
            ));
        }
        // It is there already; it was not yet when the one before was damaged or moved away.
        let before = self.journals.last();
        let absent = before
            .and_then(|journal| journal.retired)
            .unwrap_or_default();
        let epoch = epoch(&id, &found).ok_or_else(|| format!("this is not an id: {id:?}"))?;
        let new = Journal::new(epoch, id, held, absent, clock.now());
        self.journals.push(new);
        Ok(())
    }

    /// Removes a file as another program does; the truth keeps what was in it. `dir_name` is the
    /// name under which its directory was found.
    pub(crate) fn remove(
        &mut self,
        cache: &Path,
        dir: &File,
        dir_name: &str,
        name: &str,
        clock: &Clock,
    ) {
        // A journal that comes and goes between two looks of the follower is not missed, nor are the
        // entries of one that may be put away from now on.
        let looked = match name {
            ".id" | ".high-water" => self.look(cache, clock, false).map(drop),
            _ => self.look_for_another(cache, clock),
        };
        if let Err(why) = looked {
            self.broken.get_or_insert(why);
        }
        let now = clock.now();
        let file = path(dir).join(name);
        let (inside, above) = (identity(&path(dir)), identity(&path(dir).join("..")));
        for journal in &mut self.journals {
            let is_of_folder = above.is_some_and(|above| journal.is_in(above));
            if name == ".id" && inside.is_some_and(|inside| journal.is_in(inside)) {
                journal.loses_id(now);
            } else if let (true, Some(number)) = (is_of_folder, entry_number(name)) {
                if let Ok(bytes) = fs::read(&file) {
                    journal.loses_entry(number, &bytes, now);
                }
            } else if let (".high-water", true, Some(folder)) =
                (name, is_of_folder, folder_number(dir_name))
            {
                journal.loses_folder(folder, dir, now);
            }
        }
        let _ = fs::remove_file(file);
    }

    /// A folder of entries is about to be moved away or removed.
    pub(crate) fn loses_folder(&mut self, folder: u64, dir: &File, now: At) {
        let above = identity(&path(dir).join(".."));
        for journal in &mut self.journals {
            if above.is_some_and(|above| journal.is_in(above)) {
                journal.loses_folder(folder, dir, now);
            }
        }
    }
}

impl TruthFollower {
    pub(crate) fn start(cache: PathBuf, clock: Arc<Clock>) -> Self {
        let truth = Arc::new(Mutex::new(Truth::default()));
        let ends = Arc::new(AtomicBool::new(false));
        let thread = thread::spawn({
            let (truth, ends) = (Arc::clone(&truth), Arc::clone(&ends));
            move || follow(&cache, &clock, &truth, &ends)
        });
        Self {
            truth,
            ends,
            thread: Some(thread),
        }
    }

    pub(crate) fn lock(&self) -> MutexGuard<'_, Truth> {
        lock(&self.truth)
    }

    /// For a thread that removes files.
    pub(crate) fn shared(&self) -> Arc<Mutex<Truth>> {
        Arc::clone(&self.truth)
    }

    /// The truth with all that is on the disk by now: on a busy machine the follower may be late.
    pub(crate) fn of_now(&self, cache: &Path, clock: &Clock) -> MutexGuard<'_, Truth> {
        let mut truth = self.lock();
        if let Err(why) = truth.look(cache, clock, false) {
            truth.broken = Some(why);
        }
        truth
    }

    /// Moves the cache folder away. Whoever looks next makes another.
    pub(crate) fn swap(&self, cache: &Path, to: &Path, clock: &Clock) {
        let mut truth = self.lock();
        let start = clock.now();
        fs::rename(cache, to).unwrap();
        let end = Some(clock.now());
        truth.losses.push(Loss { start, end });
        // One that came and goes between two looks of the follower is not missed.
        if let Err(why) = truth.look_for_another(to, clock) {
            truth.broken = Some(why);
        }
        truth.in_place = None;
        for journal in &mut truth.journals {
            journal.retired.get_or_insert(start);
        }
    }

    /// Spoils the files of some entries that are copied already.
    pub(crate) fn spoil(&self, numbers_from_the_end: &[u64], clock: &Clock) -> usize {
        let mut truth = self.lock();
        let Some(journal) = truth.journals.last_mut() else {
            return 0;
        };
        let mut count = 0;
        for back in numbers_from_the_end {
            let Some(number) = journal.newest().checked_sub(*back).filter(|n| *n > 0) else {
                continue;
            };
            let now = clock.now();
            let at = usize::try_from(number - 1).unwrap();
            let path = journal.entry_path(number);
            if path.is_some_and(|path| truncate(&path)) {
                journal.entries[at].gone.get_or_insert(now);
                count += 1;
            }
        }
        count
    }

    pub(crate) fn end(mut self) -> Truth {
        self.ends.store(true, Ordering::SeqCst);
        if let Some(thread) = self.thread.take() {
            thread.join().unwrap();
        }
        std::mem::take(&mut *self.lock())
    }
}

impl Drop for TruthFollower {
    fn drop(&mut self) {
        self.ends.store(true, Ordering::SeqCst);
    }
}

pub(crate) fn lock(truth: &Mutex<Truth>) -> MutexGuard<'_, Truth> {
    truth.lock().unwrap_or_else(PoisonError::into_inner)
}

fn truncate(path: &Path) -> bool {
    let file = File::options().write(true).truncate(true).open(path);
    file.is_ok()
}

fn follow(cache: &Path, clock: &Clock, truth: &Mutex<Truth>, ends: &AtomicBool) {
    let mut listed = None;
    loop {
        // Before the last look, so that it comes after everything.
        let last = ends.load(Ordering::SeqCst);
        let is_idle = {
            let mut truth = lock(truth);
            let now = clock.now();
            let is_due = listed.is_none_or(|listed| now > listed + FOLDERS_EVERY);
            let result = truth.look(cache, clock, is_due);
            if is_due {
                listed = Some(now);
            }
            match result {
                Ok(is_new) => !is_new,
                Err(why) => {
                    truth.broken = Some(why);
                    return;
                }
            }
        };
        if last && is_idle {
            return;
        }
        if is_idle {
            thread::sleep(Duration::from_millis(1));
        }
    }
}
