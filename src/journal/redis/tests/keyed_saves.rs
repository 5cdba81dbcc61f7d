//! Saves with an idempotency key whose answers are lost, or which Redis has forgotten.

use std::time::{Duration, Instant, SystemTime};

use rustix::process::Signal;

use super::{ENTRY, TestRedis};
use crate::{
    audience::Recipients,
    entry,
    journal::{
        contract::{Journal, KeyedAppend},
        redis::RedisJournal,
        save_deadline,
    },
};

fn document() -> Vec<u8> {
    let value = serde_json::value::to_raw_value("1").unwrap();
    let (everyone, ttl) = (Recipients::Everyone, Duration::ZERO);
    entry::encode_document_for(
        &everyone,
        "k",
        value,
        ttl,
        SystemTime::now(),
        Some("key"),
        None,
    )
}

fn save(journal: &RedisJournal) -> Result<KeyedAppend, crate::Error> {
    journal.append_keyed("key", &document(), save_deadline())
}

fn appended(result: Result<KeyedAppend, crate::Error>) -> u64 {
    match result.unwrap() {
        KeyedAppend::Appended(number) => number,
        KeyedAppend::Found(entry) => panic!("{entry:?}"),
    }
}

fn found(result: Result<KeyedAppend, crate::Error>) -> u64 {
    match result.unwrap() {
        KeyedAppend::Found(entry) => entry.number,
        KeyedAppend::Appended(number) => panic!("{number}"),
    }
}

#[test]
fn a_save_whose_answer_was_lost_is_not_appended_again() {
    let redis = TestRedis::start();
    let journal = redis.open_journal_in_use();
    // So the save is in a buffer of the server.
    journal.append(ENTRY).unwrap();
    redis.signal(Signal::STOP);
    let deadline = Instant::now() + Duration::from_secs(1);
    let lost = journal.append_remembered("key", &document(), deadline);
    redis.signal(Signal::CONT);
    let error = format!("{:?}", lost.unwrap_err());
    assert!(error.contains("may have been saved"), "{error}");
    let of_next_process = redis.open_journal();
    assert_eq!(found(save(&of_next_process)), 2);
    assert_eq!(journal.append(ENTRY).unwrap(), 3);
}

#[test]
fn a_save_is_found_in_the_journal_when_redis_has_forgotten_it() {
    let redis = TestRedis::start();
    let journal = redis.open_journal();
    assert_eq!(appended(save(&journal)), 1);
    let ttl: i64 = redis.run(&["TTL", "{test}:i:save:key"]);
    assert!((55..=60).contains(&ttl), "{ttl}");
    journal.append(ENTRY).unwrap();
    let () = redis.run(&["DEL", "{test}:i:save:key"]);
    assert_eq!(found(save(&redis.open_journal())), 1);
    assert_eq!(found(save(&journal)), 1);
}

/// Readers recognise by it that an entry is another one than before.
#[test]
fn two_entries_with_one_key_have_different_tokens() {
    let redis = TestRedis::start();
    let journal = redis.open_journal();
    let token = || -> String {
        assert_eq!(appended(save(&journal)), 1);
        let entries: Vec<(String, Vec<String>)> = redis.run(&["XRANGE", "{test}:s", "-", "+"]);
        entries[0].1[3].clone()
    };
    let first = token();
    for key in ["{test}:s", "{test}:i:save:key"] {
        let () = redis.run(&["DEL", key]);
    }
    let () = redis.run(&["HSET", "{test}:m", "n", "0"]);
    assert_ne!(token(), first);
}
