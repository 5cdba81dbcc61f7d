//! `sse doctor`.

mod app;
mod drop_ins;
mod env_file;
pub(crate) mod findings;
pub(crate) mod proxies;
#[cfg(feature = "tools")]
mod real_proxies;
mod responses;
mod stream;
