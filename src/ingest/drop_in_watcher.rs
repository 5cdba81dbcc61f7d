//! Wakes the thread that ingests drop-ins when a program has written one.

use std::{collections::HashMap, time::Duration};

use crate::{
    journal::file::{OpenFolder, watch},
    platform::{ChangeKinds, FolderWatcher, WatchId},
    runtime::Interrupt,
};

/// Watches the cache folder and the folders of claimed drop-ins for files that were closed by their
/// writers or got their name by a rename.
pub(super) struct DropInWatcher {
    watcher: FolderWatcher,
    /// The key of each watched folder of claimed drop-ins.
    keys: HashMap<WatchId, String>,
}

pub(super) enum DropInEvent {
    /// A file with this name was closed by its writer, or renamed, in the cache folder.
    Written { name: String },
    /// A claimed file was closed by its writer.
    WriterClosed { key: String, name: String },
}

impl DropInWatcher {
    pub(super) fn new(folder: &OpenFolder) -> Self {
        Self {
            watcher: watch(&[folder], ChangeKinds::RenamesAndWrites, "drop-ins"),
            keys: HashMap::new(),
        }
    }

    /// Watches the folder of a key's claimed drop-ins until the folder is removed.
    pub(super) fn add(&mut self, key: &str, folder: &OpenFolder) {
        if let Ok(Some(watch_id)) = self.watcher.add(&folder.fd_path(), ChangeKinds::Writes) {
            self.keys.insert(watch_id, key.to_owned());
        }
    }

    pub(super) fn wait(&self, timeout: Duration, interrupt: &Interrupt) {
        self.watcher.wait(timeout, interrupt);
    }

    /// Reads the pending notifications, without waiting. `is_key` tells which names in the cache folder
    /// matter: other programs may write many files there.
    pub(super) fn read(&mut self, is_key: impl Fn(&str) -> bool) -> Vec<DropInEvent> {
        let Self { watcher, keys } = self;
        let mut events = Vec::new();
        watcher.read(|notification| {
            if notification.is_watch_removed {
                keys.remove(&notification.watch);
                return;
            }
            let Some(name) = notification.name else {
                return;
            };
            let name = name.to_owned();
            match keys.get(&notification.watch) {
                Some(key) => events.push(DropInEvent::WriterClosed {
                    key: key.clone(),
                    name,
                }),
                None if is_key(&name) => events.push(DropInEvent::Written { name }),
                None => {}
            }
        });
        events
    }
}
