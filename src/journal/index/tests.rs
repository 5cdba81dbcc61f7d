//! Which entries the index finds, and how many reads that costs, in a journal that counts reads.

use std::{
    sync::{
        Mutex,
        atomic::{AtomicUsize, Ordering},
    },
    time::Duration,
};

use serde_json::value::to_raw_value;

use super::*;
use crate::{
    epoch::{Epoch, Epochs},
    journal::{CacheAddress, contract::EntryWatcher},
};

#[derive(Default)]
struct MemoryJournal {
    /// Entries 1, 2, 3 …
    entries: Mutex<Vec<StoredEntry>>,
    reads: AtomicUsize,
}

impl MemoryJournal {
    fn push(&self, entry: StoredEntry) -> u64 {
        let mut entries = self.entries.lock().unwrap();
        entries.push(entry);
        entries.len() as u64
    }

    fn save(&self, key: &str, value: u64, ttl: Duration, time: SystemTime) -> u64 {
        let value = to_raw_value(&value).unwrap();
        self.push(StoredEntry::Entry(entry::encode_document(
            key, value, ttl, time,
        )))
    }

    fn save_without_ttl(&self, key: &str, value: u64) -> u64 {
        self.save(key, value, Duration::ZERO, SystemTime::now())
    }

    fn delete(&self, key: &str) {
        self.push(StoredEntry::Entry(entry::encode_tombstone(
            key,
            SystemTime::now(),
        )));
    }

    /// Sweeps the entries before this number.
    fn sweep_before(&self, oldest: u64) {
        let mut entries = self.entries.lock().unwrap();
        for entry in entries
            .iter_mut()
            .take(usize::try_from(oldest).unwrap() - 1)
        {
            *entry = StoredEntry::NotYet;
        }
    }

    /// The reads since the last call.
    fn reads(&self) -> usize {
        // Relaxed: one thread uses the counter.
        self.reads.swap(0, Ordering::Relaxed)
    }
}

impl Journal for MemoryJournal {
    fn address(&self) -> CacheAddress {
        CacheAddress::Memory
    }

    fn epochs(&self) -> Epochs {
        Epoch(1).into()
    }

    fn append(&self, entry: &[u8]) -> Result<u64, Error> {
        Ok(self.push(StoredEntry::Entry(entry.to_vec())))
    }

    fn read(&self, number: u64) -> Result<StoredEntry, Error> {
        self.reads.fetch_add(1, Ordering::Relaxed);
        let entries = self.entries.lock().unwrap();
        let at = usize::try_from(number).unwrap() - 1;
        Ok(match entries.get(at) {
            None => StoredEntry::NotYet,
            Some(StoredEntry::Entry(bytes)) => StoredEntry::Entry(bytes.clone()),
            Some(StoredEntry::Unreadable(why)) => StoredEntry::Unreadable(why.clone()),
            Some(_) => {
                let oldest = entries
                    .iter()
                    .position(|entry| *entry != StoredEntry::NotYet);
                StoredEntry::Swept {
                    oldest: oldest.unwrap_or(entries.len()) as u64 + 1,
                }
            }
        })
    }

    fn newest_number(&self) -> Result<u64, Error> {
        Ok(self.entries.lock().unwrap().len() as u64)
    }

    fn sweep(&self, _keep: u64) -> Result<bool, Error> {
        Ok(false)
    }

    fn is_in_place(&self) -> bool {
        true
    }

    fn is_replaced(&self) -> bool {
        false
    }

    fn is_intact_up_to(&self, number: u64) -> Result<bool, Error> {
        Ok(number <= self.newest_number()?)
    }

    fn discard(&self) -> Result<(), Error> {
        panic!("this journal removes nothing")
    }

    fn watch(&self) -> Box<dyn EntryWatcher> {
        unreachable!("an index never waits")
    }
}

fn journal() -> Arc<MemoryJournal> {
    Arc::new(MemoryJournal::default())
}

fn index(journal: &Arc<MemoryJournal>) -> KeyIndex {
    KeyIndex::new(Arc::clone(journal) as Arc<dyn Journal>).unwrap()
}

impl KeyIndex {
    fn value_at(&mut self, key: &str, now: ClockReadings) -> Option<String> {
        let entry = self.get(key, now).unwrap()?;
        assert_eq!(entry.key(), key);
        Some(entry.value().to_owned())
    }

    fn value(&mut self, key: &str) -> Option<String> {
        self.value_at(key, ClockReadings::read())
    }
}

#[test]
fn the_newest_value_of_each_key_is_found() {
    let journal = journal();
    journal.save_without_ttl("a", 1);
    journal.save_without_ttl("b", 2);
    journal.save_without_ttl("a", 3);
    let mut index = index(&journal);
    assert_eq!(index.value("b").as_deref(), Some("2"));
    assert_eq!(index.value("a").as_deref(), Some("3"));
    assert_eq!(index.value("c"), None);
    journal.save_without_ttl("b", 4);
    journal.save_without_ttl("c", 5);
    assert_eq!(index.value("b").as_deref(), Some("4"));
    assert_eq!(index.value("c").as_deref(), Some("5"));
    assert_eq!(index.value("a").as_deref(), Some("3"));
}

#[test]
fn a_tombstone_or_an_expired_value_hides_older_values() {
    let long_ago = SystemTime::now() - Duration::from_secs(3600);
    let journal = journal();
    for key in ["deleted", "expired", "saved again"] {
        journal.save_without_ttl(key, 1);
    }
    journal.delete("deleted");
    journal.save("expired", 2, Duration::from_secs(60), long_ago);
    journal.delete("saved again");
    journal.save_without_ttl("saved again", 3);
    let mut created_early = index(&journal);
    for index in [&mut created_early, &mut index(&journal)] {
        assert_eq!(index.value("deleted"), None);
        assert_eq!(index.value("expired"), None);
        assert_eq!(index.value("saved again").as_deref(), Some("3"));
    }
    journal.delete("saved again");
    assert_eq!(created_early.value("saved again"), None);
    journal.delete("never saved");
    assert_eq!(created_early.value("never saved"), None);
}

#[test]
fn a_damaged_entry_is_skipped_and_an_entry_of_a_later_version_hides_older_ones() {
    let journal = journal();
    journal.save_without_ttl("a", 1);
    journal.save_without_ttl("b", 2);
    for entry in [
        StoredEntry::Unreadable("a folder".into()),
        StoredEntry::Entry(b"{\"key\":\"a\"".to_vec()),
        StoredEntry::Entry(Vec::new()),
        StoredEntry::Entry(
            br#"{"time":"2026-11-23T15:51:00Z","ttl_ms":0,"key":"b","value":1,"needs":["x"]}"#
                .to_vec(),
        ),
    ] {
        journal.push(entry);
    }
    let mut index = index(&journal);
    assert_eq!(index.value("a").as_deref(), Some("1"));
    assert_eq!(index.value("b"), None);
}

#[test]
fn setting_the_clock_back_neither_revives_nor_prolongs_a_value() {
    const TTL: Duration = Duration::from_secs(60);
    const HOUR: Duration = Duration::from_secs(3600);
    let journal = journal();
    let saved = ClockReadings::read();
    journal.save("k", 1, TTL, saved.wall);
    let later = |seconds| ClockReadings {
        wall: saved.wall + Duration::from_secs(seconds),
        monotonic: saved.monotonic + Duration::from_secs(seconds),
    };
    let set_back = |now: ClockReadings| ClockReadings {
        wall: now.wall - HOUR,
        ..now
    };
    let created_at = |now: ClockReadings| {
        let mut index = index(&journal);
        index.scan_backward_for("k", now).unwrap();
        index
    };

    let mut unchanged_clock = created_at(later(0));
    assert!(unchanged_clock.value_at("k", later(59)).is_some());
    assert!(unchanged_clock.value_at("k", later(61)).is_none());
    assert!(
        unchanged_clock.value_at("k", set_back(later(62))).is_none(),
        "revived"
    );

    let mut clock_set_back = created_at(later(10));
    assert!(clock_set_back.value_at("k", set_back(later(59))).is_some());
    assert!(
        clock_set_back.value_at("k", set_back(later(61))).is_none(),
        "prolonged"
    );

    // An index created after the clock was set back takes the value for one saved just now.
    let mut created_after_set_back = created_at(set_back(later(10)));
    assert!(
        created_after_set_back
            .value_at("k", set_back(later(69)))
            .is_some()
    );
    assert!(
        created_after_set_back
            .value_at("k", set_back(later(71)))
            .is_none()
    );

    // The monotonic clock stands still while the machine sleeps.
    let mut after_sleep = created_at(later(0));
    let awake = ClockReadings {
        wall: later(61).wall,
        ..saved
    };
    assert!(after_sleep.value_at("k", awake).is_none());
}

#[test]
fn each_entry_is_indexed_once_and_older_ones_only_until_the_key_is_found() {
    let journal = journal();
    journal.save_without_ttl("old", 0);
    for value in 0..5_000 {
        journal.save_without_ttl("common", value);
    }
    journal.save_without_ttl("recent", 1);
    for value in 0..10 {
        journal.save_without_ttl("common", value);
    }
    let mut index = index(&journal);
    journal.reads();
    // One read for a newer entry, one for each of the ten, one for the entry and one for its value.
    assert!(index.value("recent").is_some());
    assert_eq!(journal.reads(), 1 + 11 + 1);
    for key in ["recent", "common"] {
        assert!(index.value(key).is_some());
        assert_eq!(journal.reads(), 2, "{key}");
    }
    assert!(index.value("old").is_some());
    assert_eq!(journal.reads(), 1 + 5_001 + 1);
    for _ in 0..3 {
        assert!(index.value("never saved").is_none());
        assert_eq!(journal.reads(), 1);
    }
    journal.save_without_ttl("new", 1);
    assert!(index.value("old").is_some());
    assert_eq!(journal.reads(), 3);
}

#[test]
fn keys_whose_entries_were_swept_are_removed() {
    let journal = journal();
    let mut created_early = index(&journal);
    let mut max_keys = 0;
    for number in 0..20_000 {
        let key = format!("key{number}");
        let newest = journal.save_without_ttl(&key, number);
        if number.is_multiple_of(10) {
            assert!(created_early.value(&key).is_some());
            max_keys = max_keys.max(created_early.newest_by_key.len());
        }
        if newest.is_multiple_of(500) && newest > 2_000 {
            journal.sweep_before(newest - 1_999);
        }
    }
    assert!(max_keys <= 2_000 + 500 + 1_000, "{max_keys} keys");
    assert!(created_early.value("key1").is_none());
    let mut created_late = index(&journal);
    assert!(created_late.value("key1").is_none());
    assert_eq!(created_late.newest_by_key.len(), 2_000);
    // An index that was not used for long skips the entries that were swept meanwhile.
    let behind = journal.save_without_ttl("x", 1);
    journal.sweep_before(behind);
    assert!(created_late.value("x").is_some());
    journal.save_without_ttl("y", 1);
    journal.sweep_before(behind + 1);
    assert!(created_late.value("x").is_none());
}

#[test]
fn an_index_belongs_to_one_journal() {
    let (one, other) = (journal(), journal());
    let index = index(&one);
    assert!(index.is_of(&(Arc::clone(&one) as Arc<dyn Journal>)));
    assert!(!index.is_of(&(other as Arc<dyn Journal>)));
}
