//! How often the threads of a server wake while they can do nothing.

use std::{
    collections::BTreeMap,
    fs::{self, File, Permissions},
    io::Write,
    os::unix::fs::PermissionsExt,
    path::Path,
    thread,
    time::Duration,
};

use support::{App, Server, Stream, until};

const KEY: &str = "event_cache_key1";
const OBSERVED: Duration = Duration::from_secs(2);

/// The number in the line of a file in `/proc` that starts with `name`; `None` if the thread has ended.
fn count(file: &Path, name: &str) -> Option<u64> {
    let text = fs::read_to_string(file).ok()?;
    let line = text.lines().find_map(|line| line.strip_prefix(name));
    line?.trim().parse().ok()
}

/// What the threads of one name have done.
#[derive(Default, Clone, Copy)]
struct Activity {
    /// How often they have waited for something.
    waits: u64,
    /// How often they have read from a file, also without success.
    reads: u64,
}

fn activity(server: &Server) -> BTreeMap<String, Activity> {
    let mut by_name: BTreeMap<String, Activity> = BTreeMap::new();
    for thread in fs::read_dir(format!("/proc/{}/task", server.id())).unwrap() {
        let thread = thread.unwrap().path();
        let name = fs::read_to_string(thread.join("comm")).unwrap_or_default();
        let waits = count(&thread.join("status"), "voluntary_ctxt_switches:");
        let reads = count(&thread.join("io"), "syscr:");
        if let (Some(waits), Some(reads)) = (waits, reads) {
            let sum = by_name.entry(name.trim().to_owned()).or_default();
            sum.waits += waits;
            sum.reads += reads;
        }
    }
    by_name
}

/// The number of times that the thread that ingests drop-ins has waited for something.
fn waits(server: &Server) -> u64 {
    activity(server)["sse-drop-ins"].waits
}

/// The clock of actix-web wakes each worker four times a second. The threads of the library wake once in two seconds,
/// or less often, and one of them reads `.env` in two reads.
#[test]
fn an_idle_server_wakes_rarely() {
    const IDLE: Duration = Duration::from_secs(4);
    /// For the threads of the library together: six are usual. On a busy machine, they wait for the disk, too.
    const MAX_WAITS: u64 = 24;
    /// Likewise, six are usual.
    const MAX_READS: u64 = 15;
    /// 17 are usual.
    const MAX_WAITS_PER_WORKER: u64 = 40;
    let app = App::with_env("SSE_EVENTS=a:k\nSSE_STREAM_DURATION=0\nADMIN_LISTEN=off\n");
    let server = app.start();
    let _stream = Stream::open(server.address(), "/sse/stream", None);
    // The start is over, and the cache is checked again after ten seconds.
    thread::sleep(Duration::from_millis(500));
    let before = activity(&server);
    thread::sleep(IDLE);
    let after = activity(&server);
    let mut of_library = Activity::default();
    for (name, after) in &after {
        let before = before.get(name).copied().unwrap_or_default();
        let (waits, reads) = (after.waits - before.waits, after.reads - before.reads);
        println!("{name}: {waits} waits, {reads} reads");
        // The main thread, `sse-starter`, does nothing.
        if name.starts_with("sse-") {
            of_library.waits += waits;
            of_library.reads += reads;
        } else if name.starts_with("actix-rt") {
            let workers = thread::available_parallelism().unwrap().get() as u64;
            assert!(waits < MAX_WAITS_PER_WORKER * workers, "{waits} waits");
        }
    }
    let Activity { waits, reads } = of_library;
    assert!((1..MAX_WAITS).contains(&waits), "{waits} waits in {IDLE:?}");
    assert!((1..MAX_READS).contains(&reads), "{reads} reads in {IDLE:?}");
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
    let app = App::with_lasting_streams();
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
    let app = App::with_lasting_streams();
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
