//! Wakes the thread that ingests drop-ins when a program has written one.

use std::{
    collections::{BTreeMap, HashMap},
    time::Duration,
};

use crate::{
    journal::file::{OpenFolder, watch},
    platform::{ChangeKinds, FolderWatcher, WatchId},
    runtime::Interrupt,
};

/// Watches the cache folder and the folders of claimed drop-ins for files that were closed by their
/// writers, got their name by a rename, or were removed.
pub(super) struct DropInWatcher {
    watcher: FolderWatcher,
    /// The key of each watched folder of claimed drop-ins.
    keys: HashMap<WatchId, String>,
}

pub(super) enum DropInEvent {
    /// The file of this key was closed by its writer, or renamed, in the cache folder.
    Written { key: String },
    /// The file of this key was removed from the cache folder. Whoever claims a drop-in renames it, so nobody has
    /// claimed this one.
    Removed { key: String },
    /// A claimed file was closed by its writer.
    WriterClosed { key: String, name: String },
    /// Anything may have happened: a watched folder was removed, or notifications were lost.
    Unknown,
}

impl DropInWatcher {
    pub(super) fn new(folder: &OpenFolder) -> Self {
        let changes = ChangeKinds::RenamesWritesAndRemovals;
        Self {
            watcher: watch(&[folder], changes, "drop-ins"),
            keys: HashMap::new(),
        }
    }

    /// Watches the folder of a key's claimed drop-ins until the folder is removed.
    pub(super) fn add(&mut self, key: &str, folder: &OpenFolder) {
        if let Ok(Some(watch_id)) = self.watcher.add(&folder.fd_path(), ChangeKinds::Writes) {
            self.keys.insert(watch_id, key.to_owned());
        }
    }

    /// `true`: only notifications ended the wait, and [`read`](Self::read) tells whether they matter.
    pub(super) fn wait(&self, timeout: Duration, interrupt: &Interrupt) -> bool {
        self.watcher.wait(timeout, interrupt)
    }

    /// Reads the pending notifications, without waiting. `keys_by_name` are the keys that matter by the names of their
    /// files in the cache folder: other programs may write many files there.
    pub(super) fn read(&mut self, keys_by_name: &BTreeMap<String, String>) -> Vec<DropInEvent> {
        let Self { watcher, keys } = self;
        let mut events = Vec::new();
        watcher.read(|notification| {
            if notification.is_watch_removed {
                keys.remove(&notification.watch);
                events.push(DropInEvent::Unknown);
                return;
            }
            let Some(name) = notification.name else {
                events.push(DropInEvent::Unknown);
                return;
            };
            if let Some(key) = keys.get(&notification.watch) {
                events.push(DropInEvent::WriterClosed {
                    key: key.clone(),
                    name: name.to_owned(),
                });
            } else if let Some(key) = keys_by_name.get(name) {
                let key = key.clone();
                events.push(if notification.is_removal {
                    DropInEvent::Removed { key }
                } else {
                    DropInEvent::Written { key }
                });
            }
        });
        events
    }
}
