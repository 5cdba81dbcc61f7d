//! Drop-ins that cannot be claimed or appended for some time, and their time to live.

use std::os::unix::fs::PermissionsExt;

use super::*;
use crate::journal::file::{
    tests::non_regular_files::{can_restrict_this_user, make_permissions_apply_to_root},
    time_of_ordered_name, time_ordered_name,
};

pub(super) fn set_mode(path: &Path, mode: u32) {
    fs::set_permissions(path, fs::Permissions::from_mode(mode)).unwrap();
}

/// An app whose cache folder belongs to another user if this process runs as root. `None` if
/// permissions cannot apply to this process.
pub(super) fn restricted_app() -> Option<App> {
    let app = App::new();
    make_permissions_apply_to_root(&app.cache());
    can_restrict_this_user().then_some(app)
}

#[test]
fn a_drop_in_whose_append_fails_is_appended_later() {
    let Some(app) = restricted_app() else { return };
    let journal = app.journal();
    let _ingest = start(&journal, app.config_poller());
    let entries = app.cache().join(".sse/journal-2/000000000000");
    set_mode(&entries, 0o500);
    for value in ["1", "2"] {
        fs::write(app.cache().join("k1"), value).unwrap();
        until("it is claimed", || !app.cache().join("k1").exists());
    }
    // An attempt has failed when another key's drop-in, which comes later, was claimed, too.
    fs::write(app.cache().join("k2"), "3").unwrap();
    until("it is claimed", || !app.cache().join("k2").exists());
    assert_eq!(journal.newest_number().unwrap(), 0);
    set_mode(&entries, 0o700);
    let found = read(&journal, 3);
    let of_first_key = found.iter().filter(|entry| entry.starts_with("k1"));
    assert_eq!(of_first_key.collect::<Vec<_>>(), ["k1=1", "k1=2"]);
    until("nothing is left", || is_empty(&app.claimed()));
    assert_eq!(journal.newest_number().unwrap(), 3);
}

#[test]
fn a_drop_in_that_cannot_be_removed_holds_up_only_its_key_and_is_not_repeated() {
    let Some(app) = restricted_app() else { return };
    let journal = app.journal();
    let folder = app.claimed().join("k1");
    {
        let _impersonation = journal.cache_folder().impersonate_owner().unwrap();
        fs::create_dir_all(&folder).unwrap();
        fs::write(folder.join(time_ordered_name(None).unwrap()), "1").unwrap();
    }
    set_mode(&folder, 0o500);
    let _ingest = start(&journal, app.config_poller());
    assert_eq!(read(&journal, 1), ["k1=1"]);
    for value in 2..5 {
        fs::write(app.cache().join("k2"), value.to_string()).unwrap();
        assert_eq!(read(&journal, value)[value - 1], format!("k2={value}"));
    }
    set_mode(&folder, 0o700);
    until("nothing is left", || is_empty(&app.claimed()));
    assert_eq!(journal.newest_number().unwrap(), 4);
}

#[test]
fn a_drop_in_that_cannot_be_claimed_is_claimed_later() {
    let Some(app) = restricted_app() else { return };
    let journal = app.journal();
    let _ingest = start(&journal, app.config_poller());
    fs::write(app.cache().join("k1"), "1").unwrap();
    assert_eq!(read(&journal, 1), ["k1=1"]);
    set_mode(&app.cache(), 0o500);
    fs::write(app.cache().join("k1"), "2").unwrap();
    thread::sleep(Duration::from_millis(200));
    assert_eq!(journal.newest_number().unwrap(), 1);
    set_mode(&app.cache(), 0o700);
    assert_eq!(read(&journal, 2), ["k1=1", "k1=2"]);
}

/// As from a file server such as Samba, for a client that caches the file.
#[test]
fn a_drop_in_that_may_not_be_opened_because_of_a_lease_is_ingested_later() {
    let app = App::new();
    let journal = app.journal();
    let path = app.dir.path().join("file");
    let mut writer = File::create(&path).unwrap();
    writer.write_all(b"1").unwrap();
    if !platform::hold_write_lease(&writer) {
        return;
    }
    fs::rename(&path, app.cache().join("k1")).unwrap();
    let _ingest = start(&journal, app.config_poller());
    until("it is claimed", || !app.cache().join("k1").exists());
    // An attempt has failed when another key's drop-in, which comes later, was ingested.
    fs::write(app.cache().join("k2"), "2").unwrap();
    assert_eq!(read(&journal, 1), ["k2=2"]);
    drop(writer);
    assert_eq!(read(&journal, 2), ["k2=2", "k1=1"]);
}

fn time_of(journal: &Arc<FileJournal>, number: u64) -> SystemTime {
    let entry = journal.read_from(number, 1).unwrap().entries.remove(0);
    humantime::parse_rfc3339(entry.unwrap().timestamp()).unwrap()
}

/// Like a file that `mv`, `cp -p` or `rsync -t` has put there.
#[test]
fn the_time_to_live_of_a_file_with_an_old_time_begins_when_it_is_claimed() {
    let app = App::new();
    let journal = app.journal();
    let before = SystemTime::now();
    let hour = Duration::from_secs(3600);
    let file = app.dir.path().join("file");
    fs::write(&file, "1").unwrap();
    (File::open(&file).unwrap().set_modified(before - hour)).unwrap();
    fs::rename(&file, app.cache().join("k1")).unwrap();
    let _ingest = start(&journal, app.config_poller());
    assert_eq!(read(&journal, 1), ["k1=1"]);
    let age = before.duration_since(time_of(&journal, 1));
    assert!(
        age.unwrap_or_default() < Duration::from_secs(1),
        "the entry is old"
    );
}

#[test]
fn a_restart_does_not_extend_the_time_to_live() {
    let app = App::new();
    let journal = app.journal();
    // Claimed in the year 2000.
    let name = format!(".{:024x}-00000000", 946_684_800_000_000_000_u64);
    let folder = app.claimed().join("k1");
    fs::create_dir_all(&folder).unwrap();
    fs::write(folder.join(&name), "1").unwrap();
    let claimed_at = time_of_ordered_name(&name).unwrap();
    let file = File::open(folder.join(&name)).unwrap();
    file.set_modified(claimed_at).unwrap();
    let _ingest = start(&journal, app.config_poller());
    assert_eq!(read(&journal, 1), ["k1=1"]);
    assert_eq!(time_of(&journal, 1), claimed_at);
}
