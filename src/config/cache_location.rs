//! `SSE_CACHE`: a folder, or the URL of a Redis server.

#[cfg(test)]
mod tests;

use std::{
    fmt::{self, Display},
    net::Ipv6Addr,
    path::{Path, PathBuf},
};

use percent_encoding::percent_decode_str;

/// The prefix of an app's keys in Redis, unless the URL sets another.
const DEFAULT_PREFIX: &str = "sse";

/// Every key contains the prefix, so it is short.
const MAX_PREFIX_BYTES: usize = 64;

const DEFAULT_PORT: u16 = 6379;
const DEFAULT_SENTINEL_PORT: u16 = 26379;

/// Where the cache is.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum CacheLocation {
    Folder(PathBuf),
    Redis(RedisLocation),
}

/// A Redis server, and the keys of one app in it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct RedisLocation {
    pub(crate) servers: RedisServers,
    pub(crate) tls: Option<Tls>,
    pub(crate) credentials: Credentials,
    pub(crate) database: u16,
    /// What the names of all keys begin with.
    pub(crate) prefix: String,
}

/// How the server is reached.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum RedisServers {
    Tcp(ServerAddress),
    Socket(PathBuf),
    /// These Sentinels name the master of a service.
    Sentinels {
        sentinels: Vec<ServerAddress>,
        service: String,
        credentials: Credentials,
    },
}

#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct ServerAddress {
    pub(crate) host: String,
    pub(crate) port: u16,
}

/// A connection with TLS.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(crate) struct Tls {
    /// The file of the certificate authorities that are trusted instead of the system's.
    pub(crate) authorities: Option<PathBuf>,
}

/// A user and a password, which `Debug` does not show.
#[derive(Clone, Default, PartialEq, Eq)]
pub(crate) struct Credentials {
    pub(crate) user: Option<String>,
    pub(crate) password: Option<String>,
}

impl fmt::Debug for Credentials {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Credentials").finish_non_exhaustive()
    }
}

/// What is wrong with a URL. No part of the URL is in it, because that may contain a password.
#[derive(Debug, PartialEq, Eq)]
pub(crate) struct UrlMistake(pub(super) &'static str);

impl CacheLocation {
    /// `text` is the value of `SSE_CACHE`, and not empty. `None`: a URL of another kind.
    pub(crate) fn parse(app_dir: &Path, text: &str) -> Result<Option<Self>, UrlMistake> {
        let Some((scheme, rest)) = text.split_once("://") else {
            // As a folder, it would show a password in logs.
            if is_like_redis_url(text) {
                return Err(UrlMistake("begins like a URL of Redis, but without `://`"));
            }
            if is_like_address(text) {
                return Err(UrlMistake("is a host with a port, but without `redis://`"));
            }
            return Ok(Some(Self::Folder(app_dir.join(text))));
        };
        let (scheme, has_tls) = match scheme.to_ascii_lowercase().as_str() {
            "redis" => (Scheme::Tcp, false),
            "rediss" => (Scheme::Tcp, true),
            "redis+sentinel" => (Scheme::Sentinel, false),
            "rediss+sentinel" => (Scheme::Sentinel, true),
            "redis+unix" => (Scheme::Socket, false),
            _ => return Ok(None),
        };
        let location = RedisLocation::parse(app_dir, scheme, has_tls, rest)?;
        Ok(Some(Self::Redis(location)))
    }
}

/// Whether only the slashes after a scheme of Redis are missing.
fn is_like_redis_url(text: &str) -> bool {
    let scheme = text.split_once(':').map(|(scheme, _)| scheme);
    scheme.is_some_and(|scheme| {
        let scheme = scheme.to_ascii_lowercase();
        ["redis", "rediss"].contains(&&*scheme)
            || ["redis+", "rediss+"]
                .iter()
                .any(|start| scheme.starts_with(start))
    })
}

/// No folder has such a name.
fn is_like_address(text: &str) -> bool {
    let port = text.rsplit_once(':').map(|(_, port)| port);
    !text.contains('/') && port.is_some_and(|port| port.parse::<u16>().is_ok())
}

#[derive(Clone, Copy, PartialEq, Eq)]
enum Scheme {
    Tcp,
    Sentinel,
    Socket,
}

impl RedisLocation {
    /// The name of a key. The braces put all of an app's keys into one hash slot, so that a script may use them.
    pub(crate) fn key(&self, name: &str) -> String {
        format!("{{{}}}:{name}", self.prefix)
    }

    fn parse(
        app_dir: &Path,
        scheme: Scheme,
        has_tls: bool,
        rest: &str,
    ) -> Result<Self, UrlMistake> {
        if rest.contains('#') {
            return Err(UrlMistake("has a `#`: write `%23` in a password"));
        }
        let (rest, query) = rest.split_once('?').unwrap_or((rest, ""));
        let mut query = Query::parse(query)?;
        let (authority, path) = match rest.find('/') {
            Some(slash) => rest.split_at(slash),
            None => (rest, ""),
        };
        if path.contains('@') {
            return Err(UrlMistake(
                "has an `@` after its first `/`: write `/` in a password as `%2F`",
            ));
        }
        let (credentials, hosts) = match authority.rsplit_once('@') {
            Some((user_info, hosts)) => (Credentials::parse(user_info)?, hosts),
            None => (Credentials::default(), authority),
        };
        let (servers, database) = match scheme {
            Scheme::Tcp => (
                RedisServers::Tcp(ServerAddress::parse(hosts, DEFAULT_PORT)?),
                path.trim_start_matches('/').to_owned(),
            ),
            Scheme::Sentinel => sentinels(hosts, path, &mut query)?,
            Scheme::Socket if !hosts.is_empty() => {
                return Err(UrlMistake(
                    "names a host: a path of a socket begins with a third slash, as in `redis+unix:///run/redis.sock`",
                ));
            }
            Scheme::Socket => (
                RedisServers::Socket(decode(path)?.into()),
                query.take("db")?.unwrap_or_default(),
            ),
        };
        let tls = match (has_tls, query.take("ca")?) {
            (false, Some(_)) => {
                return Err(UrlMistake(
                    "sets `ca` without TLS: write `rediss` instead of `redis`",
                ));
            }
            (false, None) => None,
            (true, authorities) => Some(Tls {
                authorities: authorities.map(|path| app_dir.join(path)),
            }),
        };
        let location = Self {
            servers,
            tls,
            credentials,
            database: parse_database(&database)?,
            prefix: parse_prefix(query.take("prefix")?)?,
        };
        query.check_all_taken()?;
        Ok(location)
    }
}

/// The Sentinels, and the text of the database after the name of their service.
fn sentinels(
    hosts: &str,
    path: &str,
    query: &mut Query,
) -> Result<(RedisServers, String), UrlMistake> {
    let sentinels = hosts
        .split(',')
        .map(|host| ServerAddress::parse(host, DEFAULT_SENTINEL_PORT))
        .collect::<Result<_, _>>()?;
    let path = path.trim_start_matches('/');
    let (service, database) = path.split_once('/').unwrap_or((path, ""));
    if service.is_empty() {
        return Err(UrlMistake(
            "does not name the service: write it after the Sentinels, as in `redis+sentinel://host1,host2/mymaster`",
        ));
    }
    let credentials = Credentials {
        user: query.take("sentinel_user")?,
        password: query.take("sentinel_password")?,
    };
    let servers = RedisServers::Sentinels {
        sentinels,
        service: decode(service)?,
        credentials,
    };
    Ok((servers, database.to_owned()))
}

impl ServerAddress {
    fn parse(text: &str, default_port: u16) -> Result<Self, UrlMistake> {
        let (host, port) = match text.strip_prefix('[').and_then(|text| text.split_once(']')) {
            Some((host, port)) => (host, port.strip_prefix(':')),
            None => match text.split_once(':') {
                Some((host, port)) => (host, Some(port)),
                None => (text, None),
            },
        };
        if host.is_empty() {
            return Err(UrlMistake("does not name a host"));
        }
        let is_ipv6 = text.starts_with('[') && host.parse::<Ipv6Addr>().is_ok();
        let is_forbidden = |c: char| c.is_whitespace() || c.is_control() || "[]:%\\".contains(c);
        if !is_ipv6 && host.contains(is_forbidden) {
            return Err(UrlMistake("has a host that is not valid"));
        }
        let port = match port {
            None | Some("") => default_port,
            Some(port) => (port.parse().ok().filter(|port| *port > 0)).ok_or(UrlMistake(
                "has a port that is not a number from 1 to 65535",
            ))?,
        };
        let host = host.to_owned();
        Ok(Self { host, port })
    }
}

impl Display for ServerAddress {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { host, port } = self;
        match host.contains(':') {
            true => write!(f, "[{host}]:{port}"),
            false => write!(f, "{host}:{port}"),
        }
    }
}

impl Credentials {
    fn parse(user_info: &str) -> Result<Self, UrlMistake> {
        let (user, password) = match user_info.split_once(':') {
            Some((user, password)) => (user, Some(decode(password)?)),
            None => (user_info, None),
        };
        let user = decode(user)?;
        if password.is_none() && !user.is_empty() {
            return Err(UrlMistake(
                "has a user without a password: a password alone is written after a colon, as in `redis://:PASSWORD@host`",
            ));
        }
        Ok(Self {
            user: (!user.is_empty()).then_some(user),
            password: password.filter(|password| !password.is_empty()),
        })
    }
}

/// The parameters of a URL that were not taken yet.
struct Query(Vec<(String, String)>);

impl Query {
    fn parse(text: &str) -> Result<Self, UrlMistake> {
        let parts = text.split('&').filter(|part| !part.is_empty());
        let pairs = parts.map(|part| {
            let (name, value) = part.split_once('=').unwrap_or((part, ""));
            Ok((decode(name)?, decode(value)?))
        });
        pairs.collect::<Result<_, _>>().map(Self)
    }

    fn take(&mut self, name: &str) -> Result<Option<String>, UrlMistake> {
        let Some(at) = self.0.iter().position(|(found, _)| found == name) else {
            return Ok(None);
        };
        let (_, value) = self.0.remove(at);
        if self.0.iter().any(|(found, _)| found == name) {
            return Err(UrlMistake("sets a parameter twice"));
        }
        if value.is_empty() {
            return Err(UrlMistake("has a parameter without a value"));
        }
        Ok(Some(value))
    }

    fn check_all_taken(&self) -> Result<(), UrlMistake> {
        match self.0.is_empty() {
            true => Ok(()),
            false => Err(UrlMistake(
                "has an unknown parameter: `prefix` is known, `ca` with `rediss`, `db` with `redis+unix`, and \
                 `sentinel_user` and `sentinel_password` with Sentinels",
            )),
        }
    }
}

fn decode(text: &str) -> Result<String, UrlMistake> {
    let decoded = percent_decode_str(text).decode_utf8();
    let decoded =
        decoded.map_err(|_| UrlMistake("has percent-encoded bytes that are not UTF-8"))?;
    Ok(decoded.into_owned())
}

fn parse_database(text: &str) -> Result<u16, UrlMistake> {
    match text {
        "" => Ok(0),
        text => text
            .parse()
            .map_err(|_| UrlMistake("has a database that is not a number from 0 to 65535")),
    }
}

fn parse_prefix(prefix: Option<String>) -> Result<String, UrlMistake> {
    let Some(prefix) = prefix else {
        return Ok(DEFAULT_PREFIX.to_owned());
    };
    let is_allowed = |c: char| c.is_ascii_alphanumeric() || "-_.:".contains(c);
    match prefix.len() <= MAX_PREFIX_BYTES && prefix.chars().all(is_allowed) {
        true => Ok(prefix),
        false => Err(UrlMistake(
            "has a prefix that is not valid: it has at most 64 letters, digits, `-`, `_`, `.` and `:`",
        )),
    }
}

impl Display for CacheLocation {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Folder(path) => path.display().fmt(f),
            Self::Redis(location) => location.fmt(f),
        }
    }
}

/// Without user and password.
impl Display for RedisLocation {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let tls = if self.tls.is_some() { "s" } else { "" };
        match &self.servers {
            RedisServers::Tcp(address) => write!(f, "redis{tls}://{address}/")?,
            RedisServers::Socket(path) => {
                write!(f, "redis+unix://{}?db=", path.display())?;
            }
            RedisServers::Sentinels {
                sentinels, service, ..
            } => {
                write!(f, "redis{tls}+sentinel://")?;
                for (index, address) in sentinels.iter().enumerate() {
                    let comma = if index == 0 { "" } else { "," };
                    write!(f, "{comma}{address}")?;
                }
                write!(f, "/{service}/")?;
            }
        }
        write!(f, "{} (prefix {})", self.database, self.prefix)
    }
}
