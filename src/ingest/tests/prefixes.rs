//! Drop-ins whose names have a prefix.

use std::{
    fs,
    sync::Arc,
    time::{Duration, Instant},
};

use super::{App, is_empty, read, start, until};
use crate::{
    config::{Config, ConfigPoller},
    journal::{Journal, file::time_ordered_name},
    platform,
};

#[test]
fn the_file_with_the_prefix_is_the_drop_in_and_the_one_without_is_not() {
    let app = App::new().with_prefix("shop_");
    let journal = app.journal();
    for name in ["k1", "shop_", "shop_k3", "shop_shop_k1", "xshop_k1"] {
        fs::write(app.cache().join(name), "other").unwrap();
    }
    fs::write(app.cache().join("shop_k1"), "early").unwrap();
    let _ingest = start(&journal, app.config_poller());
    assert_eq!(read(&journal, 1), ["k1=\"early\""]);
    fs::write(app.cache().join("shop_k2"), "2").unwrap();
    fs::write(app.cache().join("shop_k1"), "1").unwrap();
    let mut found = read(&journal, 3).split_off(1);
    found.sort();
    assert_eq!(found, ["k1=1", "k2=2"]);
    assert_eq!(fs::read_to_string(app.cache().join("k1")).unwrap(), "other");
    until("the folders of the keys are removed", || {
        is_empty(&app.claimed())
    });
    assert_eq!(fs::read_dir(app.cache()).unwrap().count(), 6);
}

#[test]
fn a_key_that_looks_like_a_file_of_another_key_is_a_key_of_its_own() {
    let app = App::for_events("a:k1,b:a_k1").with_prefix("a_");
    let journal = app.journal();
    let _ingest = start(&journal, app.config_poller());
    fs::write(app.cache().join("a_k1"), "1").unwrap();
    assert_eq!(read(&journal, 1), ["k1=1"]);
    fs::write(app.cache().join("a_a_k1"), "2").unwrap();
    assert_eq!(read(&journal, 2), ["k1=1", "a_k1=2"]);
}

#[test]
fn two_apps_with_different_prefixes_share_a_folder() {
    let app = App::new().with_prefix("a_");
    let journal = app.journal();
    let other = app.config.clone().with_drop_in_prefix("b_").unwrap();
    let _ingest = start(&journal, app.config_poller());
    let _other = start(&journal, Arc::new(ConfigPoller::new(other)));
    // Other systems wait half a second until a file counts as closed, and one of the apps has to wait for the other.
    let rounds = if platform::IS_LINUX { 20 } else { 2 };
    for number in 0..rounds {
        for prefix in ["a_", "b_"] {
            let path = app.cache().join(format!("{prefix}k1"));
            fs::write(&path, number.to_string()).unwrap();
            until("it is claimed", || !path.exists());
        }
    }
    let mut numbers: Vec<_> = read(&journal, 2 * rounds);
    numbers.sort_by_key(|entry| entry["k1=".len()..].parse::<usize>().unwrap());
    let expected = (0..rounds).flat_map(|number| vec![format!("k1={number}"); 2]);
    assert_eq!(numbers, expected.collect::<Vec<_>>());
}

#[test]
fn a_drop_in_that_was_claimed_with_another_prefix_keeps_its_key() {
    let app = App::new().with_prefix("shop_");
    let journal = app.journal();
    let folder = app.claimed().join("k1");
    fs::create_dir_all(&folder).unwrap();
    fs::write(folder.join(time_ordered_name(None).unwrap()), "1").unwrap();
    let _ingest = start(&journal, app.config_poller());
    assert_eq!(read(&journal, 1), ["k1=1"]);
}

#[test]
fn a_refused_drop_in_is_kept_under_its_key() {
    let app = App::for_events("a:k1:private,b:k2").with_prefix("shop_");
    let journal = app.journal();
    let _ingest = start(&journal, app.config_poller());
    for key in ["k1", "k2"] {
        let path = app.cache().join(format!("shop_{key}"));
        // Not a value.
        fs::write(&path, b"a:3:{s:4:\"time\";i:17").unwrap();
        until("it is kept aside", || {
            app.cache().join(".sse/broken").join(key).exists()
        });
        assert!(!path.exists());
    }
    assert_eq!(journal.newest_number().unwrap(), 0);
}

#[test]
fn an_edit_of_the_prefix_takes_effect() {
    let app = App::new();
    let env = app.dir.path().join(".env");
    let edit = |prefix: &str| {
        let text = format!("SSE_EVENTS=a:k1\nSSE_POLL_INTERVAL=0.05\n{prefix}\n");
        fs::write(&env, text).unwrap();
    };
    edit("");
    let journal = app.journal();
    let config = Config::from_dir(app.dir.path()).unwrap();
    let poller = Arc::new(ConfigPoller::new(config));
    let _ingest = start(&journal, Arc::clone(&poller));
    let (mut count, mut now) = (0, Instant::now());
    for (line, prefix) in [
        ("SSE_DROP_IN_PREFIX=shop_", "shop_"),
        ("SSE_DROP_IN_PREFIX='x y'", "x y"),
        ("", ""),
    ] {
        edit(line);
        until("the edit is in force", || {
            // As if this time had passed.
            now += Duration::from_secs(60);
            poller.reload_if_due_at(now, |_| Ok(()));
            poller.current().drop_in_prefix() == prefix
        });
        count += 1;
        fs::write(app.cache().join(format!("{prefix}k1")), "1").unwrap();
        assert_eq!(read(&journal, count), vec!["k1=1"; count], "{line}");
    }
}
