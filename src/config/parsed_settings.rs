//! Parses the settings of `.env` into values.

use std::{
    ops::RangeInclusive,
    path::{Path, PathBuf},
    time::Duration,
};

use super::{
    allowed::{self, Rejected},
    authority::Authority,
    events::Events,
    raw_settings::{RawSettings, Setting},
};
use crate::error::{Error, ErrorKind, Location};

/// One value for each setting: its default if it is not set.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct ParsedSettings {
    pub(super) events: Events,
    pub(super) cache_dir: PathBuf,
    /// Where `SSE_CACHE` is set, for errors about the folder.
    pub(super) cache_dir_location: Option<Location>,
    pub(super) stream_duration: Duration,
    pub(super) poll_interval: Duration,
    pub(super) ttl: Duration,
    pub(super) allowed_origins: Vec<String>,
    pub(super) allowed_hosts: Vec<Authority>,
    pub(super) max_connections: usize,
}

impl ParsedSettings {
    /// The defaults, with these events.
    pub(super) fn new(app_dir: &Path, events: Events) -> Self {
        Self {
            events,
            cache_dir: app_dir.join("writable").join("cache"),
            cache_dir_location: None,
            // The CodeIgniter module's defaults, so that apps that move from it behave the same.
            stream_duration: Duration::from_secs(15),
            poll_interval: Duration::from_secs(2),
            ttl: Duration::from_secs(60),
            allowed_origins: Vec::new(),
            allowed_hosts: Vec::new(),
            // 10,000 idle streams take about 100 MiB, which a small machine has.
            max_connections: 10_000,
        }
    }

    /// Reads every setting and fails at the first that cannot be used.
    pub(super) fn read(app_dir: &Path, settings: &RawSettings) -> Result<Self, Error> {
        let events = settings
            .get("SSE_EVENTS")
            .ok_or_else(|| missing_events(settings))?;
        let events = Events::parse(&events.value)
            .map_err(|reason| events.error(reason).with_help(EVENTS_HELP))?;
        let mut values = Self::new(app_dir, events);
        values.read_times(settings)?;
        if let Some(setting) = settings.get("SSE_CACHE") {
            values.cache_dir = parse_cache_dir(&setting, app_dir)?;
            values.cache_dir_location = setting.location;
        }
        if let Some(setting) = settings.get("SSE_ALLOWED_ORIGINS") {
            values.allowed_origins = parse_list(&setting, allowed::parse_allowed_origin)?;
        }
        values.allowed_hosts = parse_allowed_hosts(settings)?;
        if let Some(setting) = settings.get("SSE_MAX_CONNECTIONS") {
            values.max_connections = parse_connections(&setting)?;
        }
        Ok(values)
    }

    fn read_times(&mut self, settings: &RawSettings) -> Result<(), Error> {
        if let Some(setting) = settings.get("SSE_STREAM_DURATION") {
            self.stream_duration =
                parse_seconds(&setting, "from 0 (never) to a hundred years", 15)?;
        }
        if let Some(setting) = settings.get("SSE_POLL_INTERVAL") {
            self.poll_interval = parse_poll_interval(&setting)?;
        }
        if let Some(setting) = settings.get("SSE_TTL") {
            self.ttl = parse_seconds(&setting, "from 0 (for ever) to a hundred years", 60)?;
        }
        Ok(())
    }
}

pub(super) const EVENTS_HELP: &str = "write pairs of event and cache key, for example \
    SSE_EVENTS=event_name1:event_cache_key1,event_name2:event_cache_key2";

/// With a shorter interval, polling would cost more CPU time than notifications save. With a longer
/// one, a lost notification would delay an event for more than an hour.
pub(super) const POLL_INTERVAL_RANGE: RangeInclusive<Duration> =
    Duration::from_millis(50)..=Duration::from_secs(3600);

/// Must equal [`POLL_INTERVAL_RANGE`].
const POLL_SECONDS_IN_WORDS: &str = "from 0.05 to 3600";

/// A hundred years. Adding a longer time to `Instant::now()` may overflow.
pub(super) const MAX_CONFIGURED_DURATION: Duration = Duration::from_secs(100 * 365 * 24 * 60 * 60);

fn missing_events(settings: &RawSettings) -> Error {
    let path = settings.path();
    if settings.has_file() {
        Error::new(ErrorKind::Config, "SSE_EVENTS is not set")
            .with_location(Location::file(path))
            .with_help(EVENTS_HELP)
    } else {
        Error::new(
            ErrorKind::Config,
            ".env does not exist, and SSE_EVENTS is not in the environment",
        )
        .with_location(Location::file(path))
        .with_help("run `sse install` in the app's folder, or start the program in that folder (the command: `sse -C DIR`)")
    }
}

fn parse_poll_interval(setting: &Setting) -> Result<Duration, Error> {
    let range = POLL_SECONDS_IN_WORDS;
    let interval = parse_seconds(setting, range, 2)?;
    if POLL_INTERVAL_RANGE.contains(&interval) {
        Ok(interval)
    } else {
        Err(out_of_range(setting).with_help(seconds_help(setting, range, 2)))
    }
}

/// `range` and `example` are for the help of the error.
fn parse_seconds(setting: &Setting, range: &str, example: u32) -> Result<Duration, Error> {
    let parsed = match setting.value.trim().parse::<f64>() {
        Ok(seconds) if !seconds.is_nan() => Duration::try_from_secs_f64(seconds)
            .ok()
            .filter(|duration| *duration <= MAX_CONFIGURED_DURATION)
            .ok_or_else(|| out_of_range(setting)),
        _ => Err(setting.error(format!(
            "must be a number of seconds, not `{}`",
            setting.value
        ))),
    };
    parsed.map_err(|error| error.with_help(seconds_help(setting, range, example)))
}

fn out_of_range(setting: &Setting) -> Error {
    setting.error(format!("is out of range: `{}`", setting.value))
}

fn seconds_help(setting: &Setting, range: &str, example: u32) -> String {
    format!(
        "use a number of seconds {range}, for example {}={example}",
        setting.name
    )
}

fn parse_connections(setting: &Setting) -> Result<usize, Error> {
    match setting.value.trim().parse() {
        Ok(number) if number > 0 => Ok(number),
        _ => Err(setting
            .error(format!(
                "must be a whole number of at least 1, not `{}`",
                setting.value
            ))
            .with_help("use a whole number of at least 1, for example SSE_MAX_CONNECTIONS=10000")),
    }
}

fn parse_cache_dir(setting: &Setting, app_dir: &Path) -> Result<PathBuf, Error> {
    let value = setting.value.trim();
    if value.is_empty() {
        return Err(setting
            .error("is empty")
            .with_help("name a folder, for example SSE_CACHE=writable/cache, or remove the line"));
    }
    if let Some((scheme, _)) = value.split_once("://") {
        return Err(setting
            .error(format!(
                "names a `{scheme}` cache, which this version does not support"
            ))
            .with_help("name a folder, for example SSE_CACHE=writable/cache"));
    }
    Ok(app_dir.join(value))
}

pub(super) fn parse_allowed_hosts(settings: &RawSettings) -> Result<Vec<Authority>, Error> {
    match settings.get("SSE_ALLOWED_HOSTS") {
        Some(setting) => parse_list(&setting, allowed::parse_allowed_host),
        None => Ok(Vec::new()),
    }
}

fn parse_list<T>(
    setting: &Setting,
    parse: fn(&str) -> Result<T, Rejected>,
) -> Result<Vec<T>, Error> {
    allowed::split_items(&setting.value)
        .map(|item| {
            parse(item).map_err(|rejected| setting.error(rejected.reason).with_help(rejected.help))
        })
        .collect()
}
