//! The options that only code can set, and the methods of [`Config`] for each.

use std::time::Duration;

use super::{definition::Config, parsers::MAX_CONFIGURED_DURATION};

/// Large enough for any value that belongs in an event, and small enough that a server can hold a few
/// of them in memory. The journal reads files of twice this size.
pub(crate) const MAX_VALUE_BYTES: usize = 32 * 1024 * 1024;

/// With a shorter interval, each stream would send more than 100 heartbeats a second. No client needs
/// that many, and a worker with thousands of streams cannot write them.
const MIN_HEARTBEAT: Duration = Duration::from_millis(10);

/// A plain EventSource keeps the retry delay while the server is down. With a shorter one, it would make
/// many requests per second for as long.
const MIN_RETRY_DELAY: Duration = Duration::from_secs(1);

#[derive(Debug, Clone)]
pub(super) struct Options {
    pub(super) lookback: Duration,
    pub(super) max_value_bytes: usize,

    // Only a server reads these. Every program can set them, since `Config` is one type.
    pub(super) heartbeat: Duration,
    pub(super) retry: Duration,
    pub(super) history: u64,
    pub(super) entries_in_memory: usize,
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
            entries_in_memory: 4_096,
            signal_handling: true,
            max_connections_per_address: None,
        }
    }
}

impl Config {
    /// Returns how long before a new client connects its events start.
    #[must_use]
    pub fn lookback(&self) -> Duration {
        self.options.lookback
    }

    /// Sets how long before a new client connects its events start. Default: 5 seconds; at most a
    /// hundred years.
    #[must_use]
    pub fn with_lookback(mut self, lookback: Duration) -> Self {
        self.options.lookback = lookback.min(MAX_CONFIGURED_DURATION);
        self
    }

    /// Returns how long a stream may be silent before it sends a heartbeat.
    #[must_use]
    pub fn heartbeat(&self) -> Duration {
        self.options.heartbeat
    }

    /// Sets how long a stream may be silent before it sends a heartbeat. Default: 15 seconds; at
    /// least 10 ms.
    #[must_use]
    pub fn with_heartbeat(mut self, heartbeat: Duration) -> Self {
        self.options.heartbeat = heartbeat.clamp(MIN_HEARTBEAT, MAX_CONFIGURED_DURATION);
        self
    }

    /// Returns how long a browser waits before it reconnects after a lost connection.
    #[must_use]
    pub fn retry(&self) -> Duration {
        self.options.retry
    }

    /// Sets how long a browser waits before it reconnects after a lost connection. Default:
    /// 1 second, which is also the least.
    #[must_use]
    pub fn with_retry(mut self, retry: Duration) -> Self {
        self.options.retry = retry.clamp(MIN_RETRY_DELAY, MAX_CONFIGURED_DURATION);
        self
    }

    /// Returns how many entries the cache keeps at least.
    #[must_use]
    pub fn history(&self) -> u64 {
        self.options.history
    }

    /// Sets how many entries the cache keeps at least. Older entries are swept 1,000 at a time.
    /// Default: 10,000.
    #[must_use]
    pub fn with_history(mut self, entries: u64) -> Self {
        self.options.history = entries;
        self
    }

    /// Returns how many entries a server keeps in memory at most.
    #[must_use]
    pub fn entries_in_memory(&self) -> usize {
        self.options.entries_in_memory
    }

    /// Sets how many entries a server keeps in memory, at least 1. Clients that lag further behind
    /// are served from the cache. Default: 4,096.
    #[must_use]
    pub fn with_entries_in_memory(mut self, entries: usize) -> Self {
        self.options.entries_in_memory = entries.max(1);
        self
    }

    /// Returns the size of the largest value, in bytes of JSON.
    #[must_use]
    pub fn max_value_bytes(&self) -> usize {
        self.options.max_value_bytes
    }

    /// Sets the size of the largest value, in bytes of JSON. Default: 64 KiB; at most 32 MiB.
    #[must_use]
    pub fn with_max_value_bytes(mut self, bytes: usize) -> Self {
        self.options.max_value_bytes = bytes.min(MAX_VALUE_BYTES);
        self
    }

    /// Returns whether the server ends its streams at SIGTERM and SIGINT.
    #[must_use]
    pub fn signal_handling(&self) -> bool {
        self.options.signal_handling
    }

    /// Sets whether the server ends its streams at SIGTERM and SIGINT. Default: `true`.
    ///
    /// With `false`, actix-web waits for open streams when it stops, for as long as its
    /// `shutdown_timeout` allows. The library never takes away a signal's default action: a process
    /// that handles no signals ends at once either way.
    #[must_use]
    pub fn with_signal_handling(mut self, handles_signals: bool) -> Self {
        self.options.signal_handling = handles_signals;
        self
    }

    /// Returns how many streams one address may have open at once; `None`: any number.
    #[must_use]
    pub fn max_connections_per_address(&self) -> Option<usize> {
        self.options.max_connections_per_address
    }

    /// Sets how many streams one address may have open at once, at least 1. The server answers
    /// further requests with 503 and `Retry-After`. An IPv6 network of 64 bits counts as one address.
    ///
    /// Default: no limit, because behind a proxy all clients have the proxy's address.
    /// `Subscription::with_address` sets a client's real address.
    #[must_use]
    pub fn with_max_connections_per_address(mut self, connections: usize) -> Self {
        self.options.max_connections_per_address = Some(connections.max(1));
        self
    }
}
