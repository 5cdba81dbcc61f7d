//! Settings that only a server reads. Every program can set them, since [`Config`] is one type.
//!
//! [`Config`]: super::Config

use std::time::Duration;

use super::authority::Authority;

#[derive(Debug, Clone)]
pub(super) struct ServerOptions {
    /// Set in code instead of the key, as are the next two.
    pub(super) allowed_origins: Option<Vec<String>>,
    pub(super) allowed_hosts: Option<Vec<Authority>>,
    pub(super) max_connections: Option<usize>,
    pub(super) max_connections_per_address: Option<usize>,
    pub(super) heartbeat: Duration,
    pub(super) retry: Duration,
    /// In entries.
    pub(super) history: u64,
    /// In entries.
    pub(super) in_memory: usize,
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
            heartbeat: Duration::from_secs(15),
            // Short, because a client that was cut off should not notice; each client varies it.
            retry: Duration::from_secs(1),
            // Ten folders of the journal: about 40 MiB of disk blocks for small values.
            history: 10_000,
            // Hardly any client lags behind by more entries, and those that do are served from the
            // journal.
            in_memory: 4_096,
            handles_signals: true,
        }
    }
}
