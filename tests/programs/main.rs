//! Tests that need other programs: nginx, PHP, strace, and `unshare` with file systems of its own.
#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    reason = "a test that cannot set up what it needs has failed, and the panic names the place"
)]

#[cfg(target_os = "linux")]
mod boots;
mod clients;
#[cfg(target_os = "linux")]
mod faults;
#[cfg(target_os = "linux")]
mod ingest_killed;
mod nginx;
#[cfg(target_os = "linux")]
mod other_user;
mod php;
mod redis;
mod redis_writers;
#[cfg(target_os = "linux")]
mod save_killed;
#[cfg(target_os = "linux")]
mod wake_ups;
