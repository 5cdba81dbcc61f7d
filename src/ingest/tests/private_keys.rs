//! Drop-ins of private keys, which name no audience.

use std::fs::{self, File};

use super::{App, is_empty, read, start, until};
use crate::journal::{Journal, file::time_ordered_name};

#[test]
fn a_drop_in_of_a_private_key_is_kept_aside_and_is_not_saved() {
    let app = App::for_events("a:k1:private,b:k2");
    let journal = app.journal();
    let broken = app.cache().join(".sse/broken/k1");
    fs::write(app.cache().join("k1"), "early").unwrap();
    let _ingest = start(&journal, app.config_poller());
    for value in ["early", "late"] {
        until("it is kept aside", || {
            fs::read_to_string(&broken).is_ok_and(|kept| kept == value)
        });
        fs::write(app.cache().join("k1"), "late").unwrap();
    }
    until("it is taken from the cache folder", || {
        !app.cache().join("k1").exists()
    });
    fs::write(app.cache().join("k2"), "2").unwrap();
    assert_eq!(read(&journal, 1), ["k2=2"]);
    assert_eq!(journal.newest_number().unwrap(), 1);
}

/// Otherwise a server that does not know the key could take it over, and publish it.
#[test]
fn a_drop_in_of_a_private_key_is_never_claimed() {
    let app = App::for_events("a:k1:private,b:k2");
    let journal = app.journal();
    let _ingest = start(&journal, app.config_poller());
    // A claimed drop-in would stay claimed while it has a writer.
    let _writer = File::create(app.cache().join("k1")).unwrap();
    until("it is kept aside", || {
        app.cache().join(".sse/broken/k1").exists()
    });
    fs::write(app.cache().join("k2"), "2").unwrap();
    read(&journal, 1);
    until("no key has a folder", || is_empty(&app.claimed()));
}

#[test]
fn a_drop_in_that_was_claimed_before_its_key_became_private_is_kept_aside() {
    let app = App::for_events("a:k1:private,b:k2");
    let journal = app.journal();
    let folder = app.claimed().join("k1");
    fs::create_dir_all(&folder).unwrap();
    fs::write(folder.join(time_ordered_name(None).unwrap()), "1").unwrap();
    let _ingest = start(&journal, app.config_poller());
    until("it is kept aside", || {
        app.cache().join(".sse/broken/k1").exists()
    });
    assert_eq!(journal.newest_number().unwrap(), 0);
}

#[test]
fn a_folder_of_the_same_name_does_not_keep_a_private_drop_in_in_place() {
    let app = App::for_events("a:k1:private,b:k2");
    let journal = app.journal();
    let broken = app.cache().join(".sse/broken/k1");
    fs::create_dir_all(broken.join("folder")).unwrap();
    fs::write(app.cache().join("k1"), "1").unwrap();
    let _ingest = start(&journal, app.config_poller());
    until("it is kept aside", || broken.is_file());
}
