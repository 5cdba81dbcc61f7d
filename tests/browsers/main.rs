//! The starter app and the client in real browsers, also over HTTP/2, and the client's types in TypeScript.
#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    reason = "a test that cannot set up what it needs has failed, and the panic names the place"
)]

mod axe;
mod dashboard;
mod engines;
mod fetch_event_source;
mod html_front_ends;
mod other_origin;
mod react;
mod reuse;
mod starter;
mod tls;
mod toasts;
mod types;
