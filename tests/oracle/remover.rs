//! Other programs that remove files in the cache folder while everybody works there.

use std::{
    fs::{self, File},
    path::{Path, PathBuf},
    sync::{Arc, Mutex},
    thread::{self, JoinHandle},
    time::Duration,
};

use fastrand::Rng;

use crate::{
    clock::Clock,
    journal::{folder_name, newest_folder, open_dir, path},
    truth::{Loss, Truth, lock},
};

/// How a cache is cleared.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Clear {
    /// All regular files, as `find -type f -delete` does it.
    All,
    /// All files whose own name has no leading dot, as CodeIgniter's `cache()->clean()` does it.
    Visible,
}

/// How the newest folder of entries goes.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Leaves {
    Moved,
    Removed,
}

/// What a program that removes files works with.
#[derive(Clone)]
pub(crate) struct Remover {
    pub(crate) truth: Arc<Mutex<Truth>>,
    pub(crate) clock: Arc<Clock>,
    pub(crate) cache: PathBuf,
}

impl Remover {
    /// Clears the cache on a thread of its own. Directories stay.
    pub(crate) fn clear(self, how: Clear, seed: u64) -> JoinHandle<()> {
        thread::spawn(move || {
            let remove = || {
                if let Ok(cache) = open_dir(&self.cache) {
                    self.clear_dir(&cache, "", how, &mut Rng::with_seed(seed));
                }
            };
            match how {
                Clear::All => self.with_loss(remove),
                Clear::Visible => remove(),
            }
        })
    }

    /// While this works, a journal may end at any moment.
    fn with_loss(&self, work: impl FnOnce()) {
        let index = {
            let mut truth = lock(&self.truth);
            let start = self.clock.now();
            truth.losses.push(Loss { start, end: None });
            truth.losses.len() - 1
        };
        work();
        let now = self.clock.now();
        // The run may have failed and ended meanwhile.
        if let Some(loss) = lock(&self.truth).losses.get_mut(index) {
            loss.end = Some(now);
        }
    }

    /// In the directory's own order, directories first or last by chance, and with pauses.
    fn clear_dir(&self, dir: &File, name: &str, how: Clear, rng: &mut Rng) {
        let (mut dirs, mut files) = (Vec::new(), Vec::new());
        for item in fs::read_dir(path(dir)).into_iter().flatten().flatten() {
            let Some(name) = item.file_name().to_str().map(str::to_owned) else {
                continue;
            };
            match item.file_type() {
                Ok(kind) if kind.is_dir() => dirs.push(name),
                Ok(kind) if kind.is_file() => files.push(name),
                _ => {}
            }
        }
        let dirs_first = rng.bool();
        for turn in [true, false] {
            if turn == dirs_first {
                for name in &dirs {
                    if let Ok(inner) = open_dir(&path(dir).join(name)) {
                        self.clear_dir(&inner, name, how, rng);
                    }
                }
                continue;
            }
            for file in &files {
                if how == Clear::All || !file.starts_with('.') {
                    lock(&self.truth).remove(&self.cache, dir, name, file, &self.clock);
                }
                if rng.u32(..200) == 0 {
                    thread::sleep(Duration::from_millis(rng.u64(..10)));
                }
            }
        }
    }

    /// Removes the files of single entries, so many back from the newest, and counts them.
    pub(crate) fn remove_entries(&self, numbers_from_the_end: &[u64]) -> usize {
        let mut truth = lock(&self.truth);
        // What no server has read yet counts as well.
        if let Err(why) = truth.look(&self.cache, &self.clock, false) {
            truth.broken.get_or_insert(why);
            return 0;
        }
        let Some(journal) = truth.current() else {
            return 0;
        };
        let (epoch, newest) = (journal.epoch, journal.newest());
        let mut count = 0;
        for back in numbers_from_the_end {
            let number = newest.saturating_sub(*back);
            let name = format!(".{number:020}");
            let folder = folder_name(number / 1_000);
            let Ok(dir) = open_dir(&self.journal().join(&folder)) else {
                continue;
            };
            // An entry whose writer has not raised the mark yet is not promised to keep its number.
            let mark = fs::metadata(path(&dir).join(".high-water"));
            let is_claimed = mark.is_ok_and(|mark| mark.len() > number % 1_000);
            if !is_claimed || !path(&dir).join(&name).is_file() {
                continue;
            }
            truth.remove(&self.cache, &dir, &folder, &name, &self.clock);
            let journal = truth.journals.iter_mut().find(|it| it.epoch == epoch);
            if let Some(journal) = journal {
                journal.has_lost_entry(number);
            }
            count += 1;
        }
        count
    }

    /// Takes the newest folder of entries away. `false`: there was none.
    pub(crate) fn lose_newest_folder(&self, leaves: Leaves, to: &Path) -> bool {
        let Some(folder) = newest_folder(&self.journal()) else {
            return false;
        };
        let path_of_folder = self.journal().join(folder_name(folder));
        let Ok(dir) = open_dir(&path_of_folder) else {
            return false;
        };
        self.with_loss(|| {
            {
                let mut truth = lock(&self.truth);
                if let Err(why) = truth.look(&self.cache, &self.clock, false) {
                    truth.broken.get_or_insert(why);
                }
                truth.loses_folder(folder, &dir, self.clock.now());
                if leaves == Leaves::Moved {
                    let _ = fs::rename(&path_of_folder, to);
                    return;
                }
            }
            self.clear_dir(&dir, &folder_name(folder), Clear::All, &mut Rng::new());
            // It fails if somebody has saved into it meanwhile, as `rm -r` does.
            let _ = fs::remove_dir(&path_of_folder);
        });
        true
    }

    fn journal(&self) -> PathBuf {
        self.cache.join(".sse/journal-2")
    }
}
