//! Values for audiences, and private keys.

use std::time::Duration;

use super::{super::*, cache, next, save_number};
use crate::{error::ErrorKind, testing::TestSse};

#[test]
fn a_value_for_an_audience_is_not_the_public_one() {
    let (_app, cache) = cache();
    let value = |get: Get| {
        get.blocking()
            .unwrap()
            .map(|entry| entry.value().to_owned())
    };
    cache.save("k", 1).to("user:42").blocking().unwrap();
    assert_eq!(value(cache.get("k")), None);
    assert_eq!(value(cache.get("k").to("user:42")).as_deref(), Some("1"));
    assert_eq!(value(cache.get("k").to("user:4")), None);
    let names = ["user:42", "role:admin"];
    cache
        .save("k", 2)
        .to(names)
        .to("team:7")
        .blocking()
        .unwrap();
    for name in ["user:42", "role:admin", "team:7"] {
        assert_eq!(value(cache.get("k").to(name)).as_deref(), Some("2"));
    }
    cache.delete("k").to("team:7").blocking().unwrap();
    assert_eq!(value(cache.get("k").to("team:7")), None);
    assert_eq!(value(cache.get("k").to("user:42")).as_deref(), Some("2"));
    cache.delete_blocking("k").unwrap();
    assert_eq!(value(cache.get("k").to("user:42")), None);
}

#[test]
fn an_audience_that_is_not_valid_changes_nothing() {
    let (_app, cache) = cache();
    let none: [&str; 0] = [];
    let results = [
        cache.save("k", 1).to(none).blocking().err(),
        cache.save("k", 1).to("user:*").blocking().err(),
        cache.delete("k").to("").blocking().err(),
        cache.get("k").to("a,b").blocking().err(),
        cache.revoke_blocking("a\n").err(),
    ];
    for error in results {
        assert_eq!(error.unwrap().kind(), ErrorKind::Audience);
    }
    assert_eq!(save_number(&cache, "k", 1), 1);
}

#[test]
fn a_follower_receives_private_values_and_no_revocation() {
    let (_app, cache) = cache();
    let mut follow = cache.follow().unwrap();
    cache.revoke_blocking("user:42").unwrap();
    cache.save("k", 1).to("user:42").blocking().unwrap();
    let entry = next(&mut follow);
    assert_eq!(entry.number, 2);
    assert_eq!(entry.audiences().collect::<Vec<_>>(), ["user:42"]);
}

#[test]
fn a_private_key_is_saved_only_with_an_audience() {
    let app = TestSse::in_folder("a:k:private,b:k,c:l");
    let cache = app.cache();
    let error = cache.save_blocking("k", 1).unwrap_err();
    assert_eq!(error.kind(), ErrorKind::Audience);
    let text = format!("{error:?}");
    for part in [
        "`k` is private",
        ".to(\"user:42\")",
        "sse save --to user:42",
    ] {
        assert!(text.contains(part), "{text}");
    }
    let error = cache.save("k", 1).to([""; 0]).blocking().unwrap_err();
    assert_eq!(error.kind(), ErrorKind::Audience);
    assert!(cache.get_blocking("k").unwrap().is_none());
    // Nothing was appended.
    let id = cache.save("k", 1).to("user:42").blocking().unwrap();
    assert_eq!(id.cursor.last_received(), 1);
    cache.save_blocking("l", 1).unwrap();
    // A deletion shows nothing to anybody.
    cache.delete_blocking("k").unwrap();
}

#[test]
fn a_key_has_a_value_if_it_has_one_for_anybody() {
    let (_app, cache) = cache();
    let has_value = || cache.has_any_value("k").unwrap();
    let save = |names: &[&str]| cache.save("k", 1).to(names).blocking().unwrap();
    let delete = |name: &str| cache.delete("k").to(name).blocking().unwrap();
    assert!(!has_value());
    cache.save_blocking("k", 1).unwrap();
    assert!(has_value());
    cache.delete_blocking("k").unwrap();
    assert!(!has_value());
    save(&["a", "b"]);
    cache.revoke_blocking("a").unwrap();
    delete("a");
    assert!(has_value(), "b has one");
    delete("b");
    assert!(!has_value());
    save(&["a"]);
    cache.save_blocking("other", 1).unwrap();
    assert!(has_value());
    cache.delete_blocking("k").unwrap();
    assert!(!has_value());
    // An older value does not come back when the newest of its slot has expired.
    save(&["a"]);
    let brief = cache.save("k", 1).to("a").ttl(Duration::from_millis(1));
    brief.blocking().unwrap();
    std::thread::sleep(Duration::from_millis(10));
    assert!(!has_value());
    // More than one batch back.
    save(&["a"]);
    for number in 0..100 {
        cache.save_blocking("other", number).unwrap();
    }
    assert!(has_value());
    let error = cache.has_any_value("a/b").unwrap_err();
    assert_eq!(error.kind(), ErrorKind::Key);
}
