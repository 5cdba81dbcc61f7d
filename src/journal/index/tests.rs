//! Which entries the index finds, and how many reads that costs, in a journal that counts reads.

use std::{sync::Arc, time::Duration};

use serde_json::value::to_raw_value;

use super::*;
use crate::{
    audience::Recipients,
    entry,
    journal::memory::{MemoryJournal, MemoryStore},
};

impl MemoryJournal {
    fn save(&self, key: &str, value: u64, ttl: Duration, time: SystemTime) -> u64 {
        let value = to_raw_value(&value).unwrap();
        let document = entry::encode_document(key, value, ttl, time);
        self.append(&document).unwrap()
    }

    fn save_without_ttl(&self, key: &str, value: u64) -> u64 {
        self.save(key, value, Duration::ZERO, SystemTime::now())
    }

    fn delete(&self, key: &str) {
        let tombstone = entry::encode_tombstone(&Recipients::Everyone, key, SystemTime::now());
        self.append(&tombstone).unwrap();
    }

    /// Sweeps the entries before this number.
    fn sweep_before(&self, oldest: u64) {
        let newest = self.newest_number().unwrap();
        self.sweep(newest + 1 - oldest).unwrap();
    }
}

fn journal() -> Arc<MemoryJournal> {
    MemoryStore::default().open().unwrap()
}

struct Index {
    journal: Arc<MemoryJournal>,
    index: SlotIndex,
}

fn index(journal: &Arc<MemoryJournal>) -> Index {
    Index {
        journal: Arc::clone(journal),
        index: SlotIndex::new(&**journal).unwrap(),
    }
}

impl Index {
    fn value_at(&mut self, key: &str, now: ClockReadings) -> Option<String> {
        self.index.scan_forward(&*self.journal).unwrap();
        let entry = self
            .index
            .get(&*self.journal, &Slot::public(key), now)
            .unwrap()?;
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
    for bytes in [
        &b"{\"key\":\"a\""[..],
        b"",
        br#"{"time":"2026-11-23T15:51:00Z","ttl_ms":0,"key":"b","value":1,"needs":["x"]}"#,
    ] {
        journal.append(bytes).unwrap();
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
        (index.index)
            .scan_backward_for(&*journal, "k", "k", now)
            .unwrap();
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
fn a_value_that_is_saved_during_a_lookup_does_not_expire_early() {
    const TTL: Duration = Duration::from_secs(60);
    const LOOKUP: Duration = Duration::from_secs(1);
    let journal = journal();
    let mut index = index(&journal);
    let saved = ClockReadings::read();
    journal.save("k", 1, TTL, saved.wall);
    let lookup_began = ClockReadings {
        wall: saved.wall - LOOKUP,
        monotonic: saved.monotonic - LOOKUP,
    };
    assert!(index.value_at("k", lookup_began).is_some());
    let nearly_over = TTL - LOOKUP / 2;
    let before_its_end = ClockReadings {
        wall: saved.wall + nearly_over,
        monotonic: saved.monotonic + nearly_over,
    };
    assert!(index.value_at("k", before_its_end).is_some());
}

#[test]
fn a_lookup_begins_after_all_entries_were_scanned() {
    let journal = journal();
    let index = SharedIndex::default();
    for saved in 1..=3 {
        journal.save_without_ttl("k", saved);
        let scanned = index.look_up(&*journal, |index, _| Ok(index.next_number - 1));
        assert_eq!(scanned.unwrap(), saved);
    }
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
    // One read for a newer entry, those of a batch, which has the key, and one for its value.
    assert!(index.value("recent").is_some());
    assert_eq!(journal.reads(), 1 + BATCH_ENTRIES + 1);
    for key in ["recent", "common"] {
        assert!(index.value(key).is_some());
        assert_eq!(journal.reads(), 2, "{key}");
    }
    assert!(index.value("old").is_some());
    assert_eq!(journal.reads(), 1 + (5_012 - BATCH_ENTRIES) + 1);
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
            max_keys = max_keys.max(created_early.index.newest_by_slot.len());
        }
        if newest.is_multiple_of(500) && newest > 2_000 {
            journal.sweep_before(newest - 1_999);
        }
    }
    assert!(max_keys <= 2_000 + 500 + 1_000, "{max_keys} keys");
    assert!(created_early.value("key1").is_none());
    let mut created_late = index(&journal);
    assert!(created_late.value("key1").is_none());
    assert_eq!(created_late.index.newest_by_slot.len(), 2_000);
    // An index that was not used for long skips the entries that were swept meanwhile.
    let behind = journal.save_without_ttl("x", 1);
    journal.sweep_before(behind);
    assert!(created_late.value("x").is_some());
    journal.save_without_ttl("y", 1);
    journal.sweep_before(behind + 1);
    assert!(created_late.value("x").is_none());
}

fn recipients(names: &[&str]) -> Recipients {
    let names = names.iter().map(|name| (*name).to_owned()).collect();
    Recipients::new(Some(names)).unwrap()
}

fn save_for(journal: &MemoryJournal, names: &[&str], value: u64) {
    let value = to_raw_value(&value).unwrap();
    let (ttl, now) = (Duration::ZERO, SystemTime::now());
    let document = entry::encode_document_for(&recipients(names), "k", value, ttl, now, None, None);
    journal.append(&document).unwrap();
}

impl Index {
    fn value_for(&mut self, audience: &str) -> Option<String> {
        let (key, audience) = ("k", Some(audience));
        let now = ClockReadings::read();
        self.index.scan_forward(&*self.journal).unwrap();
        let found = self.index.get(&*self.journal, &Slot { key, audience }, now);
        Some(found.unwrap()?.value().to_owned())
    }

    /// What everyone, the audience `a`, and the audience `b` find.
    fn values(&mut self) -> [Option<String>; 3] {
        [self.value("k"), self.value_for("a"), self.value_for("b")]
    }
}

/// For an index that has followed the journal, and for one that reads it backward.
fn assert_values(followed: &mut Index, expected: [Option<&str>; 3]) {
    let expected = expected.map(|value| value.map(str::to_owned));
    assert_eq!(followed.values(), expected);
    let mut fresh = index(&followed.journal);
    let backward = [fresh.value_for("b"), fresh.value_for("a"), fresh.value("k")];
    let [everyone, a, b] = expected;
    assert_eq!(backward, [b, a, everyone]);
}

#[test]
fn everyone_and_each_audience_have_a_value_of_their_own() {
    let journal = journal();
    let mut index = index(&journal);
    journal.save_without_ttl("k", 1);
    save_for(&journal, &["a", "b"], 2);
    assert_values(&mut index, [Some("1"), Some("2"), Some("2")]);
    save_for(&journal, &["b"], 3);
    assert_values(&mut index, [Some("1"), Some("2"), Some("3")]);
    journal.save_without_ttl("k", 4);
    assert_values(&mut index, [Some("4"), Some("2"), Some("3")]);
    let (for_a, now) = (recipients(&["a"]), SystemTime::now());
    let tombstone = entry::encode_tombstone(&for_a, "k", now);
    journal.append(&tombstone).unwrap();
    assert_values(&mut index, [Some("4"), None, Some("3")]);
    let revocation = entry::encode_revocation("b", now);
    journal.append(&revocation).unwrap();
    assert_values(&mut index, [Some("4"), None, Some("3")]);
    journal.delete("k");
    assert_values(&mut index, [None, None, None]);
    save_for(&journal, &["a"], 5);
    assert_values(&mut index, [None, Some("5"), None]);
}

#[test]
fn the_newest_numbers_are_in_order_and_each_is_there_once() {
    let journal = journal();
    let mut index = index(&journal);
    save_for(&journal, &["a", "b"], 1);
    journal.save_without_ttl("k", 2);
    journal.save_without_ttl("deleted", 3);
    journal.delete("deleted");
    let slot = |key, audience| Slot { key, audience };
    let slots = [
        slot("k", None),
        slot("deleted", None),
        slot("k", Some("b")),
        slot("k", Some("a")),
        slot("k", Some("c")),
    ];
    index.index.scan_forward(&*journal).unwrap();
    let now = ClockReadings::read();
    let numbers = index.index.newest_numbers(&*journal, &slots, now).unwrap();
    assert_eq!(numbers, [1, 2]);
}
