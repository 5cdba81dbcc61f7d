//! The `sse` command as its users run it: the real program, in apps of their own.
#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    reason = "a test that cannot set up its world has failed, and says where"
)]

#[path = "installer/cases/mod.rs"]
mod cases;
#[path = "installer/compiled.rs"]
mod compiled;
#[path = "installer/hello.rs"]
mod hello;
#[path = "installer/install.rs"]
mod install;
#[path = "installer/listen.rs"]
mod listen;
#[path = "installer/save.rs"]
mod save;
#[path = "installer/status.rs"]
mod status;
#[path = "installer/uninstall.rs"]
mod uninstall;
