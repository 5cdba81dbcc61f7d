//! Saves with an idempotency key, as programs use them.

use std::time::Duration;

use super::*;

fn once(save: Save) -> KeyedSave {
    save.blocking_once("idempotency-key").unwrap()
}

fn config_of(cache: &Cache) -> Arc<Config> {
    cache.journal_handle().unwrap().config()
}

#[test]
fn a_repeated_save_has_the_id_of_the_first_one() {
    let (_app, cache) = cache();
    cache.save_blocking("k", 0).unwrap();
    let KeyedSave::Saved(id) = once(cache.save("k", 1)) else {
        panic!("it was not saved");
    };
    cache.save_blocking("k", 2).unwrap();
    assert_eq!(once(cache.save("k", 1)), KeyedSave::Repeated(id));
    // Of another process.
    let other = Cache::open(&config_of(&cache)).unwrap();
    assert_eq!(once(other.save("k", 1)), KeyedSave::Repeated(id));
    assert_eq!(cache.get_blocking("k").unwrap().unwrap().value(), "2");
}

#[test]
fn a_save_of_something_else_with_the_same_key_saves_nothing() {
    let (_app, cache) = cache();
    let ttl = Duration::from_secs(7);
    let save = || cache.save("k", 1).ttl(ttl).to(["user:1", "user:2"]);
    let KeyedSave::Saved(id) = once(save()) else {
        panic!("it was not saved");
    };
    for other in [
        cache.save("k", 2).ttl(ttl).to(["user:1", "user:2"]),
        cache.save("l", 1).ttl(ttl).to(["user:1", "user:2"]),
        cache.save("k", 1).ttl(ttl).to("user:1"),
        cache.save("k", 1).ttl(ttl),
        save().ttl(Duration::ZERO),
    ] {
        assert_eq!(once(other), KeyedSave::Differs);
    }
    let in_other_order = cache.save("k", 1).ttl(ttl).to(["user:2", "user:1"]);
    // Without a time to live, it is the one of the configuration, which may have changed since.
    let without_ttl = cache.save("k", 1).to(["user:1", "user:2"]);
    for same in [save(), in_other_order, without_ttl] {
        assert_eq!(once(same), KeyedSave::Repeated(id));
    }
    assert_eq!(id.cursor.last_received(), 1);
    assert_eq!(save_number(&cache, "k", 3), 2);
}

#[test]
fn what_cannot_be_saved_does_not_use_up_the_key() {
    let (_app, cache) = cache();
    let refused = cache.save("a/b", 1).blocking_once("idempotency-key");
    assert_eq!(refused.unwrap_err().kind(), ErrorKind::Key);
    let large = "x".repeat(100_000);
    let refused = cache.save("k", large).blocking_once("idempotency-key");
    assert_eq!(refused.unwrap_err().kind(), ErrorKind::Value);
    assert!(matches!(once(cache.save("k", 1)), KeyedSave::Saved(_)));
}

#[test]
fn a_replaced_journal_knows_no_keys() {
    let (_app, cache) = cache();
    assert!(matches!(once(cache.save("k", 1)), KeyedSave::Saved(_)));
    std::fs::remove_dir_all(config_of(&cache).cache_dir()).unwrap();
    assert!(matches!(once(cache.save("k", 2)), KeyedSave::Saved(_)));
    assert_eq!(once(cache.save("k", 1)), KeyedSave::Differs);
}
