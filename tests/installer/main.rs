//! The `sse` command as its users run it: the real program, in apps of their own.
#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    reason = "a test that cannot set up its world has failed, and says where"
)]

mod cases;
mod compiled;
mod diagnosis;
mod doctor;
mod doctor_answers;
mod doctor_env;
mod doctor_stream;
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
mod middlemen;
#[cfg(all(feature = "tools", target_os = "linux"))]
mod owned;
#[cfg(all(feature = "tools", target_os = "linux"))]
mod refused;
mod save;
mod status;
mod types;
mod uninstall;
