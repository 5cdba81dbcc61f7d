//! The starter app's server as its clients, its operator and other programs meet it.
#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    reason = "a test that cannot set up what it needs has failed, and the panic names the place"
)]

mod admin;
mod caching;
mod configuration;
mod cross_origin;
mod delivery;
mod dev_tools;
mod event_triggering;
mod guides;
mod health;
mod hostile;
mod hosts;
mod html_guide;
mod http_1_0;
mod live_configuration;
mod methods;
mod other_programs;
mod pipelining;
mod stream_output;
#[cfg(feature = "tools")]
mod tls;
