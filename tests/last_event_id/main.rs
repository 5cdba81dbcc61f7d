//! Ids that a client may send: each one continues its stream or gets a gap, and none is expensive.
//!
//! Without variables, the ids are the same in each run. `SSE_IDS` sets their number; they are then random, and
//! `SSE_IDS_SEED` repeats the ids of an earlier run.
#![allow(
    clippy::unwrap_used,
    reason = "a test that cannot set up what it needs has failed, and the panic names the place"
)]

mod client;
mod ids;

use std::{
    env, fs,
    sync::atomic::{AtomicU64, Ordering},
    thread,
    time::{Duration, Instant},
};

use actix_web_sse::{Cache, Config};
use fastrand::Rng;
use support::{App, Backend, Server, Stream, log_run, on_every_backend, starter, until};

use self::ids::Journal;

on_every_backend! {
    every_id_continues_its_stream_or_gets_a_gap
}

/// Each kind of id is tried some hundred times.
const DEFAULT_IDS: u64 = 4_000;

const FIXED_SEED: u64 = 1;

/// More than a server keeps in memory, so that some streams start in the journal.
const ENTRIES: u64 = 5_700;

/// The first key feeds two events.
const ENV: &str = "SSE_EVENTS=a:two,b:two,c:one\nSSE_STREAM_DURATION=0\nSSE_TTL=0\n";

/// An app whose entries alternate between the two keys.
fn app(backend: Backend) -> App {
    let app = App::in_memory();
    fs::write(app.path().join(".env"), ENV).unwrap();
    let app = app.on(backend);
    let cache = Cache::open(&Config::from_dir(app.path()).unwrap()).unwrap();
    for number in 1..=ENTRIES {
        let key = if ids::feeds_two(number) { "two" } else { "one" };
        cache.save_blocking(key, number).unwrap();
    }
    app
}

fn journal_of(server: &Server) -> Journal {
    // The server may still be reading the entries saved before it started.
    let newest = until("the server has read the journal", || {
        let first = Stream::open(server.address(), "/sse/stream", None).next();
        first.id.filter(|id| id.ends_with(&format!("-{ENTRIES}")))
    });
    Journal {
        epoch: u64::from_str_radix(&newest[..16], 16).unwrap(),
        newest: ENTRIES,
    }
}

fn number(name: &str) -> Option<u64> {
    let text = env::var(name).ok()?;
    Some(
        text.parse()
            .unwrap_or_else(|_| panic!("{name} is not a number: {text}")),
    )
}

fn every_id_continues_its_stream_or_gets_a_gap(backend: Backend) {
    let random_ids = number("SSE_IDS");
    let count = random_ids.unwrap_or(DEFAULT_IDS);
    let random_seed = random_ids.map_or(FIXED_SEED, |_| fastrand::u64(..));
    let seed = number("SSE_IDS_SEED").unwrap_or(random_seed);
    println!("seed {seed}: SSE_IDS_SEED={seed} repeats these ids");
    let app = app(backend);
    let server = Server::start(app.path(), &[("RUST_LOG", "warn")]);
    let journal = journal_of(&server);
    let start = Instant::now();
    let started = AtomicU64::new(0);
    thread::scope(|scope| {
        for thread in 0..4 {
            let (started, journal, server) = (&started, &journal, &server);
            scope.spawn(move || {
                let mut rng = Rng::with_seed(seed.wrapping_add(thread));
                while started.fetch_add(1, Ordering::Relaxed) < count {
                    let id = ids::random(&mut rng, journal);
                    let in_query = rng.bool() || !id.fits_a_header();
                    let count = id.expected.blocks();
                    let blocks = client::open_with_id(server.address(), &id.bytes, in_query, count);
                    id.expected.check(&blocks, journal).unwrap_or_else(|why| {
                        panic!(
                            "{:?}: {why}: {blocks:?}",
                            String::from_utf8_lossy(&id.bytes)
                        )
                    });
                }
            });
        }
    });
    assert_eq!(server.log(), "", "ids cause no log line");
    until("all streams are closed", || {
        let stream = Stream::open(server.address(), "/sse/stream", None);
        (stream.status == 200).then_some(())
    });
    if let Ok(path) = env::var("SSE_IDS_LOG") {
        let seconds = start.elapsed().as_secs();
        let result = format!(
            "seed {seed}, {backend:?}: {count} ids in {seconds} s, each one continued its stream or got a gap"
        );
        log_run(&path, &result);
    }
}

/// An id beyond the newest entry may belong to an entry that this server has not read yet, so the
/// server checks the disk: with a constant number of calls, however many entries exist.
#[cfg(target_os = "linux")]
#[test]
fn an_id_needs_no_search_of_the_disk() {
    const IDS: u64 = 200;
    /// Two listings of folders, and a binary search in a folder of a thousand entries (ten steps),
    /// each with one call per part of the path. One call per entry would be thousands.
    const MAX_CALLS_PER_ID: u64 = 60;

    let app = app(Backend::Folder);
    // A server reads what was saved in the ten seconds before its start; here that is nothing.
    thread::sleep(Duration::from_millis(10_500));
    let (counts, wrapper) = (app.path().join("calls"), app.path().join("traced"));
    // With -D strace is not the parent, so that the server can be killed like any other.
    let script = format!(
        "#!/bin/sh\nexec strace -D -f -c -e trace=%file,getdents64 -o '{}' '{}'\n",
        counts.display(),
        starter().display()
    );
    support::write_script(&wrapper, &script);
    let calls = |use_server: &dyn Fn(&Server, &Journal)| {
        let _ = fs::remove_file(&counts);
        let server = Server::start_program(&wrapper, app.path(), &[("RUST_LOG", "warn")]);
        use_server(&server, &journal_of(&server));
        server.kill();
        until("strace has counted", || {
            total(&fs::read_to_string(&counts).ok()?)
        })
    };
    let calls_at_start = calls(&|_, _| {});
    let rng = std::cell::RefCell::new(Rng::new());
    let calls_with_ids = calls(&|server, journal| {
        for _ in 0..IDS {
            let id = ids::ahead(&mut rng.borrow_mut(), journal);
            let count = id.expected.blocks();
            client::open_with_id(server.address(), &id.bytes, true, count);
        }
    });
    let calls_per_id = (calls_with_ids - calls_at_start) / IDS;
    assert!(
        calls_per_id <= MAX_CALLS_PER_ID,
        "{calls_per_id} calls per id: {calls_with_ids} with ids, {calls_at_start} without"
    );
}

/// The number of calls in the last line of strace's table.
fn total(table: &str) -> Option<u64> {
    let line = table.lines().find(|line| line.ends_with(" total"))?;
    line.split_whitespace().nth(3)?.parse().ok()
}
