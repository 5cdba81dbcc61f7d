//! The cache as programs use it.

use std::time::Duration;

use super::*;
use crate::{entry::Entry, error::ErrorKind};

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
