//! The configuration: three keys of `.env` that every app has, four more, and what only code sets.

mod app_dir;
mod events;
mod settings;

use std::{
    path::{Path, PathBuf},
    time::Duration,
};

use self::settings::{Setting, Settings};
pub use self::{app_dir::app_dir, events::Events};
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
/// | `SSE_MAX_CONNECTIONS` | 10000 | streams at once; beyond: 503 with `Retry-After` |
///
/// Real environment variables win over `.env`. Everything else is set by the `with_…` methods.
#[derive(Debug, Clone)]
pub struct Config {
    app_dir: PathBuf,
    events: Events,
    cache_dir: PathBuf,
    /// Where `SSE_CACHE` stands, for errors about the folder.
    cache_dir_from: Option<Location>,
    stream_duration: Duration,
    poll_interval: Duration,
    ttl: Duration,
    allowed_origins: Vec<String>,
    max_connections: usize,
    lookback: Duration,
    heartbeat: Duration,
    retry: Duration,
    history: u64,
    in_memory: usize,
    max_value_bytes: usize,
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
        let settings = Settings::read(&app_dir)?;
        Self::from_settings(app_dir, &settings)
    }

    fn from_settings(app_dir: PathBuf, settings: &Settings) -> Result<Self, Error> {
        let events = settings
            .get("SSE_EVENTS")
            .ok_or_else(|| no_events(settings))?;
        let mut config = Self {
            events: Events::parse(&events.value)
                .map_err(|why| events.error(why).with_help(EVENTS_HELP))?,
            ..Self::defaults(app_dir)
        };
        if let Some(setting) = settings.get("SSE_STREAM_DURATION") {
            config.stream_duration = seconds(&setting, "from 0 (never) to a hundred years", 15)?;
        }
        if let Some(setting) = settings.get("SSE_POLL_INTERVAL") {
            config.poll_interval = seconds(&setting, POLL_INTERVALS_IN_WORDS, 2)?;
            if !POLL_INTERVALS.contains(&config.poll_interval) {
                return Err(setting
                    .error(format!("is out of range: `{}`", setting.value))
                    .with_help(
                        "write seconds from 0.05 to 3600, for example SSE_POLL_INTERVAL=2",
                    ));
            }
        }
        if let Some(setting) = settings.get("SSE_TTL") {
            config.ttl = seconds(&setting, "from 0 (for ever) to a hundred years", 60)?;
        }
        if let Some(setting) = settings.get("SSE_CACHE") {
            config.cache_dir = cache_dir(&setting, &config.app_dir)?;
            config.cache_dir_from = setting.location;
        }
        if let Some(setting) = settings.get("SSE_ALLOWED_ORIGINS") {
            config.allowed_origins = origins(&setting)?;
        }
        if let Some(setting) = settings.get("SSE_MAX_CONNECTIONS") {
            config.max_connections = match setting.value.trim().parse() {
                Ok(number) if number > 0 => number,
                _ => {
                    return Err(setting
                        .error(format!("is no number of connections: `{}`", setting.value))
                        .with_help(
                            "write a whole number from 1 up, for example SSE_MAX_CONNECTIONS=10000",
                        ));
                }
            };
        }
        Ok(config)
    }

    /// A configuration without `.env`: the defaults, and the given pairs of event and cache key in
    /// the form of `SSE_EVENTS`.
    ///
    /// # Errors
    ///
    /// When `events` is not of that form.
    pub fn new(app_dir: impl Into<PathBuf>, events: &str) -> Result<Self, Error> {
        let events = Events::parse(events).map_err(|why| {
            Error::new(ErrorKind::Config, format!("the list of events {why}"))
                .with_help(EVENTS_HELP)
        })?;
        Ok(Self {
            events,
            ..Self::defaults(app_dir.into())
        })
    }

    fn defaults(app_dir: PathBuf) -> Self {
        Self {
            cache_dir: app_dir.join("writable").join("cache"),
            app_dir,
            events: Events::default(),
            cache_dir_from: None,
            stream_duration: Duration::from_secs(15),
            poll_interval: Duration::from_secs(2),
            ttl: Duration::from_secs(60),
            allowed_origins: Vec::new(),
            max_connections: 10_000,
            lookback: Duration::from_secs(5),
            heartbeat: Duration::from_secs(15),
            retry: Duration::from_secs(1),
            history: 10_000,
            in_memory: 4_096,
            max_value_bytes: 64 * 1024,
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
        &self.events
    }

    /// The cache folder.
    #[must_use]
    pub fn cache_dir(&self) -> &Path {
        &self.cache_dir
    }

    /// How long a stream lasts before the server ends it, give or take 10 %; zero: for ever.
    #[must_use]
    pub fn stream_duration(&self) -> Duration {
        self.stream_duration
    }

    /// How often the cache is looked at when no notification comes.
    #[must_use]
    pub fn poll_interval(&self) -> Duration {
        self.poll_interval
    }

    /// How long an entry is replayed to a client that returns; zero: until it is swept.
    #[must_use]
    pub fn ttl(&self) -> Duration {
        self.ttl
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
        self.stream_duration = duration.min(LONGEST);
        self
    }

    /// See `SSE_POLL_INTERVAL`.
    #[must_use]
    pub fn with_poll_interval(mut self, interval: Duration) -> Self {
        self.poll_interval = interval.clamp(*POLL_INTERVALS.start(), *POLL_INTERVALS.end());
        self
    }

    /// See `SSE_TTL`.
    #[must_use]
    pub fn with_ttl(mut self, ttl: Duration) -> Self {
        self.ttl = ttl;
        self
    }

    /// See `SSE_CACHE`.
    #[must_use]
    pub fn with_cache_dir(mut self, dir: impl AsRef<Path>) -> Self {
        self.cache_dir = self.app_dir.join(dir);
        self
    }

    /// See `SSE_ALLOWED_ORIGINS`.
    #[must_use]
    pub fn with_allowed_origins<S: Into<String>>(
        mut self,
        origins: impl IntoIterator<Item = S>,
    ) -> Self {
        self.allowed_origins = origins.into_iter().map(Into::into).collect();
        self
    }

    /// See `SSE_MAX_CONNECTIONS`.
    #[must_use]
    pub fn with_max_connections(mut self, connections: usize) -> Self {
        self.max_connections = connections;
        self
    }

    pub(crate) fn cache_dir_from(&self) -> Option<&Location> {
        self.cache_dir_from.as_ref()
    }

    pub(crate) fn lookback(&self) -> Duration {
        self.lookback
    }

    pub(crate) fn max_value_bytes(&self) -> usize {
        self.max_value_bytes
    }
}

/// What only a server needs to know.
#[cfg(feature = "actix")]
impl Config {
    pub(crate) fn allowed_origins(&self) -> &[String] {
        &self.allowed_origins
    }

    pub(crate) fn max_connections(&self) -> usize {
        self.max_connections
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

const EVENTS_HELP: &str = "write pairs of event and cache key, for example \
    SSE_EVENTS=event_name1:event_cache_key1,event_name2:event_cache_key2";

/// Below, looking would cost more than notifications save; above, a lost one would go unnoticed.
const POLL_INTERVALS_IN_WORDS: &str = "from 0.05 to 3600";
const POLL_INTERVALS: std::ops::RangeInclusive<Duration> =
    Duration::from_millis(50)..=Duration::from_secs(3600);

/// Half of the largest file that is read back, which leaves room for the rest of the entry.
const LARGEST_VALUE: usize = 32 * 1024 * 1024;

/// A hundred years. Clocks count on from now, and not every sum of times is a time.
const LONGEST: Duration = Duration::from_secs(100 * 365 * 24 * 60 * 60);

fn no_events(settings: &Settings) -> Error {
    let path = settings.path();
    if settings.has_file() {
        Error::new(ErrorKind::Config, "SSE_EVENTS is not set")
            .at(Location::file(path))
            .with_help(EVENTS_HELP)
    } else {
        Error::new(
            ErrorKind::Config,
            "there is no .env, and SSE_EVENTS is not in the environment",
        )
        .at(Location::file(path))
        .with_help("run `sse install` in the app's folder, or name the folder (`sse -C DIR`)")
    }
}

fn seconds(setting: &Setting, range: &str, example: u32) -> Result<Duration, Error> {
    setting
        .value
        .trim()
        .parse()
        .ok()
        .and_then(|seconds| Duration::try_from_secs_f64(seconds).ok())
        .filter(|duration| *duration <= LONGEST)
        .ok_or_else(|| {
            setting
                .error(format!("is no number of seconds: `{}`", setting.value))
                .with_help(format!(
                    "write seconds {range}, for example {}={example}",
                    setting.key
                ))
        })
}

fn cache_dir(setting: &Setting, app_dir: &Path) -> Result<PathBuf, Error> {
    let value = setting.value.trim();
    if value.is_empty() {
        return Err(setting.error("is empty").with_help(
            "name a folder, for example SSE_CACHE=writable/cache, or take the line out",
        ));
    }
    if let Some((scheme, _)) = value.split_once("://") {
        return Err(setting
            .error(format!(
                "names a `{scheme}` cache, which this version does not have"
            ))
            .with_help("name a folder, for example SSE_CACHE=writable/cache"));
    }
    Ok(app_dir.join(value))
}

fn origins(setting: &Setting) -> Result<Vec<String>, Error> {
    setting
        .value
        .split(',')
        .map(str::trim)
        .filter(|origin| !origin.is_empty())
        .map(|origin| {
            let host = origin.strip_prefix("https://").or_else(|| origin.strip_prefix("http://"));
            match host {
                Some(host) if !host.is_empty() && !host.contains(['/', '*', ' ']) => Ok(origin.to_owned()),
                _ => Err(setting
                    .error(format!("has `{origin}`, which is no origin"))
                    .with_help("write scheme, host and port as browsers send them, without a path: https://app.example:8443")),
            }
        })
        .collect()
}

#[cfg(test)]
mod tests;
