//! The configuration: three keys of `.env` that every app has, five more, and what only code sets.

mod app_dir;
mod authority;
mod environment;
mod events;
mod hosts;
mod lists;
mod settings;
mod values;
mod watcher;

use std::{
    path::{Path, PathBuf},
    time::Duration,
};

pub(crate) use self::hosts::{AppHosts, Hosts};
pub use self::{app_dir::app_dir, events::Events};
pub(crate) use self::{authority::Authority, watcher::ConfigWatcher};
use self::{
    lists::Unusable,
    settings::Settings,
    values::{EVENTS_HELP, LONGEST, POLL_INTERVALS, Values},
};
use crate::error::{Error, ErrorKind, Location};

/// How the app's stream and cache behave.
///
/// | key in `.env` | default | |
/// |---|---|---|
/// | `SSE_EVENTS` | none, required | `event:key,event:key` |
/// | `SSE_STREAM_DURATION` | 15 | seconds until the server ends a stream, each varied by up to 10 %; 0: never |
/// | `SSE_POLL_INTERVAL` | 2 | seconds between looks that need no notification; fractions allowed |
/// | `SSE_CACHE` | `writable/cache` | the cache folder; a relative path starts at the app's folder |
/// | `SSE_TTL` | 60 | seconds an entry is replayed when the save does not say; 0: until swept |
/// | `SSE_ALLOWED_ORIGINS` | none | exact origins of cross-origin pages, separated by commas |
/// | `SSE_ALLOWED_HOSTS` | none | hosts other than loopback names that requests may be for, separated by commas |
/// | `SSE_MAX_CONNECTIONS` | 10000 | streams at once; beyond: 503 with `Retry-After` |
///
/// Real environment variables win over `.env`. Everything else is set by the `with_…` methods,
/// which win over both.
///
/// A server and a cache that were started with a configuration from `.env` follow the file: an edit
/// is in force within two seconds, also on streams that are open. One that cannot be used is
/// reported, and what was in force before stays so.
#[derive(Debug, Clone)]
pub struct Config {
    app_dir: PathBuf,
    /// Whether the values are from `.env`, and change with it.
    is_from_env: bool,
    values: Values,
    in_code: InCode,
    max_connections_per_address: Option<usize>,
    lookback: Duration,
    heartbeat: Duration,
    retry: Duration,
    history: u64,
    in_memory: usize,
    max_value_bytes: usize,
    handles_signals: bool,
}

/// What code has set in the place of keys, and no edit of `.env` changes.
#[derive(Debug, Clone, Default)]
struct InCode {
    cache_dir: Option<PathBuf>,
    stream_duration: Option<Duration>,
    poll_interval: Option<Duration>,
    ttl: Option<Duration>,
    allowed_origins: Option<Vec<String>>,
    allowed_hosts: Option<Vec<Authority>>,
    max_connections: Option<usize>,
}

impl Config {
    /// Reads the configuration of the app in [`app_dir()`].
    ///
    /// # Errors
    ///
    /// When `SSE_EVENTS` is missing, or a value cannot be used. The error names file and line.
    pub fn from_env() -> Result<Self, Error> {
        Self::from_dir(app_dir())
    }

    /// Reads the configuration of the app in `app_dir`: its `.env`, and the environment.
    ///
    /// # Errors
    ///
    /// As [`from_env`](Config::from_env).
    pub fn from_dir(app_dir: impl Into<PathBuf>) -> Result<Self, Error> {
        let app_dir = app_dir.into();
        let values = Values::read(&app_dir, &Settings::read(&app_dir)?)?;
        Ok(Self {
            is_from_env: true,
            ..Self::with_values(app_dir, values)
        })
    }

    /// The same configuration with what `.env` says now.
    fn read_again(&self) -> Result<Self, Error> {
        Ok(Self {
            values: Values::read(&self.app_dir, &Settings::read(&self.app_dir)?)?,
            ..self.clone()
        })
    }

    /// A configuration without `.env`: the defaults, and the given pairs of event and cache key in
    /// the form of `SSE_EVENTS`.
    ///
    /// # Errors
    ///
    /// When `events` is not of that form.
    pub fn new(app_dir: impl Into<PathBuf>, events: &str) -> Result<Self, Error> {
        let app_dir = app_dir.into();
        let events = Events::parse(events).map_err(|why| {
            Error::new(ErrorKind::Config, format!("the list of events {why}"))
                .with_help(EVENTS_HELP)
        })?;
        let values = Values::new(&app_dir, events);
        Ok(Self::with_values(app_dir, values))
    }

    fn with_values(app_dir: PathBuf, values: Values) -> Self {
        Self {
            app_dir,
            is_from_env: false,
            values,
            in_code: InCode::default(),
            max_connections_per_address: None,
            lookback: Duration::from_secs(5),
            heartbeat: Duration::from_secs(15),
            retry: Duration::from_secs(1),
            history: 10_000,
            in_memory: 4_096,
            max_value_bytes: 64 * 1024,
            handles_signals: true,
        }
    }

    /// The app's folder.
    #[must_use]
    pub fn app_dir(&self) -> &Path {
        &self.app_dir
    }

    /// The events and the cache keys that fire them.
    #[must_use]
    pub fn events(&self) -> &Events {
        &self.values.events
    }

    /// The cache folder.
    #[must_use]
    pub fn cache_dir(&self) -> &Path {
        let in_code = self.in_code.cache_dir.as_ref();
        in_code.unwrap_or(&self.values.cache_dir)
    }

    /// How long a stream lasts before the server ends it, give or take 10 %; zero: for ever.
    #[must_use]
    pub fn stream_duration(&self) -> Duration {
        let in_code = self.in_code.stream_duration;
        in_code.unwrap_or(self.values.stream_duration)
    }

    /// How often the cache is looked at when no notification comes.
    #[must_use]
    pub fn poll_interval(&self) -> Duration {
        let in_code = self.in_code.poll_interval;
        in_code.unwrap_or(self.values.poll_interval)
    }

    /// How long an entry is replayed to a client that returns; zero: until it is swept.
    #[must_use]
    pub fn ttl(&self) -> Duration {
        let in_code = self.in_code.ttl;
        in_code.unwrap_or(self.values.ttl)
    }

    /// How long before its arrival a new client's events begin. Default: 5 seconds.
    #[must_use]
    pub fn with_lookback(mut self, lookback: Duration) -> Self {
        self.lookback = lookback.min(LONGEST);
        self
    }

    /// How often a silent stream says that it is alive. Default: 15 seconds.
    #[must_use]
    pub fn with_heartbeat(mut self, heartbeat: Duration) -> Self {
        self.heartbeat = heartbeat.clamp(Duration::from_millis(10), LONGEST);
        self
    }

    /// How long a browser waits before it returns after a lost connection. Default: 1 second.
    #[must_use]
    pub fn with_retry(mut self, retry: Duration) -> Self {
        self.retry = retry.min(LONGEST);
        self
    }

    /// How many entries the cache keeps at least; what is older is swept by the thousand.
    /// Default: 10,000.
    #[must_use]
    pub fn with_history(mut self, entries: u64) -> Self {
        self.history = entries;
        self
    }

    /// How many entries a server keeps in memory; clients that lag further behind are served from
    /// the cache folder. Default: 4,096.
    #[must_use]
    pub fn with_in_memory(mut self, entries: usize) -> Self {
        self.in_memory = entries.max(1);
        self
    }

    /// The largest value in bytes of JSON, 32 MiB at most. Default: 64 KiB.
    #[must_use]
    pub fn with_max_value_bytes(mut self, bytes: usize) -> Self {
        self.max_value_bytes = bytes.min(LARGEST_VALUE);
        self
    }

    /// See `SSE_STREAM_DURATION`.
    #[must_use]
    pub fn with_stream_duration(mut self, duration: Duration) -> Self {
        self.in_code.stream_duration = Some(duration.min(LONGEST));
        self
    }

    /// See `SSE_POLL_INTERVAL`.
    #[must_use]
    pub fn with_poll_interval(mut self, interval: Duration) -> Self {
        let interval = interval.clamp(*POLL_INTERVALS.start(), *POLL_INTERVALS.end());
        self.in_code.poll_interval = Some(interval);
        self
    }

    /// See `SSE_TTL`.
    #[must_use]
    pub fn with_ttl(mut self, ttl: Duration) -> Self {
        self.in_code.ttl = Some(ttl);
        self
    }

    /// See `SSE_CACHE`.
    #[must_use]
    pub fn with_cache_dir(mut self, dir: impl AsRef<Path>) -> Self {
        self.in_code.cache_dir = Some(self.app_dir.join(dir));
        self
    }

    /// See `SSE_ALLOWED_ORIGINS`.
    ///
    /// # Errors
    ///
    /// When one of them cannot be an origin.
    pub fn with_allowed_origins<S: AsRef<str>>(
        mut self,
        origins: impl IntoIterator<Item = S>,
    ) -> Result<Self, Error> {
        let origins = in_code("the list of allowed origins", origins, lists::origin)?;
        self.in_code.allowed_origins = Some(origins);
        Ok(self)
    }

    /// See `SSE_ALLOWED_HOSTS`. They apply to the stream and to
    #[cfg_attr(
        feature = "actix",
        doc = "[`Sse::check_host`](crate::Sse::check_host);"
    )]
    #[cfg_attr(not(feature = "actix"), doc = "`Sse::check_host`;")]
    /// the middleware `check_host` reads `.env`.
    ///
    /// # Errors
    ///
    /// When one of them is not a host name with an optional port.
    pub fn with_allowed_hosts<S: AsRef<str>>(
        mut self,
        hosts: impl IntoIterator<Item = S>,
    ) -> Result<Self, Error> {
        let hosts = in_code("the list of allowed hosts", hosts, lists::host)?;
        self.in_code.allowed_hosts = Some(hosts);
        Ok(self)
    }

    /// See `SSE_MAX_CONNECTIONS`.
    #[must_use]
    pub fn with_max_connections(mut self, connections: usize) -> Self {
        self.in_code.max_connections = Some(connections);
        self
    }

    /// Whether streams end by themselves at SIGTERM and SIGINT.
    /// Default: yes.
    ///
    /// Without that, actix-web waits for them when it stops, for as long as `shutdown_timeout`
    /// says. Nothing is taken away from a process that handles no signals: then the system ends it
    /// at once.
    #[must_use]
    pub fn with_signal_handling(mut self, handles_signals: bool) -> Self {
        self.handles_signals = handles_signals;
        self
    }

    /// How many streams one address may have at once, 1 at least; beyond: 503 with `Retry-After`.
    /// An IPv6 network of 64 bits counts as one address. Default: no limit, for behind a proxy all
    /// clients have the proxy's address; see
    #[cfg_attr(
        feature = "actix",
        doc = "[`Subscription::of_address`](crate::Subscription::of_address)."
    )]
    #[cfg_attr(not(feature = "actix"), doc = "`Subscription::of_address`.")]
    #[must_use]
    pub fn with_max_connections_per_address(mut self, connections: usize) -> Self {
        self.max_connections_per_address = Some(connections.max(1));
        self
    }

    pub(crate) fn cache_dir_from(&self) -> Option<&Location> {
        match self.in_code.cache_dir {
            Some(_) => None,
            None => self.values.cache_dir_from.as_ref(),
        }
    }

    pub(crate) fn lookback(&self) -> Duration {
        self.lookback
    }

    pub(crate) fn max_value_bytes(&self) -> usize {
        self.max_value_bytes
    }
}

/// What only a server needs to know.
impl Config {
    pub(crate) fn allowed_origins(&self) -> &[String] {
        let in_code = self.in_code.allowed_origins.as_deref();
        in_code.unwrap_or(&self.values.allowed_origins)
    }

    /// `None` if the key is not set.
    pub(crate) fn allowed_hosts(&self) -> Option<&[Authority]> {
        let in_code = self.in_code.allowed_hosts.as_deref();
        let hosts = in_code.unwrap_or(&self.values.allowed_hosts);
        (!hosts.is_empty()).then_some(hosts)
    }

    pub(crate) fn max_connections(&self) -> usize {
        let in_code = self.in_code.max_connections;
        in_code.unwrap_or(self.values.max_connections)
    }

    pub(crate) fn handles_signals(&self) -> bool {
        self.handles_signals
    }

    pub(crate) fn max_connections_per_address(&self) -> Option<usize> {
        self.max_connections_per_address
    }

    pub(crate) fn heartbeat(&self) -> Duration {
        self.heartbeat
    }

    pub(crate) fn retry(&self) -> Duration {
        self.retry
    }

    pub(crate) fn history(&self) -> u64 {
        self.history
    }

    pub(crate) fn in_memory(&self) -> usize {
        self.in_memory
    }
}

/// A list that code gives.
fn in_code<T, S: AsRef<str>>(
    list: &str,
    items: impl IntoIterator<Item = S>,
    parse: fn(&str) -> Result<T, Unusable>,
) -> Result<Vec<T>, Error> {
    let unusable = |why: Unusable| {
        Error::new(ErrorKind::Config, format!("{list} {}", why.what)).with_help(why.help)
    };
    let items = items.into_iter();
    items
        .map(|item| parse(item.as_ref()).map_err(unusable))
        .collect()
}

/// Half of the largest file that is read back, which leaves room for the rest of the entry.
const LARGEST_VALUE: usize = 32 * 1024 * 1024;

#[cfg(test)]
mod tests;
