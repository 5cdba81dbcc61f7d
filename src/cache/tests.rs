//! The cache as programs use it.

use std::time::{Duration, Instant};

use super::*;
use crate::error::ErrorKind;

fn cache() -> (tempfile::TempDir, Cache) {
    let app = tempfile::tempdir().unwrap();
    let cache = Cache::open(&Config::new(app.path(), "a:k").unwrap()).unwrap();
    (app, cache)
}

fn next(follow: &mut Follow) -> Entry {
    match follow.next_timeout(Duration::from_secs(10)).unwrap() {
        Some(Next::Entry(entry)) => entry,
        other => panic!("{other:?}"),
    }
}

#[test]
fn what_is_saved_is_followed_in_order() {
    let (_app, cache) = cache();
    cache.save_blocking("k", "before").unwrap();
    let mut follow = cache.follow().unwrap();
    assert!(follow.next_timeout(Duration::ZERO).unwrap().is_none());
    assert_eq!(cache.save_blocking("k", 1).unwrap(), 2);
    assert_eq!(cache.save_blocking("other", [true]).unwrap(), 3);
    for (number, key, value) in [(2, "k", "1"), (3, "other", "[true]")] {
        let entry = next(&mut follow);
        assert_eq!(
            (entry.number(), entry.key(), entry.value()),
            (number, key, value)
        );
    }
}

#[test]
fn what_cannot_be_saved_is_refused() {
    let (_app, cache) = cache();
    for key in ["", "../k", "a:b"] {
        assert_eq!(
            cache.save_blocking(key, 1).unwrap_err().kind(),
            ErrorKind::Key
        );
    }
    let too_long = "x".repeat(64 * 1024);
    let error = cache.save_blocking("k", too_long).unwrap_err();
    assert_eq!(error.kind(), ErrorKind::Value);
    assert!(error.to_string().contains("65538 bytes"), "{error}");
    let no_json = std::collections::HashMap::from([(vec![1], 1)]);
    assert_eq!(
        cache.save_blocking("k", no_json).unwrap_err().kind(),
        ErrorKind::Value
    );
    assert_eq!(
        cache.save_blocking("k", 1).unwrap(),
        1,
        "nothing was saved before"
    );
}

#[test]
fn a_deleted_folder_is_made_again() {
    let (app, cache) = cache();
    let mut follow = cache.follow().unwrap();
    cache.save_blocking("k", 1).unwrap();
    assert_eq!(next(&mut follow).value(), "1");
    // Out of the way in one step, as long as threads of ours work in it.
    std::fs::rename(app.path().join("writable"), app.path().join("deleted")).unwrap();
    std::fs::remove_dir_all(app.path().join("deleted")).unwrap();
    assert_eq!(cache.save_blocking("k", 2).unwrap(), 1);
    let gap = follow.next_timeout(Duration::from_secs(10)).unwrap();
    assert!(matches!(gap, Some(Next::Gap)), "{gap:?}");
    assert_eq!(next(&mut follow).value(), "2");
}

/// A value as every process finds it: the one that saved it, and one that comes later.
fn value(app: &tempfile::TempDir, cache: &Cache, key: &str) -> Option<String> {
    let later = Cache::open(&Config::new(app.path(), "a:k").unwrap()).unwrap();
    let [here, there] = [cache, &later].map(|cache| {
        let entry = cache.get_blocking(key).unwrap()?;
        Some(entry.value().to_owned())
    });
    assert_eq!(here, there);
    here
}

#[test]
fn what_was_saved_last_is_got_until_it_is_deleted() {
    let (app, cache) = cache();
    assert_eq!(value(&app, &cache, "k"), None);
    cache.save_blocking("k", 1).unwrap();
    cache.save_blocking("k", "two").unwrap();
    cache.save_blocking("other", [3]).unwrap();
    let entry = cache.get_blocking("k").unwrap().unwrap();
    assert_eq!(
        (entry.number(), entry.key(), entry.value()),
        (2, "k", "\"two\"")
    );
    assert_eq!(cache.delete_blocking("k").unwrap(), 4);
    assert_eq!(value(&app, &cache, "k"), None);
    assert_eq!(value(&app, &cache, "other").as_deref(), Some("[3]"));
    cache.save_blocking("k", 5).unwrap();
    assert_eq!(value(&app, &cache, "k").as_deref(), Some("5"));
    // A value that is null is a value.
    cache.save_blocking("k", ()).unwrap();
    assert_eq!(value(&app, &cache, "k").as_deref(), Some("null"));
}

#[test]
fn a_value_is_got_for_its_time_to_live_and_no_older_one_after_it() {
    let (app, cache) = cache();
    cache.save("k", 1).ttl(Duration::ZERO).blocking().unwrap();
    let ttl = Duration::from_millis(300);
    let saved = Instant::now();
    cache.save("k", 2).ttl(ttl).blocking().unwrap();
    while cache.get_blocking("k").unwrap().is_some() {
        assert!(saved.elapsed() < Duration::from_secs(10));
        std::thread::yield_now();
    }
    // Times of saving have no fractions of a millisecond.
    assert!(saved.elapsed() + Duration::from_millis(1) >= ttl);
    assert_eq!(value(&app, &cache, "k"), None);
}

#[test]
fn keys_that_cannot_be_are_neither_got_nor_deleted() {
    let (_app, cache) = cache();
    for key in ["", "../k", "a:b"] {
        assert_eq!(cache.get_blocking(key).unwrap_err().kind(), ErrorKind::Key);
        assert_eq!(
            cache.delete_blocking(key).unwrap_err().kind(),
            ErrorKind::Key
        );
    }
    assert_eq!(cache.delete_blocking("k").unwrap(), 1);
}

#[test]
fn a_deletion_is_neither_followed_nor_a_gap() {
    let (_app, cache) = cache();
    let mut follow = cache.follow().unwrap();
    cache.save_blocking("k", 1).unwrap();
    cache.delete_blocking("k").unwrap();
    cache.delete_blocking("k").unwrap();
    cache.save_blocking("k", 2).unwrap();
    assert_eq!(next(&mut follow).number(), 1);
    assert_eq!(next(&mut follow).number(), 4);
    cache.delete_blocking("k").unwrap();
    let nothing = follow.next_timeout(Duration::from_millis(50)).unwrap();
    assert!(nothing.is_none(), "{nothing:?}");
}

#[test]
fn in_a_cache_that_was_made_anew_nothing_old_is_got() {
    let (app, cache) = cache();
    cache.save_blocking("k", "old").unwrap();
    assert!(cache.get_blocking("k").unwrap().is_some());
    std::fs::rename(app.path().join("writable"), app.path().join("deleted")).unwrap();
    assert_eq!(value(&app, &cache, "k"), None);
    cache.save_blocking("k", "new").unwrap();
    assert_eq!(value(&app, &cache, "k").as_deref(), Some("\"new\""));
    // As a backup that is put back: the same journal by its name, with other entries.
    std::fs::rename(app.path().join("writable"), app.path().join("new")).unwrap();
    std::fs::rename(app.path().join("deleted"), app.path().join("writable")).unwrap();
    assert_eq!(value(&app, &cache, "k").as_deref(), Some("\"old\""));
}

#[test]
fn keys_that_were_swept_are_got_no_more() {
    let (app, cache) = cache();
    cache.save("k", 1).ttl(Duration::ZERO).blocking().unwrap();
    for number in 2..=2_000 {
        cache
            .save("other", number)
            .ttl(Duration::ZERO)
            .blocking()
            .unwrap();
    }
    assert_eq!(value(&app, &cache, "k").as_deref(), Some("1"));
    cache
        .store()
        .unwrap()
        .follow()
        .unwrap()
        .journal
        .sweep(1)
        .unwrap();
    assert_eq!(value(&app, &cache, "k"), None);
    assert_eq!(value(&app, &cache, "other").as_deref(), Some("2000"));
}

#[cfg(feature = "actix")]
#[actix_web::test]
async fn all_of_it_is_awaited_in_a_handler_and_moves_between_threads() {
    fn is_send<T: Send>(future: T) -> T {
        future
    }
    let (_app, cache) = cache();
    is_send(cache.save("k", 1).into_future()).await.unwrap();
    let entry = is_send(cache.get("k").into_future()).await.unwrap();
    assert_eq!(entry.unwrap().value(), "1");
    assert_eq!(is_send(cache.delete("k").into_future()).await.unwrap(), 2);
    assert!(cache.get("k").await.unwrap().is_none());
}

#[test]
fn all_that_is_made_is_its_owners_alone() {
    use std::os::unix::fs::PermissionsExt;

    fn modes(folder: &std::path::Path, found: &mut Vec<(std::path::PathBuf, bool, u32)>) {
        for item in std::fs::read_dir(folder).unwrap() {
            let path = item.unwrap().path();
            let about = std::fs::symlink_metadata(&path).unwrap();
            if about.is_dir() {
                modes(&path, found);
            }
            found.push((path, about.is_dir(), about.permissions().mode() & 0o7777));
        }
    }

    let (app, cache) = cache();
    let _follow = cache.follow().unwrap();
    for number in 1..=1_000 {
        cache.save_blocking("k", number).unwrap();
    }
    cache.delete_blocking("k").unwrap();
    let mut found = Vec::new();
    modes(&app.path().join("writable/cache"), &mut found);
    assert!(
        found
            .iter()
            .any(|(path, ..)| path.ends_with("000000000001"))
    );
    for (path, is_folder, mode) in found {
        let expected = if is_folder { 0o700 } else { 0o600 };
        assert_eq!(mode, expected, "{}: {mode:o}", path.display());
    }
}
