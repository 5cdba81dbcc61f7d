//! What every journal must do: each test runs on each implementation.

use std::{
    fs,
    sync::Arc,
    time::{Duration, SystemTime},
};

use serde_json::value::RawValue;

use super::{
    BatchEnd, Journal, Slot,
    batch::Batch,
    file,
    memory::{MemoryJournal, MemoryStore},
};
use crate::{config::Config, entry};

/// Runs these tests of a topic on each implementation.
macro_rules! on_every_journal {
    ($($test:ident)*) => {
        mod in_a_folder {
            use crate::journal::conformance::Folder;
            $(#[test] fn $test() { super::$test(&Folder::default()); })*
        }
        #[cfg(feature = "__redis-tests")]
        mod in_redis {
            use crate::journal::redis::tests::TestRedis;
            $(#[test] fn $test() { super::$test(&TestRedis::start()); })*
        }
        mod in_memory {
            use crate::journal::memory::MemoryStore;
            $(#[test] fn $test() { super::$test(&MemoryStore::default()); })*
        }
    };
}

mod batches;
mod keyed_saves;
mod keys;
mod order;
mod repeated_saves;
mod replacement;
pub(crate) mod unusable_entries;
mod waits;

/// Where journals of one implementation are opened.
trait Place: Sync {
    /// Opens the current journal, as another process does.
    fn open(&self) -> Arc<dyn Journal>;

    /// Removes all entries, so that the next journal begins with number 1.
    fn clear(&self) {
        self.open().discard().unwrap();
    }

    /// Puts bytes that are not from this library in the place of an entry.
    fn overwrite(&self, number: u64, bytes: &[u8]);
}

struct Folder {
    config: Config,
    _app: tempfile::TempDir,
}

impl Default for Folder {
    fn default() -> Self {
        let app = tempfile::tempdir().unwrap();
        let config = Config::new(app.path(), "a:k").unwrap();
        Self { config, _app: app }
    }
}

impl Place for Folder {
    fn open(&self) -> Arc<dyn Journal> {
        Arc::new(file::tests::open_with_small_folders(&self.config))
    }

    fn overwrite(&self, number: u64, bytes: &[u8]) {
        let folder = format!(".sse/journal-2/{:012}", number / 4);
        let path = self.config.cache_dir().join(folder);
        fs::write(path.join(format!(".{number:020}")), bytes).unwrap();
    }
}

#[cfg(feature = "__redis-tests")]
impl Place for super::redis::tests::TestRedis {
    fn open(&self) -> Arc<dyn Journal> {
        Arc::new(self.open_journal())
    }

    fn clear(&self) {
        let () = self.run(&["FLUSHALL"]);
    }

    fn overwrite(&self, number: u64, bytes: &[u8]) {
        self.overwrite_entry(number, bytes);
    }
}

impl Place for MemoryStore {
    fn open(&self) -> Arc<dyn Journal> {
        self.open().unwrap()
    }

    fn overwrite(&self, number: u64, bytes: &[u8]) {
        MemoryJournal::overwrite(&self.open().unwrap(), number, bytes);
    }
}

const DEADLINE: Duration = Duration::from_secs(10);

fn raw(value: &str) -> Box<RawValue> {
    RawValue::from_string(value.to_owned()).unwrap()
}

fn document(key: &str, value: &str) -> Vec<u8> {
    entry::encode_document(key, raw(value), Duration::ZERO, SystemTime::now())
}

fn document_with_token(token: &str) -> Vec<u8> {
    let now = SystemTime::now();
    entry::encode_drop_in_document(token, "k", raw("1"), Duration::ZERO, now)
}

fn append(journal: &dyn Journal, values: impl IntoIterator<Item = u64>) {
    for value in values {
        journal.append(&document("k", &value.to_string())).unwrap();
    }
}

/// The number and the value of each entry.
fn pairs(batch: &Batch) -> Vec<(u64, &str)> {
    let entries = batch.entries.iter().map(|entry| entry.as_ref().unwrap());
    entries.map(|entry| (entry.number, entry.value())).collect()
}

fn sweep(journal: &dyn Journal, keep: u64) {
    while journal.sweep(keep).unwrap() {}
}

fn value_of(journal: &dyn Journal, key: &str) -> Option<String> {
    let entry = journal.latest(&Slot::public(key)).unwrap()?;
    assert_eq!(entry.key(), key);
    Some(entry.value().to_owned())
}
