//! Thousands of clients: those that read, those that do not, and those that come and go.
//!
//! What `tests/run` does of it takes two minutes. `tests/load-full` does all of it with a program
//! as it is released, holds it to the figures that are promised, and writes them down.
#![cfg(target_os = "linux")]
#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    reason = "a test that cannot go on has failed"
)]

#[path = "load/churn.rs"]
mod churn;
#[path = "load/client.rs"]
mod client;
#[path = "load/closed.rs"]
mod closed;
#[path = "load/forwarder.rs"]
mod forwarder;
#[path = "load/latency.rs"]
mod latency;
#[path = "load/limits.rs"]
mod limits;
#[path = "load/plain.rs"]
mod plain;
#[path = "load/process.rs"]
mod process;
#[path = "load/restart.rs"]
mod restart;
#[path = "load/scale.rs"]
mod scale;
#[path = "load/shutdown.rs"]
mod shutdown;
#[path = "load/stalled.rs"]
mod stalled;
