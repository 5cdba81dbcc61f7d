//! More file notifications than the kernel queues for one watcher.

use std::{
    fs::{self, File},
    path::Path,
};

use super::journal::{folder_name, newest_folder};

/// Renames a file repeatedly in the folder where servers wait for the next entry, until every queue has
/// overflowed. Its name is not that of an entry. Returns `false` if the folder was removed meanwhile.
pub(crate) fn fill_queues(cache: &Path) -> bool {
    let limit = fs::read_to_string("/proc/sys/fs/inotify/max_queued_events").unwrap();
    let limit: usize = limit.trim().parse().unwrap();
    let journal = cache.join(".sse/journal-2");
    let Some(newest) = newest_folder(&journal) else {
        return false;
    };
    let folder = journal.join(folder_name(newest));
    let names = [folder.join(".noise-1"), folder.join(".noise-2")];
    if File::create(&names[0]).is_err() {
        return false;
    }
    // Two alternating names, because equal consecutive notifications are merged.
    let made = (0..=limit).all(|at| fs::rename(&names[at % 2], &names[(at + 1) % 2]).is_ok());
    for name in names {
        let _ = fs::remove_file(name);
    }
    made
}
