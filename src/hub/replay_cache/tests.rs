use std::time::SystemTime;

use super::*;
use crate::{
    entry::Entry,
    hub::{frame::DataFormat, ring_entry::Content},
};

fn source(epoch: u64) -> EntrySource {
    EntrySource {
        epoch: Epoch(epoch),
        config: Arc::new(Config::new(".", "a:k").unwrap()),
    }
}

fn entry(bytes: usize) -> Arc<RingEntry> {
    let value = "x".repeat(bytes);
    let document =
        format!(r#"{{"time":"2026-01-01T00:00:00.000Z","ttl_ms":0,"key":"k","value":"{value}"}}"#);
    let entry = Entry::parse(Epoch(1), 1, document.as_bytes()).unwrap();
    let config = Config::new(".", "a:k").unwrap();
    Arc::new(RingEntry::new(&entry, config.events(), SystemTime::now()))
}

#[test]
fn an_entry_is_found_until_the_epoch_or_the_configuration_changes() {
    let cache = ReplayCache::default();
    let (first, entry) = (source(1), entry(10));
    cache.insert(&first, 7, &entry);
    assert!(Arc::ptr_eq(&cache.get(&first, 7).unwrap(), &entry));
    assert!(cache.get(&first, 8).is_none());
    let edited = source(1);
    let replaced = EntrySource {
        epoch: Epoch(2),
        ..first.clone()
    };
    for other in [&edited, &replaced] {
        assert!(cache.get(other, 7).is_none());
    }
    cache.insert(&edited, 8, &entry);
    assert!(cache.get(&first, 7).is_none(), "it frees its memory");
    assert!(cache.get(&edited, 8).is_some());
}

#[test]
fn the_newest_entries_stay_within_the_limit() {
    let cache = ReplayCache::default();
    let (source, entry) = (source(1), entry(1024 * 1024));
    for number in [3, 1, 9, 2, 8, 7, 6, 5, 4, 4] {
        cache.insert(&source, number, &entry);
    }
    let kept: Vec<u64> = (1..=9)
        .filter(|number| cache.get(&source, *number).is_some())
        .collect();
    assert_eq!(kept, [3, 4, 5, 6, 7, 8, 9]);
}

#[test]
fn an_entry_that_has_grown_counts_as_much_as_it_takes() {
    let cache = ReplayCache::default();
    let (source, first) = (source(1), entry(1024 * 1024));
    cache.insert(&source, 1, &first);
    let Content::Frames(frames) = &first.content else {
        unreachable!("the entry has frames")
    };
    frames[0].bytes(DataFormat::Value, &mut 0);
    cache.insert(&source, 1, &first);
    let byte_count = || lock(&cache.0).byte_count;
    assert!(byte_count() > 2 * 1024 * 1024);
    for number in 2..=20 {
        cache.insert(&source, number, &entry(1024 * 1024));
    }
    let cached = lock(&cache.0).by_number.len();
    assert_eq!(
        byte_count(),
        cached * CachedEntry::new(&entry(1024 * 1024)).byte_count
    );
}

#[test]
fn entries_without_events_do_not_fill_the_memory() {
    let cache = ReplayCache::default();
    let (source, entry) = (source(1), Arc::new(RingEntry::unreadable()));
    for number in 0..100_000 {
        cache.insert(&source, number, &entry);
    }
    let entries = lock(&cache.0);
    assert!(entries.by_number.len() < 50_000);
    assert!(entries.byte_count <= MAX_BYTES);
}

#[test]
fn audiences_count_as_memory_of_their_entry() {
    let names: Vec<String> = (0..100).map(|index| format!("\"{index:0200}\"")).collect();
    let names = names.join(",");
    let document = format!(
        r#"{{"time":"2026-01-01T00:00:00.000Z","ttl_ms":0,"key":"k","value":1,"to":[{names}],"needs":["audiences"]}}"#
    );
    let entry = Entry::parse(Epoch(1), 1, document.as_bytes()).unwrap();
    let config = Config::new(".", "a:k").unwrap();
    let entry = Arc::new(RingEntry::new(&entry, config.events(), SystemTime::now()));
    let (cache, source) = (ReplayCache::default(), source(1));
    for number in 1..=1_000 {
        cache.insert(&source, number, &entry);
    }
    // Each takes 22 KiB.
    assert!(cache.get(&source, 1_000).is_some());
    assert!(cache.get(&source, 500).is_none());
}
