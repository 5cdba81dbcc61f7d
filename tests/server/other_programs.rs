//! Other programs and users in the cache folder of a running server: they clear it, remove single
//! files, add other files, and create links.

use std::{
    fs,
    os::unix::fs::{MetadataExt, chown, symlink},
    path::{Path, PathBuf},
    time::{Duration, Instant},
};

use support::{App, Server, Stream, until};

const ENV: &str = "SSE_STREAM_DURATION=0\nSSE_POLL_INTERVAL=0.2\nSSE_EVENTS=event:key\n";

fn journal(app: &App) -> PathBuf {
    app.cache().join(".sse/journal-2")
}

fn entry(app: &App, number: u64) -> PathBuf {
    journal(app).join(format!("{:012}/.{number:020}", number / 1_000))
}

fn open(server: &Server) -> Stream {
    let stream = Stream::open(server.address(), "/sse/stream", None);
    stream.next();
    stream
}

/// The name of the next block that is not a heartbeat, and its value or the reason of the gap.
fn next_block(stream: &Stream) -> (String, String) {
    let event = stream.next_but_heartbeats();
    let text = match event.name() {
        "sse.gap" => event.json()["reason"].to_string(),
        _ => event.value().to_string(),
    };
    (event.name().to_owned(), text)
}

#[track_caller]
fn expect_blocks(stream: &Stream, expected: &[(&str, &str)]) {
    let blocks: Vec<_> = expected.iter().map(|_| next_block(stream)).collect();
    let blocks: Vec<_> = blocks
        .iter()
        .map(|(event, text)| (event.as_str(), text.trim_matches('"')))
        .collect();
    assert_eq!(blocks, expected);
}

/// Like `find -type f -delete`, and like programs that clean up temporary files.
fn remove_all_files(dir: &Path) {
    for item in fs::read_dir(dir).unwrap() {
        let path = item.unwrap().path();
        if path.is_dir() {
            remove_all_files(&path);
        } else {
            let _ = fs::remove_file(path);
        }
    }
}

#[test]
fn a_cleared_cache_is_a_gap_and_later_saves_arrive() {
    let app = App::with_env(ENV);
    let server = app.start();
    let stream = open(&server);
    for value in 1..=30 {
        app.save("key", &value.to_string());
    }
    for value in 1..=30 {
        expect_blocks(&stream, &[("event", &value.to_string())]);
    }
    let away = stream
        .next_within(Duration::from_millis(1))
        .and_then(|event| event.id);
    assert_eq!(away, None);
    remove_all_files(&app.cache());
    // Saves before the server has noticed: by the command, and as a drop-in.
    app.save("key", "31");
    expect_blocks(&stream, &[("sse.gap", "other-epoch"), ("event", "31")]);
    fs::write(app.cache().join("key"), "32").unwrap();
    expect_blocks(&stream, &[("event", "32")]);
    assert!(
        server.log().contains("was cleared or replaced"),
        "{}",
        server.log()
    );
}

#[test]
fn a_client_that_reconnects_to_a_cleared_cache_gets_a_gap() {
    let app = App::with_env(ENV);
    let server = app.start();
    let stream = open(&server);
    app.save("key", "1");
    let id = stream.next_event().id.unwrap();
    drop(server);
    remove_all_files(&app.cache());
    let server = app.start();
    app.save("key", "2");
    let returning = Stream::open(server.address(), "/sse/stream", Some(&id));
    expect_blocks(&returning, &[("sse.gap", "other-epoch"), ("event", "2")]);
}

#[test]
fn an_entry_removed_before_it_was_read_is_a_gap_and_the_others_arrive() {
    let app = App::with_env(ENV);
    let server = app.start();
    let stream = open(&server);
    app.save("key", "1");
    expect_blocks(&stream, &[("event", "1")]);
    server.suspend();
    for value in 2..=5 {
        app.save("key", &value.to_string());
    }
    // One in the middle, and the newest one, whose number must not be assigned again.
    fs::remove_file(entry(&app, 3)).unwrap();
    fs::remove_file(entry(&app, 5)).unwrap();
    app.save("key", "6");
    assert!(!entry(&app, 5).exists() && entry(&app, 6).exists());
    server.resume();
    expect_blocks(
        &stream,
        &[
            ("event", "2"),
            ("sse.gap", "unreadable"),
            ("event", "4"),
            ("sse.gap", "unreadable"),
            ("event", "6"),
        ],
    );
    app.save("key", "7");
    expect_blocks(&stream, &[("event", "7")]);
}

/// As a command does that clears the app's cache at the moment when a value is saved.
#[test]
fn a_drop_in_that_is_removed_before_the_server_has_read_it_is_a_gap_for_its_event() {
    let app = App::with_env(
        "SSE_STREAM_DURATION=0\nSSE_POLL_INTERVAL=0.2\nSSE_EVENTS=event:key,event:last,other:another\n",
    );
    let server = app.start();
    let stream = open(&server);
    let other = Stream::open(server.address(), "/sse/stream?events=other", None);
    other.next();
    // Not moved yet, because the server is stopped.
    server.suspend();
    for value in ["1", "2"] {
        fs::write(app.cache().join("key"), value).unwrap();
        fs::remove_file(app.cache().join("key")).unwrap();
    }
    server.resume();
    expect_blocks(&stream, &[("sse.gap", "unreadable")]);
    // Moved, and not read yet, because its writer has not closed it.
    let writer = fs::File::create(app.cache().join("last")).unwrap();
    let claimed = app.cache().join(".sse/claimed/last");
    until("it is moved", || fs::read_dir(&claimed).ok()?.next()?.ok());
    remove_all_files(&claimed);
    drop(writer);
    expect_blocks(&stream, &[("sse.gap", "unreadable")]);
    fs::write(app.cache().join("key"), "3").unwrap();
    expect_blocks(&stream, &[("event", "3")]);
    fs::write(app.cache().join("another"), "4").unwrap();
    expect_blocks(&other, &[("other", "4")]);
}

#[test]
fn files_of_other_programs_change_nothing() {
    let app = App::with_env(ENV);
    app.save("key", "0");
    for name in [
        "5",
        "+7",
        "20261128",
        "000000000005",
        "00000000000000000009",
    ] {
        fs::create_dir(journal(&app).join(name)).unwrap();
    }
    fs::write(journal(&app).join("000000000007"), "").unwrap();
    fs::create_dir_all(app.cache().join(".sse/trash")).unwrap();
    fs::write(app.cache().join(".sse/trash/a file"), "").unwrap();
    let began = Instant::now();
    let server = app.start();
    let stream = open(&server);
    for value in 1..=3 {
        app.save("key", &value.to_string());
        assert!(entry(&app, 1 + value).exists());
    }
    // The first value was saved within the lookback.
    for value in 0..=3 {
        expect_blocks(&stream, &[("event", &value.to_string())]);
    }
    assert!(
        began.elapsed() < Duration::from_secs(20),
        "the search takes too long"
    );
    until("the trash is emptied", || {
        let trash = fs::read_dir(app.cache().join(".sse/trash")).unwrap();
        (trash.count() == 0).then_some(())
    });
}

/// A folder outside the cache, with a file in it.
fn precious(app: &App) -> PathBuf {
    let precious = app.path().join("precious");
    fs::create_dir(&precious).unwrap();
    fs::write(precious.join("file"), "1").unwrap();
    precious
}

#[track_caller]
fn assert_untouched(precious: &Path) {
    let names: Vec<_> = fs::read_dir(precious)
        .unwrap()
        .map(|item| item.unwrap().file_name())
        .collect();
    assert_eq!(names, ["file"]);
    let owner = fs::metadata(precious).unwrap().uid();
    assert_eq!(owner, rustix::process::geteuid().as_raw());
}

#[test]
fn links_below_the_cache_folder_are_not_followed() {
    for name in [
        "trash/link",
        "trash",
        "broken",
        "claimed",
        "claimed/link",
        "claimed/key",
        "journal-2/000000000000",
        "journal-2/000000000001",
        "journal-2",
    ] {
        let app = App::with_env(ENV);
        let precious = precious(&app);
        app.save("key", "0");
        let place = app.cache().join(".sse").join(name);
        let _ = fs::remove_dir_all(&place);
        fs::create_dir_all(place.parent().unwrap()).unwrap();
        symlink(&precious, &place).unwrap();
        app.save("key", "1");
        let server = app.start();
        let stream = open(&server);
        fs::write(app.cache().join("key"), "\"a drop-in\"").unwrap();
        until("the drop-in arrives", || {
            (next_block(&stream).1 == "\"a drop-in\"").then_some(())
        });
        // An empty drop-in is set aside.
        fs::write(app.cache().join("key"), "").unwrap();
        server.wait_for_log("is skipped");
        assert_untouched(&precious);
    }
}

#[test]
fn a_link_in_place_of_the_journal_folder_is_refused() {
    let app = App::with_env(ENV);
    let precious = precious(&app);
    fs::create_dir_all(app.cache()).unwrap();
    symlink(&precious, app.cache().join(".sse")).unwrap();
    let output = app.sse().args(["save", "key", "1"]).output().unwrap();
    let error = String::from_utf8_lossy(&output.stderr);
    assert!(!output.status.success());
    assert!(
        error.contains("error: ") && error.contains("symbolic link is in the way"),
        "{error}"
    );
    assert_untouched(&precious);
}

/// Only root can run this test, and only Linux lets root use another user's rights on files.
#[test]
fn root_uses_another_users_folder_with_that_users_rights() {
    const OTHER_USER: u32 = 12_345;
    if !cfg!(target_os = "linux") || !rustix::process::geteuid().is_root() {
        return;
    }
    let app = App::with_env(ENV);
    let precious = precious(&app);
    fs::create_dir_all(app.cache()).unwrap();
    chown(app.cache(), Some(OTHER_USER), Some(OTHER_USER)).unwrap();
    let server = app.start();
    let stream = open(&server);
    app.save("key", "1");
    fs::write(app.cache().join("key"), "2").unwrap();
    expect_blocks(&stream, &[("event", "1"), ("event", "2")]);
    // The server removes root's own file after the event.
    let claimed = app.cache().join(".sse/claimed/key");
    until("the drop-in is removed", || {
        let mut files = fs::read_dir(&claimed).into_iter().flatten();
        files.next().is_none().then_some(())
    });
    assert_owned_by(OTHER_USER, &app.cache().join(".sse"));

    // A private file of root, which must not be published through a hard link.
    let secret = app.path().join("secret");
    fs::write(&secret, "\"secret\"").unwrap();
    let document = fs::read(entry(&app, 1)).unwrap();
    fs::write(&secret, document).unwrap();
    fs::set_permissions(&secret, std::os::unix::fs::PermissionsExt::from_mode(0o600)).unwrap();
    fs::hard_link(&secret, entry(&app, 3)).unwrap();
    app.save("key", "4");
    expect_blocks(&stream, &[("sse.gap", "unreadable"), ("event", "4")]);
    assert_untouched(&precious);
}

fn assert_owned_by(user: u32, path: &Path) {
    let found = fs::symlink_metadata(path).unwrap();
    assert_eq!(
        (found.uid(), found.gid()),
        (user, user),
        "{}",
        path.display()
    );
    if found.is_dir() {
        for item in fs::read_dir(path).unwrap() {
            assert_owned_by(user, &item.unwrap().path());
        }
    }
}
