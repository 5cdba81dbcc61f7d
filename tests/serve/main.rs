//! `sse serve`: the server for an app in any language.
#![allow(
    clippy::unwrap_used,
    reason = "a test that cannot set up what it needs has failed, and the panic names the place"
)]

mod address;
mod app;
mod authorization;
#[cfg(all(feature = "tools", target_os = "linux"))]
mod deploy_guide;
mod documents;
mod lifetime;
mod monitoring;
mod routes;
mod save;
