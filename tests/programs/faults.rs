//! What goes wrong with a cache folder under a running server: a save fails and says why, the server
//! says what is wrong, and all goes on by itself when the fault is gone.

use std::{
    env,
    fs::{self, File, Permissions},
    io::{ErrorKind, Write},
    net::TcpStream,
    os::unix::fs::PermissionsExt,
    path::{Path, PathBuf},
    process::{Command, Output},
};

use support::{App, Server, Stream, starter, until};

/// Names the folder in which another file system is mounted, for the tests that run there.
const DISK: &str = "SSE_TESTS_DISK";

const ENV: &str = "SSE_STREAM_DURATION=0\nSSE_POLL_INTERVAL=0.2\nSSE_EVENTS=event:key\n";

/// Runs one of the ignored tests below where mounts and limits are its own, and go with it.
#[track_caller]
fn apart(setup: &str, test: &str) {
    let disk = tempfile::tempdir().unwrap();
    // What is built is built outside.
    let _ = (support::sse(), starter());
    let script = format!("{setup} && exec \"$2\" --exact faults::{test} --ignored --nocapture");
    let mut inside = Command::new("unshare");
    inside
        .args([
            "--mount",
            "--user",
            "--map-root-user",
            "sh",
            "-c",
            &script,
            "sh",
        ])
        .arg(disk.path())
        .arg(env::current_exe().unwrap())
        .env(DISK, disk.path());
    let output = inside.output().expect("unshare is missing");
    let out = String::from_utf8_lossy(&output.stdout);
    let passed = output.status.success() && out.contains("1 passed");
    let err = String::from_utf8_lossy(&output.stderr);
    assert!(passed, "{out}\n{err}");
}

const SMALL_DISK: &str = "mount -t tmpfs -o size=1m sse-tests \"$1\"";

/// An app whose cache is on the disk of its own, and a stream that has heard of one save.
struct OnDisk {
    app: App,
    disk: PathBuf,
    server: Server,
    stream: Stream,
}

impl OnDisk {
    fn new() -> Self {
        let disk = PathBuf::from(env::var_os(DISK).unwrap());
        let cache = disk.join("cache");
        let app = App::with_env(&format!("{ENV}SSE_CACHE={}\n", cache.display()));
        let server = app.start();
        let stream = Stream::open(server.address(), "/sse/stream", None);
        app.save("key", "\"before\"");
        let all = Self {
            app,
            disk,
            server,
            stream,
        };
        all.hears("before");
        all
    }

    /// This comes next, and no gap before it.
    #[track_caller]
    fn hears(&self, value: &str) {
        hears(&self.stream, value);
    }

    #[track_caller]
    fn cannot_save(&self, why: &str, remedy: &str) {
        let output = save(&self.app, "\"lost\"");
        let said = String::from_utf8_lossy(&output.stderr);
        assert_eq!(output.status.code(), Some(1), "{said}");
        assert!(said.contains(why) && said.contains(remedy), "{said}");
    }
}

#[track_caller]
fn hears(stream: &Stream, value: &str) {
    let event = loop {
        let event = stream.next();
        if event.name() != "sse.heartbeat" {
            break event;
        }
    };
    assert_eq!((event.name(), event.value()), ("event", value.into()));
}

fn save(app: &App, value: &str) -> Output {
    let mut sse = app.sse();
    sse.args(["save", "--quiet", "key", value])
        .output()
        .unwrap()
}

#[test]
fn a_full_disk() {
    apart(SMALL_DISK, "on_a_disk_that_fills");
}

#[test]
#[ignore = "runs where another test has mounted a disk"]
fn on_a_disk_that_fills() {
    let all = OnDisk::new();
    let filler = all.disk.join("filler");
    fill(&filler);
    all.cannot_save("No space left", "make room");
    fs::remove_file(&filler).unwrap();
    all.app.save("key", "\"after\"");
    all.hears("after");
}

fn fill(path: &Path) {
    let mut file = File::create(path).unwrap();
    let error = loop {
        if let Err(error) = file.write_all(&[0; 4096]) {
            break error;
        }
    };
    assert_eq!(error.kind(), ErrorKind::StorageFull);
}

#[test]
fn a_disk_that_turns_read_only() {
    apart(SMALL_DISK, "on_a_disk_that_turns_read_only");
}

#[test]
#[ignore = "runs where another test has mounted a disk"]
fn on_a_disk_that_turns_read_only() {
    let all = OnDisk::new();
    let remount = |how: &str| {
        let mut mount = Command::new("mount");
        mount.args(["-o", &format!("remount,{how}")]).arg(&all.disk);
        assert!(mount.status().unwrap().success());
    };
    remount("ro");
    all.cannot_save("Read-only file system", "help: ");
    // The stream goes on, and so does what does not write.
    let other = Stream::open(all.server.address(), "/sse/stream", None);
    hears(&other, "before");
    remount("rw");
    all.app.save("key", "\"after\"");
    all.hears("after");
    hears(&other, "after");
    fs::write(all.disk.join("cache/key"), "\"dropped\"").unwrap();
    all.hears("dropped");
}

#[test]
fn no_notifications_to_be_had() {
    let setup = "echo 0 > /proc/sys/user/max_inotify_instances";
    apart(setup, "where_nothing_is_notified");
}

#[test]
#[ignore = "runs where another test has taken notifications away"]
fn where_nothing_is_notified() {
    let all = OnDisk::new();
    all.server.wait_for_log("no file notifications");
    for number in 0..3 {
        all.app.save("key", &format!("\"{number}\""));
        all.hears(&number.to_string());
    }
    fs::write(all.disk.join("cache/key"), "\"dropped\"").unwrap();
    all.hears("dropped");
}

#[test]
fn no_descriptor_left() {
    let app = App::with_env(ENV);
    let limited = app.path().join("limited");
    let script = format!("#!/bin/sh\nulimit -n 80\nexec '{}'\n", starter().display());
    fs::write(&limited, script).unwrap();
    fs::set_permissions(&limited, Permissions::from_mode(0o755)).unwrap();
    let server = Server::start_program(&limited, app.path(), &[]);
    let stream = Stream::open(server.address(), "/sse/stream", None);
    app.save("key", "\"before\"");
    hears(&stream, "before");

    let taken: Vec<TcpStream> = (0..100)
        .map(|_| TcpStream::connect(server.address()).unwrap())
        .collect();
    app.save("key", "\"meanwhile\"");
    let log = server.wait_for_log("saved values are not delivered");
    assert!(log.contains("Too many open files"), "{log}");
    assert!(log.contains("raise the limit of open files"), "{log}");
    drop(taken);
    hears(&stream, "meanwhile");
    app.save("key", "\"after\"");
    hears(&stream, "after");
    let log = server.wait_for_log("resolved: saved values are delivered again");
    let reports = log.matches("saved values are not delivered: ").count();
    assert_eq!(reports, 1, "the error is logged once: {log}");
}

/// Whatever happens to the folder: who listens hears of a gap, and then of what is saved.
#[test]
fn a_folder_that_is_removed_replaced_and_brought_back() {
    let app = App::with_env(ENV);
    let server = app.start();
    let stream = Stream::open(server.address(), "/sse/stream", None);
    app.save("key", "\"first\"");
    hears(&stream, "first");
    let (writable, aside) = (app.path().join("writable"), app.path().join("aside"));

    // Removed: it is made again by who saves.
    fs::rename(&writable, &aside).unwrap();
    app.save("key", "\"second\"");
    gap(&stream);
    hears(&stream, "second");

    // Swapped for the one that was there before.
    let other = app.path().join("other");
    fs::rename(&writable, &other).unwrap();
    fs::rename(&aside, &writable).unwrap();
    gap(&stream);
    until("what was heard before is over", || {
        app.save("key", "\"third\"");
        let event = stream.next_event();
        (event.value() == "third").then_some(())
    });

    // Emptied from within, as `rm -r` does it.
    until("the cache is gone", || {
        // It fails where the server makes it again meanwhile.
        let _ = fs::remove_dir_all(&writable);
        (!writable.join("cache/.sse/journal-2/.id").exists()).then_some(())
    });
    until("what is saved arrives", || {
        app.save("key", "\"fourth\"");
        let event = stream.next();
        (event.data.is_some_and(|data| data.contains("fourth"))).then_some(())
    });
}

#[track_caller]
fn gap(stream: &Stream) {
    let event = loop {
        let event = stream.next();
        if event.name() != "sse.heartbeat" {
            break event;
        }
    };
    assert_eq!(event.name(), "sse.gap");
}
