//! Wakes the thread that ingests drop-ins when a program has written one.

use std::{
    collections::{HashMap, HashSet},
    io,
    time::Duration,
};

use crate::{
    journal::file::OpenFolder,
    platform::{ChangeKinds, FolderWatcher, WatchId},
    runtime::Interrupt,
};

/// Watches the cache folder and the claimed drop-ins, and remembers which files were closed by their
/// writers or got their name by a rename.
pub(super) struct DropInWatcher {
    watcher: FolderWatcher,
    keys: HashSet<String>,
    /// The name of the claimed drop-in in each watched folder.
    claim_names: HashMap<WatchId, String>,
    /// Keys, and names of claimed drop-ins, whose file was closed.
    closed: HashSet<String>,
}

impl DropInWatcher {
    /// Without notifications, drop-ins are ingested late, but none is lost.
    pub(super) fn new<'a>(folder: &OpenFolder, keys: impl Iterator<Item = &'a str>) -> Self {
        let watcher = watch_drop_ins(folder).unwrap_or_else(|error| {
            log::warn!(
                "{}: no file notifications ({error}), so drop-ins are found only once per \
                 SSE_POLL_INTERVAL",
                folder.path().display()
            );
            FolderWatcher::without_notifications()
        });
        Self {
            watcher,
            keys: keys.map(str::to_owned).collect(),
            claim_names: HashMap::new(),
            closed: HashSet::new(),
        }
    }

    /// Watches a claim's folder until the folder is removed.
    pub(super) fn add_claim(&mut self, claim_name: &str, folder: &OpenFolder) {
        let path = folder.fd_path();
        if let Ok(Some(watch_id)) = self.watcher.add(&path, ChangeKinds::Writes) {
            self.claim_names.insert(watch_id, claim_name.to_owned());
        }
    }

    /// Whether a writer has closed the file of this key or claim since the last call.
    pub(super) fn take_closed(&mut self, name: &str) -> bool {
        self.closed.remove(name)
    }

    pub(super) fn wait(&mut self, timeout: Duration, interrupt: &Interrupt) {
        self.watcher.wait(timeout, interrupt.flag());
        self.read();
    }

    /// Reads the pending notifications, without waiting.
    pub(super) fn read(&mut self) {
        let Self {
            watcher,
            keys,
            claim_names,
            closed,
        } = self;
        watcher.read(|notification| {
            if notification.is_watch_removed {
                if let Some(claim_name) = claim_names.remove(&notification.watch) {
                    closed.remove(&claim_name);
                }
                return;
            }
            match claim_names.get(&notification.watch) {
                Some(claim_name) => drop(closed.insert(claim_name.clone())),
                // Only keys are remembered: other programs may write many other files here.
                None => closed.extend(notification.name.and_then(|name| keys.get(name)).cloned()),
            }
        });
    }
}

fn watch_drop_ins(folder: &OpenFolder) -> io::Result<FolderWatcher> {
    let watcher = FolderWatcher::new()?;
    watcher.add(&folder.fd_path(), ChangeKinds::RenamesAndWrites)?;
    Ok(watcher)
}
