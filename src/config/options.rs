//! The options that only code can set.

use std::time::Duration;

#[derive(Debug, Clone)]
pub(super) struct Options {
    pub(super) lookback: Duration,
    pub(super) max_value_bytes: usize,

    // Only a server reads these. Every program can set them, since `Config` is one type.
    pub(super) heartbeat: Duration,
    pub(super) retry: Duration,
    pub(super) history: u64,
    pub(super) in_memory: usize,
    pub(super) signal_handling: bool,
    pub(super) max_connections_per_address: Option<usize>,
}

impl Default for Options {
    fn default() -> Self {
        Self {
            // Long enough for a page that saves a value and then navigates to the page that displays it.
            lookback: Duration::from_secs(5),
            // Large enough for any notification; larger data is fetched by the page.
            max_value_bytes: 64 * 1024,
            // Proxies commonly close connections that are silent for 30 or 60 seconds.
            heartbeat: Duration::from_secs(15),
            // Short, because a client that was cut off should not notice; each client varies it.
            retry: Duration::from_secs(1),
            // Ten of the journal's folders of 1,000 entries: about 40 MiB of disk blocks for small
            // values.
            history: 10_000,
            // Hardly any client lags behind by more entries, and those that do are served from the
            // journal.
            in_memory: 4_096,
            signal_handling: true,
            max_connections_per_address: None,
        }
    }
}
