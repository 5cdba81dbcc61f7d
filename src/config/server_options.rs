//! Settings that only a server reads. Every program can set them, since [`Config`] is one type.
//!
//! [`Config`]: super::Config

use std::time::Duration;

use super::authority::Authority;

#[derive(Debug, Clone)]
pub(super) struct ServerOptions {
    // These three override settings of `.env`.
    pub(super) allowed_origins: Option<Vec<String>>,
    pub(super) allowed_hosts: Option<Vec<Authority>>,
    pub(super) max_connections: Option<usize>,

    // These have no setting in `.env`.
    pub(super) max_connections_per_address: Option<usize>,
    pub(super) heartbeat_interval: Duration,
    pub(super) retry_delay: Duration,
    pub(super) min_history_entries: u64,
    pub(super) ring_entries: usize,
    pub(super) handles_signals: bool,
}

impl Default for ServerOptions {
    fn default() -> Self {
        Self {
            allowed_origins: None,
            allowed_hosts: None,
            max_connections: None,
            max_connections_per_address: None,
            // Proxies commonly close connections that are silent for 30 or 60 seconds.
            heartbeat_interval: Duration::from_secs(15),
            // Short, because a client that was cut off should not notice; each client varies it.
            retry_delay: Duration::from_secs(1),
            // Ten of the journal's folders of 1,000 entries: about 40 MiB of disk blocks for small
            // values.
            min_history_entries: 10_000,
            // Hardly any client lags behind by more entries, and those that do are served from the
            // journal.
            ring_entries: 4_096,
            handles_signals: true,
        }
    }
}
