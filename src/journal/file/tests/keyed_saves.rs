//! The lock of saves with an idempotency key.

use std::{
    fs::File,
    time::{Duration, Instant},
};

use rustix::fs::{FlockOperation, flock};

use super::open_with_small_folders;
use crate::{
    config::Config,
    journal::{Journal, KeyedAppend, contract::SAVE_TIMEOUT, save_deadline},
};

#[test]
fn a_process_that_was_stopped_with_the_lock_holds_up_only_saves_with_a_key() {
    let app = tempfile::tempdir().unwrap();
    let config = Config::new(app.path(), "a:k").unwrap();
    let journal = open_with_small_folders(&config);
    let folder = config.cache_dir().join(".sse/journal-2");
    let lock = File::open(folder).unwrap();
    flock(&lock, FlockOperation::LockExclusive).unwrap();
    let document = crate::entry::encode_document(
        "k",
        serde_json::value::to_raw_value("1").unwrap(),
        Duration::ZERO,
        std::time::SystemTime::now(),
    );
    let start = Instant::now();
    let errors: Vec<String> = std::thread::scope(|scope| {
        let save = || {
            journal
                .append_keyed("key", &document, save_deadline())
                .unwrap_err()
        };
        let saves: Vec<_> = (0..3).map(|_| scope.spawn(save)).collect();
        assert_eq!(journal.append(&document).unwrap(), 1);
        let errors = saves.into_iter().map(|save| save.join().unwrap());
        errors.map(|error| format!("{error:?}")).collect()
    });
    let elapsed = start.elapsed();
    // One after the other, they would take three times as long.
    assert!(
        elapsed < SAVE_TIMEOUT + Duration::from_secs(8),
        "{elapsed:?}"
    );
    for error in &errors {
        assert!(error.contains("nothing was saved\nhelp: repeat"), "{error}");
    }
    drop(lock);
    let appended = journal
        .append_keyed("key", &document, save_deadline())
        .unwrap();
    assert!(matches!(appended, KeyedAppend::Appended(2)), "{appended:?}");
}
