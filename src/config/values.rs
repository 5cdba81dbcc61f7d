//! What the keys of `.env` say, as values.

use std::{
    path::{Path, PathBuf},
    time::Duration,
};

use super::{
    authority::Authority,
    events::Events,
    lists::{self, Unusable},
    settings::{Setting, Settings},
};
use crate::error::{Error, ErrorKind, Location};

/// One value for each key, with its default where the key is not set.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Values {
    pub(super) events: Events,
    pub(super) cache_dir: PathBuf,
    /// Where `SSE_CACHE` stands, for errors about the folder.
    pub(super) cache_dir_from: Option<Location>,
    pub(super) stream_duration: Duration,
    pub(super) poll_interval: Duration,
    pub(super) ttl: Duration,
    pub(super) allowed_origins: Vec<String>,
    pub(super) allowed_hosts: Vec<Authority>,
    pub(super) max_connections: usize,
}

impl Values {
    /// The defaults, with these events.
    pub(super) fn new(app_dir: &Path, events: Events) -> Self {
        Self {
            events,
            cache_dir: app_dir.join("writable").join("cache"),
            cache_dir_from: None,
            stream_duration: Duration::from_secs(15),
            poll_interval: Duration::from_secs(2),
            ttl: Duration::from_secs(60),
            allowed_origins: Vec::new(),
            allowed_hosts: Vec::new(),
            max_connections: 10_000,
        }
    }

    /// Reads them all, and fails at the first that cannot be used.
    pub(super) fn read(app_dir: &Path, settings: &Settings) -> Result<Self, Error> {
        let events = settings
            .get("SSE_EVENTS")
            .ok_or_else(|| no_events(settings))?;
        let events =
            Events::parse(&events.value).map_err(|why| events.error(why).with_help(EVENTS_HELP))?;
        let mut values = Self::new(app_dir, events);
        if let Some(setting) = settings.get("SSE_STREAM_DURATION") {
            values.stream_duration = seconds(&setting, "from 0 (never) to a hundred years", 15)?;
        }
        if let Some(setting) = settings.get("SSE_POLL_INTERVAL") {
            values.poll_interval = seconds(&setting, POLL_INTERVALS_IN_WORDS, 2)?;
            if !POLL_INTERVALS.contains(&values.poll_interval) {
                return Err(setting
                    .error(format!("is out of range: `{}`", setting.value))
                    .with_help(
                        "write seconds from 0.05 to 3600, for example SSE_POLL_INTERVAL=2",
                    ));
            }
        }
        if let Some(setting) = settings.get("SSE_TTL") {
            values.ttl = seconds(&setting, "from 0 (for ever) to a hundred years", 60)?;
        }
        if let Some(setting) = settings.get("SSE_CACHE") {
            values.cache_dir = cache_dir(&setting, app_dir)?;
            values.cache_dir_from = setting.location;
        }
        if let Some(setting) = settings.get("SSE_ALLOWED_ORIGINS") {
            values.allowed_origins = list(&setting, lists::origin)?;
        }
        values.allowed_hosts = allowed_hosts(settings)?;
        if let Some(setting) = settings.get("SSE_MAX_CONNECTIONS") {
            values.max_connections = match setting.value.trim().parse() {
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
        Ok(values)
    }
}

pub(super) const EVENTS_HELP: &str = "write pairs of event and cache key, for example \
    SSE_EVENTS=event_name1:event_cache_key1,event_name2:event_cache_key2";

/// Below, looking would cost more than notifications save; above, a lost one would go unnoticed.
const POLL_INTERVALS_IN_WORDS: &str = "from 0.05 to 3600";
pub(super) const POLL_INTERVALS: std::ops::RangeInclusive<Duration> =
    Duration::from_millis(50)..=Duration::from_secs(3600);

/// A hundred years. Clocks count on from now, and not every sum of times is a time.
pub(super) const LONGEST: Duration = Duration::from_secs(100 * 365 * 24 * 60 * 60);

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

/// `SSE_ALLOWED_HOSTS` alone, for when another key cannot be used.
pub(super) fn allowed_hosts(settings: &Settings) -> Result<Vec<Authority>, Error> {
    match settings.get("SSE_ALLOWED_HOSTS") {
        Some(setting) => list(&setting, lists::host),
        None => Ok(Vec::new()),
    }
}

fn list<T>(setting: &Setting, parse: fn(&str) -> Result<T, Unusable>) -> Result<Vec<T>, Error> {
    lists::items(&setting.value)
        .map(|item| parse(item).map_err(|why| setting.error(why.what).with_help(why.help)))
        .collect()
}
