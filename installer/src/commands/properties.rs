//! Property tests with random apps: `uninstall` undoes `install` to the byte, and a conflict
//! changes nothing.
//!
//! `PROPTEST_CASES` sets the number of cases; `tests/properties` runs very many.

mod app;
mod env;
mod manifest;

use std::fmt::Debug;
use std::sync::atomic::{AtomicU32, Ordering};
use std::thread;

use proptest::prelude::*;
use proptest::test_runner::{Config, TestRunner};

use self::app::{Outcome, RandomApp};

/// Tests a property on `PROPTEST_CASES` cases, by default on `default_cases`.
fn for_all<S>(
    default_cases: u32,
    cases: impl Fn() -> S + Sync,
    property: impl Fn(S::Value) -> Result<(), TestCaseError> + Sync,
) where
    S: Strategy<Value: Debug>,
{
    let mut config = Config {
        // A failing case becomes a named test instead.
        failure_persistence: None,
        ..Config::default()
    };
    if !is_long_run() {
        config.cases = default_cases;
    }
    let threads = thread::available_parallelism().map_or(1, usize::from);
    config.cases = config
        .cases
        .div_ceil(u32::try_from(threads).expect("fits into 32 bits"));
    let run_share = || {
        let outcome = TestRunner::new(config.clone()).run(&cases(), &property);
        outcome.unwrap_or_else(|failure| panic!("{failure}"));
    };
    thread::scope(|scope| {
        for _ in 0..threads {
            scope.spawn(run_share);
        }
    });
}

/// Whether a number of cases was asked for.
fn is_long_run() -> bool {
    std::env::var_os("PROPTEST_CASES").is_some()
}

/// Counts the outcomes, to prove that the cases exercise the property.
#[derive(Default)]
struct Tally {
    installed: AtomicU32,
    refused: AtomicU32,
}

impl Tally {
    fn count(&self, outcome: &Outcome) {
        let counter = match outcome {
            Outcome::Installed => &self.installed,
            Outcome::Refused => &self.refused,
        };
        // Relaxed: the counters are read after all threads were joined.
        counter.fetch_add(1, Ordering::Relaxed);
    }

    fn assert_both_outcomes(&self) {
        // Relaxed: joining the threads made their increments visible.
        let (installed, refused) = (
            self.installed.load(Ordering::Relaxed),
            self.refused.load(Ordering::Relaxed),
        );
        assert!(
            installed >= refused && refused > 0,
            "{installed} installed, {refused} refused"
        );
    }
}
