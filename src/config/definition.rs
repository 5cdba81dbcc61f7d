//! The type [`Config`], how it is read, and the settings that every program needs.

use std::{
    fs,
    path::{Path, PathBuf},
    time::Duration,
};

use super::{
    app_dir::app_dir,
    events::Events,
    parsed_settings::{EVENTS_HELP, ParsedSettings},
    raw_settings::RawSettings,
    server_options::ServerOptions,
};
use crate::error::{Error, ErrorKind, Location};

/// The settings of an app's streams and of its cache.
///
/// [`from_env`](Config::from_env) reads these settings:
///
/// | setting in `.env` | default | meaning |
/// |---|---|---|
/// | `SSE_EVENTS` | none, required | the events, and the cache keys that trigger them: `event:key,event:key` |
/// | `SSE_STREAM_DURATION` | 15 | seconds until the server ends a stream, varied by up to 10 % per stream; 0: never |
/// | `SSE_POLL_INTERVAL` | 2 | seconds between two reads of the cache without a notification, 0.05 to 3600; fractions are allowed |
/// | `SSE_CACHE` | `writable/cache` | the cache folder; a relative path is resolved against the app's folder |
/// | `SSE_TTL` | 60 | an entry's time to live in seconds, unless the save sets another; 0: until it is swept |
/// | `SSE_ALLOWED_ORIGINS` | none | exact origins of cross-origin pages that may read the stream, separated by commas |
/// | `SSE_ALLOWED_HOSTS` | none | hosts besides loopback names that requests may be for, separated by commas |
/// | `SSE_MAX_CONNECTIONS` | 10000 | streams at once; the server answers further requests with 503 and `Retry-After` |
///
/// A real environment variable overrides the line in `.env`. The `with_…` methods override both,
/// and set everything that `.env` cannot set.
///
/// A server or cache started with a configuration from `.env` follows the file: an edit takes effect
/// within about two seconds, even on open streams. An edit that cannot be used is logged and changes
/// nothing.
///
/// ```no_run
/// use std::time::Duration;
/// use actix_web_sse::Config;
///
/// # fn main() -> Result<(), actix_web_sse::Error> {
/// let config = Config::from_env()?.with_heartbeat(Duration::from_secs(10));
/// # Ok(()) }
/// ```
#[derive(Debug, Clone)]
pub struct Config {
    pub(super) app_dir: PathBuf,
    /// Whether the settings were read from `.env`, so that an edit changes them.
    pub(super) is_from_env: bool,
    pub(super) settings: ParsedSettings,
    pub(super) overrides: Overrides,
    pub(super) server: ServerOptions,
    pub(super) lookback: Duration,
    pub(super) max_value_bytes: usize,
}

/// Values that code has set instead of `.env`. No edit of the file changes them.
#[derive(Debug, Clone, Default)]
pub(super) struct Overrides {
    pub(super) cache_dir: Option<PathBuf>,
    pub(super) stream_duration: Option<Duration>,
    pub(super) poll_interval: Option<Duration>,
    pub(super) ttl: Option<Duration>,
}

impl Config {
    /// Reads the configuration of the app in [`app_dir()`].
    ///
    /// # Errors
    ///
    /// Fails if `SSE_EVENTS` is missing or a value cannot be used. The error names file and line.
    pub fn from_env() -> Result<Self, Error> {
        Self::from_dir(app_dir())
    }

    /// Reads the configuration of the app in `app_dir`, from its `.env` and the environment.
    ///
    /// # Errors
    ///
    /// Fails like [`from_env`](Config::from_env).
    pub fn from_dir(app_dir: impl Into<PathBuf>) -> Result<Self, Error> {
        let app_dir = app_dir.into();
        let settings = ParsedSettings::read(&app_dir, &RawSettings::read(&app_dir)?)?;
        Ok(Self {
            is_from_env: true,
            ..Self::with_settings(app_dir, settings)
        })
    }

    /// Reads the settings from `.env` again and keeps those that code has set. Fails if the file is a named
    /// pipe or a device, which is read only once.
    pub(super) fn reread(&self) -> Result<Self, Error> {
        let path = self.app_dir.join(".env");
        if let Ok(metadata) = fs::metadata(&path)
            && !metadata.is_file()
        {
            return Err(Error::new(ErrorKind::Config, ".env is not a regular file")
                .with_location(Location::file(&path))
                .with_help("make it a regular file, or restart the app after each change"));
        }
        Ok(Self {
            settings: ParsedSettings::read(&self.app_dir, &RawSettings::read(&self.app_dir)?)?,
            ..self.clone()
        })
    }

    /// Creates a configuration from the defaults and from `events`, which has the form of
    /// `SSE_EVENTS`. It reads neither `.env` nor the environment.
    ///
    /// # Errors
    ///
    /// Fails if `events` does not have that form.
    pub fn new(app_dir: impl Into<PathBuf>, events: &str) -> Result<Self, Error> {
        let app_dir = app_dir.into();
        let events = Events::parse(events).map_err(|reason| {
            Error::new(ErrorKind::Config, format!("the list of events {reason}"))
                .with_help(EVENTS_HELP)
        })?;
        let settings = ParsedSettings::new(&app_dir, events);
        Ok(Self::with_settings(app_dir, settings))
    }

    fn with_settings(app_dir: PathBuf, settings: ParsedSettings) -> Self {
        Self {
            app_dir,
            is_from_env: false,
            settings,
            overrides: Overrides::default(),
            server: ServerOptions::default(),
            // Long enough for a page that saves a value and then navigates to the page that displays it.
            lookback: Duration::from_secs(5),
            // Large enough for any notification; larger data is fetched by the page.
            max_value_bytes: 64 * 1024,
        }
    }

    /// Returns the app's folder.
    #[must_use]
    pub fn app_dir(&self) -> &Path {
        &self.app_dir
    }

    /// Returns the events, and the cache keys that trigger them.
    #[must_use]
    pub fn events(&self) -> &Events {
        &self.settings.events
    }

    /// Returns the path of the cache folder.
    #[must_use]
    pub fn cache_dir(&self) -> &Path {
        let overriding = self.overrides.cache_dir.as_ref();
        overriding.unwrap_or(&self.settings.cache_dir)
    }

    /// Returns how long a stream lasts before the server ends it, give or take 10 %; zero: for ever.
    #[must_use]
    pub fn stream_duration(&self) -> Duration {
        let overriding = self.overrides.stream_duration;
        overriding.unwrap_or(self.settings.stream_duration)
    }

    /// Returns the time between two reads of the cache when no notification arrives.
    #[must_use]
    pub fn poll_interval(&self) -> Duration {
        let overriding = self.overrides.poll_interval;
        overriding.unwrap_or(self.settings.poll_interval)
    }

    /// Returns the default time to live: how long an entry is replayed to reconnecting clients, and
    /// returned by [`get`](crate::Cache::get); zero: until it is swept.
    #[must_use]
    pub fn ttl(&self) -> Duration {
        let overriding = self.overrides.ttl;
        overriding.unwrap_or(self.settings.ttl)
    }

    /// Where `.env` sets the cache folder; `None` if it does not.
    pub(crate) fn cache_dir_location(&self) -> Option<&Location> {
        match self.overrides.cache_dir {
            Some(_) => None,
            None => self.settings.cache_dir_location.as_ref(),
        }
    }

    pub(crate) fn lookback(&self) -> Duration {
        self.lookback
    }

    pub(crate) fn max_value_bytes(&self) -> usize {
        self.max_value_bytes
    }
}
