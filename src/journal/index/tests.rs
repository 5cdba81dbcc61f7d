//! What is found, and what it costs, in a journal that counts how often it is read.

use std::{
    sync::{
        Mutex,
        atomic::{AtomicUsize, Ordering},
    },
    time::Duration,
};

use serde_json::value::to_raw_value;

use super::*;
use crate::{epoch::Epoch, journal::Watch};

#[derive(Default)]
struct Memory {
    /// Entries 1, 2, 3 …
    entries: Mutex<Vec<Read>>,
    reads: AtomicUsize,
}

impl Memory {
    fn push(&self, entry: Read) -> u64 {
        let mut entries = self.entries.lock().unwrap();
        entries.push(entry);
        entries.len() as u64
    }

    fn save(&self, key: &str, value: u64, ttl: Duration, time: SystemTime) -> u64 {
        let value = to_raw_value(&value).unwrap();
        self.push(Read::Entry(entry::document(key, value, ttl, time)))
    }

    fn save_for_ever(&self, key: &str, value: u64) -> u64 {
        self.save(key, value, Duration::ZERO, SystemTime::now())
    }

    fn delete(&self, key: &str) {
        self.push(Read::Entry(entry::tombstone(key, SystemTime::now())));
    }

    /// Lets the entries before this number go.
    fn sweep_before(&self, oldest: u64) {
        let mut entries = self.entries.lock().unwrap();
        for entry in entries
            .iter_mut()
            .take(usize::try_from(oldest).unwrap() - 1)
        {
            *entry = Read::NotYet;
        }
    }

    fn reads(&self) -> usize {
        self.reads.swap(0, Ordering::Relaxed)
    }
}

impl Journal for Memory {
    fn epoch(&self) -> Epoch {
        Epoch(1)
    }

    fn first(&self) -> Option<u64> {
        Some(1)
    }

    fn append(&self, entry: &[u8]) -> Result<u64, Error> {
        Ok(self.push(Read::Entry(entry.to_vec())))
    }

    fn read(&self, number: u64) -> Result<Read, Error> {
        self.reads.fetch_add(1, Ordering::Relaxed);
        let entries = self.entries.lock().unwrap();
        let at = usize::try_from(number).unwrap() - 1;
        Ok(match entries.get(at) {
            None => Read::NotYet,
            Some(Read::Entry(bytes)) => Read::Entry(bytes.clone()),
            Some(Read::Broken(why)) => Read::Broken(why.clone()),
            Some(_) => {
                let oldest = entries.iter().position(|entry| *entry != Read::NotYet);
                Read::Swept {
                    oldest: oldest.unwrap_or(entries.len()) as u64 + 1,
                }
            }
        })
    }

    fn newest(&self) -> Result<u64, Error> {
        Ok(self.entries.lock().unwrap().len() as u64)
    }

    fn sweep(&self, _keep: u64) -> Result<(), Error> {
        Ok(())
    }

    fn is_current(&self) -> bool {
        true
    }

    fn reaches(&self, number: u64) -> Result<bool, Error> {
        Ok(number <= self.newest()?)
    }

    fn put_away(&self) -> Result<(), Error> {
        panic!("nothing is removed here")
    }

    fn watch(&self) -> Box<dyn Watch> {
        unreachable!("an index waits for nothing")
    }
}

fn journal() -> Arc<Memory> {
    Arc::new(Memory::default())
}

fn index(journal: &Arc<Memory>) -> Index {
    Index::begin(Arc::clone(journal) as Arc<dyn Journal>).unwrap()
}

impl Index {
    fn value_at(&mut self, key: &str, now: Now) -> Option<String> {
        let entry = self.get(key, now).unwrap()?;
        assert_eq!(entry.key(), key);
        Some(entry.value().to_owned())
    }

    fn value(&mut self, key: &str) -> Option<String> {
        self.value_at(key, Now::read())
    }
}

#[test]
fn the_newest_value_is_found_wherever_it_was_saved() {
    let journal = journal();
    journal.save_for_ever("a", 1);
    journal.save_for_ever("b", 2);
    journal.save_for_ever("a", 3);
    let mut index = index(&journal);
    assert_eq!(index.value("b").as_deref(), Some("2"));
    assert_eq!(index.value("a").as_deref(), Some("3"));
    assert_eq!(index.value("c"), None);
    journal.save_for_ever("b", 4);
    journal.save_for_ever("c", 5);
    assert_eq!(index.value("b").as_deref(), Some("4"));
    assert_eq!(index.value("c").as_deref(), Some("5"));
    assert_eq!(index.value("a").as_deref(), Some("3"));
}

#[test]
fn behind_a_tombstone_or_an_expired_value_there_is_no_older_one() {
    let long_ago = SystemTime::now() - Duration::from_secs(3600);
    let journal = journal();
    for key in ["deleted", "expired", "saved again"] {
        journal.save_for_ever(key, 1);
    }
    journal.delete("deleted");
    journal.save("expired", 2, Duration::from_secs(60), long_ago);
    journal.delete("saved again");
    journal.save_for_ever("saved again", 3);
    let mut begun_before = index(&journal);
    for index in [&mut begun_before, &mut index(&journal)] {
        assert_eq!(index.value("deleted"), None);
        assert_eq!(index.value("expired"), None);
        assert_eq!(index.value("saved again").as_deref(), Some("3"));
    }
    journal.delete("saved again");
    assert_eq!(begun_before.value("saved again"), None);
    journal.delete("never saved");
    assert_eq!(begun_before.value("never saved"), None);
}

#[test]
fn a_damaged_entry_is_skipped_and_one_of_a_later_version_hides_what_is_older() {
    let journal = journal();
    journal.save_for_ever("a", 1);
    journal.save_for_ever("b", 2);
    for entry in [
        Read::Broken("a folder".into()),
        Read::Entry(b"{\"key\":\"a\"".to_vec()),
        Read::Entry(Vec::new()),
        Read::Entry(
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
fn a_value_lives_for_its_ttl_and_a_clock_that_is_set_back_revives_and_prolongs_nothing() {
    const TTL: Duration = Duration::from_secs(60);
    const HOUR: Duration = Duration::from_secs(3600);
    let journal = journal();
    let saved = Now::read();
    journal.save("k", 1, TTL, saved.wall);
    let later = |seconds| Now {
        wall: saved.wall + Duration::from_secs(seconds),
        monotonic: saved.monotonic + Duration::from_secs(seconds),
    };
    let set_back = |now: Now| Now {
        wall: now.wall - HOUR,
        ..now
    };
    let begun_at = |now: Now| {
        let mut index = index(&journal);
        index.look_back_for("k", now).unwrap();
        index
    };

    let mut plain = begun_at(later(0));
    assert!(plain.value_at("k", later(59)).is_some());
    assert!(plain.value_at("k", later(61)).is_none());
    assert!(
        plain.value_at("k", set_back(later(62))).is_none(),
        "revived"
    );

    let mut set_back_meanwhile = begun_at(later(10));
    assert!(
        set_back_meanwhile
            .value_at("k", set_back(later(59)))
            .is_some()
    );
    assert!(
        set_back_meanwhile
            .value_at("k", set_back(later(61)))
            .is_none(),
        "prolonged"
    );

    // Who has not seen the clock being set back takes the value for one that is saved just now.
    let mut saved_in_the_future = begun_at(set_back(later(10)));
    assert!(
        saved_in_the_future
            .value_at("k", set_back(later(69)))
            .is_some()
    );
    assert!(
        saved_in_the_future
            .value_at("k", set_back(later(71)))
            .is_none()
    );

    // The monotonic clock stands still while the machine sleeps.
    let mut slept = begun_at(later(0));
    let awake = Now {
        wall: later(61).wall,
        ..saved
    };
    assert!(slept.value_at("k", awake).is_none());
}

#[test]
fn no_entry_is_looked_at_twice_and_older_ones_only_until_the_key_is_found() {
    let journal = journal();
    journal.save_for_ever("old", 0);
    for value in 0..5_000 {
        journal.save_for_ever("common", value);
    }
    journal.save_for_ever("recent", 1);
    for value in 0..10 {
        journal.save_for_ever("common", value);
    }
    let mut index = index(&journal);
    journal.reads();
    // Whether there is a newer one, the ten and itself, and itself again for its value.
    assert!(index.value("recent").is_some());
    assert_eq!(journal.reads(), 1 + 11 + 1);
    for key in ["recent", "common"] {
        assert!(index.value(key).is_some());
        assert_eq!(journal.reads(), 2, "{key}");
    }
    assert!(index.value("old").is_some());
    assert_eq!(journal.reads(), 1 + 5_001 + 1);
    for _ in 0..3 {
        assert!(index.value("nobody's").is_none());
        assert_eq!(journal.reads(), 1);
    }
    journal.save_for_ever("new", 1);
    assert!(index.value("old").is_some());
    assert_eq!(journal.reads(), 3);
}

#[test]
fn keys_whose_entries_were_swept_are_forgotten() {
    let journal = journal();
    let mut begun_at_first = index(&journal);
    let mut most = 0;
    for number in 0..20_000 {
        let key = format!("key{number}");
        let newest = journal.save_for_ever(&key, number);
        if number.is_multiple_of(10) {
            assert!(begun_at_first.value(&key).is_some());
            most = most.max(begun_at_first.newest.len());
        }
        if newest.is_multiple_of(500) && newest > 2_000 {
            journal.sweep_before(newest - 1_999);
        }
    }
    assert!(most <= 2_000 + 500 + 1_000, "{most} keys");
    assert!(begun_at_first.value("key1").is_none());
    let mut late = index(&journal);
    assert!(late.value("key1").is_none());
    assert_eq!(late.newest.len(), 2_000);
    // One that was not asked for long goes on behind what it has not seen.
    let behind = journal.save_for_ever("x", 1);
    journal.sweep_before(behind);
    assert!(late.value("x").is_some());
    journal.save_for_ever("y", 1);
    journal.sweep_before(behind + 1);
    assert!(late.value("x").is_none());
}

#[test]
fn an_index_is_of_one_journal() {
    let (one, other) = (journal(), journal());
    let index = index(&one);
    assert!(index.is_of(&(Arc::clone(&one) as Arc<dyn Journal>)));
    assert!(!index.is_of(&(other as Arc<dyn Journal>)));
}
