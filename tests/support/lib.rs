//! What the end-to-end tests share: an app in a folder of its own, its server, and its clients.
//!
//! Nothing here sleeps and hopes: everything waits for a condition, with a deadline.
#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    missing_docs,
    reason = "a test that cannot set up what it needs has failed, and the panic names the place"
)]

mod app;
#[cfg(feature = "tools")]
mod browser;
mod build;
mod event;
mod follower;
mod guide;
pub mod http;
mod interruptions;
mod local_server;
#[cfg(all(feature = "tools", target_os = "linux"))]
pub mod namespace;
#[cfg(feature = "tools")]
pub mod oracle;
mod port;
mod refusal;
#[cfg(feature = "tools")]
mod reverse_proxy;
mod run_log;
mod running;
mod scratch;
mod server;
mod stream;
#[cfg(all(feature = "tools", target_os = "linux"))]
pub mod tracing;
mod wait;

pub use actix_web_sse::testing::{Event, EventParser};

pub use self::{
    app::{App, sse_in},
    build::{cargo, sse, starter, workspace},
    event::{event_part, number_in_id},
    follower::Follower,
    guide::{block_of_document, blocks_of_document, guide_blocks},
    interruptions::{app_with_short_streams, interrupt},
    local_server::{HalfClosed, LocalServer},
    port::ReservedPort,
    refusal::refuse_stream,
    run_log::log_run,
    running::Running,
    server::Server,
    stream::{Stream, get},
    wait::{DEADLINE, until},
};
#[cfg(feature = "tools")]
pub use self::{
    browser::{Browser, Engine, Tab},
    reverse_proxy::ReverseProxy,
};
