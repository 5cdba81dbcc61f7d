//! How much the indexes read and keep.

use std::{sync::Arc, time::Duration};

use serde_json::value::to_raw_value;

use super::*;
use crate::{
    audience::Recipients,
    entry,
    journal::{
        contract::KeyedAppend,
        memory::{MemoryJournal, MemoryStore},
        save_deadline,
    },
};

fn journal_with(entries: u64) -> Arc<MemoryJournal> {
    let journal = MemoryStore::default().open().unwrap();
    for _ in 0..entries {
        journal.append(&document(None)).unwrap();
    }
    journal
}

fn document(idempotency_key: Option<&str>) -> Vec<u8> {
    let value = to_raw_value(&1).unwrap();
    let now = std::time::SystemTime::now();
    let everyone = Recipients::Everyone;
    entry::encode_document_for(
        &everyone,
        "k",
        value,
        Duration::ZERO,
        now,
        idempotency_key,
        None,
    )
}

fn save(journal: &MemoryJournal, idempotency_key: &str) -> bool {
    let document = document(Some(idempotency_key));
    let appended = journal
        .append_keyed(idempotency_key, &document, save_deadline())
        .unwrap();
    matches!(appended, KeyedAppend::Appended(_))
}

#[test]
fn a_save_with_a_key_does_not_read_what_earlier_ones_have_read() {
    const ENTRIES: u64 = 1_000;
    let journal = journal_with(ENTRIES);
    assert!(save(&journal, "first"));
    journal.reads();
    for index in 0..ENTRIES {
        assert!(save(&journal, &index.to_string()));
        // The entry of the save before, the one that does not exist yet, and the end of an index that is pruned.
        assert!(journal.reads() <= 3);
        journal.maintain().unwrap();
    }
    assert!(!save(&journal, "first"));
    assert!(journal.reads() <= 2);
}

#[test]
fn keys_of_swept_entries_are_forgotten() {
    let journal = journal_with(0);
    let deadline = || Instant::now() + Duration::from_secs(60);
    let index = KeyedSaveIndex::default();
    for number in 0..5 * PRUNE_INTERVAL_ENTRIES {
        let idempotency_key = number.to_string();
        journal.append(&document(Some(&idempotency_key))).unwrap();
        assert!(
            index
                .find(&*journal, &idempotency_key, deadline())
                .unwrap()
                .is_some()
        );
        assert!(index.find(&*journal, "none", deadline()).unwrap().is_none());
        journal.sweep(10).unwrap();
    }
    let index = index.0.lock_until(deadline()).unwrap();
    let count = index.numbers.len() as u64;
    assert!(count <= PRUNE_INTERVAL_ENTRIES + 10, "{count}");
}

#[test]
fn a_search_gives_up_while_others_use_the_index() {
    let journal = journal_with(1);
    let index = KeyedSaveIndex::default();
    let deadline = Instant::now() + Duration::from_secs(60);
    let _used = index.0.lock_until(deadline).unwrap();
    let error = index.find(&*journal, "one", Instant::now()).unwrap_err();
    assert!(error.to_string().contains("take too long"), "{error}");
    assert!(error.help().is_some());
}
