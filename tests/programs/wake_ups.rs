//! How often the thread that ingests drop-ins wakes while it can do nothing.

use std::{
    fs::{self, File, Permissions},
    io::Write,
    os::unix::fs::PermissionsExt,
    thread,
    time::Duration,
};

use support::{App, Server, Stream, until};

const KEY: &str = "event_cache_key1";
const OBSERVED: Duration = Duration::from_secs(2);

/// The number of times that the thread has waited for something.
fn waits(server: &Server) -> u64 {
    let threads = fs::read_dir(format!("/proc/{}/task", server.id())).unwrap();
    let thread = threads
        .map(|thread| thread.unwrap().path())
        .find(|thread| fs::read_to_string(thread.join("comm")).unwrap().trim() == "sse-drop-ins")
        .unwrap();
    let status = fs::read_to_string(thread.join("status")).unwrap();
    let line = status
        .lines()
        .find_map(|line| line.strip_prefix("voluntary_ctxt_switches:"));
    line.unwrap().trim().parse().unwrap()
}

/// A thread that checks one file five times a second also waits for the disk now and then.
#[track_caller]
fn expect_few_waits(server: &Server) {
    let before = waits(server);
    thread::sleep(OBSERVED);
    let count = waits(server) - before;
    assert!(count < 50, "{count} waits in {OBSERVED:?}");
}

#[test]
fn a_drop_in_that_waits_behind_another_costs_nothing() {
    let app = App::new();
    let server = app.start();
    let stream = Stream::open(server.address(), "/sse/stream", None);
    let path = app.cache().join(KEY);
    let mut slow = File::create(&path).unwrap();
    slow.write_all(b"1").unwrap();
    let claimed = || (!path.exists()).then_some(());
    until("the first one is claimed", claimed);
    fs::write(&path, "2").unwrap();
    until("the second one is claimed", claimed);
    // The delay between two checks of the first one grows.
    thread::sleep(Duration::from_millis(500));
    expect_few_waits(&server);
    drop(slow);
    for value in 1..=2 {
        assert_eq!(stream.next_event().value(), value);
    }
}

#[test]
fn a_drop_in_that_cannot_be_moved_costs_little_and_is_moved_later() {
    if !rustix::process::geteuid().is_root() {
        return;
    }
    let app = App::new();
    fs::create_dir_all(app.cache()).unwrap();
    // Root impersonates this user, whom permissions restrict.
    std::os::unix::fs::chown(app.cache(), Some(12_345), Some(12_345)).unwrap();
    let server = app.start();
    let stream = Stream::open(server.address(), "/sse/stream", None);
    app.save(KEY, "1");
    assert_eq!(stream.next_event().value(), 1);
    fs::set_permissions(app.cache(), Permissions::from_mode(0o500)).unwrap();
    fs::write(app.cache().join(KEY), "2").unwrap();
    server.wait_for_log("Permission denied");
    thread::sleep(Duration::from_millis(500));
    expect_few_waits(&server);
    fs::set_permissions(app.cache(), Permissions::from_mode(0o700)).unwrap();
    assert_eq!(stream.next_event().value(), 2);
}
