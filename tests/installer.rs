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
#[path = "installer/diagnosis.rs"]
mod diagnosis;
#[path = "installer/doctor.rs"]
mod doctor;
#[path = "installer/doctor_answers.rs"]
mod doctor_answers;
#[path = "installer/doctor_env.rs"]
mod doctor_env;
#[path = "installer/doctor_stream.rs"]
mod doctor_stream;
#[path = "installer/edited.rs"]
mod edited;
#[cfg(all(feature = "tools", target_os = "linux"))]
#[path = "installer/failing.rs"]
mod failing;
#[path = "installer/get.rs"]
mod get;
#[path = "installer/hello.rs"]
mod hello;
#[path = "installer/install.rs"]
mod install;
#[cfg(all(feature = "tools", target_os = "linux"))]
#[path = "installer/killed.rs"]
mod killed;
#[path = "installer/listen.rs"]
mod listen;
#[path = "installer/middlemen.rs"]
mod middlemen;
#[cfg(all(feature = "tools", target_os = "linux"))]
#[path = "installer/owned.rs"]
mod owned;
#[path = "installer/readme.rs"]
mod readme;
#[cfg(all(feature = "tools", target_os = "linux"))]
#[path = "installer/refused.rs"]
mod refused;
#[path = "installer/save.rs"]
mod save;
#[path = "installer/status.rs"]
mod status;
#[path = "installer/types.rs"]
mod types;
#[path = "installer/uninstall.rs"]
mod uninstall;
