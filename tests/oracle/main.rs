//! The oracle: many faults at the same time, and a check of each client's stream against the journals.
//!
//! Several writer processes, several server processes on one cache and dozens of clients run through a
//! schedule of faults chosen by a seed: SIGKILL, SIGSTOP, cache folders that are moved away, a wall
//! clock that jumps, notification queues that overflow, entries that are truncated, clients that
//! disconnect in the middle of a block. Afterwards every client must have received every event that it
//! asked for and may receive, once and in order, and `sse.gap` exactly where something was no longer available.
//!
//! The journal is in a folder, or in Redis, which has faults of its own.
//!
//! The seed determines the schedule, but not the machine's timing. `ORACLE_SEED=N` runs one seed. Full runs
//! (`tests/oracle-full`) begin with a random one.
#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::print_stdout,
    reason = "a test that cannot set up what it needs has failed, and the panic names the place"
)]
#![cfg(target_os = "linux")]

mod archive;
mod audiences;
mod checker;
mod choices;
mod client;
mod clock;
mod entry;
mod evidence;
mod faults;
mod figures;
mod folder;
mod gaps;
mod idle;
mod journal;
mod latest;
mod model;
mod parser;
mod plan;
mod process;
mod redis;
mod report;
mod request;
mod revocations;
mod run;
mod server;
mod storage;
mod writer;

use std::{
    fs::File,
    io::Write,
    time::{Instant, SystemTime},
};

use plan::{Place, Size};

/// A run whose result decides about a change has the same schedules each time. In Redis, the first has a pair of
/// servers, and the second Sentinel.
const FIXED_SEEDS: [u64; 2] = [1, 5];

/// `ORACLE_SIZE=crowd` opens 10,000 streams.
fn size() -> Size {
    match std::env::var("ORACLE_SIZE").as_deref() {
        Ok("crowd") => Size::Crowd,
        Ok(other) => panic!("ORACLE_SIZE is `crowd` or not set, and not {other:?}"),
        Err(_) => Size::Dozens,
    }
}

/// `ORACLE_JOURNAL=redis` keeps the journals in Redis.
fn place() -> Place {
    match std::env::var("ORACLE_JOURNAL").as_deref() {
        Ok("redis") => Place::Redis,
        Ok(other) => panic!("ORACLE_JOURNAL is `redis` or not set, and not {other:?}"),
        Err(_) => Place::Folder,
    }
}

fn run(seed: u64, place: Place) -> figures::Figures {
    let journal = match place {
        Place::Folder => "",
        Place::Redis => "ORACLE_JOURNAL=redis ",
    };
    println!("seed {seed}: {journal}ORACLE_SEED={seed} repeats it");
    match run::run(seed, size(), place) {
        Ok(figures) => {
            println!("{figures}");
            figures
        }
        Err(why) => panic!("{why}"),
    }
}

/// A full run forces at least one reconnect for this many deliveries.
const MAX_DELIVERIES_PER_RECONNECT: u64 = 100;

/// A full run on Redis has at least one of its faults for this many deliveries: 200 for a million.
const MAX_DELIVERIES_PER_FAULT: u64 = 5_000;

#[test]
fn every_client_gets_every_event_once_and_in_order_whatever_happens() {
    if let Ok(seed) = std::env::var("ORACLE_SEED") {
        run(seed.parse().expect("ORACLE_SEED is a number"), place());
    } else if let Ok(deliveries) = std::env::var("ORACLE_DELIVERIES") {
        let log = std::env::var_os("ORACLE_LOG").expect("ORACLE_LOG is the log's path");
        let deliveries = deliveries.parse().expect("ORACLE_DELIVERIES is a number");
        full(fastrand::u64(..1 << 32), deliveries, log.as_ref());
    } else {
        for place in [Place::Folder, Place::Redis] {
            for seed in FIXED_SEEDS {
                run(seed, place);
            }
        }
    }
}

/// Runs one seed after another until there were this many deliveries, and enough reconnects and faults of Redis.
fn full(first: u64, min_deliveries: u64, log: &std::path::Path) {
    let (begin, start) = (SystemTime::now(), Instant::now());
    let mut all = figures::Figures::default();
    for seed in first.. {
        all += run(seed, place());
        let min_reconnects = min_deliveries / MAX_DELIVERIES_PER_RECONNECT;
        let min_faults = match place() {
            Place::Folder => 0,
            Place::Redis => min_deliveries / MAX_DELIVERIES_PER_FAULT,
        };
        let has_faults = all.redis_faults >= min_faults;
        if all.deliveries >= min_deliveries && all.reconnects >= min_reconnects && has_faults {
            break;
        }
    }
    let of_crowd = match size() {
        Size::Crowd => " with a crowd",
        Size::Dozens => "",
    };
    let in_redis = match place() {
        Place::Redis => " in Redis",
        Place::Folder => "",
    };
    let line = format!(
        "{} passed{in_redis}{of_crowd}: seeds {first} to {}, {all}, {} s\n",
        humantime::format_rfc3339_seconds(begin),
        first + all.runs - 1,
        start.elapsed().as_secs()
    );
    let mut log = File::options().create(true).append(true).open(log).unwrap();
    log.write_all(line.as_bytes()).unwrap();
}
