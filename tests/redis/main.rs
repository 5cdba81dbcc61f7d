//! Servers whose cache is in Redis, with real Redis servers and Sentinels that are stopped, killed, promoted and
//! configured wrongly.
#![cfg(target_os = "linux")]
#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    reason = "a test that cannot set up what it needs has failed, and the panic names the place"
)]

mod addresses;
mod app;
mod credentials;
mod drop_ins;
mod edits;
mod failover;
mod outages;
mod private;
mod replicas;
mod retention;
mod start;
mod tls;
