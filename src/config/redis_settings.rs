//! The settings for a cache in Redis.

use std::{
    fmt::{self, Display},
    path::PathBuf,
    time::Duration,
};

use super::{
    cache_location::CacheLocation,
    raw_settings::RawSettings,
    settings::Origin,
    table::{Settings, rows},
};
use crate::error::Error;

/// A save waits for the replicas on the connection that other saves need, too.
const MAX_WAIT_MS: u64 = 4_000;

/// `SSE_REDIS_WAIT`: how many replicas must confirm a save, and within which time.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct RedisWait {
    pub(crate) replicas: u8,
    pub(crate) timeout: Duration,
}

impl RedisWait {
    pub(super) fn parse(text: &str) -> Option<Self> {
        let (replicas, milliseconds) = text.split_once(':')?;
        let replicas = replicas.trim().parse().ok()?;
        let milliseconds = milliseconds.trim().parse().ok()?;
        let is_valid = (1..=100).contains(&replicas) && (1..=MAX_WAIT_MS).contains(&milliseconds);
        is_valid.then_some(Self {
            replicas,
            timeout: Duration::from_millis(milliseconds),
        })
    }
}

impl Display for RedisWait {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}:{}", self.replicas, self.timeout.as_millis())
    }
}

/// `SSE_DROP_INS`: where other programs put drop-ins for a cache in Redis.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum DropIns {
    Folder(PathBuf),
    Off,
}

impl Display for DropIns {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Folder(path) => path.display().fmt(f),
            Self::Off => f.write_str("off"),
        }
    }
}

/// Whether a setting has a meaning only if the cache is in Redis.
pub(super) fn is_redis_only(name: &str) -> bool {
    [rows::drop_ins.name, rows::redis_wait.name].contains(&name)
}

impl Settings {
    /// Fails if one of the settings for a cache in Redis is set although the cache is a folder.
    pub(super) fn check_redis_only(&self, raw: &RawSettings<'_>) -> Result<(), Error> {
        if matches!(self.cache.value, CacheLocation::Redis(_)) {
            return Ok(());
        }
        let settings = [
            (
                &rows::drop_ins,
                &self.drop_ins.origin,
                "put drop-ins into the cache folder",
            ),
            (
                &rows::redis_wait,
                &self.redis_wait.origin,
                "a save to a folder is complete at once",
            ),
        ];
        let unused = settings
            .into_iter()
            .find(|(_, origin, _)| **origin != Origin::Default);
        let Some((info, _, reason)) = unused else {
            return Ok(());
        };
        let error = raw.get(info)?.error("is set, but SSE_CACHE is a folder");
        Err(error.with_help(format!("remove {}: {reason}", info.name)))
    }
}

/// Checks that this program was built with what the location needs. The error is the problem, and what to do.
pub(super) fn check_features(location: &CacheLocation) -> Result<(), (&'static str, &'static str)> {
    match location {
        CacheLocation::Redis(_) if cfg!(not(feature = "redis")) => Err((
            "names a Redis server, but this program was built without support for Redis",
            "build it with the feature `redis`: `cargo add actix-web-sse --features redis`; for the command, build \
             `sse` with its default features",
        )),
        CacheLocation::Redis(location)
            if location.tls.is_some() && cfg!(not(feature = "redis-tls")) =>
        {
            Err((
                "needs TLS to Redis, but this program was built without it",
                "build it with the feature `redis-tls`: `cargo add actix-web-sse --features redis-tls`",
            ))
        }
        _ => Ok(()),
    }
}
