//! Thousands of clients: clients that read, clients that do not, and clients that connect and leave.
//!
//! `tests/run` runs a short version, which takes two minutes. `tests/load-full` runs the full version
//! with a release build, checks the figures that the documentation promises, and records them.
#![cfg(target_os = "linux")]
#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    reason = "a test that cannot set up what it needs has failed, and the panic names the place"
)]

mod authorization;
mod churn;
mod client;
mod closed;
mod dashboard;
mod forwarder;
mod latency;
mod limits;
mod machines;
mod moving_client;
mod process;
mod replays;
mod restart;
mod revocation;
mod scale;
mod shutdown;
mod stalled;
