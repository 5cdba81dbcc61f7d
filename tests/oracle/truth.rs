//! The truth: every entry of every journal, copied from the disk as it appears.
//!
//! This follows the documented format and shares nothing with the library. What is swept later
//! was copied before.

use std::{
    collections::BTreeMap,
    fs::{self, File},
    io::{self, ErrorKind},
    os::fd::AsRawFd,
    path::{Path, PathBuf},
    sync::{
        Arc, Mutex, MutexGuard, PoisonError,
        atomic::{AtomicBool, Ordering},
    },
    thread::{self, JoinHandle},
    time::Duration,
};

use crate::{
    clock::Clock,
    disk::{Entry, epoch, read},
    model::{At, Filter, Place},
};

/// How often the folders are listed.
const FOLDERS_EVERY: Duration = Duration::from_millis(5);

/// One journal, as far as it was read.
pub(crate) struct Journal {
    pub(crate) epoch: u64,
    held: File,
    pub(crate) entries: Vec<Entry>,
    /// A moment at which the next entry was not there yet.
    absent: At,
    /// When each folder was last seen.
    present: BTreeMap<u64, At>,
    /// A moment before its folder was moved away.
    pub(crate) retired: Option<At>,
}

#[derive(Default)]
pub(crate) struct Truth {
    pub(crate) journals: Vec<Journal>,
    /// Why this is not the truth.
    pub(crate) broken: Option<String>,
}

/// Follows the cache folder at a path on a thread.
pub(crate) struct TruthFollower {
    truth: Arc<Mutex<Truth>>,
    ends: Arc<AtomicBool>,
    thread: Option<JoinHandle<()>>,
}

impl Journal {
    pub(crate) fn entry(&self, number: u64) -> Option<&Entry> {
        let at = usize::try_from(number.checked_sub(1)?).ok()?;
        self.entries.get(at)
    }

    pub(crate) fn newest(&self) -> u64 {
        self.entries.len() as u64
    }

    pub(crate) fn end(&self) -> Place {
        Place {
            next: self.newest() + 1,
            parts: 0,
        }
    }

    /// The events between two places that pass the filter: number of the entry, and place in it.
    pub(crate) fn wanted(
        &self,
        filter: Filter,
        from: Place,
        to: Place,
    ) -> impl Iterator<Item = (u64, usize, &Entry)> {
        (from.next..=to.next)
            .filter_map(|number| Some((number, self.entry(number)?)))
            .flat_map(move |(number, entry)| {
                let parts = entry.events().iter().enumerate();
                parts
                    .filter(move |(part, event)| {
                        let place = Place {
                            next: number,
                            parts: *part,
                        };
                        from <= place && place < to && filter.wants(**event)
                    })
                    .map(move |(part, _)| (number, part, entry))
            })
    }

    /// Whether the entry may have been swept at a moment.
    pub(crate) fn may_be_swept(&self, number: u64, at: At) -> bool {
        self.present.get(&(number / 1_000)).is_none_or(|last| {
            *last <= at && self.present.last_key_value().map(|(_, last)| last) != Some(last)
        })
    }

    fn path(&self) -> PathBuf {
        PathBuf::from(format!("/proc/self/fd/{}", self.held.as_raw_fd()))
    }

    fn entry_path(&self, number: u64) -> PathBuf {
        let name = format!("{:012}/.{number:020}", number / 1_000);
        self.path().join(name)
    }

    fn has_folder(&self, folder: u64) -> bool {
        self.path().join(format!("{folder:012}")).is_dir()
    }

    /// Copies what is new. `false`: nothing was.
    fn copy(&mut self, clock: &Clock) -> Result<bool, String> {
        let before = self.entries.len();
        loop {
            let number = self.newest() + 1;
            let looked = clock.now();
            match fs::read(self.entry_path(number)) {
                Ok(bytes) => self.push(&bytes, clock.now())?,
                Err(error) if error.kind() == ErrorKind::NotFound => {
                    let folder = number / 1_000;
                    let not_yet = self.has_folder(folder)
                        || (number.is_multiple_of(1_000) && self.has_folder(folder - 1))
                        || self.entry_path(number).is_file();
                    if !not_yet {
                        return Err(format!(
                            "entry {number} of {:016x} was swept before it was copied: this machine is too slow for this test, or the journal is broken",
                            self.epoch
                        ));
                    }
                    self.absent = looked;
                    return Ok(self.entries.len() > before);
                }
                Err(error) => return Err(format!("entry {number}: {error}")),
            }
        }
    }

    fn push(&mut self, bytes: &[u8], seen: At) -> Result<(), String> {
        let number = self.newest() + 1;
        let entry = read(bytes, self.absent, seen).map_err(|why| {
            let text = String::from_utf8_lossy(bytes);
            format!(
                "entry {number} of {:016x} is torn: {why}: {text:?}",
                self.epoch
            )
        })?;
        self.entries.push(entry);
        Ok(())
    }

    fn list_folders(&mut self, now: At) -> io::Result<()> {
        for item in fs::read_dir(self.path())? {
            let name = item?.file_name();
            if let Some(folder) = name.to_str().and_then(|name| name.parse().ok()) {
                self.present.insert(folder, now);
            }
        }
        Ok(())
    }
}

impl Truth {
    pub(crate) fn journal(&self, epoch: u64) -> Option<&Journal> {
        self.journals.iter().find(|journal| journal.epoch == epoch)
    }

    /// The journal in place.
    pub(crate) fn current(&self) -> Option<&Journal> {
        self.journals
            .last()
            .filter(|journal| journal.retired.is_none())
    }

    /// Copies all that is new, and lists the folders where something was, or all. `false`: nothing
    /// was.
    fn look(&mut self, cache: &Path, clock: &Clock, lists_all: bool) -> Result<bool, String> {
        self.look_for_another(cache);
        let mut is_new = false;
        for journal in &mut self.journals {
            let copied = journal.copy(clock)?;
            if lists_all || copied {
                let listed = journal.list_folders(clock.now());
                listed.map_err(|error| error.to_string())?;
            }
            is_new |= copied;
        }
        Ok(is_new)
    }

    /// Opens the journal in place, unless it is known.
    fn look_for_another(&mut self, cache: &Path) -> Option<()> {
        let held = File::open(cache.join(".sse/journal-2")).ok()?;
        // Through the folder that was opened: another may be in its place by now.
        let id = PathBuf::from(format!("/proc/self/fd/{}/.id", held.as_raw_fd()));
        let epoch = epoch(&File::open(id).ok()?)?;
        if self.journals.iter().any(|journal| journal.epoch == epoch) {
            return None;
        }
        // It is there already; it was not yet when the one before was moved away.
        let before = self.journals.last();
        let absent = before
            .and_then(|journal| journal.retired)
            .unwrap_or_default();
        self.journals.push(Journal {
            epoch,
            held,
            entries: Vec::new(),
            absent,
            present: BTreeMap::new(),
            retired: None,
        });
        Some(())
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
        self.truth.lock().unwrap_or_else(PoisonError::into_inner)
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
        let now = clock.now();
        fs::rename(cache, to).unwrap();
        // One that came and goes between two looks of the follower is not missed.
        truth.look_for_another(to);
        if let Some(journal) = truth.journals.last_mut() {
            journal.retired.get_or_insert(now);
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
            let path = journal.entry_path(number);
            let now = clock.now();
            let at = usize::try_from(number - 1).unwrap();
            if File::options()
                .write(true)
                .truncate(true)
                .open(path)
                .is_ok()
            {
                journal.entries[at].spoilt.get_or_insert(now);
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

fn follow(cache: &Path, clock: &Clock, truth: &Mutex<Truth>, ends: &AtomicBool) {
    let mut listed = None;
    loop {
        // Before the last look, so that it comes after everything.
        let last = ends.load(Ordering::SeqCst);
        let is_idle = {
            let mut truth = truth.lock().unwrap_or_else(PoisonError::into_inner);
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
