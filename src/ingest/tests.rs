//! Drop-ins from their writer to the journal.

use std::{
    fs::{self, File},
    io::Write,
    os::unix::fs::PermissionsExt,
    path::PathBuf,
    sync::Arc,
    thread,
    time::{Duration, Instant, SystemTime},
};

use super::{
    content,
    intake::{MOST_CLAIMS, names},
    start,
};
use crate::{
    config::{Config, ConfigWatcher},
    entry,
    journal::{
        Journal, JournalReader, ReadOutcome,
        file::{CacheFolder, FileJournal, non_regular_files::make_permissions_apply_to_root},
    },
    runtime::Interrupt,
};

struct App {
    dir: tempfile::TempDir,
    config: Config,
}

impl App {
    fn new() -> Self {
        let dir = tempfile::tempdir().unwrap();
        let config = Config::new(dir.path(), "a:k1,b:k2")
            .unwrap()
            .with_poll_interval(Duration::from_millis(50));
        Self { dir, config }
    }

    fn journal(&self) -> Arc<FileJournal> {
        let folder = Arc::new(CacheFolder::prepare(&self.config).unwrap());
        Arc::new(FileJournal::open(&folder).unwrap())
    }

    fn config_watcher(&self) -> Arc<ConfigWatcher> {
        Arc::new(ConfigWatcher::new(self.config.clone()))
    }

    fn cache(&self) -> PathBuf {
        self.dir.path().join("writable/cache")
    }
}

/// The next `count` entries as `key=value`, waiting for them.
fn read(journal: &Arc<FileJournal>, count: usize) -> Vec<String> {
    let mut reader = JournalReader::new(Arc::clone(journal) as Arc<dyn Journal>, 1);
    let mut watch = journal.watch();
    let never = Interrupt::new().unwrap();
    let deadline = Instant::now() + Duration::from_secs(10);
    let mut found = Vec::new();
    while found.len() < count {
        match reader.read_next().unwrap() {
            ReadOutcome::Entry(entry) => found.push(format!("{}={}", entry.key(), entry.value())),
            ReadOutcome::CaughtUp => {
                assert!(Instant::now() < deadline, "only {found:?}");
                watch.wait(reader.next_number(), Duration::from_millis(50), &never);
            }
            other => panic!("{other:?}"),
        }
    }
    found
}

#[test]
fn every_content_becomes_its_value() {
    let app = App::new();
    let journal = app.journal();
    let intake = start(Arc::clone(&journal), app.config_watcher()).unwrap();
    let contents: [(&[u8], &str); 4] = [
        (b"1\n", "k1=1"),
        (b"{\"order\": 42}", "k1={\"order\": 42}"),
        (b"hello\n", "k1=\"hello\""),
        (
            b"a:3:{s:4:\"time\";i:9999999999;s:3:\"ttl\";i:60;s:4:\"data\";s:2:\"\xc3\xa9\";}",
            "k1=\"\u{e9}\"",
        ),
    ];
    for (at, (bytes, _)) in contents.iter().enumerate() {
        fs::write(app.cache().join("k1"), bytes).unwrap();
        read(&journal, at + 1);
    }
    drop(intake);
    assert_eq!(read(&journal, 4), contents.map(|(_, value)| value));
    let folder = journal.folder();
    assert!(names(folder.cache()).unwrap().is_empty());
    assert!(names(&folder.claimed().unwrap()).unwrap().is_empty());
}

#[test]
fn a_slow_writer_is_waited_for() {
    let app = App::new();
    let journal = app.journal();
    let _intake = start(Arc::clone(&journal), app.config_watcher()).unwrap();
    let mut slow = File::create(app.cache().join("k1")).unwrap();
    slow.write_all(b"{\"whole\":").unwrap();
    // Taken away from its writer, who does not notice.
    let deadline = Instant::now() + Duration::from_secs(10);
    while app.cache().join("k1").exists() {
        assert!(Instant::now() < deadline);
        thread::yield_now();
    }
    // Another key is not held up, and a later file of the same key comes after the slow one.
    fs::write(app.cache().join("k1"), "2").unwrap();
    fs::write(app.cache().join("k2"), "3").unwrap();
    assert_eq!(read(&journal, 1), ["k2=3"]);
    slow.write_all(b"true}").unwrap();
    drop(slow);
    assert_eq!(read(&journal, 3), ["k2=3", "k1={\"whole\":true}", "k1=2"]);
}

/// A file that is never closed keeps later ones of its key from being taken, and they are many.
#[test]
fn a_key_has_so_many_drop_ins_on_their_way_and_no_more() {
    let app = App::new();
    let journal = app.journal();
    let _intake = start(Arc::clone(&journal), app.config_watcher()).unwrap();
    let key = app.cache().join("k1");
    let held = File::create(&key).unwrap();
    until("the first is taken", || !key.exists());
    for count in 1..MOST_CLAIMS {
        fs::write(&key, count.to_string()).unwrap();
        until("it is taken", || !key.exists());
    }
    for value in ["overwritten", "last"] {
        fs::write(&key, value).unwrap();
        fs::write(app.cache().join("k2"), "1").unwrap();
        until("another key is looked at", || {
            !app.cache().join("k2").exists()
        });
        assert_eq!(fs::read_to_string(&key).unwrap(), value);
    }
    (&held).write_all(b"0").unwrap();
    drop(held);
    // Taken and in the journal are two things: between keys, no order is promised.
    let (of_other, of_key): (Vec<_>, Vec<_>) = read(&journal, 2 + MOST_CLAIMS + 1)
        .into_iter()
        .partition(|entry| entry.starts_with("k2="));
    assert_eq!(of_other, ["k2=1"; 2]);
    let mut expected: Vec<_> = (0..MOST_CLAIMS)
        .map(|count| format!("k1={count}"))
        .collect();
    expected.push("k1=\"last\"".to_owned());
    assert_eq!(of_key, expected);
}

#[test]
fn of_two_servers_one_takes_a_drop_in_and_the_other_takes_over() {
    let app = App::new();
    let journal = app.journal();
    let one = start(Arc::clone(&journal), app.config_watcher()).unwrap();
    let _other = start(app.journal(), app.config_watcher()).unwrap();
    fs::write(app.cache().join("k1"), "1").unwrap();
    assert_eq!(read(&journal, 1), ["k1=1"]);
    drop(one);
    fs::write(app.cache().join("k1"), "2").unwrap();
    assert_eq!(read(&journal, 2), ["k1=1", "k1=2"]);
    assert_eq!(journal.newest().unwrap(), 2);
}

#[test]
fn what_a_killed_server_left_is_taken_once() {
    let app = App::new();
    let journal = app.journal();
    let claimed = journal.folder().claimed().unwrap().path().to_owned();
    let ready = journal.folder().ready().unwrap().path().to_owned();
    let document = |name| {
        let value = content::parse(b"1").unwrap().value;
        entry::of_drop_in(name, "k1", value, Duration::ZERO, SystemTime::now())
    };
    // Killed after the entry was ready, before the claim was removed.
    fs::create_dir(claimed.join("one")).unwrap();
    fs::write(claimed.join("one/k1"), "1").unwrap();
    fs::write(ready.join("one"), document("one")).unwrap();
    // Killed after the claim; and before anything was in it.
    fs::create_dir(claimed.join("two")).unwrap();
    fs::write(claimed.join("two/k2"), "2").unwrap();
    fs::create_dir(claimed.join("three")).unwrap();
    // Killed after the append.
    fs::write(ready.join("four"), document("four")).unwrap();
    journal.append(&document("four")).unwrap();
    journal.append(&document("other")).unwrap();

    let _intake = start(Arc::clone(&journal), app.config_watcher()).unwrap();
    assert_eq!(read(&journal, 4), ["k1=1", "k1=1", "k1=1", "k2=2"]);
    assert_eq!(journal.newest().unwrap(), 4);
    until("nothing is left", || {
        fs::read_dir(&ready).unwrap().next().is_none()
    });
}

#[test]
fn what_is_no_drop_in_stays_and_what_is_broken_is_set_aside() {
    let app = App::new();
    let journal = app.journal();
    fs::write(app.cache().join("other"), "1").unwrap();
    fs::create_dir(app.cache().join("k2")).unwrap();
    fs::write(app.cache().join("k1"), b"a:3:{s:4:\"time\";i:17").unwrap();
    let _intake = start(Arc::clone(&journal), app.config_watcher()).unwrap();
    let broken = app.cache().join(".sse/broken/k1");
    let deadline = Instant::now() + Duration::from_secs(10);
    while !broken.exists() {
        assert!(Instant::now() < deadline);
        thread::yield_now();
    }
    assert_eq!(journal.newest().unwrap(), 0);
    assert!(app.cache().join("other").exists() && app.cache().join("k2").is_dir());
}

/// Waits for a condition.
fn until(what: &str, mut condition: impl FnMut() -> bool) {
    let deadline = Instant::now() + Duration::from_secs(10);
    while !condition() {
        assert!(Instant::now() < deadline, "waited in vain: {what}");
        thread::yield_now();
    }
}

#[test]
fn a_file_from_before_1970_is_a_drop_in_like_any_other() {
    let app = App::new();
    let journal = app.journal();
    let file = File::create(app.cache().join("k1")).unwrap();
    (&file).write_all(b"1").unwrap();
    file.set_modified(SystemTime::UNIX_EPOCH - Duration::from_secs(1_000))
        .unwrap();
    drop(file);
    let _intake = start(Arc::clone(&journal), app.config_watcher()).unwrap();
    assert_eq!(read(&journal, 1), ["k1=1"]);
}

#[test]
fn a_drop_in_that_cannot_be_set_aside_keeps_no_other() {
    let app = App::new();
    make_permissions_apply_to_root(&app.cache());
    let journal = app.journal();
    {
        let _impersonation = journal.folder().impersonate_owner().unwrap();
        journal.folder().broken().unwrap();
    }
    let _intake = start(Arc::clone(&journal), app.config_watcher()).unwrap();
    fs::write(app.cache().join("k2"), "0").unwrap();
    assert_eq!(read(&journal, 1), ["k2=0"]);
    let broken = app.cache().join(".sse/broken");
    fs::set_permissions(&broken, fs::Permissions::from_mode(0o000)).unwrap();
    fs::write(app.cache().join("k1"), "").unwrap();
    until("the broken one is taken", || {
        !app.cache().join("k1").exists()
    });
    fs::write(app.cache().join("k2"), "1").unwrap();
    assert_eq!(read(&journal, 2), ["k2=0", "k2=1"]);
    // And when the fault is gone, so is the one that could not be set aside.
    fs::set_permissions(&broken, fs::Permissions::from_mode(0o700)).unwrap();
    until("the broken one is set aside", || {
        app.cache().join(".sse/broken/k1").exists()
    });
}

#[test]
fn a_file_or_link_in_the_place_of_a_folder_is_removed() {
    let app = App::new();
    let journal = app.journal();
    let (elsewhere, own) = (app.dir.path().join("elsewhere"), app.cache().join(".sse"));
    fs::create_dir(&elsewhere).unwrap();
    fs::write(own.join("broken"), "").unwrap();
    std::os::unix::fs::symlink(&elsewhere, own.join("ready")).unwrap();
    let _intake = start(Arc::clone(&journal), app.config_watcher()).unwrap();
    fs::write(app.cache().join("k1"), "").unwrap();
    fs::write(app.cache().join("k2"), "2").unwrap();
    assert_eq!(read(&journal, 1), ["k2=2"]);
    until("the broken one is set aside", || {
        own.join("broken/k1").exists()
    });
    assert_eq!(fs::read_dir(&elsewhere).unwrap().count(), 0);
}

/// With `fs.protected_hardlinks = 0` any user can give another user's file a second name.
#[test]
fn a_file_with_a_second_name_is_not_published() {
    let app = App::new();
    let journal = app.journal();
    let private = app.dir.path().join("private");
    fs::write(&private, "secret").unwrap();
    fs::hard_link(&private, app.cache().join("k1")).unwrap();
    let _intake = start(Arc::clone(&journal), app.config_watcher()).unwrap();
    until("it is set aside", || {
        app.cache().join(".sse/broken/k1").exists()
    });
    assert_eq!(journal.newest().unwrap(), 0);
}

#[test]
fn what_killed_programs_left_unfinished_is_removed_an_hour_later() {
    let app = App::new();
    let journal = app.journal();
    let own = app.cache().join(".sse");
    let old = SystemTime::now() - Duration::from_secs(3660);
    let mut left = Vec::new();
    let mut kept = vec![own.join(".gitignore"), own.join("journal-2/.id")];
    for dir in [own.clone(), own.join("ready"), own.join("claimed")] {
        // As `CacheFolder`'s access names them; and names that are none of these.
        let [file, folder, new_file, new_folder, other] = [
            ".abcDEF012345",
            ".abcDEF678901",
            ".abcdefghijkl",
            ".ABCDEFGHIJKL",
            ".somebodys-own",
        ]
        .map(|name| dir.join(name));
        for folder in [&folder, &new_folder] {
            fs::create_dir_all(folder.join("entries/000000000000")).unwrap();
        }
        for path in [
            &file,
            &new_file,
            &other,
            &folder.join("word"),
            &new_folder.join("word"),
        ] {
            fs::write(path, "0").unwrap();
        }
        for path in [&file, &folder, &other] {
            File::open(path).unwrap().set_modified(old).unwrap();
        }
        left.extend([file, folder]);
        kept.extend([new_file, new_folder.join("word"), other]);
    }
    {
        // The link's own age counts, and what it leads to stays.
        let elsewhere = app.dir.path().join("elsewhere");
        fs::write(&elsewhere, "1").unwrap();
        let link = own.join("ready/.abcDEFlinked");
        std::os::unix::fs::symlink(&elsewhere, &link).unwrap();
        let times = rustix::fs::Timespec {
            tv_sec: 1,
            tv_nsec: 0,
        };
        rustix::fs::utimensat(
            rustix::fs::CWD,
            &link,
            &rustix::fs::Timestamps {
                last_access: times,
                last_modification: times,
            },
            rustix::fs::AtFlags::SYMLINK_NOFOLLOW,
        )
        .unwrap();
        left.push(link);
        kept.push(elsewhere);
    }
    let _intake = start(Arc::clone(&journal), app.config_watcher()).unwrap();
    until("what is old is removed", || {
        left.iter().all(|path| fs::symlink_metadata(path).is_err())
    });
    until("nothing is left in the trash", || {
        fs::read_dir(own.join("trash")).unwrap().next().is_none()
    });
    for path in kept {
        assert!(path.exists(), "{}", path.display());
    }
    assert_eq!(journal.newest().unwrap(), 0);
}

#[test]
fn links_fifos_devices_and_folders_are_no_drop_ins_and_hold_up_none() {
    use crate::journal::file::non_regular_files::NonRegularFile;

    for odd in NonRegularFile::all() {
        let app = App::new();
        let journal = app.journal();
        let elsewhere = app.dir.path().join("elsewhere");
        let value = content::parse(b"1").unwrap().value;
        let document = entry::document("k1", value, Duration::ZERO, SystemTime::now());
        fs::write(&elsewhere, document).unwrap();
        let own = app.cache().join(".sse");
        let places = [app.cache().join("k1"), own.join("ready/one")];
        drop(journal.folder().ready().unwrap());
        for place in &places {
            odd.make(place, &elsewhere);
        }
        // In the place of a claim, and in a claim.
        fs::create_dir_all(own.join("claimed/in")).unwrap();
        odd.make(&own.join("claimed/in/k1"), &elsewhere);
        if !matches!(odd, NonRegularFile::Folder) {
            odd.make(&own.join("claimed/of"), own.as_path());
        }
        let _intake = start(Arc::clone(&journal), app.config_watcher()).unwrap();
        fs::write(app.cache().join("k2"), "2").unwrap();
        assert_eq!(read(&journal, 1), ["k2=2"], "{odd:?}");
        until("the claim is set aside", || {
            fs::symlink_metadata(own.join("broken/k1")).is_ok()
        });
        assert_eq!(journal.newest().unwrap(), 1, "{odd:?}");
        for place in &places {
            assert!(fs::symlink_metadata(place).is_ok(), "{odd:?}");
        }
        assert!(elsewhere.exists() && own.join("journal-2").exists());
    }
}
