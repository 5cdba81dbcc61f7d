//! What the end-to-end tests share: an app in a folder of its own, its server, and its clients.
//!
//! Nothing here sleeps for luck: everything waits for a condition, with a deadline.
#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    missing_docs,
    reason = "a test that cannot set up its world has failed, and says where"
)]

mod app;
#[cfg(feature = "tools")]
mod browser;
mod build;
mod guide;
mod running;
mod server;
mod stream;
#[cfg(all(feature = "tools", target_os = "linux"))]
pub mod tracing;
mod wait;

#[cfg(feature = "tools")]
pub use self::browser::{Browser, Engine, Tab};
pub use self::{
    app::{App, sse_in},
    build::{sse, starter, workspace},
    guide::guide_blocks,
    running::Running,
    server::Server,
    stream::{Event, Follower, Stream, get},
    wait::{DEADLINE, until},
};
