//! Data that was set back although the replication id is the same: by DEBUG RELOAD with an older copy, or by a
//! program that restores keys.

use redis::Value;

use super::{ENTRY, TestRedis, append, read_all};
use crate::journal::contract::Journal;

const KEYS: [&str; 2] = ["{test}:s", "{test}:m"];

impl TestRedis {
    fn copy_keys(&self) -> Vec<Vec<u8>> {
        KEYS.map(|key| self.run(&["DUMP", key])).into()
    }

    fn restore_keys(&self, copies: &[Vec<u8>]) {
        for (key, copy) in KEYS.iter().zip(copies) {
            let _: Value = redis::cmd("RESTORE")
                .arg(key)
                .arg(0)
                .arg(copy)
                .arg("REPLACE")
                .query(&mut self.connection())
                .unwrap();
        }
    }
}

#[test]
fn a_process_that_has_read_nothing_removes_nothing() {
    let redis = TestRedis::start();
    let writer = redis.open_journal();
    append(&writer, 3);
    let copies = redis.copy_keys();
    append(&writer, 2);
    // As one that waits for the next entry does.
    let reader = redis.open_journal();
    assert_eq!(reader.newest_number().unwrap(), 5);
    redis.restore_keys(&copies);
    assert!(!reader.is_intact_up_to(5).unwrap());
    reader.discard().unwrap();
    let next = redis.open_journal();
    assert_ne!(next.epoch(), writer.epoch());
    assert_eq!(read_all(&next), 3);
    assert_eq!(append(&next, 1), 4);
}

#[test]
fn entries_that_another_reader_has_read_since_do_not_hide_it() {
    let redis = TestRedis::start();
    let writer = redis.open_journal();
    append(&writer, 3);
    let copies = redis.copy_keys();
    append(&writer, 2);
    let reader = redis.open_journal();
    assert_eq!(read_all(&reader), 5);
    redis.restore_keys(&copies);
    append(&writer, 4);
    // A client that returns is served from the journal, beyond what the tail has read.
    assert!(reader.read_from(3, 10).is_err() && reader.is_replaced());
    let next = redis.open_journal();
    assert_eq!(
        next.epochs().last_number_shared_with(reader.epoch()),
        Some(3)
    );
    assert_eq!(read_all(&next), 7);
}

#[test]
fn the_former_epoch_ends_before_the_first_other_entry() {
    let redis = TestRedis::start();
    let writer = redis.open_journal();
    append(&writer, 3);
    let copies = redis.copy_keys();
    append(&writer, 4);
    let reader = redis.open_journal();
    assert_eq!(read_all(&reader), 7);
    redis.restore_keys(&copies);
    // Number 4 has another entry now, and there is no number 5.
    assert_eq!(writer.append(ENTRY).unwrap(), 4);
    assert!(!reader.is_intact_up_to(7).unwrap());
    reader.discard().unwrap();
    let next = redis.open_journal();
    assert_eq!(
        next.epochs().last_number_shared_with(reader.epoch()),
        Some(3)
    );
}
