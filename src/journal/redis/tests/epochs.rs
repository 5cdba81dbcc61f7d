//! What begins a new epoch, and what the readers of the former one are told.

use super::{ENTRY, TestRedis, append, read_all};
use crate::journal::contract::Journal;

#[test]
fn a_restart_that_keeps_the_data_begins_an_epoch_that_shares_all_numbers() {
    let mut redis = TestRedis::start();
    let former = redis.open_journal();
    append(&former, 5);
    redis.kill();
    redis.restart();
    assert!(former.newest_number().is_err() && former.is_replaced());
    let [journal, of_other_process] = [redis.open_journal(), redis.open_journal()];
    let epoch = journal.epoch();
    assert_ne!(epoch, former.epoch());
    // Before anything is written, both have found the same one.
    assert_eq!(of_other_process.epoch(), epoch);
    assert_eq!(
        journal.epochs().last_number_shared_with(former.epoch()),
        Some(5)
    );
    assert_eq!(append(&journal, 1), 6);
    assert_eq!(append(&of_other_process, 1), 7);
    let later = redis.open_journal();
    assert_eq!((later.epoch(), read_all(&later)), (epoch, 7));
    let ids = later.read_from(5, 2).unwrap().entries;
    let ids: Vec<String> = ids
        .into_iter()
        .map(|entry| entry.unwrap().id().to_string())
        .collect();
    assert_eq!(ids, [format!("{}-5", former.epoch()), format!("{epoch}-6")]);
}

#[test]
fn an_append_to_a_former_epoch_writes_nothing() {
    let mut redis = TestRedis::start();
    let former = redis.open_journal();
    append(&former, 2);
    redis.kill();
    redis.restart();
    assert!(former.append(ENTRY).is_err() && former.is_replaced());
    assert_eq!(redis.open_journal().newest_number().unwrap(), 2);
}

#[test]
fn emptied_data_begins_a_journal_with_another_epoch_each_time() {
    let redis = TestRedis::start();
    let mut epochs = Vec::new();
    for _ in 0..3 {
        let journal = redis.open_journal();
        append(&journal, 3);
        epochs.push(journal.epoch());
        let () = redis.run(&["FLUSHALL"]);
        assert!(journal.read_from(4, 1).is_err() && journal.is_replaced());
        assert!(journal.append(ENTRY).is_err());
    }
    let last = redis.open_journal();
    assert_eq!(append(&last, 1), 1);
    for epoch in &epochs {
        assert_eq!(last.epochs().last_number_shared_with(*epoch), None);
    }
    epochs.sort_unstable();
    epochs.dedup();
    assert_eq!(epochs.len(), 3);
}

#[test]
fn a_journal_without_its_hash_or_its_stream_gives_no_number_twice() {
    let redis = TestRedis::start();
    let journal = redis.open_journal();
    append(&journal, 3);
    // As an eviction does.
    let () = redis.run(&["DEL", "{test}:s"]);
    assert_eq!(append(&journal, 1), 4);
    let () = redis.run(&["DEL", "{test}:m"]);
    let next = redis.open_journal();
    assert_ne!(next.epoch(), journal.epoch());
    assert_eq!((append(&next, 1), read_all(&next)), (1, 1));
}

/// DEBUG RELOAD with an older copy, or a restore by another program, leaves the replication id as it is.
#[test]
fn data_that_was_set_back_without_a_restart_is_noticed() {
    let redis = TestRedis::start();
    let journal = redis.open_journal();
    append(&journal, 3);
    let copies: Vec<Vec<u8>> = ["{test}:s", "{test}:m"]
        .map(|key| redis.run(&["DUMP", key]))
        .into();
    append(&journal, 2);
    assert_eq!(read_all(&journal), 5);
    let restore = || {
        for (key, copy) in ["{test}:s", "{test}:m"].iter().zip(&copies) {
            let _: String = redis::cmd("RESTORE")
                .arg(key)
                .arg(0)
                .arg(copy)
                .arg("REPLACE")
                .query(&mut redis.connection())
                .unwrap();
        }
    };
    restore();
    assert!(!journal.is_intact_up_to(5).unwrap());
    journal.discard().unwrap();
    assert!(journal.is_replaced());
    let next = redis.open_journal();
    assert_eq!(
        next.epochs().last_number_shared_with(journal.epoch()),
        Some(3)
    );
    assert_eq!(append(&next, 2), 5);
    assert_eq!(read_all(&next), 5);
    // Its numbers were assigned again before the reader looked.
    restore();
    let writer = redis.open_journal();
    append(&writer, 4);
    let reader = redis.open_journal();
    assert_eq!(read_all(&reader), 7);
    restore();
    append(&writer, 6);
    assert!(reader.read_from(8, 10).is_err() && reader.is_replaced());
    let last = redis.open_journal();
    assert_eq!(last.epochs().last_number_shared_with(reader.epoch()), None);
    assert_eq!(read_all(&last), 9, "nothing that Redis has is removed");
}

#[test]
fn epochs_that_end_before_the_oldest_entry_are_forgotten() {
    let mut redis = TestRedis::start();
    let first = redis.open_journal();
    append(&first, 10);
    let mut epochs = vec![first.epoch()];
    for _ in 0..3 {
        redis.kill();
        redis.restart();
        let journal = redis.open_journal();
        append(&journal, 10);
        while journal.sweep(12).unwrap() {}
        epochs.push(journal.epoch());
    }
    let last = redis.open_journal();
    assert_eq!(last.newest_number().unwrap(), 40);
    let shared: Vec<_> = epochs
        .iter()
        .map(|epoch| last.epochs().last_number_shared_with(*epoch))
        .collect();
    assert_eq!(shared[1..], [Some(20), Some(30), Some(u64::MAX)]);
    assert_eq!(shared[0], None);
}
