//! A server that ingests drop-ins, and ends when nothing is left to ingest.

use std::{fs, path::Path, thread, time::Duration};

use actix_web_sse::{Cache, Config};

/// `ingester`: in the app's folder.
pub(crate) fn run() {
    let config = Config::from_dir(".").unwrap();
    let follow = Cache::open(&config).unwrap().follow().unwrap();
    while !is_done(config.cache_dir()) {
        thread::sleep(Duration::from_millis(5));
    }
    drop(follow);
}

/// Whether the cache folder has nothing besides `.sse/`, and no drop-in is claimed.
fn is_done(cache: &Path) -> bool {
    let count = |folder: &Path| fs::read_dir(folder).map(Iterator::count);
    matches!(count(cache), Ok(1)) && matches!(count(&cache.join(".sse/claimed")), Ok(0))
}
