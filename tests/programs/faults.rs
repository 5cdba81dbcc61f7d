//! Faults of a cache folder under a running server: a save fails and reports why, the server reports
//! the fault, and everything continues by itself when the fault is gone.

use std::{
    fs::{self, File},
    io::{ErrorKind, Write},
    net::TcpStream,
    path::{Path, PathBuf},
    process::Output,
};

use support::{
    App, Server, Stream,
    namespace::{Namespace, mount_small_disk, write_program},
    sse, starter, until,
};
use tempfile::TempDir;

const ENV: &str = "SSE_STREAM_DURATION=0\nSSE_POLL_INTERVAL=0.2\nSSE_EVENTS=event:key\n";

/// Large enough for a journal, and small enough to be filled at once.
const DISK_BYTES: u32 = 1024 * 1024;

/// An app whose server and command run in namespaces, with the cache in a folder of these, and a
/// stream that has received one event.
struct Isolated {
    namespace: Namespace,
    /// The folder as the namespaces have it.
    disk: TempDir,
    app: App,
    server: Server,
    stream: Stream,
}

impl Isolated {
    fn start(setup: &str) -> Self {
        let disk = tempfile::tempdir().unwrap();
        let namespace = Namespace::start(setup, disk.path());
        let cache = disk.path().join("cache");
        let app = App::with_env(&format!("{ENV}SSE_CACHE={}\n", cache.display()));
        let program = namespace.script(&starter(), app.path());
        let program = write_program(app.path(), &program);
        let server = Server::start_program(&program, app.path(), &[]);
        let stream = Stream::open(server.address(), "/sse/stream", None);
        let isolated = Self {
            namespace,
            disk,
            app,
            server,
            stream,
        };
        isolated.save("before");
        isolated.receives("before");
        isolated
    }

    /// A file of the folder, as this process reaches it.
    fn path(&self, name: &str) -> PathBuf {
        self.namespace.outside_path(&self.disk.path().join(name))
    }

    fn try_save(&self, value: &str) -> Output {
        let mut sse = self.namespace.command(&sse(), self.app.path());
        let value = format!("\"{value}\"");
        sse.args(["save", "--quiet", "key", &value])
            .output()
            .unwrap()
    }

    #[track_caller]
    fn save(&self, value: &str) {
        let output = self.try_save(value);
        assert!(output.status.success(), "{output:?}");
    }

    #[track_caller]
    fn cannot_save(&self, cause: &str, remedy: &str) {
        let output = self.try_save("lost");
        let error = String::from_utf8_lossy(&output.stderr);
        assert_eq!(output.status.code(), Some(1), "{error}");
        assert!(error.contains(cause) && error.contains(remedy), "{error}");
    }

    #[track_caller]
    fn receives(&self, value: &str) {
        receives(&self.stream, value);
    }
}

/// Expects this value next, and no gap before it.
#[track_caller]
fn receives(stream: &Stream, value: &str) {
    let event = stream.next_but_heartbeats();
    assert_eq!((event.name(), event.value()), ("event", value.into()));
}

#[test]
fn a_full_disk() {
    let isolated = Isolated::start(&mount_small_disk(DISK_BYTES));
    let filler = isolated.path("filler");
    fill(&filler);
    isolated.cannot_save("No space left", "free some space");
    fs::remove_file(&filler).unwrap();
    isolated.save("after");
    isolated.receives("after");
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
fn a_disk_that_becomes_read_only() {
    let isolated = Isolated::start(&mount_small_disk(DISK_BYTES));
    let remount = |mode: &str| {
        let mut mount = isolated
            .namespace
            .command(Path::new("mount"), isolated.app.path());
        mount.args(["-o", &format!("remount,{mode}")]);
        assert!(mount.arg(isolated.disk.path()).status().unwrap().success());
    };
    remount("ro");
    isolated.cannot_save("Read-only file system", "help: ");
    // Streams continue, and so does everything else that does not write.
    let other = Stream::open(isolated.server.address(), "/sse/stream", None);
    receives(&other, "before");
    remount("rw");
    isolated.save("after");
    isolated.receives("after");
    receives(&other, "after");
    fs::write(isolated.path("cache/key"), "\"dropped\"").unwrap();
    isolated.receives("dropped");
}

#[test]
fn no_file_notifications() {
    let isolated = Isolated::start("echo 0 > /proc/sys/user/max_inotify_instances");
    isolated.server.wait_for_log("no file notifications");
    for number in 0..3 {
        isolated.save(&number.to_string());
        isolated.receives(&number.to_string());
    }
    fs::write(isolated.path("cache/key"), "\"dropped\"").unwrap();
    isolated.receives("dropped");
}

/// Starts the server with so few descriptors that a test can use them up.
fn start_with_few_descriptors(app: &App) -> Server {
    let script = format!("#!/bin/sh\nulimit -n 80\nexec '{}'\n", starter().display());
    let limited = write_program(app.path(), &script);
    Server::start_program(&limited, app.path(), &[])
}

/// Connections that use up the descriptors of that server until they are dropped.
fn take_all_descriptors(server: &Server) -> Vec<TcpStream> {
    let connect = |_| TcpStream::connect(server.address()).unwrap();
    (0..100).map(connect).collect()
}

/// An app in which so many keys trigger one event.
fn app_with_keys(count: usize) -> App {
    let pairs: Vec<_> = (0..count)
        .map(|number| format!("event:{}", key(number)))
        .collect();
    App::with_env(&format!(
        "SSE_STREAM_DURATION=0\nSSE_POLL_INTERVAL=0.2\nSSE_EVENTS={}\n",
        pairs.join(",")
    ))
}

fn key(number: usize) -> String {
    format!("key{number}")
}

#[test]
fn no_free_descriptors() {
    let app = App::with_env(ENV);
    let server = start_with_few_descriptors(&app);
    let stream = Stream::open(server.address(), "/sse/stream", None);
    app.save("key", "\"before\"");
    receives(&stream, "before");

    let taken = take_all_descriptors(&server);
    app.save("key", "\"meanwhile\"");
    let log = server.wait_for_log("saved values are not delivered");
    assert!(log.contains("Too many open files"), "{log}");
    assert!(log.contains("raise the limit of open files"), "{log}");
    drop(taken);
    receives(&stream, "meanwhile");
    app.save("key", "\"after\"");
    receives(&stream, "after");
    let log = server.wait_for_log("resolved: the delivery of saved values has resumed");
    let reports = log.matches("saved values are not delivered: ").count();
    assert_eq!(reports, 1, "the error is logged once: {log}");
}

/// However many keys are affected, the log reports it once.
#[test]
fn no_free_descriptors_for_drop_ins() {
    const KEYS: usize = 8;
    let app = app_with_keys(KEYS);
    let server = start_with_few_descriptors(&app);
    let stream = Stream::open(server.address(), "/sse/stream", None);
    app.save(&key(0), "\"before\"");
    receives(&stream, "before");

    let taken = take_all_descriptors(&server);
    app.save(&key(0), "\"meanwhile\"");
    server.wait_for_log("saved values are not delivered");
    for number in 0..KEYS {
        fs::write(app.cache().join(key(number)), "\"dropped\"").unwrap();
    }
    let log = server.wait_for_log("some drop-ins are ingested late");
    assert!(log.contains("raise the limit of open files"), "{log}");
    drop(taken);
    receives(&stream, "meanwhile");
    for _ in 0..KEYS {
        receives(&stream, "dropped");
    }
    let log = server.wait_for_log("resolved: drop-ins are ingested without delay");
    let reports = log.matches("some drop-ins are ingested late: ").count();
    assert_eq!(reports, 1, "the error is logged once: {log}");
    assert!(!log.contains("a drop-in stays"), "{log}");
}

/// The folder of each key that has drop-ins takes a descriptor.
#[test]
fn drop_ins_of_more_keys_than_there_are_descriptors() {
    const KEYS: usize = 100;
    let app = app_with_keys(KEYS);
    let server = start_with_few_descriptors(&app);
    let stream = Stream::open(server.address(), "/sse/stream", None);
    app.save(&key(0), "\"before\"");
    receives(&stream, "before");
    // All at once: the server finds them only when it continues.
    server.suspend();
    for number in 0..KEYS {
        fs::write(app.cache().join(key(number)), "\"new\"").unwrap();
        // One that a killed server has claimed.
        let claimed = app.cache().join(".sse/claimed").join(key(number));
        fs::create_dir(&claimed).unwrap();
        fs::write(
            claimed.join(format!(".{:024x}-{number:08x}", 1)),
            "\"left\"",
        )
        .unwrap();
    }
    server.resume();
    let mut received: Vec<_> = (0..2 * KEYS)
        .map(|_| stream.next_but_heartbeats().value().to_string())
        .collect();
    received.sort_unstable();
    let expected = ["\"left\"", "\"new\""].map(|value| vec![value; KEYS]);
    assert_eq!(received, expected.concat());
    let log = server.log();
    assert!(!log.contains("Too many open files"), "{log}");
}

/// In each case, clients get a gap, and then what is saved.
#[test]
fn a_folder_that_is_removed_replaced_and_restored() {
    let app = App::with_env(ENV);
    let server = app.start();
    let stream = Stream::open(server.address(), "/sse/stream", None);
    app.save("key", "\"first\"");
    receives(&stream, "first");
    let (writable, aside) = (app.path().join("writable"), app.path().join("aside"));

    // Removed: the next save creates it again.
    fs::rename(&writable, &aside).unwrap();
    app.save("key", "\"second\"");
    receives_gap(&stream);
    receives(&stream, "second");

    // Replaced by the folder that was there before.
    let other = app.path().join("other");
    fs::rename(&writable, &other).unwrap();
    fs::rename(&aside, &writable).unwrap();
    receives_gap(&stream);
    until("the events of that folder have arrived", || {
        app.save("key", "\"third\"");
        let event = stream.next_event();
        (event.value() == "third").then_some(())
    });

    // Emptied from within, like `rm -r`.
    until("the cache is gone", || {
        // It fails if the server creates it again meanwhile.
        let _ = fs::remove_dir_all(&writable);
        (!writable.join("cache/.sse/journal-2/.id").exists()).then_some(())
    });
    until("the saved value arrives", || {
        app.save("key", "\"fourth\"");
        let event = stream.next();
        (event.data.is_some_and(|data| data.contains("fourth"))).then_some(())
    });
}

#[track_caller]
fn receives_gap(stream: &Stream) {
    assert_eq!(stream.next_but_heartbeats().name(), "sse.gap");
}
