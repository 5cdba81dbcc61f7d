//! `sse serve` beside apps in other languages, behind nginx, as their users run them.
//!
//! With the feature `codeigniter`, the tests of PHP run with a checkout of CodeIgniter 4, too: see `tests/codeigniter`.
#![cfg(target_os = "linux")]
#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    reason = "a test that cannot set up what it needs has failed, and the panic names the place"
)]

mod account;
mod app;
mod arrivals;
#[cfg(feature = "codeigniter")]
mod codeigniter;
mod express;
mod laravel;
mod pages;
mod plain;
mod private;
mod saves;
mod site;
