//! The values of a [`Config`].

use std::{path::Path, time::Duration};

use super::{
    authority::Authority,
    definition::Config,
    events::Events,
    settings::{Origin, Setting},
};
use crate::error::Location;

impl Config {
    /// Returns the app's folder.
    #[must_use]
    pub fn app_dir(&self) -> &Path {
        &self.app_dir
    }

    /// Returns every setting of `.env` with its current value and its origin, for example to log them
    /// when the app starts.
    ///
    /// ```
    /// # fn main() -> Result<(), actix_web_sse::Error> {
    /// let config = actix_web_sse::Config::new("/srv/app", "order:orders")?;
    /// let settings: Vec<String> = config.settings().map(|setting| setting.to_string()).collect();
    /// assert_eq!(settings[0], "SSE_EVENTS is order:orders (code)");
    /// assert_eq!(settings[1], "SSE_STREAM_DURATION is 15 s (default)");
    /// # Ok(()) }
    /// ```
    pub fn settings(&self) -> impl Iterator<Item = Setting> {
        self.settings.list().into_iter()
    }

    /// Returns the events, and the cache keys that trigger them.
    #[must_use]
    pub fn events(&self) -> &Events {
        &self.settings.events.value
    }

    /// Returns the path of the cache folder.
    #[must_use]
    pub fn cache_dir(&self) -> &Path {
        &self.settings.cache_dir.value
    }

    /// Returns how long a stream lasts before the server ends it, give or take a third; zero: for ever.
    #[must_use]
    pub fn stream_duration(&self) -> Duration {
        self.settings.stream_duration.value
    }

    /// Returns the time between two reads of the cache when no notification arrives.
    #[must_use]
    pub fn poll_interval(&self) -> Duration {
        self.settings.poll_interval.value
    }

    /// Returns the default time to live: how long an entry is replayed to reconnecting clients, and
    /// returned by [`get`](crate::Cache::get); zero: until it is swept.
    #[must_use]
    pub fn ttl(&self) -> Duration {
        self.settings.ttl.value
    }

    /// Returns the origins whose pages may read the stream, as browsers send them.
    #[must_use]
    pub fn allowed_origins(&self) -> &[String] {
        &self.settings.allowed_origins.value
    }

    /// Iterates over the hosts besides loopback names that requests may be for.
    pub fn allowed_hosts(&self) -> impl Iterator<Item = String> {
        let hosts = self.settings.allowed_hosts.value.iter();
        hosts.map(Authority::to_string)
    }

    /// Returns how many streams a server has open at once. The limit of open files can lower it.
    #[must_use]
    pub fn max_connections(&self) -> usize {
        self.settings.max_connections.value
    }

    /// Returns how many streams one address may have open at once; `None`: any number.
    #[must_use]
    pub fn max_connections_per_address(&self) -> Option<usize> {
        self.options.max_connections_per_address
    }

    /// Returns how long before a new client connects its events start.
    #[must_use]
    pub fn lookback(&self) -> Duration {
        self.options.lookback
    }

    /// Returns how long a stream may be silent before it sends a heartbeat.
    #[must_use]
    pub fn heartbeat(&self) -> Duration {
        self.options.heartbeat
    }

    /// Returns how long a browser waits before it reconnects after a lost connection.
    #[must_use]
    pub fn retry(&self) -> Duration {
        self.options.retry
    }

    /// Returns how many entries the cache keeps at least.
    #[must_use]
    pub fn history(&self) -> u64 {
        self.options.history
    }

    /// Returns how many entries a server keeps in memory at most.
    #[must_use]
    pub fn in_memory(&self) -> usize {
        self.options.in_memory
    }

    /// Returns the size of the largest value, in bytes of JSON.
    #[must_use]
    pub fn max_value_bytes(&self) -> usize {
        self.options.max_value_bytes
    }

    /// Returns whether the server ends its streams at SIGTERM and SIGINT.
    #[must_use]
    pub fn signal_handling(&self) -> bool {
        self.options.signal_handling
    }

    /// Whether an edit of `.env` changes it.
    #[cfg(all(any(test, feature = "testing"), feature = "actix"))]
    pub(crate) fn is_from_env(&self) -> bool {
        self.is_from_env
    }

    /// Where `.env` sets the cache folder; `None` if it does not.
    pub(crate) fn cache_dir_location(&self) -> Option<&Location> {
        match &self.settings.cache_dir.origin {
            Origin::EnvFile(location) => Some(location),
            _ => None,
        }
    }

    /// The allowed hosts as requests are compared with them; `None` if neither `.env` nor code has set any.
    #[cfg(feature = "actix")]
    pub(crate) fn allowed_authorities(&self) -> Option<&[Authority]> {
        let hosts = &self.settings.allowed_hosts.value;
        (!hosts.is_empty()).then_some(hosts)
    }
}
