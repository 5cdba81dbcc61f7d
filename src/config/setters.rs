//! The `with_…` methods of [`Config`].

use std::{path::Path, time::Duration};

use super::{
    allowed::{self, Rejected},
    definition::Config,
    parsers::{MAX_CONFIGURED_DURATION, POLL_INTERVAL_RANGE},
    settings::Value,
};
use crate::error::{Error, ErrorKind};

/// Large enough for any value that belongs in an event, and small enough that a server can hold a few
/// of them in memory. The journal reads files of twice this size.
pub(crate) const MAX_VALUE_BYTES: usize = 32 * 1024 * 1024;

/// With a shorter interval, each stream would send more than 100 heartbeats a second. No client needs
/// that many, and a worker with thousands of streams cannot write them.
const MIN_HEARTBEAT: Duration = Duration::from_millis(10);

/// A plain EventSource keeps the retry delay while the server is down. With a shorter one, it would make
/// many requests per second for as long.
const MIN_RETRY_DELAY: Duration = Duration::from_secs(1);

impl Config {
    /// Sets how long before a new client connects its events start. Default: 5 seconds; at most a
    /// hundred years.
    #[must_use]
    pub fn with_lookback(mut self, lookback: Duration) -> Self {
        self.options.lookback = lookback.min(MAX_CONFIGURED_DURATION);
        self
    }

    /// Sets how long a stream may be silent before it sends a heartbeat. Default: 15 seconds; at
    /// least 10 ms.
    #[must_use]
    pub fn with_heartbeat(mut self, heartbeat: Duration) -> Self {
        self.options.heartbeat = heartbeat.clamp(MIN_HEARTBEAT, MAX_CONFIGURED_DURATION);
        self
    }

    /// Sets how long a browser waits before it reconnects after a lost connection. Default:
    /// 1 second, which is also the least.
    #[must_use]
    pub fn with_retry(mut self, retry: Duration) -> Self {
        self.options.retry = retry.clamp(MIN_RETRY_DELAY, MAX_CONFIGURED_DURATION);
        self
    }

    /// Sets how many entries the cache keeps at least. Older entries are swept 1,000 at a time.
    /// Default: 10,000.
    #[must_use]
    pub fn with_history(mut self, entries: u64) -> Self {
        self.options.history = entries;
        self
    }

    /// Sets how many entries a server keeps in memory, at least 1. Clients that lag further behind
    /// are served from the cache folder. Default: 4,096.
    #[must_use]
    pub fn with_in_memory(mut self, entries: usize) -> Self {
        self.options.in_memory = entries.max(1);
        self
    }

    /// Sets the size of the largest value, in bytes of JSON. Default: 64 KiB; at most 32 MiB.
    #[must_use]
    pub fn with_max_value_bytes(mut self, bytes: usize) -> Self {
        self.options.max_value_bytes = bytes.min(MAX_VALUE_BYTES);
        self
    }

    /// Overrides `SSE_STREAM_DURATION`: how long a stream lasts before the server ends it. Zero: for
    /// ever.
    #[must_use]
    pub fn with_stream_duration(mut self, duration: Duration) -> Self {
        self.settings.stream_duration = Value::from_code(duration.min(MAX_CONFIGURED_DURATION));
        self
    }

    /// Overrides `SSE_POLL_INTERVAL`: the time between two reads of the cache when no notification
    /// arrives. It is clamped to 50 ms to 1 hour.
    #[must_use]
    pub fn with_poll_interval(mut self, interval: Duration) -> Self {
        let interval = interval.clamp(*POLL_INTERVAL_RANGE.start(), *POLL_INTERVAL_RANGE.end());
        self.settings.poll_interval = Value::from_code(interval);
        self
    }

    /// Overrides `SSE_TTL`: the time to live of an entry whose save sets none. Zero: until it is
    /// swept; at most a hundred years.
    #[must_use]
    pub fn with_ttl(mut self, ttl: Duration) -> Self {
        self.settings.ttl = Value::from_code(ttl.min(MAX_CONFIGURED_DURATION));
        self
    }

    /// Overrides `SSE_CACHE`: the cache folder. A relative path is resolved against the app's folder.
    #[must_use]
    pub fn with_cache_dir(mut self, dir: impl AsRef<Path>) -> Self {
        self.settings.cache_dir = Value::from_code(self.app_dir.join(dir));
        self
    }

    /// Overrides `SSE_ALLOWED_ORIGINS`: the origins whose pages may read the stream, such as
    /// `https://app.example`.
    ///
    /// # Errors
    ///
    /// Fails if an item is not an origin.
    pub fn with_allowed_origins<S: AsRef<str>>(
        mut self,
        origins: impl IntoIterator<Item = S>,
    ) -> Result<Self, Error> {
        let origins = parse_all(
            "the list of allowed origins",
            origins,
            allowed::parse_allowed_origin,
        )?;
        self.settings.allowed_origins = Value::from_code(origins);
        Ok(self)
    }

    /// Overrides `SSE_ALLOWED_HOSTS`: the hosts that requests may be for, such as `app.example`.
    ///
    /// The stream and `Sse::check_host` use them. The middleware `check_host` does not: it has no
    /// `Config` and reads the app's `.env`.
    ///
    /// # Errors
    ///
    /// Fails if an item is not a host name with an optional port.
    pub fn with_allowed_hosts<S: AsRef<str>>(
        mut self,
        hosts: impl IntoIterator<Item = S>,
    ) -> Result<Self, Error> {
        let hosts = parse_all(
            "the list of allowed hosts",
            hosts,
            allowed::parse_allowed_host,
        )?;
        self.settings.allowed_hosts = Value::from_code(hosts);
        Ok(self)
    }

    /// Overrides `SSE_MAX_CONNECTIONS`: how many streams a server has open at once, at least 1.
    #[must_use]
    pub fn with_max_connections(mut self, connections: usize) -> Self {
        self.settings.max_connections = Value::from_code(connections.max(1));
        self
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

fn parse_all<T, S: AsRef<str>>(
    list: &str,
    items: impl IntoIterator<Item = S>,
    parse: fn(&str) -> Result<T, Rejected>,
) -> Result<Vec<T>, Error> {
    let error = |rejected: Rejected| {
        Error::new(ErrorKind::Config, format!("{list} {}", rejected.reason))
            .with_help(rejected.help)
    };
    let items = items.into_iter();
    items
        .map(|item| parse(item.as_ref()).map_err(error))
        .collect()
}
