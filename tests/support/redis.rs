//! Real Redis servers and Sentinels, which tests start on free ports and break.

mod forwarder;
mod options;
mod process;
mod sentinel;
mod server;
mod snapshot;
mod tls;

pub use self::{
    forwarder::{Forwarder, Traffic},
    options::RedisOptions,
    sentinel::Sentinel,
    server::RedisServer,
    snapshot::Snapshot,
};
