//! More notifications than the kernel keeps for one watcher.

use std::{
    fs::{self, File},
    path::Path,
};

/// Renames a file to and fro in the folder where servers wait for the next entry, until every queue
/// has overflowed. Its name begins with a dot, so it is nobody's entry. `false`: the folder went
/// away meanwhile.
pub(crate) fn make(cache: &Path) -> bool {
    let limit = fs::read_to_string("/proc/sys/fs/inotify/max_queued_events").unwrap();
    let limit: usize = limit.trim().parse().unwrap();
    let entries = cache.join(".sse/journal-2");
    let newest = fs::read_dir(entries)
        .into_iter()
        .flatten()
        .filter_map(|item| Some(item.ok()?.path()))
        .filter(|path| path.is_dir())
        .max();
    let Some(folder) = newest else { return false };
    let names = [folder.join(".noise-1"), folder.join(".noise-2")];
    if File::create(&names[0]).is_err() {
        return false;
    }
    // Two names in turn: what is the same twice is queued once.
    let made = (0..=limit).all(|at| fs::rename(&names[at % 2], &names[(at + 1) % 2]).is_ok());
    for name in names {
        let _ = fs::remove_file(name);
    }
    made
}
