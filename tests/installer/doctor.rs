//! `sse doctor`.

mod answers;
mod app;
mod env_file;
mod findings;
mod proxies;
mod stream;
