//! Saves with an idempotency key.

use std::{
    sync::{Arc, Barrier},
    thread,
    time::Duration,
};

use super::{Journal, Place, append, pairs, raw, sweep};
use crate::{
    audience::Recipients,
    entry,
    journal::{CacheAddress, KeyedAppend, save_deadline},
};

on_every_journal! {
    a_save_with_a_key_is_appended_once
    simultaneous_saves_with_one_key_append_one_entry
    saves_with_different_keys_do_not_exclude_each_other
    a_key_is_free_again_when_its_entry_was_swept
}

/// `Ok` has the number of the new entry, and `Err` the value of an earlier one.
fn save(journal: &dyn Journal, idempotency_key: &str, value: u64) -> Result<u64, String> {
    let document = entry::encode_document_for(
        &Recipients::Everyone,
        "k",
        raw(&value.to_string()),
        Duration::ZERO,
        journal.now(),
        Some(idempotency_key),
        None,
    );
    match journal
        .append_keyed(idempotency_key, &document, save_deadline())
        .unwrap()
    {
        KeyedAppend::Appended(number) => Ok(number),
        KeyedAppend::Found(entry) => {
            assert_eq!(entry.idempotency_key(), Some(idempotency_key));
            Err(entry.value().to_owned())
        }
    }
}

fn a_save_with_a_key_is_appended_once(place: &dyn Place) {
    let journal = place.open();
    append(&*journal, 1..=5);
    assert_eq!(save(&*journal, "one", 6), Ok(6));
    append(&*journal, 7..=9);
    let of_next_process = place.open();
    for journal in [&journal, &of_next_process] {
        assert_eq!(save(&**journal, "one", 6), Err("6".to_owned()));
        assert_eq!(save(&**journal, "one", 0), Err("6".to_owned()));
        journal.maintain().unwrap();
    }
    assert_eq!(save(&*of_next_process, "two", 10), Ok(10));
    assert_eq!(save(&*journal, "two", 0), Err("10".to_owned()));
    // Quotes, and what is special in a name of Redis.
    for (number, idempotency_key) in (11..).zip(["\"8e03\"", "{a}:b*", "..", "save:one", "On e"]) {
        assert_eq!(save(&*journal, idempotency_key, number), Ok(number));
        let again = save(&*of_next_process, idempotency_key, 0);
        assert_eq!(again, Err(number.to_string()));
    }
    let entries = journal.read_from(1, 100).unwrap();
    assert_eq!(pairs(&entries).len(), 15);
}

fn simultaneous_saves_with_one_key_append_one_entry(place: &dyn Place) {
    const ROUNDS: u64 = 200;
    const THREADS: u64 = 4;
    let start = Barrier::new(4);
    let journals: Vec<Arc<dyn Journal>> = (0..2).map(|_| place.open()).collect();
    for round in 0..ROUNDS {
        let idempotency_key = format!("key-{round}");
        let appended: u64 = thread::scope(|scope| {
            let threads: Vec<_> = (0..THREADS)
                .map(|value| {
                    let journal = &journals[usize::try_from(value % 2).unwrap()];
                    let (start, idempotency_key) = (&start, &idempotency_key);
                    scope.spawn(move || {
                        start.wait();
                        save(&**journal, idempotency_key, value).is_ok()
                    })
                })
                .collect();
            let results = threads.into_iter().map(|thread| thread.join().unwrap());
            results.map(u64::from).sum()
        });
        assert_eq!(appended, 1, "{idempotency_key}");
        assert_eq!(journals[0].newest_number().unwrap(), round + 1);
    }
}

fn saves_with_different_keys_do_not_exclude_each_other(place: &dyn Place) {
    const SAVES: u64 = 25;
    let journals: Vec<Arc<dyn Journal>> = (0..2).map(|_| place.open()).collect();
    thread::scope(|scope| {
        for thread in 0..4 {
            let journal = &journals[thread % 2];
            scope.spawn(move || {
                for index in 0..SAVES {
                    assert!(save(&**journal, &format!("{thread}-{index}"), index).is_ok());
                }
            });
        }
    });
    assert_eq!(journals[1].newest_number().unwrap(), 4 * SAVES);
}

fn a_key_is_free_again_when_its_entry_was_swept(place: &dyn Place) {
    let journal = place.open();
    assert_eq!(save(&*journal, "one", 1), Ok(1));
    assert_eq!(save(&*journal, "one", 0), Err("1".to_owned()));
    append(&*journal, 2..=20);
    sweep(&*journal, 1);
    if let CacheAddress::Redis(_) = journal.address() {
        // It remembers a save for at least a minute.
        assert_eq!(save(&*journal, "one", 21), Ok(1));
        return;
    }
    for _ in 0..2 {
        assert_eq!(save(&*journal, "one", 21).unwrap_or(21), 21);
    }
    assert_eq!(save(&*place.open(), "one", 0), Err("21".to_owned()));
    assert_eq!(journal.newest_number().unwrap(), 21);
}
