//! Errors of Redis, in the words of this library.

use redis::{ErrorKind as Kind, RedisError, ServerErrorKind};

use crate::{
    config::ServerAddress,
    error::{Error, ErrorKind},
};

/// How a failed command goes on.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Failure {
    /// The server cannot be reached, or is not the master now: another attempt may succeed soon.
    Unavailable,
    /// The server refuses the command.
    Refused,
}

/// What the codes of Redis mean for this library, and what to do.
const CODES: &[(&str, Failure, &str)] = &[
    (
        "LOADING",
        Failure::Unavailable,
        "wait until Redis has loaded its data",
    ),
    (
        "READONLY",
        Failure::Unavailable,
        "SSE_CACHE must lead to the master: name it, or the Sentinels that know it",
    ),
    (
        "MASTERDOWN",
        Failure::Unavailable,
        "SSE_CACHE must lead to the master: name it, or the Sentinels that know it",
    ),
    (
        "UNBLOCKED",
        Failure::Unavailable,
        "Redis is failing over; wait for it",
    ),
    ("TRYAGAIN", Failure::Unavailable, "wait a moment"),
    (
        "BUSY",
        Failure::Unavailable,
        "stop the script of another program that has run for too long in Redis",
    ),
    (
        "NOAUTH",
        Failure::Refused,
        "SSE_CACHE needs a password: `redis://:PASSWORD@host`",
    ),
    (
        "WRONGPASS",
        Failure::Refused,
        "correct user and password in SSE_CACHE",
    ),
    (
        "NOPERM",
        Failure::Refused,
        "give this user of Redis the commands and keys that docs/guides/several-machines.md lists",
    ),
    (
        "OOM",
        Failure::Refused,
        "Redis has reached `maxmemory`: raise it, or remove other data",
    ),
    (
        "NOREPLICAS",
        Failure::Refused,
        "Redis has fewer replicas than `min-replicas-to-write`: connect them again",
    ),
    (
        "MISCONF",
        Failure::Refused,
        "Redis cannot write its data to its disk: see its log",
    ),
    (
        "WRONGTYPE",
        Failure::Refused,
        "another program uses keys with this prefix: set another one with `?prefix=` in SSE_CACHE",
    ),
    ("MOVED", Failure::Refused, CLUSTER_HELP),
    ("CROSSSLOT", Failure::Refused, CLUSTER_HELP),
    ("CLUSTERDOWN", Failure::Refused, CLUSTER_HELP),
    (
        "NOREPLID",
        Failure::Refused,
        "use Redis 7.0 or later, or a server that is compatible with it",
    ),
];

/// What to do about errors that Redis reports with the code `ERR`, which says nothing.
const DETAILS: &[(&str, &str)] = &[
    (
        "DB index is out of range",
        "name a lower database in SSE_CACHE: Redis has 16, from 0 to 15, unless `databases` in redis.conf says otherwise",
    ),
    (
        "unknown command 'SENTINEL'",
        "name the port of the Sentinels in SSE_CACHE, which is 26379 by default: this one is a Redis server's",
    ),
];

pub(super) const CLUSTER_HELP: &str = "use a single master, with replicas and Sentinel if it must not fail: all keys of \
    an app are in one hash slot, so a cluster would put all of its load on one node anyway";

/// Whether another attempt may succeed soon.
pub(super) fn classify(error: &RedisError) -> Failure {
    match error.kind() {
        Kind::Io => Failure::Unavailable,
        Kind::AuthenticationFailed | Kind::InvalidClientConfig => Failure::Refused,
        // The answer belongs to another protocol, or to an earlier command.
        Kind::Parse | Kind::UnexpectedReturnType | Kind::Client => Failure::Unavailable,
        _ => code(error).map_or(Failure::Refused, |(_, failure, _)| *failure),
    }
}

/// Whether the server has answered that it did not execute the command.
pub(super) fn is_refused_before_execution(error: &RedisError) -> bool {
    // A replication that ends while WAIT waits.
    error.code().is_some_and(|code| code != "UNBLOCKED")
}

/// The error for the caller. `operation` continues "cannot".
pub(super) fn describe(operation: &str, address: &str, error: &RedisError) -> Error {
    let help = match (code(error), error.kind()) {
        (Some((_, _, help)), _) => help,
        (None, Kind::AuthenticationFailed) => "correct user and password in SSE_CACHE",
        (None, Kind::MasterNameNotFoundBySentinel) => {
            "correct the service in SSE_CACHE: it is the name after `sentinel monitor` in sentinel.conf"
        }
        (None, Kind::Parse) => "correct host and port in SSE_CACHE",
        (None, _) if error.to_string().contains("CaUsedAsEndEntity") => {
            "Redis shows the certificate of an authority: let the authority sign one for the host, and set \
             `tls-cert-file` to that"
        }
        (None, _) if error.to_string().contains("certificate") => {
            "in SSE_CACHE, name the file of Redis's certificate authority with `?ca=`, and the host as in its certificate"
        }
        (None, Kind::Server(ServerErrorKind::ResponseError)) => {
            let detail = error.detail().unwrap_or_default();
            let known = DETAILS.iter().find(|(text, _)| detail.contains(text));
            known.map_or(
                "see the guide docs/guides/several-machines.md",
                |(_, help)| help,
            )
        }
        (None, _) => "start Redis, or correct SSE_CACHE",
    };
    let reason = reason(error);
    Error::new(
        ErrorKind::Cache,
        format!("cannot {operation} in {address}: {reason}"),
    )
    .with_help(help)
}

/// The address for messages about a master, which only the Sentinels know.
pub(super) fn address_of_master(address: &str, master: &ServerAddress) -> String {
    format!("{address}: {master}, which Sentinel names")
}

/// The help for the error of a first connection that fails as if only one side used TLS.
pub(super) fn transport_help(error: &RedisError, has_tls: bool) -> Option<&'static str> {
    if !error.is_timeout() && !is_closed(error) {
        return None;
    }
    Some(match has_tls {
        true => {
            "start Redis, or correct SSE_CACHE: a port without TLS needs `redis` instead of `rediss`"
        }
        false => {
            "start Redis, or correct SSE_CACHE: a port with TLS needs `rediss` instead of `redis`"
        }
    })
}

fn is_closed(error: &RedisError) -> bool {
    let is_dropped = error.is_connection_dropped() && !error.is_connection_refusal();
    is_dropped && error.kind() == Kind::Io
}

fn code(error: &RedisError) -> Option<&'static (&'static str, Failure, &'static str)> {
    let is_about_script = |detail: &str| detail.starts_with("The user executing the script");
    let found = match error.code()? {
        // Redis 7.0 reports what a script may not do with another code.
        "ERR" if error.detail().is_some_and(is_about_script) => "NOPERM",
        code => code,
    };
    CODES.iter().find(|(code, ..)| *code == found)
}

/// Scripts add their name and the line to the text of an error.
pub(super) fn reason(error: &RedisError) -> String {
    if error.is_timeout() {
        return "no answer in time".to_owned();
    }
    if is_closed(error) {
        return "Redis has closed the connection".to_owned();
    }
    if error.kind() == Kind::AuthenticationFailed {
        return "Redis does not accept this user and password".to_owned();
    }
    if error.kind() == Kind::Parse {
        return "what answers there is not Redis".to_owned();
    }
    let text = match (error.code(), error.detail()) {
        (Some(code), Some(detail)) => format!("{code} {detail}"),
        _ => error.to_string(),
    };
    // The client library adds its name for the kind of an error.
    let kind = format!(" - {:?}", error.kind());
    let text = text.strip_suffix(&kind).unwrap_or(&text);
    let text = match text.split_once(" script: ") {
        Some((text, _)) => text,
        None => text,
    };
    without_user(text)
}

/// Some versions name the user to whom something is not permitted.
fn without_user(text: &str) -> String {
    match (text.find("NOPERM"), text.find(" has no permissions ")) {
        (Some(start), Some(end)) if start < end => {
            format!("{}NOPERM this user{}", &text[..start], &text[end..])
        }
        _ => text.to_owned(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_missing_permission_does_not_show_the_name_of_the_user() {
        for text in [
            "NOPERM this user has no permissions to run the 'xadd' command",
            "NOPERM User adele has no permissions to run the 'xadd' command",
        ] {
            let expected = "NOPERM this user has no permissions to run the 'xadd' command";
            assert_eq!(without_user(text), expected);
        }
        let keys = "NOPERM No permissions to access a key";
        assert_eq!(without_user(keys), keys);
    }
}
