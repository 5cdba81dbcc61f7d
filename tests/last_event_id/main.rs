//! Ids that a client may bring: each gets its place or a gap, and none costs much.
//!
//! `SSE_IDS` says how many, `SSE_IDS_SEED` makes the same ones once more.
#![allow(clippy::unwrap_used, reason = "a test that cannot go on has failed")]

mod client;
mod ids;

use std::{
    env, fs,
    io::Write,
    os::unix::fs::PermissionsExt,
    sync::atomic::{AtomicU64, Ordering},
    thread,
    time::{Duration, Instant},
};

use actix_web_sse::{Cache, Config};
use fastrand::Rng;
use support::{App, Server, Stream, starter, until, workspace};

use self::ids::Journal;

/// Enough for every kind of id some hundred times.
const USUALLY: u64 = 4_000;

/// More than a server keeps in memory, so that some clients are served from the journal.
const ENTRIES: u64 = 5_700;

/// The first key feeds two events.
const ENV: &str = "SSE_EVENTS=a:two,b:two,c:one\nSSE_STREAM_DURATION=0\nSSE_TTL=0\n";

/// An app whose entries were saved in turn under the two keys.
fn app() -> App {
    let app = App::in_memory();
    fs::write(app.path().join(".env"), ENV).unwrap();
    let cache = Cache::open(&Config::from_dir(app.path()).unwrap()).unwrap();
    for number in 1..=ENTRIES {
        let key = if ids::feeds_two(number) { "two" } else { "one" };
        cache.save_blocking(key, number).unwrap();
    }
    app
}

fn opened(server: &Server) -> Journal {
    // The server may be reading what was there before it.
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
            .unwrap_or_else(|_| panic!("{name} is no number: {text}")),
    )
}

#[test]
fn whatever_id_a_client_brings_it_gets_its_place_or_a_gap() {
    let count = number("SSE_IDS").unwrap_or(USUALLY);
    let seed = number("SSE_IDS_SEED").unwrap_or_else(|| fastrand::u64(..));
    println!("seed {seed}: SSE_IDS_SEED={seed} makes the same ids");
    let app = app();
    let server = Server::start(app.path(), &[("RUST_LOG", "warn")]);
    let journal = opened(&server);
    let start = Instant::now();
    let asked = AtomicU64::new(0);
    thread::scope(|scope| {
        for thread in 0..4 {
            let (asked, journal, server) = (&asked, &journal, &server);
            scope.spawn(move || {
                let mut rng = Rng::with_seed(seed.wrapping_add(thread));
                while asked.fetch_add(1, Ordering::Relaxed) < count {
                    let id = ids::random(&mut rng, journal);
                    let in_query = rng.bool() || !id.fits_a_header();
                    let answer =
                        client::ask(server.address(), &id.bytes, in_query, id.wanted.blocks());
                    id.wanted.check(&answer, journal).unwrap_or_else(|why| {
                        panic!(
                            "{:?}: {why}: {answer:?}",
                            String::from_utf8_lossy(&id.bytes)
                        )
                    });
                }
            });
        }
    });
    assert_eq!(server.log(), "", "there is nothing to say about ids");
    until("all streams are closed", || {
        let stream = Stream::open(server.address(), "/sse/stream", None);
        (stream.status == 200).then_some(())
    });
    if let Ok(path) = env::var("SSE_IDS_LOG") {
        report(&path, seed, count, start.elapsed().as_secs());
    }
}

fn report(path: &str, seed: u64, count: u64, seconds: u64) {
    let today = std::process::Command::new("date")
        .arg("-u")
        .arg("+%F")
        .output()
        .unwrap();
    let path = workspace().join(path);
    let mut log = fs::OpenOptions::new()
        .create(true)
        .append(true)
        .open(path)
        .unwrap();
    let today = String::from_utf8_lossy(&today.stdout).trim().to_owned();
    writeln!(
        log,
        "{today} seed {seed}: {count} ids in {seconds} s, each got its place or a gap"
    )
    .unwrap();
}

/// Ids that could have an entry which this server has not read yet are the ones that cost a look at
/// the disk: as many calls for each, however many entries there are.
#[cfg(target_os = "linux")]
#[test]
fn an_id_costs_no_search_of_the_disk() {
    const ASKED: u64 = 200;
    /// Two lists of folders, and a search that halves a folder of a thousand ten times, each with
    /// the folder's parts; not one look for each of the entries.
    const MOST: u64 = 60;

    let app = app();
    // A server reads at its start what was saved in the last five seconds; here it shall be nothing.
    thread::sleep(Duration::from_millis(5_500));
    let (counts, traced) = (app.path().join("calls"), app.path().join("traced"));
    // strace is not the parent, so that the server can be ended as any other.
    let script = format!(
        "#!/bin/sh\nexec strace -D -f -c -e trace=%file,getdents64 -o '{}' '{}'\n",
        counts.display(),
        starter().display()
    );
    fs::write(&traced, script).unwrap();
    fs::set_permissions(&traced, fs::Permissions::from_mode(0o755)).unwrap();
    let calls = |ask: &dyn Fn(&Server, &Journal)| {
        let _ = fs::remove_file(&counts);
        let server = Server::start_program(&traced, app.path(), &[("RUST_LOG", "warn")]);
        ask(&server, &opened(&server));
        server.kill();
        until("strace has counted", || {
            total(&fs::read_to_string(&counts).ok()?)
        })
    };
    let of_start = calls(&|_, _| {});
    let rng = std::cell::RefCell::new(Rng::new());
    let of_all = calls(&|server, journal| {
        for _ in 0..ASKED {
            let id = ids::ahead(&mut rng.borrow_mut(), journal);
            client::ask(server.address(), &id.bytes, true, id.wanted.blocks());
        }
    });
    let each = (of_all - of_start) / ASKED;
    assert!(
        each <= MOST,
        "{each} calls for an id: {of_all} with, {of_start} without them"
    );
}

/// The number of calls in the last line of strace's table.
fn total(table: &str) -> Option<u64> {
    let line = table.lines().find(|line| line.ends_with(" total"))?;
    line.split_whitespace().nth(3)?.parse().ok()
}
