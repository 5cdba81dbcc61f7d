//! Wakes a reader when an entry gets its number.

#[cfg(feature = "actix")]
use std::os::fd::OwnedFd;
use std::{io, sync::Arc, time::Duration};

use super::{
    cache_folder::CacheFolder,
    entry_folder::EntryFolder,
    layout::{Layout, parse_entry_name},
    open_folder::OpenFolder,
};
use crate::{
    journal::contract::{EntryWatcher, Notified},
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
    fn wait(&mut self, next: u64, timeout: Duration, interrupt: &Interrupt) -> Notified {
        let folder = self.layout.folder_of(next);
        if self.watched.map(|(number, _)| number) != Some(folder) && self.watch_folder(folder) {
            // Entries from before the watch was added are not notified: the caller must read first.
            return Notified::Nothing;
        }
        if !self.watcher.wait(timeout, interrupt) {
            return Notified::Nothing;
        }
        let watched = self.watched.map(|(_, watch)| watch);
        let mut notified = Notified::Nothing;
        self.watcher.read(|notification| {
            let is_watched = Some(notification.watch) == watched;
            let name = notification.name.filter(|_| is_watched);
            notified = match (name.and_then(parse_entry_name), notified) {
                (Some(number), Notified::Nothing) => Notified::Entries {
                    lowest: number,
                    highest: number,
                },
                (Some(number), Notified::Entries { lowest, highest }) => Notified::Entries {
                    lowest: lowest.min(number),
                    highest: highest.max(number),
                },
                // It may be about another journal, or tell that some were dropped.
                _ => Notified::Other,
            };
        });
        notified
    }

    #[cfg(feature = "actix")]
    fn notifications(&self) -> Option<OwnedFd> {
        self.watcher.notifications().ok().flatten()
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
        tracing::warn!(
            "no file notifications ({error}), so {what} are found only once per SSE_POLL_INTERVAL; \
             limits of notifications are in /proc/sys/fs/inotify"
        );
        FolderWatcher::without_notifications()
    })
}

#[cfg(test)]
#[cfg(not(portable))]
mod tests {
    use std::{fs, time::Instant};

    use super::*;
    use crate::{
        config::Config,
        journal::{Journal, file::tests::open_with_small_folders},
        platform::IS_LINUX,
    };

    #[test]
    fn numbers_are_told_if_only_entries_were_notified() {
        if !IS_LINUX {
            return;
        }
        let app = tempfile::tempdir().unwrap();
        let config = Config::new(app.path(), "a:k").unwrap();
        let journal = open_with_small_folders(&config);
        let mut watcher = journal.watch();
        let interrupt = Interrupt::new().unwrap();
        let start = Instant::now();
        let mut wait = |number: u64| {
            loop {
                // The first wait only adds the watch.
                match watcher.wait(number, Duration::from_millis(100), &interrupt) {
                    Notified::Nothing => assert!(start.elapsed() < Duration::from_secs(10)),
                    notified => return notified,
                }
            }
        };
        journal.append(b"1").unwrap();
        fs::write(app.path().join("other"), "").unwrap();
        let sse_folder = config.cache_dir().join(".sse");
        fs::rename(app.path().join("other"), sse_folder.join("other")).unwrap();
        assert_eq!(wait(2), Notified::Other);
        journal.append(b"2").unwrap();
        journal.append(b"3").unwrap();
        let expected = Notified::Entries {
            lowest: 2,
            highest: 3,
        };
        assert_eq!(wait(2), expected);
        journal.append(b"4").unwrap();
        // In a new folder.
        assert_eq!(wait(4), Notified::Other);
        journal.append(b"5").unwrap();
        fs::rename(sse_folder.join("other"), sse_folder.join("renamed")).unwrap();
        assert_eq!(wait(5), Notified::Other);
    }
}
