//! Waiting for entries.

use std::{
    thread,
    time::{Duration, Instant},
};

use super::{DEADLINE, Place, append};
use crate::{platform, runtime::Interrupt};

on_every_journal! {
    a_watcher_wakes_for_an_entry_and_for_the_next_journal
    an_interrupt_ends_a_wait
}

/// Where the system notifies of no change, a wait ends after this.
fn wait_limit() -> Duration {
    if platform::IS_LINUX {
        6 * DEADLINE
    } else {
        Duration::from_millis(100)
    }
}

fn a_watcher_wakes_for_an_entry_and_for_the_next_journal(place: &dyn Place) {
    let journal = place.open();
    let mut watcher = journal.watch();
    let never = Interrupt::new().unwrap();
    let start = Instant::now();
    let mut until = |is_reached: &dyn Fn() -> bool, next| {
        while !is_reached() {
            watcher.wait(next, wait_limit(), &never);
            assert!(start.elapsed() < DEADLINE, "a wake-up is missing at {next}");
        }
    };
    // More than a folder has numbers.
    for number in 1..=10 {
        let is_saved = || journal.newest_number().unwrap() >= number;
        thread::scope(|scope| {
            scope.spawn(|| append(&*place.open(), [number]));
            until(&is_saved, number);
        });
    }
    thread::scope(|scope| {
        let replace = || {
            journal.discard().unwrap();
            place.open()
        };
        scope.spawn(replace);
        until(&|| journal.is_replaced(), 11);
    });
}

fn an_interrupt_ends_a_wait(place: &dyn Place) {
    let journal = place.open();
    let interrupt = Interrupt::new().unwrap();
    let start = Instant::now();
    thread::scope(|scope| {
        scope.spawn(|| {
            let mut watcher = journal.watch();
            while !interrupt.is_raised() {
                watcher.wait(1, wait_limit(), &interrupt);
            }
        });
        interrupt.raise();
    });
    assert!(start.elapsed() < DEADLINE);
}
