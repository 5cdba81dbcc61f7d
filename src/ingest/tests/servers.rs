//! Several servers on one cache folder, and servers that were killed.

use super::*;
use crate::journal::file::time_ordered_name;

impl App {
    /// Another app on the same cache folder.
    fn with_events(&self, events: &str) -> Config {
        Config::new(self.dir.path(), events)
            .unwrap()
            .with_poll_interval(Duration::from_millis(50))
    }

    /// Creates a drop-in as a server that was then killed has left it. Returns its name.
    fn leave_behind(&self, key: &str, content: &str) -> String {
        let name = time_ordered_name(None).unwrap();
        let folder = self.claimed().join(key);
        // A running server removes the folder whenever it is empty.
        until("the drop-in is there", || {
            fs::create_dir_all(&folder).is_ok() && fs::write(folder.join(&name), content).is_ok()
        });
        name
    }
}

fn start_with(journal: &Arc<FileJournal>, config: Config) -> BackgroundThread {
    start(journal, Arc::new(ConfigPoller::new(config)))
}

fn document(name: &str, key: &str, value: &str) -> Vec<u8> {
    let value = content::parse(value.as_bytes()).unwrap().value;
    entry::encode_drop_in_document(name, key, value, Duration::ZERO, SystemTime::now())
}

#[test]
fn one_of_two_servers_ingests_drop_ins_until_the_other_takes_over() {
    let app = App::new();
    let journal = app.journal();
    let first = start(&journal, app.config_poller());
    let _second = start(&app.journal(), app.config_poller());
    fs::write(app.cache().join("k1"), "1").unwrap();
    assert_eq!(read(&journal, 1), ["k1=1"]);
    drop(first);
    fs::write(app.cache().join("k1"), "2").unwrap();
    assert_eq!(read(&journal, 2), ["k1=1", "k1=2"]);
    assert_eq!(journal.newest_number().unwrap(), 2);
}

#[test]
fn two_apps_with_different_keys_are_both_served() {
    let app = App::new();
    let journal = app.journal();
    let _first = start_with(&journal, app.with_events("a:k1,b:k2"));
    fs::write(app.cache().join("k1"), "1").unwrap();
    assert_eq!(read(&journal, 1), ["k1=1"]);
    let _second = start_with(&app.journal(), app.with_events("b:k2,c:k3"));
    fs::write(app.cache().join("k3"), "3").unwrap();
    assert_eq!(read(&journal, 2), ["k1=1", "k3=3"]);
    for value in 0..20 {
        fs::write(app.cache().join("k2"), value.to_string()).unwrap();
        let found = read(&journal, value + 3);
        assert_eq!(found.last(), Some(&format!("k2={value}")));
    }
    assert_eq!(journal.newest_number().unwrap(), 22);
}

/// The server that waits for a writer does not hold up other servers' keys, and loses its own to
/// another server only when it ends.
#[test]
fn another_server_takes_over_a_drop_in_that_still_has_a_writer() {
    if !platform::IS_LINUX {
        // Other systems cannot tell that the file still has a writer.
        return;
    }
    let app = App::new();
    let journal = app.journal();
    let first = start_with(&journal, app.with_events("a:k1"));
    let mut slow = File::create(app.cache().join("k1")).unwrap();
    slow.write_all(b"{\"whole\":").unwrap();
    until("it is claimed", || !app.cache().join("k1").exists());
    let _second = start_with(&app.journal(), app.with_events("a:k1,b:k2"));
    fs::write(app.cache().join("k2"), "2").unwrap();
    assert_eq!(read(&journal, 1), ["k2=2"]);
    drop(first);
    slow.write_all(b"true}").unwrap();
    drop(slow);
    fs::write(app.cache().join("k1"), "3").unwrap();
    assert_eq!(read(&journal, 3), ["k2=2", "k1={\"whole\":true}", "k1=3"]);
    assert_eq!(journal.newest_number().unwrap(), 3);
}

#[test]
fn drop_ins_of_a_killed_server_are_ingested_once() {
    let app = App::new();
    let journal = app.journal();
    // Killed after the append, and before it.
    let appended = app.leave_behind("k1", "1");
    journal.append(&document(&appended, "k1", "1")).unwrap();
    journal.append(&document("other", "k1", "2")).unwrap();
    app.leave_behind("k1", "3");
    app.leave_behind("k2", "4");
    // Killed after the folder was created.
    fs::create_dir(app.claimed().join("k3")).unwrap();
    let _ingest = start(&journal, app.config_poller());
    let found = read(&journal, 4);
    assert_eq!(found[..2], ["k1=1", "k1=2"]);
    // Between keys, no order is promised.
    assert!(found[2..].contains(&"k1=3".into()) && found[2..].contains(&"k2=4".into()));
    until("nothing is left", || is_empty(&app.claimed()));
    assert_eq!(journal.newest_number().unwrap(), 4);
}

#[test]
fn drop_ins_of_a_key_that_is_no_longer_configured_are_ingested() {
    let app = App::new();
    let journal = app.journal();
    app.leave_behind("former_key", "1");
    let _ingest = start(&journal, app.config_poller());
    assert_eq!(read(&journal, 1), ["former_key=1"]);
    until("nothing is left", || is_empty(&app.claimed()));
    // Also if the server that had it is killed while this one runs.
    app.leave_behind("former_key", "2");
    assert_eq!(read(&journal, 2), ["former_key=1", "former_key=2"]);
}

#[test]
fn files_of_an_older_layout_change_nothing() {
    let app = App::new();
    let journal = app.journal();
    let old_claim = app.claimed().join(time_ordered_name(None).unwrap());
    fs::create_dir_all(&old_claim).unwrap();
    fs::write(old_claim.join("k1"), "old").unwrap();
    fs::create_dir(app.cache().join(".sse/ready")).unwrap();
    fs::write(app.cache().join(".sse/ready/one"), "old").unwrap();
    let _ingest = start(&journal, app.config_poller());
    fs::write(app.cache().join("k1"), "1").unwrap();
    assert_eq!(read(&journal, 1), ["k1=1"]);
    assert_eq!(journal.newest_number().unwrap(), 1);
    assert!(old_claim.join("k1").exists());
}

/// The lock belongs to the folder of a key, so no removed or replaced folder lets two servers have one
/// drop-in.
#[test]
fn a_drop_in_arrives_once_although_folders_are_removed_and_moved() {
    const DROP_INS: usize = 200;
    let app = App::new();
    let journal = app.journal();
    let _first = start(&journal, app.config_poller());
    let _second = start(&app.journal(), app.config_poller());
    let (claimed, aside) = (app.claimed(), app.dir.path().join("aside"));
    fs::create_dir(&aside).unwrap();
    for value in 0..DROP_INS {
        let key = app.cache().join("k1");
        fs::write(app.dir.path().join("new"), value.to_string()).unwrap();
        fs::rename(app.dir.path().join("new"), &key).unwrap();
        // They fail if the folder is not there.
        let _ = match value % 4 {
            0 => fs::remove_dir(claimed.join("k1")),
            1 => fs::rename(claimed.join("k1"), aside.join(value.to_string())),
            2 => fs::rename(&claimed, aside.join(value.to_string())),
            _ => Ok(()),
        };
        until("it is claimed", || !key.exists());
    }
    let mut found = read(&journal, DROP_INS);
    let mut expected: Vec<_> = (0..DROP_INS).map(|value| format!("k1={value}")).collect();
    found.sort_unstable();
    expected.sort_unstable();
    assert_eq!(found, expected);
    assert_eq!(journal.newest_number().unwrap(), DROP_INS as u64);
}

/// A server that has not noticed that its journal was replaced may still append to it.
#[test]
fn a_drop_in_arrives_once_in_a_new_journal() {
    for _ in 0..20 {
        let app = App::new();
        let former = app.journal();
        let _first = start(&former, app.config_poller());
        let slow = File::create(app.cache().join("k1")).unwrap();
        (&slow).write_all(b"1").unwrap();
        fs::write(app.cache().join("k2"), "2").unwrap();
        until("it is claimed", || !app.cache().join("k1").exists());
        fs::remove_file(app.cache().join(".sse/journal-2/.id")).unwrap();
        let journal = app.journal();
        let _second = start(&journal, app.config_poller());
        drop(slow);
        until("it is ingested", || is_empty(&app.claimed()));
        let newest = usize::try_from(journal.newest_number().unwrap()).unwrap();
        let found = read(&journal, newest);
        let count = found.iter().filter(|entry| *entry == "k1=1").count();
        assert!(count <= 1, "{found:?}");
    }
}

#[test]
fn drop_ins_keep_their_order_when_the_clock_was_set_back_between_them() {
    if !platform::IS_LINUX {
        // Other systems cannot tell that the first file still has a writer.
        return;
    }
    let app = App::new();
    let journal = app.journal();
    let folder = app.claimed().join("k1");
    fs::create_dir_all(&folder).unwrap();
    let in_an_hour = SystemTime::now() + Duration::from_secs(3600);
    let since_1970 = in_an_hour.duration_since(SystemTime::UNIX_EPOCH).unwrap();
    let name = format!(".{:024x}-00000000", since_1970.as_nanos());
    let mut first = File::create(folder.join(name)).unwrap();
    let ingest = start(&journal, app.config_poller());
    fs::write(app.cache().join("k1"), "2").unwrap();
    until("the second is claimed", || !app.cache().join("k1").exists());
    drop(ingest);
    until("the first server has ended", || {
        File::open(&folder).unwrap().try_lock().is_ok()
    });
    first.write_all(b"1").unwrap();
    drop(first);
    let _ingest = start(&journal, app.config_poller());
    assert_eq!(read(&journal, 2), ["k1=1", "k1=2"]);
}
