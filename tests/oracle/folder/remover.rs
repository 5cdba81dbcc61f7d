//! Other programs that remove files in the cache folder while it is used.

use std::{
    fs::{self, File},
    path::{Path, PathBuf},
    sync::{Arc, Mutex},
    thread::{self, JoinHandle},
    time::Duration,
};

use fastrand::Rng;

use super::{
    archive::{FolderArchive, lock},
    journal::{folder_name, newest_folder, open_dir, path},
};
use crate::{archive::Loss, clock::Clock};

/// How a cache is cleared.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Clear {
    /// All regular files, like `find -type f -delete`.
    All,
    /// All files whose name has no leading dot, like CodeIgniter's `cache()->clean()`.
    Visible,
}

/// How the newest folder of entries is lost.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum FolderLoss {
    Moved,
    Removed,
}

/// A program that removes files.
#[derive(Clone)]
pub(crate) struct Remover {
    pub(crate) archive: Arc<Mutex<FolderArchive>>,
    pub(crate) clock: Arc<Clock>,
    pub(crate) cache: PathBuf,
}

impl Remover {
    /// Clears the cache on another thread. Folders are kept.
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

    /// Records that journals may end at any moment while `work` runs.
    fn with_loss(&self, work: impl FnOnce()) {
        let index = {
            let mut archive = lock(&self.archive);
            let start = self.clock.now();
            archive.losses.push(Loss { start, end: None });
            archive.losses.len() - 1
        };
        work();
        let now = self.clock.now();
        // The run may have failed meanwhile.
        if let Some(loss) = lock(&self.archive).losses.get_mut(index) {
            loss.end = Some(now);
        }
    }

    /// Clears a folder in its own order, subfolders randomly first or last, and with pauses.
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
                    lock(&self.archive).remove(&self.cache, dir, name, file, &self.clock);
                }
                if rng.u32(..200) == 0 {
                    thread::sleep(Duration::from_millis(rng.u64(..10)));
                }
            }
        }
    }

    /// Removes the files of single entries, counted back from the newest. Returns how many.
    pub(crate) fn remove_entries(&self, numbers_from_the_end: &[u64]) -> usize {
        let mut archive = lock(&self.archive);
        // Includes entries that no server has read yet.
        if let Err(why) = archive.poll(&self.cache, &self.clock, false) {
            archive.broken.get_or_insert(why);
            return 0;
        }
        let Some(journal) = archive.current() else {
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
            // An entry may lose its number until its writer has raised the high-water mark.
            let mark = fs::metadata(path(&dir).join(".high-water"));
            let is_claimed = mark.is_ok_and(|mark| mark.len() > number % 1_000);
            if !is_claimed || !path(&dir).join(&name).is_file() {
                continue;
            }
            archive.remove(&self.cache, &dir, &folder, &name, &self.clock);
            let mut journals = archive.journals.iter_mut();
            if let Some(files) = journals.find(|files| files.journal.epoch == epoch) {
                files.mark_entry_removed(number);
            }
            count += 1;
        }
        count
    }

    /// Removes the newest folder of entries. Returns `false` if there is none.
    pub(crate) fn lose_newest_folder(&self, loss: FolderLoss, to: &Path) -> bool {
        let Some(folder) = newest_folder(&self.journal()) else {
            return false;
        };
        let path_of_folder = self.journal().join(folder_name(folder));
        let Ok(dir) = open_dir(&path_of_folder) else {
            return false;
        };
        self.with_loss(|| {
            {
                let mut archive = lock(&self.archive);
                if let Err(why) = archive.poll(&self.cache, &self.clock, false) {
                    archive.broken.get_or_insert(why);
                }
                archive.mark_folder_lost(folder, &dir, self.clock.now());
                if loss == FolderLoss::Moved {
                    let _ = fs::rename(&path_of_folder, to);
                    return;
                }
            }
            self.clear_dir(&dir, &folder_name(folder), Clear::All, &mut Rng::new());
            // Like `rm -r`, it fails if another process has saved into the folder meanwhile.
            let _ = fs::remove_dir(&path_of_folder);
        });
        true
    }

    fn journal(&self) -> PathBuf {
        self.cache.join(".sse/journal-2")
    }
}
