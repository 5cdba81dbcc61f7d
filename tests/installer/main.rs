//! The `sse` command as users run it: the real program, in apps made for each test.
#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    reason = "a test that cannot set up what it needs has failed, and the panic names the place"
)]

mod audiences;
mod beside_serve;
mod cases;
mod compiled;
#[cfg(feature = "tools")]
mod completions;
#[cfg(all(feature = "tools", target_os = "linux"))]
mod deploy_guide;
mod doctor;
mod edited;
#[cfg(all(feature = "tools", target_os = "linux"))]
mod failing;
mod get;
mod guide;
mod hello;
mod install;
#[cfg(all(feature = "tools", target_os = "linux"))]
mod killed;
mod listen;
#[cfg(feature = "tools")]
mod man;
mod mistakes;
mod other_user;
#[cfg(all(feature = "tools", target_os = "linux"))]
mod owned;
#[cfg(feature = "tools")]
mod proxies_guide;
#[cfg(feature = "tools")]
mod redis;
#[cfg(all(feature = "tools", target_os = "linux"))]
mod refused;
mod requests;
mod save;
mod status;
#[cfg(feature = "tools")]
mod tls;
mod types;
mod uninstall;
