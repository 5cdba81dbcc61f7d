//! Cache folders that other programs change, and that an edit of `.env` changes.

#[cfg(feature = "actix")]
mod hand_over;
#[cfg(feature = "__redis-tests")]
mod in_redis;

use std::{
    collections::BTreeMap,
    fs,
    os::unix::fs::PermissionsExt,
    path::Path,
    sync::Barrier,
    thread,
    time::{Duration, Instant},
};

use super::*;
use crate::{
    cache::{Cache, Next},
    journal::file::tests::non_regular_files::{
        can_restrict_this_user, make_permissions_apply_to_root,
    },
    journal::save_deadline,
};

#[test]
fn a_save_succeeds_although_the_folder_is_moved_away() {
    let app = tempfile::tempdir().unwrap();
    let config = Config::new(app.path(), "a:k").unwrap();
    let mut usual_duration = Duration::from_millis(1);
    for former in 0..60 {
        let (start, pause) = (Instant::now(), usual_duration * (former % 20) / 20);
        thread::scope(|scope| {
            scope.spawn(|| {
                thread::sleep(pause);
                let _ = fs::rename(config.cache_dir(), app.path().join(former.to_string()));
            });
            JournalHandle::open(config.clone(), Observations::new())
                .unwrap()
                .append(b"1", save_deadline())
                .unwrap();
            usual_duration = start.elapsed();
        });
    }
}

#[test]
fn a_save_counts_although_its_path_cannot_be_checked_afterwards() {
    let app = tempfile::tempdir().unwrap();
    let config = Config::new(app.path(), "a:k").unwrap();
    let handle = JournalHandle::open(config, Observations::new()).unwrap();
    let (path, moved) = (app.path().join("writable"), app.path().join("moved"));
    let number = handle.retry_if_replaced(|journal| {
        let number = journal.append(b"1");
        // A link to itself: the system cannot tell what is at this path.
        fs::rename(&path, &moved).unwrap();
        std::os::unix::fs::symlink(&path, &path).unwrap();
        number
    });
    assert_eq!(number.unwrap(), 1);

    // A save that has not begun fails, because it might reach no reader.
    assert!(handle.append(b"2", save_deadline()).is_err());
    fs::remove_file(&path).unwrap();
    fs::rename(&moved, &path).unwrap();
    assert_eq!(
        handle.append(b"2", save_deadline()).unwrap().cursor,
        Cursor::before(3)
    );
}

#[test]
fn threads_that_create_the_folder_at_once_can_all_use_it() {
    for _ in 0..10 {
        let app = tempfile::tempdir().unwrap();
        let config = Config::new(app.path(), "a:k").unwrap();
        let start = Barrier::new(8);
        thread::scope(|scope| {
            for _ in 0..8 {
                scope.spawn(|| {
                    start.wait();
                    JournalHandle::open(config.clone(), Observations::new()).unwrap();
                });
            }
        });
    }
}

/// An app's configuration after this edit of its `.env`.
fn edited(app: &Path, env: &str) -> Config {
    fs::write(app.join(".env"), env).unwrap();
    Config::from_dir(app).unwrap()
}

/// Why the folder of this setting cannot be used, with the place and the help.
fn refusal(app: &Path, setting: &str) -> String {
    let config = edited(app, &format!("SSE_EVENTS=a:k\nSSE_CACHE={setting}\n"));
    let error = Backend::Configured
        .open_changed(&config, &Observations::new())
        .err();
    let error = error.unwrap_or_else(|| panic!("{setting} can be used"));
    let place = format!("({}:2)", app.join(".env").display());
    assert!(error.to_string().ends_with(&place), "{error}");
    format!("{error}\nhelp: {}", error.help().unwrap())
}

#[test]
fn a_folder_that_cannot_be_used_is_refused_with_its_line_in_env() {
    let dir = tempfile::tempdir().unwrap();
    let app = dir.path();
    fs::write(app.join("file"), "").unwrap();
    assert!(refusal(app, "file").contains("file or a symbolic link is in the way"));
    assert!(refusal(app, "/no-such-parent/cache").contains("parent is missing"));
    assert!(
        Backend::Configured
            .open_changed(
                &edited(app, "SSE_EVENTS=a:k\nSSE_CACHE=new/./cache\n"),
                &Observations::new()
            )
            .is_ok()
    );
    let id = app.join("new/cache/.sse/journal-2/.id");
    fs::write(&id, "format 99\nsomething else\n").unwrap();
    assert!(refusal(app, "new/cache").contains("a newer version of actix-web-sse"));
}

#[test]
fn a_folder_in_which_nothing_can_be_saved_is_refused() {
    if !can_restrict_this_user() {
        return;
    }
    let dir = tempfile::tempdir().unwrap();
    let app = dir.path();
    let config = edited(app, "SSE_EVENTS=a:k\nSSE_CACHE=other\n");
    make_permissions_apply_to_root(config.cache_dir());
    drop(
        Backend::Configured
            .open_changed(&config, &Observations::new())
            .unwrap(),
    );
    for folder in ["", ".sse/journal-2/000000000000", ".sse/claimed"] {
        let folder = app.join("other").join(folder);
        let set_mode = |mode| fs::set_permissions(&folder, fs::Permissions::from_mode(mode));
        set_mode(0o500).unwrap();
        let refusal = refusal(app, "other");
        set_mode(0o700).unwrap();
        assert!(refusal.contains("give this program's user"), "{refusal}");
        assert!(
            Backend::Configured
                .open_changed(&config, &Observations::new())
                .is_ok()
        );
    }
}

/// Another process is another `Cache`, which reads `.env` at other times.
#[test]
fn each_save_is_followed_once_while_processes_change_to_another_folder_one_after_the_other() {
    let dir = tempfile::tempdir().unwrap();
    let config = edited(dir.path(), "SSE_EVENTS=a:k\n");
    let mut follow = Cache::open(&config).unwrap().follow().unwrap();
    thread::sleep(Duration::from_secs(1));
    let saver = Cache::open(&config).unwrap();
    let start = Instant::now();
    edited(dir.path(), "SSE_EVENTS=a:k\nSSE_CACHE=other\n");
    let mut times = BTreeMap::new();
    let mut count = 0;
    while start.elapsed() < 2 * FORMER_CACHE_TIME + Duration::from_secs(1) {
        saver.save_blocking("k", count).unwrap();
        count += 1;
        while let Some(next) = follow.next_timeout(Duration::from_millis(5)).unwrap() {
            if let Next::Entry(entry) = next {
                *times
                    .entry(entry.value().parse::<u64>().unwrap())
                    .or_insert(0) += 1;
            }
        }
    }
    assert_eq!(times, (0..count).map(|value| (value, 1)).collect());
    let is_used = |folder: &str| dir.path().join(folder).join(".sse/journal-2").is_dir();
    assert!(is_used("writable/cache") && is_used("other"));
}
