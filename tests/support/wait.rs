//! Waiting for a condition, and limits for the time that something takes.

use std::{
    thread,
    time::{Duration, Instant},
};

/// Longer than any condition takes to become true on a busy machine.
pub const DEADLINE: Duration = Duration::from_secs(30);

/// Waits until `condition` returns a value.
#[track_caller]
pub fn until<T>(what: &str, condition: impl FnMut() -> Option<T>) -> T {
    until_within(DEADLINE, what, condition)
}

/// The same for what may take longer.
#[track_caller]
pub fn until_within<T>(time: Duration, what: &str, mut condition: impl FnMut() -> Option<T>) -> T {
    let end = Instant::now() + time;
    loop {
        if let Some(value) = condition() {
            return value;
        }
        assert!(Instant::now() < end, "not within {time:?}: {what}");
        thread::sleep(Duration::from_millis(10));
    }
}

/// Longer than a busy machine delays anything.
const MAX_STALL: Duration = Duration::from_secs(10);

/// Measures up to three times, until a time is less than `limit`. Another program on the machine may delay one or two
/// of these times, but none by more than ten seconds.
#[track_caller]
pub fn best_of_three(limit: Duration, mut measure: impl FnMut() -> Duration) {
    let mut times = Vec::new();
    while times.len() < 3 {
        let time = measure();
        if time < limit {
            return;
        }
        times.push(time);
        if time > limit + MAX_STALL {
            break;
        }
    }
    panic!("not within {limit:?}: {times:?}");
}
