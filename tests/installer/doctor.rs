//! `sse doctor`.

mod app;
mod env_file;
mod findings;
mod proxies;
mod responses;
mod stream;
