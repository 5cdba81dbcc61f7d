//! The methods of [`Config`] for the settings of `.env`: one reads each, and one overrides it.

use std::{
    path::{Path, PathBuf},
    time::Duration,
};

#[cfg(feature = "redis")]
use super::redis_settings::RedisWait;
use super::{
    allowed::{parse_allowed_host, parse_allowed_origin, parse_items},
    authority::Authority,
    cache_location::CacheLocation,
    definition::Config,
    events::Events,
    parsers::{self, MAX_CONFIGURED_DURATION, POLL_INTERVAL_RANGE},
    public_folder::PublicFolder,
    redis_settings::{DropIns, is_redis_only},
    settings::{Origin, RawValue, Setting, Value},
    table::rows,
};
use crate::error::{Error, ErrorKind, Location};

impl Config {
    /// Returns every setting of `.env` with its current value and its origin, for example to log them
    /// when the app starts. The settings for a cache in Redis are left out if the cache is a folder.
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
        let is_in_redis = matches!(self.settings.cache.value, CacheLocation::Redis(_));
        let settings = self.settings.list().into_iter();
        settings.filter(move |setting| is_in_redis || !is_redis_only(setting.name()))
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

    /// Returns the path of the cache folder. If the cache is in Redis, it is the drop-in folder of this machine,
    /// `SSE_DROP_INS`; with `off`, it is the app's folder and has no meaning.
    #[must_use]
    pub fn cache_dir(&self) -> &Path {
        match (&self.settings.cache.value, &self.settings.drop_ins.value) {
            (CacheLocation::Folder(path), _) | (_, DropIns::Folder(path)) => path,
            (_, DropIns::Off) => &self.app_dir,
        }
    }

    /// Overrides `SSE_CACHE`: the cache folder. A relative path is resolved against the app's folder.
    #[must_use]
    pub fn with_cache_dir(mut self, dir: impl AsRef<Path>) -> Self {
        let folder = CacheLocation::Folder(self.app_dir.join(dir));
        self.settings.cache = Value::from_code(folder);
        self
    }

    /// Overrides `SSE_CACHE`: the URL of a Redis server, such as `redis://:password@host:6379/0?prefix=shop`.
    ///
    /// # Errors
    ///
    /// Fails if the URL is not valid. The error does not contain it.
    #[cfg(feature = "redis")]
    pub fn with_redis(mut self, url: &str) -> Result<Self, Error> {
        let location = parsers::cache(&RawValue {
            info: &rows::cache,
            text: url.to_owned(),
            origin: Origin::Code,
            app_dir: &self.app_dir,
        })?;
        self.settings.cache = Value::from_code(location);
        Ok(self)
    }

    /// Whether programs on this machine may put drop-ins into [`cache_dir`](Self::cache_dir).
    #[must_use]
    pub fn has_drop_ins(&self) -> bool {
        let is_off = self.settings.drop_ins.value == DropIns::Off;
        !is_off || matches!(self.settings.cache.value, CacheLocation::Folder(_))
    }

    /// Returns what other programs put in front of a cache key in the names of their files; empty if they put nothing
    /// there.
    #[must_use]
    pub fn drop_in_prefix(&self) -> &str {
        self.settings.drop_in_prefix.value.as_str()
    }

    /// Overrides `SSE_DROP_IN_PREFIX`: what other programs put in front of a cache key in the names of their files,
    /// such as CodeIgniter's `$prefix`.
    ///
    /// # Errors
    ///
    /// Fails if no file can have this prefix in its name, or if the name of a key's file would be too long.
    pub fn with_drop_in_prefix(mut self, prefix: &str) -> Result<Self, Error> {
        let raw = RawValue {
            info: &rows::drop_in_prefix,
            text: prefix.to_owned(),
            origin: Origin::Code,
            app_dir: &self.app_dir,
        };
        self.settings.drop_in_prefix = Value::from_code(parsers::drop_in_prefix(&raw)?);
        self.settings.check_drop_in_names()?;
        Ok(self)
    }

    /// Returns the path of the file that another program writes to save a value under `key`; `None` if the app takes no
    /// files, which is [`SSE_DROP_INS=off`](Self::has_drop_ins).
    ///
    /// ```
    /// # fn main() -> Result<(), actix_web_sse::Error> {
    /// let config = actix_web_sse::Config::new("/srv/app", "order:orders")?;
    /// let path = config.with_drop_in_prefix("shop_")?.drop_in_path("orders");
    /// assert_eq!(path, Some("/srv/app/writable/cache/shop_orders".into()));
    /// # Ok(()) }
    /// ```
    #[must_use]
    pub fn drop_in_path(&self, key: &str) -> Option<PathBuf> {
        let name = self.drop_in_name(key);
        self.has_drop_ins().then(|| self.cache_dir().join(name))
    }

    /// The name of the file in which other programs save `key`. No two keys have the same.
    pub(crate) fn drop_in_name(&self, key: &str) -> String {
        self.settings.drop_in_prefix.value.file_name(key)
    }

    /// Whether a journal that was opened with one of these configurations is that of the other, too.
    pub(crate) fn has_cache_of(&self, other: &Self) -> bool {
        let [own, other] = [&self.settings, &other.settings];
        own.cache.value == other.cache.value
            && own.drop_ins.value == other.drop_ins.value
            && own.redis_wait.value == other.redis_wait.value
    }

    /// Where the cache is.
    pub(crate) fn cache_location(&self) -> &CacheLocation {
        &self.settings.cache.value
    }

    /// Overrides `SSE_REDIS_WAIT`.
    #[cfg(all(test, feature = "__redis-tests"))]
    pub(crate) fn with_redis_wait(mut self, wait: &str) -> Self {
        self.settings.redis_wait = Value::from_code(RedisWait::parse(wait));
        self
    }

    /// How many replicas must confirm a save to Redis.
    #[cfg(feature = "redis")]
    pub(crate) fn redis_wait(&self) -> Option<RedisWait> {
        self.settings.redis_wait.value
    }

    /// Returns the path of the folder of the app's public files. The scripts are in its folder `js`.
    #[must_use]
    pub fn public_dir(&self) -> &Path {
        &self.settings.public.value.0
    }

    /// Overrides `SSE_PUBLIC`: the folder of the app's public files. A relative path is resolved against the app's
    /// folder.
    #[must_use]
    pub fn with_public_dir(mut self, dir: impl AsRef<Path>) -> Self {
        let folder = PublicFolder(self.app_dir.join(dir));
        self.settings.public = Value::from_code(folder);
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

    /// Where `.env` sets the cache; `None` if it does not.
    pub(crate) fn cache_setting_location(&self) -> Option<&Location> {
        location_of(&self.settings.cache.origin)
    }

    /// The setting that names [`cache_dir`](Self::cache_dir), and where `.env` sets it.
    pub(crate) fn cache_dir_setting(&self) -> (&'static str, Option<&Location>) {
        let (name, origin) = match &self.settings.cache {
            Value {
                value: CacheLocation::Folder(_),
                origin,
            } => (rows::cache.name, origin),
            _ => (rows::drop_ins.name, &self.settings.drop_ins.origin),
        };
        (name, location_of(origin))
    }

    /// The allowed hosts as requests are compared with them; `None` if neither `.env` nor code has set any.
    #[cfg(feature = "actix")]
    pub(crate) fn allowed_authorities(&self) -> Option<&[Authority]> {
        let hosts = &self.settings.allowed_hosts.value;
        (!hosts.is_empty()).then_some(hosts)
    }
}

fn location_of(origin: &Origin) -> Option<&Location> {
    match origin {
        Origin::EnvFile(location) => Some(location),
        _ => None,
    }
}

fn list_error(list: &str, problem: &str) -> Error {
    Error::new(
        ErrorKind::Config,
        format!("the list of allowed {list} {problem}"),
    )
}
