//! Whole apps put together at random: what `install` does, `uninstall` undoes to the
//! byte, and what it refuses it leaves alone.
//!
//! `PROPTEST_CASES` says how many; `tests/properties` runs very many.

mod app;
mod env;
mod manifest;

use std::fmt::Debug;
use std::sync::atomic::{AtomicU32, Ordering};
use std::thread;

use proptest::prelude::*;
use proptest::test_runner::{Config, TestRunner};

use self::app::{App, Outcome};

/// Tries a property on as many cases as are wanted, `usual` if nothing is said.
fn for_all<S>(
    usual: u32,
    cases: impl Fn() -> S + Sync,
    property: impl Fn(S::Value) -> Result<(), TestCaseError> + Sync,
) where
    S: Strategy<Value: Debug>,
{
    let mut config = Config {
        // A case that fails belongs into a test with a name.
        failure_persistence: None,
        ..Config::default()
    };
    if !is_long_run() {
        config.cases = usual;
    }
    let threads = thread::available_parallelism().map_or(1, usize::from);
    config.cases = config
        .cases
        .div_ceil(u32::try_from(threads).expect("there are few"));
    let try_some = || {
        let outcome = TestRunner::new(config.clone()).run(&cases(), &property);
        outcome.unwrap_or_else(|failure| panic!("{failure}"));
    };
    thread::scope(|scope| {
        for _ in 0..threads {
            scope.spawn(try_some);
        }
    });
}

/// Whether somebody has asked for a number of cases.
fn is_long_run() -> bool {
    std::env::var_os("PROPTEST_CASES").is_some()
}

/// Counts how the cases end, so that no property holds because it is never asked.
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
        counter.fetch_add(1, Ordering::Relaxed);
    }

    fn is_telling(&self) {
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
