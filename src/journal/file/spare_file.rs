//! An unfinished file that waits for the next save.
//!
//! On some file systems, creating a file takes longer than everything else in a save. So if the saves of a process are
//! far enough apart, a thread creates the file of the next one in the pause between them.

use std::{
    fs::File,
    mem, process,
    sync::{Arc, Mutex},
    time::{Duration, Instant},
};

use rustix::fs::{RawMode, Stat};

use super::{
    cache_folder::CacheFolder, entry_folder::EntryFolder, open_folder::FileIdentity,
    unfinished::UnfinishedItem,
};
use crate::runtime::{BackgroundThread, lock, try_lock};

/// If two saves are closer together, the next one probably comes before its spare file is created.
const MIN_PAUSE_BETWEEN_SAVES: Duration = Duration::from_millis(2);

/// The file is created this long after a save. By then the streams usually have the entry: the thread must not occupy
/// the core that they need.
const CREATION_DELAY: Duration = Duration::from_millis(1);

/// A request ends the wait of the thread, so it may be long.
const IDLE_WAIT: Duration = Duration::from_secs(24 * 60 * 60);

/// The spare file of a journal, if it has one.
///
/// A save never waits for its locks. A program that forks copies them, perhaps while the thread holds one; in the new
/// process nobody would release it.
#[derive(Default)]
pub(super) struct SpareFile {
    state: Arc<Mutex<State>>,
    /// Started when it is needed first. `None` before that, and if it could not be started.
    thread: Mutex<Option<BackgroundThread>>,
}

#[derive(Default)]
struct State {
    spare: Option<Spare>,
    /// The folder in which the thread is to create the next one.
    requested: Option<Arc<EntryFolder>>,
    last_save: Option<Instant>,
}

/// Removed when dropped. It is not open: as long as a file is open for writing, its file system cannot be made
/// read-only.
struct Spare {
    cache_folder: Arc<CacheFolder>,
    folder: Arc<EntryFolder>,
    name: String,
    state: FileState,
    /// The process that has created it. A forked process has a copy of this value, and must not write into the same
    /// file.
    process: u32,
}

/// What differs if the file was changed or replaced. Another file may get the same inode, but no program can choose the
/// time of a change.
#[derive(PartialEq, Eq)]
struct FileState {
    identity: FileIdentity,
    // Wide enough for the types of every system.
    changed_at: (i128, i128),
    size: i128,
    owner: (u32, u32),
    mode: RawMode,
}

impl FileState {
    fn of(stat: &Stat) -> Self {
        Self {
            identity: FileIdentity::from_stat(stat),
            changed_at: (stat.st_ctime.into(), stat.st_ctime_nsec.into()),
            size: stat.st_size.into(),
            owner: (stat.st_uid, stat.st_gid),
            mode: stat.st_mode,
        }
    }
}

impl SpareFile {
    /// The spare file, if it is in this folder and as it was created.
    pub(super) fn take<'a>(
        &self,
        folder: &'a Arc<EntryFolder>,
    ) -> Option<(File, UnfinishedItem<'a>)> {
        let spare = try_lock(&self.state)?.spare.take()?;
        if spare.process != process::id() {
            return None;
        }
        // Fails if it is in an earlier folder: no other file has its random name.
        let opened = folder.as_open_folder().open_file_to_write(&spare.name);
        let (file, stat) = opened.ok()?;
        let is_unchanged = FileState::of(&stat) == spare.state;
        is_unchanged.then(|| (file, spare.into_item(folder)))
    }

    #[cfg(test)]
    pub(super) fn is_ready(&self) -> bool {
        lock(&self.state).spare.is_some()
    }

    /// Calls `work` while another thread holds the lock.
    #[cfg(test)]
    pub(super) fn while_locked<T>(&self, work: impl FnOnce() -> T) -> T {
        let _state = lock(&self.state);
        work()
    }

    /// Call it after each save. Has the file of the next one created in this folder, if that is useful.
    pub(super) fn request(&self, folder: &Arc<EntryFolder>, cache_folder: &Arc<CacheFolder>) {
        let now = Instant::now();
        {
            let Some(mut state) = try_lock(&self.state) else {
                return;
            };
            let last_save = state.last_save.replace(now);
            let is_useful =
                last_save.is_some_and(|last| now.duration_since(last) >= MIN_PAUSE_BETWEEN_SAVES);
            if !is_useful || state.spare.is_some() {
                return;
            }
            state.requested = Some(Arc::clone(folder));
        }
        let Some(mut thread) = try_lock(&self.thread) else {
            return;
        };
        if let Some(thread) = &*thread {
            thread.wake();
        } else {
            // Without it, each save creates its own file.
            *thread = start(Arc::clone(&self.state), Arc::clone(cache_folder)).ok();
        }
    }
}

impl Drop for SpareFile {
    /// Not left to the thread: a program that ends does not wait for it.
    fn drop(&mut self) {
        let state = try_lock(&self.state).map(|mut state| mem::take(&mut *state));
        drop(state);
    }
}

fn start(
    state: Arc<Mutex<State>>,
    cache_folder: Arc<CacheFolder>,
) -> std::io::Result<BackgroundThread> {
    BackgroundThread::start("sse-spare", move |interrupt| {
        while !interrupt.is_raised() {
            interrupt.wait(CREATION_DELAY);
            let requested = lock(&state).requested.take();
            if let Some(folder) = requested {
                let spare = Spare::create(folder, Arc::clone(&cache_folder));
                // A former one is removed without the lock.
                let former = spare.and_then(|spare| lock(&state).spare.replace(spare));
                drop(former);
            }
            interrupt.wait(IDLE_WAIT);
        }
    })
}

impl Spare {
    /// `None` after an error, which the next save reports if it persists.
    fn create(folder: Arc<EntryFolder>, cache_folder: Arc<CacheFolder>) -> Option<Self> {
        let _impersonation = cache_folder.impersonate_owner().ok()?;
        let permissions = cache_folder.permissions();
        let created = permissions.create_unfinished_file(folder.as_open_folder());
        let (file, item) = created.ok()?;
        let stat = rustix::fs::fstat(&file).ok()?;
        // Otherwise another program has written to it already.
        if stat.st_size != 0 {
            return None;
        }
        let state = FileState::of(&stat);
        let name = item.into_name()?;
        Some(Self {
            cache_folder,
            folder,
            name,
            state,
            process: process::id(),
        })
    }

    fn into_item(mut self, folder: &EntryFolder) -> UnfinishedItem<'_> {
        UnfinishedItem::new(folder.as_open_folder(), mem::take(&mut self.name))
    }
}

impl Drop for Spare {
    /// What cannot be removed now is removed with the folder.
    fn drop(&mut self) {
        if self.name.is_empty() || self.process != process::id() {
            return;
        }
        if let Ok(_impersonation) = self.cache_folder.impersonate_owner() {
            let _ = self.folder.as_open_folder().remove_file(&self.name);
        }
    }
}
