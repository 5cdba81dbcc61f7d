//! `sse doctor`.

mod app;
mod drop_ins;
mod env_file;
mod findings;
mod proxies;
mod responses;
mod stream;
