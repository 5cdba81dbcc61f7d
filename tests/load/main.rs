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

mod churn;
mod client;
mod closed;
mod forwarder;
mod latency;
mod limits;
mod process;
mod restart;
mod scale;
mod shutdown;
mod stalled;
