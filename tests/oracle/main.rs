//! The oracle: everything that can go wrong at once, and each client's stream held against what
//! the journals had.
//!
//! Several writer processes, several server processes on one cache and dozens of clients live
//! through a schedule of faults that a seed decides: SIGKILL, SIGSTOP, cache folders that are moved
//! away, a wall clock that jumps, queues of notifications that overflow, entries that are spoilt,
//! clients that leave in the middle of a block. Afterwards every client must have heard what it
//! asked for, each once and in order, and `sse.gap` where, and only where, something was no longer
//! to be had.
//!
//! A seed decides who does what when; the machine's timing is its own. `ORACLE_SEED=N` runs one.
#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::print_stdout,
    reason = "a test that cannot set up its world has failed, and says where"
)]
#![cfg(all(feature = "tools", target_os = "linux"))]

mod client;
mod clock;
mod disk;
mod faults;
mod figures;
mod gaps;
mod habits;
mod journal;
mod model;
mod noise;
mod parser;
mod plan;
mod process;
mod remover;
mod report;
mod server;
mod strays;
mod truth;
mod verdict;
mod world;
mod writer;

use std::{
    fs::File,
    io::Write,
    time::{Instant, SystemTime},
};

/// The seed that is always run.
const FIXED: u64 = 1;

fn run(seed: u64) -> figures::Figures {
    println!("seed {seed}: ORACLE_SEED={seed} runs it again");
    match world::run(seed) {
        Ok(figures) => {
            println!("{figures}");
            figures
        }
        Err(why) => panic!("{why}"),
    }
}

/// What a full run has at least.
const DELIVERIES: u64 = 1_000_000;
const RECONNECTS: u64 = 10_000;

#[test]
fn every_client_gets_every_event_once_and_in_order_whatever_happens() {
    let random = fastrand::u64(..1 << 32);
    if let Ok(seed) = std::env::var("ORACLE_SEED") {
        run(seed.parse().expect("ORACLE_SEED is a number"));
    } else if let Some(log) = std::env::var_os("ORACLE_FULL") {
        full(random, log.as_ref());
    } else {
        run(FIXED);
        run(random);
    }
}

/// Seed after seed, until there is enough.
fn full(first: u64, log: &std::path::Path) {
    let (begin, start) = (SystemTime::now(), Instant::now());
    let mut all = figures::Figures::default();
    for seed in first.. {
        all += run(seed);
        if all.deliveries >= DELIVERIES && all.reconnects >= RECONNECTS {
            break;
        }
    }
    let line = format!(
        "{} passed: seeds {first} to {}, {all}, {} s\n",
        humantime::format_rfc3339_seconds(begin),
        first + all.runs - 1,
        start.elapsed().as_secs()
    );
    let mut log = File::options().create(true).append(true).open(log).unwrap();
    log.write_all(line.as_bytes()).unwrap();
}
