//! The cache as programs use it.

mod audiences;
mod keyed_saves;
mod losses;

use std::time::{Duration, Instant, SystemTime};

use super::*;
use crate::{entry, error::ErrorKind, journal::save_deadline, testing::TestSse};

fn cache() -> (TestSse, Cache) {
    let app = TestSse::in_folder("a:k");
    let cache = app.cache().clone();
    (app, cache)
}

/// Saves a value and returns its number in the journal.
fn save_number(cache: &Cache, key: &str, value: impl Serialize) -> u64 {
    let id = cache.save_blocking(key, value).unwrap();
    id.cursor.last_received()
}

/// Saves so much that the journal can sweep its oldest folder.
fn save_in_two_folders(cache: &Cache) {
    for number in 1..=2_000 {
        let save = cache.save("other", number).ttl(Duration::ZERO);
        save.blocking().unwrap();
    }
}

fn sweep(cache: &Cache) {
    let followed = cache.journal_handle().unwrap().follow().unwrap();
    followed.opened.journal.sweep(1).unwrap();
}

fn next(follow: &mut Follow) -> Entry {
    match follow.next_timeout(Duration::from_secs(10)).unwrap() {
        Some(Next::Entry(entry)) => entry,
        other => panic!("{other:?}"),
    }
}

#[test]
fn a_value_is_saved_with_its_trace_context() {
    let (_app, cache) = cache();
    let mut follow = cache.follow().unwrap();
    let trace_parent = "00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01";
    let save = |text: &str| cache.save("k", 1).trace_parent(text).blocking();
    assert_eq!(save("00-4bf9").unwrap_err().kind(), ErrorKind::Value);
    save(trace_parent).unwrap();
    cache.save_blocking("k", 2).unwrap();
    assert_eq!(next(&mut follow).trace_parent(), Some(trace_parent));
    assert_eq!(next(&mut follow).trace_parent(), None);
}

#[test]
fn saved_values_are_followed_in_order() {
    let (_app, cache) = cache();
    cache.save_blocking("k", "before").unwrap();
    let mut follow = cache.follow().unwrap();
    assert!(follow.next_timeout(Duration::ZERO).unwrap().is_none());
    assert_eq!(save_number(&cache, "k", 1), 2);
    assert_eq!(save_number(&cache, "other", [true]), 3);
    for (number, key, value) in [(2, "k", "1"), (3, "other", "[true]")] {
        let entry = next(&mut follow);
        assert_eq!(
            (entry.number, entry.key(), entry.value()),
            (number, key, value)
        );
    }
}

#[test]
fn values_are_followed_from_a_time_on() {
    let (_app, cache) = cache();
    let save = |value: u32| {
        cache.save_blocking("k", value).unwrap();
        let entry = cache.get_blocking("k").unwrap().unwrap();
        humantime::parse_rfc3339(entry.timestamp()).unwrap()
    };
    let first = save(1);
    let mut second = save(2);
    while second == first {
        second = save(2);
    }
    let values = |time| {
        let mut follow = cache.follow_since(time).unwrap();
        let entries = std::iter::from_fn(|| match follow.next_timeout(Duration::ZERO).unwrap() {
            Some(Next::Entry(entry)) => Some(entry.value().to_owned()),
            _ => None,
        });
        entries.collect::<Vec<_>>()
    };
    assert_eq!(values(first)[0], "1");
    assert_eq!(values(second), ["2"]);
    assert_eq!(values(second + Duration::from_secs(60)), [""; 0]);
    let mut follow = cache.follow_since(second).unwrap();
    assert_eq!(next(&mut follow).value(), "2");
    save(3);
    assert_eq!(next(&mut follow).value(), "3");
}

#[test]
fn values_are_followed_from_a_time_on_although_a_clock_was_set_back() {
    let (_app, cache) = cache();
    let time = SystemTime::now() - Duration::from_secs(60);
    cache.save_blocking("k", 1).unwrap();
    let journal = cache.journal_handle().unwrap();
    let day_before = time - Duration::from_secs(24 * 60 * 60);
    for _ in 0..100 {
        let value = to_raw_value(&2).unwrap();
        let document = entry::encode_document("k", value, Duration::MAX, day_before);
        journal.append(&document, save_deadline()).unwrap();
    }
    assert_eq!(next(&mut cache.follow_since(time).unwrap()).value(), "1");
}

#[test]
fn values_that_were_swept_since_a_time_are_a_gap_once() {
    let (_app, cache) = cache();
    let start = SystemTime::now() - Duration::from_secs(60);
    save_in_two_folders(&cache);
    assert_eq!(next(&mut cache.follow_since(start).unwrap()).value(), "1");
    sweep(&cache);
    let mut follow = cache.follow_since(start).unwrap();
    let item = follow.next_timeout(Duration::from_secs(10)).unwrap();
    assert!(matches!(item, Some(Next::Gap)), "{item:?}");
    let oldest = next(&mut follow);
    assert_eq!(next(&mut follow).number, oldest.number + 1);
    // Since the newest value, nothing was swept.
    let newest = cache.get_blocking("other").unwrap().unwrap();
    let time = humantime::parse_rfc3339(newest.timestamp()).unwrap();
    let item = cache
        .follow_since(time)
        .unwrap()
        .next_timeout(Duration::ZERO);
    assert!(matches!(item.unwrap(), Some(Next::Entry(_))));
}

#[test]
fn an_invalid_key_or_value_is_rejected() {
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
    let not_json = std::collections::HashMap::from([(vec![1], 1)]);
    assert_eq!(
        cache.save_blocking("k", not_json).unwrap_err().kind(),
        ErrorKind::Value
    );
    assert_eq!(save_number(&cache, "k", 1), 1, "nothing was saved before");
}

#[test]
fn a_deleted_folder_is_created_again() {
    let (app, cache) = cache();
    let mut follow = cache.follow().unwrap();
    cache.save_blocking("k", 1).unwrap();
    assert_eq!(next(&mut follow).value(), "1");
    // Renamed first, because a background thread may be working in the folder, and create a file there
    // while it is removed.
    let deleted = app.folder().join("deleted");
    std::fs::rename(app.folder().join("writable"), &deleted).unwrap();
    let deadline = Instant::now() + Duration::from_secs(10);
    while let Err(error) = std::fs::remove_dir_all(&deleted) {
        assert_eq!(error.kind(), std::io::ErrorKind::DirectoryNotEmpty);
        assert!(Instant::now() < deadline, "{error}");
    }
    assert_eq!(save_number(&cache, "k", 2), 1);
    let gap = follow.next_timeout(Duration::from_secs(10)).unwrap();
    assert!(matches!(gap, Some(Next::Gap)), "{gap:?}");
    assert_eq!(next(&mut follow).value(), "2");
}

/// The value of `key`, which the process that saved it and a newly started one must agree on.
fn value(app: &TestSse, cache: &Cache, key: &str) -> Option<String> {
    let new_cache = Cache::open(&Config::new(app.folder(), "a:k").unwrap()).unwrap();
    let [here, there] = [cache, &new_cache].map(|cache| {
        let entry = cache.get_blocking(key).unwrap()?;
        Some(entry.value().to_owned())
    });
    assert_eq!(here, there);
    here
}

#[test]
fn get_returns_the_newest_value_until_it_is_deleted() {
    let (app, cache) = cache();
    assert_eq!(value(&app, &cache, "k"), None);
    cache.save_blocking("k", 1).unwrap();
    cache.save_blocking("k", "two").unwrap();
    cache.save_blocking("other", [3]).unwrap();
    let entry = cache.get_blocking("k").unwrap().unwrap();
    assert_eq!(
        (entry.number, entry.key(), entry.value()),
        (2, "k", "\"two\"")
    );
    cache.delete_blocking("k").unwrap();
    assert_eq!(value(&app, &cache, "k"), None);
    assert_eq!(value(&app, &cache, "other").as_deref(), Some("[3]"));
    assert_eq!(save_number(&cache, "k", 5), 5);
    assert_eq!(value(&app, &cache, "k").as_deref(), Some("5"));
    // `null` is a value, too.
    cache.save_blocking("k", ()).unwrap();
    assert_eq!(value(&app, &cache, "k").as_deref(), Some("null"));
}

#[test]
fn after_its_time_to_live_neither_a_value_nor_an_older_one_is_returned() {
    let (app, cache) = cache();
    cache.save("k", 1).ttl(Duration::ZERO).blocking().unwrap();
    let ttl = Duration::from_millis(300);
    let saved = Instant::now();
    cache.save("k", 2).ttl(ttl).blocking().unwrap();
    while cache.get_blocking("k").unwrap().is_some() {
        assert!(saved.elapsed() < Duration::from_secs(10));
        std::thread::yield_now();
    }
    // The time of saving is rounded to milliseconds.
    assert!(saved.elapsed() + Duration::from_millis(1) >= ttl);
    assert_eq!(value(&app, &cache, "k"), None);
}

#[test]
fn an_invalid_key_can_be_neither_read_nor_deleted() {
    let (_app, cache) = cache();
    for key in ["", "../k", "a:b"] {
        assert_eq!(cache.get_blocking(key).unwrap_err().kind(), ErrorKind::Key);
        assert_eq!(
            cache.delete_blocking(key).unwrap_err().kind(),
            ErrorKind::Key
        );
    }
    cache.delete_blocking("k").unwrap();
    assert_eq!(save_number(&cache, "k", 1), 2);
}

#[test]
fn a_deletion_yields_neither_an_entry_nor_a_gap() {
    let (_app, cache) = cache();
    let mut follow = cache.follow().unwrap();
    cache.save_blocking("k", 1).unwrap();
    cache.delete_blocking("k").unwrap();
    cache.delete_blocking("k").unwrap();
    cache.save_blocking("k", 2).unwrap();
    assert_eq!(next(&mut follow).number, 1);
    assert_eq!(next(&mut follow).number, 4);
    cache.delete_blocking("k").unwrap();
    let nothing = follow.next_timeout(Duration::from_millis(50)).unwrap();
    assert!(nothing.is_none(), "{nothing:?}");
}

#[test]
fn values_of_a_replaced_cache_are_not_returned() {
    let (app, cache) = cache();
    cache.save_blocking("k", "old").unwrap();
    assert!(cache.get_blocking("k").unwrap().is_some());
    std::fs::rename(app.folder().join("writable"), app.folder().join("deleted")).unwrap();
    assert_eq!(value(&app, &cache, "k"), None);
    cache.save_blocking("k", "new").unwrap();
    assert_eq!(value(&app, &cache, "k").as_deref(), Some("\"new\""));
    // As if a backup were restored: a journal with the same id and other entries.
    std::fs::rename(app.folder().join("writable"), app.folder().join("new")).unwrap();
    std::fs::rename(app.folder().join("deleted"), app.folder().join("writable")).unwrap();
    assert_eq!(value(&app, &cache, "k").as_deref(), Some("\"old\""));
}

#[test]
fn the_value_of_a_swept_key_is_not_returned() {
    let (app, cache) = cache();
    cache.save("k", 1).ttl(Duration::ZERO).blocking().unwrap();
    save_in_two_folders(&cache);
    assert_eq!(value(&app, &cache, "k").as_deref(), Some("1"));
    sweep(&cache);
    assert_eq!(value(&app, &cache, "k"), None);
    assert_eq!(value(&app, &cache, "other").as_deref(), Some("2000"));
}

#[cfg(feature = "actix")]
#[actix_web::test]
async fn save_get_and_delete_can_be_awaited_and_their_futures_are_send() {
    fn is_send<T: Send>(future: T) -> T {
        future
    }
    let (_app, cache) = cache();
    is_send(cache.save("k", 1).into_future()).await.unwrap();
    let entry = is_send(cache.get("k").into_future()).await.unwrap();
    assert_eq!(entry.unwrap().value(), "1");
    is_send(cache.delete("k").into_future()).await.unwrap();
    assert!(cache.get("k").await.unwrap().is_none());
}

#[test]
fn created_files_and_folders_are_accessible_to_their_owner_only() {
    use std::os::unix::fs::PermissionsExt;

    fn modes(folder: &Path, found: &mut Vec<(PathBuf, bool, u32)>) {
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
    modes(&app.folder().join("writable/cache"), &mut found);
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

#[test]
fn a_deleted_key_does_not_hide_the_next_entry() {
    let cache = Cache::in_memory(&Config::new("/nowhere", "a:k").unwrap()).unwrap();
    let mut follow = cache.follow().unwrap();
    cache.delete("k").blocking().unwrap();
    cache.save_blocking("k", 1).unwrap();
    let next = follow.next_timeout(Duration::ZERO).unwrap();
    assert!(
        matches!(&next, Some(Next::Entry(entry)) if entry.value() == "1"),
        "{next:?}"
    );
}

#[test]
fn a_cache_in_memory_saves_reads_deletes_and_is_followed() {
    let app = tempfile::tempdir().unwrap();
    let cache = Cache::in_memory(&Config::new(app.path(), "a:k").unwrap()).unwrap();
    let mut follow = cache.follow().unwrap();
    let saver = std::thread::spawn({
        let cache = cache.clone();
        move || cache.save_blocking("k", 1).unwrap()
    });
    let next = follow.next_timeout(Duration::from_secs(10)).unwrap();
    assert!(matches!(next, Some(Next::Entry(entry)) if entry.value() == "1"));
    assert_eq!(saver.join().unwrap().cursor.last_received(), 1);
    assert_eq!(cache.get_blocking("k").unwrap().unwrap().value(), "1");
    cache.delete_blocking("k").unwrap();
    assert!(cache.get_blocking("k").unwrap().is_none());
    assert!(
        std::fs::read_dir(app.path()).unwrap().next().is_none(),
        "no file is written"
    );
}

#[test]
fn a_file_in_place_of_the_cache_folder_fails_the_check() {
    let app = tempfile::tempdir().unwrap();
    let config = Config::new(app.path(), "a:k").unwrap();
    let (file, missing) = (app.path().join("file"), app.path().join("missing"));
    std::fs::write(&file, "").unwrap();
    for (path, is_usable) in [(&missing, true), (&file, false), (&file.join("in"), false)] {
        let checked = Cache::check(&config.clone().with_cache_dir(path));
        assert_eq!(checked.is_ok(), is_usable, "{}", path.display());
        if let Err(error) = checked {
            assert!(error.help().unwrap().contains("in the way"), "{error}");
        }
    }
    assert!(!missing.exists());
}

#[test]
fn the_debug_text_of_a_cache_shows_where_it_is_and_does_not_open_it() {
    let app = tempfile::tempdir().unwrap();
    let config = Config::new(app.path(), "a:k").unwrap();
    let cache = {
        let config = config.clone();
        Cache::lazy(None, move || Ok(config.clone()))
    };
    assert!(format!("{cache:?}").contains("not opened yet"), "{cache:?}");
    assert!(!config.cache_dir().exists());
    cache.journal_handle().unwrap();
    for cache in [cache, Cache::open(&config).unwrap()] {
        let address = format!("{:?}", cache.address().unwrap());
        assert!(format!("{cache:?}").contains(&address), "{cache:?}");
    }
}
