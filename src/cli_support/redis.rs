//! A cache in Redis, as far as the `sse` command examines or describes it.

use std::{net::IpAddr, path::Path};

pub use crate::journal::{RedisFacts, StoredJournal};
use crate::{
    Config, Error,
    config::{CacheLocation, RedisLocation, RedisServers, ServerAddress},
};

/// A cache in Redis.
#[derive(Debug, Clone)]
pub struct RedisCache(RedisLocation);

impl RedisCache {
    /// `None` if the cache is a folder.
    #[must_use]
    pub fn of(config: &Config) -> Option<Self> {
        match config.cache_location() {
            CacheLocation::Folder(_) => None,
            CacheLocation::Redis(location) => Some(Self(location.clone())),
        }
    }

    /// From a value of `SSE_CACHE`. `None` if it is a folder, or not valid.
    #[must_use]
    pub fn parse(app_dir: &Path, text: &str) -> Option<Self> {
        match CacheLocation::parse(app_dir, text.trim()) {
            Ok(Some(CacheLocation::Redis(location))) => Some(Self(location)),
            _ => None,
        }
    }

    /// Without user and password.
    #[must_use]
    pub fn address(&self) -> String {
        self.0.to_string()
    }

    /// The keys that stay until somebody deletes them.
    #[must_use]
    pub fn keys(&self) -> [String; 2] {
        ["s", "m"].map(|name| self.0.key(name))
    }

    /// The pattern of all keys, as rules of an ACL have it.
    #[must_use]
    pub fn key_pattern(&self) -> String {
        self.0.key("*")
    }

    /// The options with which `redis-cli` reaches the database, without user and password. With Sentinels, the
    /// server is that of their first answer, so its address is left open.
    #[must_use]
    pub fn redis_cli_options(&self) -> String {
        let mut options = match &self.0.servers {
            RedisServers::Tcp(ServerAddress { host, port }) => format!("-h {host} -p {port}"),
            RedisServers::Socket(path) => format!("-s '{}'", path.display()),
            RedisServers::Sentinels { .. } => "-h MASTER".to_owned(),
        };
        if self.0.database > 0 {
            options.push_str(&format!(" -n {}", self.0.database));
        }
        if self.0.tls.is_some() {
            options.push_str(" --tls");
        }
        options
    }

    /// Another machine to which values and passwords are sent without TLS.
    #[must_use]
    pub fn unencrypted_host(&self) -> Option<&str> {
        let servers = match &self.0.servers {
            _ if self.0.tls.is_some() => return None,
            RedisServers::Tcp(server) => std::slice::from_ref(server),
            RedisServers::Sentinels { sentinels, .. } => sentinels,
            RedisServers::Socket(_) => return None,
        };
        let hosts = servers.iter().map(|server| server.host.as_str());
        hosts.into_iter().find(|host| !is_this_machine(host))
    }

    /// Asks the server for what may cause problems. Writes nothing. Takes at most a few seconds.
    ///
    /// # Errors
    ///
    /// Fails if the server cannot be reached, or cannot have a journal.
    pub fn examine(&self) -> Result<RedisFacts, Error> {
        #[cfg(feature = "redis")]
        return crate::journal::examine(&self.0);
        #[cfg(not(feature = "redis"))]
        Err(Error::new(
            crate::ErrorKind::Config,
            "this program was built without support for Redis",
        ))
    }
}

fn is_this_machine(host: &str) -> bool {
    let is_loopback = |address: IpAddr| address.is_loopback();
    host.eq_ignore_ascii_case("localhost") || host.parse().is_ok_and(is_loopback)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn cache(text: &str) -> RedisCache {
        RedisCache::parse(Path::new("/app"), text).unwrap()
    }

    #[test]
    fn redis_cli_reaches_the_same_database_without_a_password() {
        for (url, options) in [
            ("redis://adele:secret@host", "-h host -p 6379"),
            ("rediss://:secret@[::1]:7000/3", "-h ::1 -p 7000 -n 3 --tls"),
            ("redis+unix:///run/r.sock?db=1", "-s '/run/r.sock' -n 1"),
            ("redis+sentinel://:secret@a,b/shop", "-h MASTER"),
        ] {
            assert_eq!(cache(url).redis_cli_options(), options);
        }
        let keys = cache("redis://host?prefix=shop").keys();
        assert_eq!(keys, ["{shop}:s", "{shop}:m"]);
        assert!(RedisCache::parse(Path::new("/app"), "writable/cache").is_none());
        assert!(RedisCache::parse(Path::new("/app"), "redis://").is_none());
    }

    #[test]
    fn only_another_machine_without_tls_is_unencrypted() {
        for url in [
            "redis://localhost",
            "redis://127.0.0.2",
            "redis://[::1]",
            "rediss://host",
            "redis+unix:///run/r.sock",
        ] {
            assert_eq!(cache(url).unencrypted_host(), None, "{url}");
        }
        assert_eq!(cache("redis://host").unencrypted_host(), Some("host"));
        let sentinels = cache("redis+sentinel://localhost,other/s");
        assert_eq!(sentinels.unencrypted_host(), Some("other"));
    }
}
