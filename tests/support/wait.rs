//! Waiting for a condition.

use std::{
    thread,
    time::{Duration, Instant},
};

/// Longer than any condition takes to become true on a busy machine.
pub const DEADLINE: Duration = Duration::from_secs(30);

/// Waits until `condition` returns a value.
#[track_caller]
pub fn until<T>(what: &str, mut condition: impl FnMut() -> Option<T>) -> T {
    let end = Instant::now() + DEADLINE;
    loop {
        if let Some(value) = condition() {
            return value;
        }
        assert!(Instant::now() < end, "not within {DEADLINE:?}: {what}");
        thread::sleep(Duration::from_millis(10));
    }
}
