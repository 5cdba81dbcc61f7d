//! Wakes a reader when an entry gets its number.

use std::{io, sync::Arc, time::Duration};

use super::{
    cache_folder::CacheFolder, entry_folder::EntryFolder, layout::Layout, open_folder::OpenFolder,
};
use crate::{
    journal::contract::EntryWatcher,
    platform::{ChangeKinds, FolderWatcher, WatchId},
    runtime::Interrupt,
};

/// Watches for renames into three folders: the folder of the next entry; the journal, where the next
/// folder of entries appears; and `.sse/`, where another journal appears. It does not watch for
/// reads, or a reader would wake itself.
pub(super) struct JournalWatcher {
    journal: Arc<OpenFolder>,
    layout: Layout,
    watcher: FolderWatcher,
    /// The watched folder of entries.
    watched: Option<(u64, WatchId)>,
}

impl JournalWatcher {
    pub(super) fn new(
        cache_folder: &CacheFolder,
        journal: Arc<OpenFolder>,
        layout: Layout,
    ) -> Self {
        let watcher = watch(
            &[cache_folder.sse_folder(), &journal],
            ChangeKinds::Renames,
            "new entries",
        );
        Self {
            journal,
            layout,
            watcher,
            watched: None,
        }
    }

    /// Watches this folder of entries instead of the former one. `false` if that is not possible
    /// now.
    fn watch_folder(&mut self, number: u64) -> bool {
        // Another program's file or folder may have the name until this folder is created.
        let opened = EntryFolder::open(&self.journal, self.layout, number);
        let Ok(Some(folder)) = opened else {
            return false;
        };
        let path = folder.as_open_folder().fd_path();
        let Ok(Some(added)) = self.watcher.add(&path, ChangeKinds::Renames) else {
            return false;
        };
        if let Some((_, previous)) = self.watched.replace((number, added))
            && previous != added
        {
            self.watcher.remove(previous);
        }
        true
    }
}

impl EntryWatcher for JournalWatcher {
    fn wait(&mut self, next: u64, timeout: Duration, interrupt: &Interrupt) -> bool {
        let folder = self.layout.folder_of(next);
        if self.watched.map(|(number, _)| number) != Some(folder) && self.watch_folder(folder) {
            // Entries from before the watch was added are not notified: the caller must read first.
            return false;
        }
        self.watcher.wait(timeout, interrupt);
        let mut is_notified = false;
        self.watcher.read(|_| is_notified = true);
        is_notified
    }
}

/// Watches folders. Without notifications, `what` is found late, but nothing is lost.
pub(crate) fn watch(folders: &[&OpenFolder], changes: ChangeKinds, what: &str) -> FolderWatcher {
    let watch = || {
        let watcher = FolderWatcher::new()?;
        for folder in folders {
            watcher.add(&folder.fd_path(), changes)?;
        }
        Ok(watcher)
    };
    watch().unwrap_or_else(|error: io::Error| {
        log::warn!(
            "no file notifications ({error}), so {what} are found only once per SSE_POLL_INTERVAL; \
             limits of notifications are in /proc/sys/fs/inotify"
        );
        FolderWatcher::without_notifications()
    })
}
