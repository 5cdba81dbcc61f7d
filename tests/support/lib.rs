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
mod attempts;
mod auth_endpoint;
mod backend;
#[cfg(feature = "tools")]
mod browser;
mod build;
mod event;
mod follower;
#[cfg(feature = "tools")]
mod group;
mod guide;
pub mod http;
mod interruptions;
mod local_server;
#[cfg(all(feature = "tools", target_os = "linux"))]
pub mod namespace;
#[cfg(feature = "tools")]
pub mod oracle;
#[cfg(feature = "tools")]
mod php_fpm;
mod port;
#[cfg(feature = "tools")]
mod program;
mod program_file;
#[cfg(feature = "tools")]
pub mod redis;
mod refusal;
#[cfg(feature = "tools")]
mod reverse_proxy;
mod run_log;
mod running;
mod scratch;
mod server;
#[cfg(feature = "tools")]
pub mod short_stream;
mod stream;
#[cfg(feature = "tools")]
mod systemd_unit;
#[cfg(all(feature = "tools", target_os = "linux"))]
pub mod tracing;
mod wait;

pub use actix_web_sse::testing::{Event, EventParser};

pub use self::{
    app::{App, sse_in},
    attempts::attempts,
    auth_endpoint::{Answer, AuthEndpoint, Question},
    backend::Backend,
    build::{cargo, sse, starter, workspace},
    event::{event_part, number_in_id},
    follower::Follower,
    guide::{block_of_document, blocks_of_document, guide_blocks},
    interruptions::{app_with_short_streams, interrupt},
    local_server::{HalfClosed, LocalServer},
    port::ReservedPort,
    program_file::{copy_program, write_script},
    refusal::refuse_stream,
    run_log::log_run,
    running::{Running, serve},
    server::Server,
    stream::{Stream, get},
    wait::{DEADLINE, best_of_three, until, until_within},
};
#[cfg(feature = "tools")]
pub use self::{
    browser::{Browser, Engine, Tab},
    php_fpm::PhpFpm,
    reverse_proxy::ReverseProxy,
    systemd_unit::SystemdUnit,
};
