//! The methods of [`Config`] for the settings of `.env`: one reads each, and one overrides it.

use std::{path::Path, time::Duration};

use super::{
    allowed::{parse_allowed_host, parse_allowed_origin, parse_items},
    authority::Authority,
    definition::Config,
    events::Events,
    parsers::{MAX_CONFIGURED_DURATION, POLL_INTERVAL_RANGE},
    settings::{Origin, Setting, Value},
};
use crate::error::{Error, ErrorKind, Location};

impl Config {
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

    /// Returns how long a stream lasts before the server ends it, give or take a third; zero: for ever.
    #[must_use]
    pub fn stream_duration(&self) -> Duration {
        self.settings.stream_duration.value
    }

    /// Overrides `SSE_STREAM_DURATION`: how long a stream lasts before the server ends it. Zero: for
    /// ever.
    #[must_use]
    pub fn with_stream_duration(mut self, duration: Duration) -> Self {
        self.settings.stream_duration = Value::from_code(duration.min(MAX_CONFIGURED_DURATION));
        self
    }

    /// Returns the time between two reads of the cache when no notification arrives.
    #[must_use]
    pub fn poll_interval(&self) -> Duration {
        self.settings.poll_interval.value
    }

    /// Overrides `SSE_POLL_INTERVAL`: the time between two reads of the cache when no notification
    /// arrives. It is clamped to 50 ms to 1 hour.
    #[must_use]
    pub fn with_poll_interval(mut self, interval: Duration) -> Self {
        let interval = interval.clamp(*POLL_INTERVAL_RANGE.start(), *POLL_INTERVAL_RANGE.end());
        self.settings.poll_interval = Value::from_code(interval);
        self
    }

    /// Returns the path of the cache folder.
    #[must_use]
    pub fn cache_dir(&self) -> &Path {
        &self.settings.cache_dir.value
    }

    /// Overrides `SSE_CACHE`: the cache folder. A relative path is resolved against the app's folder.
    #[must_use]
    pub fn with_cache_dir(mut self, dir: impl AsRef<Path>) -> Self {
        self.settings.cache_dir = Value::from_code(self.app_dir.join(dir));
        self
    }

    /// Returns the default time to live: how long an entry is replayed to reconnecting clients, and
    /// returned by [`get`](crate::Cache::get); zero: until it is swept.
    #[must_use]
    pub fn ttl(&self) -> Duration {
        self.settings.ttl.value
    }

    /// Overrides `SSE_TTL`: the time to live of an entry whose save sets none. Zero: until it is
    /// swept; at most a hundred years.
    #[must_use]
    pub fn with_ttl(mut self, ttl: Duration) -> Self {
        self.settings.ttl = Value::from_code(ttl.min(MAX_CONFIGURED_DURATION));
        self
    }

    /// Returns the origins whose pages may read the stream, as browsers send them.
    #[must_use]
    pub fn allowed_origins(&self) -> &[String] {
        &self.settings.allowed_origins.value
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
        let origins = parse_items(origins, parse_allowed_origin, |problem| {
            list_error("origins", &problem)
        })?;
        self.settings.allowed_origins = Value::from_code(origins);
        Ok(self)
    }

    /// Iterates over the hosts besides loopback names that requests may be for.
    pub fn allowed_hosts(&self) -> impl Iterator<Item = String> {
        let hosts = self.settings.allowed_hosts.value.iter();
        hosts.map(Authority::to_string)
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
        let hosts = parse_items(hosts, parse_allowed_host, |problem| {
            list_error("hosts", &problem)
        })?;
        self.settings.allowed_hosts = Value::from_code(hosts);
        Ok(self)
    }

    /// Returns how many streams a server has open at once. The limit of open files can lower it.
    #[must_use]
    pub fn max_connections(&self) -> usize {
        self.settings.max_connections.value
    }

    /// Overrides `SSE_MAX_CONNECTIONS`: how many streams a server has open at once, at least 1.
    #[must_use]
    pub fn with_max_connections(mut self, connections: usize) -> Self {
        self.settings.max_connections = Value::from_code(connections.max(1));
        self
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

fn list_error(list: &str, problem: &str) -> Error {
    Error::new(
        ErrorKind::Config,
        format!("the list of allowed {list} {problem}"),
    )
}
