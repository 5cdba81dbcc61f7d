//! What the oracle and the processes that it starts have in common.

use std::time::Duration;

use rustix::time::{ClockId, clock_gettime};
use serde::{Deserialize, Serialize};

/// Time since the run began, by the monotonic clock.
pub type At = Duration;

/// One key that feeds two events, one that feeds three, one event with two keys, a rare event, and
/// a key without an event (`k6`).
pub const SSE_EVENTS: &str = "a:k1,b:k1,c:k2,d:k3,e:k3,f:k3,rare:k4,c:k5";

pub const EVENTS: [&str; 7] = ["a", "b", "c", "d", "e", "f", "rare"];

/// Keys, the events of each by their index in [`EVENTS`], and how often each is saved.
pub const KEYS: [(&str, &[u8], u32); 6] = [
    ("k1", &[0, 1], 30),
    ("k2", &[2], 30),
    ("k3", &[3, 4, 5], 15),
    ("k4", &[6], 1),
    ("k5", &[2], 20),
    ("k6", &[], 6),
];

/// The environment variable that passes the start of the run to processes under test.
pub const START: &str = "ORACLE_START";

/// How one server is configured; its processes come and go.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub struct ServerSetup {
    pub in_memory: usize,
    pub history: u64,
    pub poll: Duration,
    pub lookback: Duration,
    pub stream: Duration,
}

/// What a writer process does.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub enum WriterRole {
    /// Saves at random until its input ends.
    Random,
    /// Saves so much that several folders are filled and swept.
    Flood,
    /// Saves once under each key.
    Final,
}

/// The monotonic clock, which all processes share.
#[must_use]
pub fn monotonic() -> Duration {
    Duration::try_from(clock_gettime(ClockId::Monotonic)).unwrap()
}

/// The time since the run began, in a process under test.
#[must_use]
pub fn elapsed_in_child() -> At {
    let start = std::env::var(START).unwrap().parse().unwrap();
    monotonic() - Duration::from_nanos(start)
}
