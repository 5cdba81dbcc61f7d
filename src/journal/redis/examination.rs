//! Facts about a Redis server for `sse doctor`, which judges them. Nothing is written.

use std::{
    collections::BTreeMap,
    time::{Duration, Instant, SystemTime},
};

use redis::{Cmd, Connection, RedisError, RedisResult, Value, cmd};

use super::{
    connect::{CONNECT_TIMEOUT, ask, connect, find_master},
    error::{address_of_master, describe, transport_help},
    keys::Keys,
};
use crate::{
    config::{RedisLocation, RedisServers},
    error::Error,
    journal::{RedisFacts, StoredJournal},
};

const OPERATION: &str = "use the cache";

/// The fastest of these tells the clock's offset best.
const CLOCK_SAMPLES: u32 = 3;

/// Connects as a journal does, and asks the server for what may cause problems.
pub(crate) fn examine(location: &RedisLocation) -> Result<RedisFacts, Error> {
    let address = location.to_string();
    let described = |address: &str, error: &RedisError| {
        let described = describe(OPERATION, address, error);
        match transport_help(error, location.tls.is_some()) {
            Some(help) => described.with_help(help),
            None => described,
        }
    };
    let master = find_master(location, CONNECT_TIMEOUT)
        .map_err(|error| described(&format!("{address}, when asking the Sentinels"), &error))?;
    let address = match &master {
        Some(master) => address_of_master(&address, master),
        None => address,
    };
    let error = |error| described(&address, &error);
    let connection = &mut connect(location, master.as_ref(), CONNECT_TIMEOUT).map_err(error)?;
    let info: String = cmd("INFO").query(connection).map_err(error)?;
    let keys = Keys::new(location);
    let refused = refused_commands(connection, &keys).map_err(error)?;
    let is_key = |(_, refusal): &&(_, Refusal)| *refusal == Refusal::Key;
    let commands = refused.iter().filter(|found| !is_key(found));
    Ok(RedisFacts {
        info: parse_info(&info),
        snapshots: snapshots(connection),
        refused_commands: commands.map(|(name, _)| *name).collect(),
        refuses_keys: refused.iter().any(|found| is_key(&found)),
        journal: stored_journal(connection, &keys).map_err(error),
        clock_offset: clock_offset(connection).ok(),
        silent_sentinels: silent_sentinels(location),
    })
}

fn parse_info(info: &str) -> BTreeMap<String, String> {
    let fields = info.lines().filter_map(|line| line.split_once(':'));
    fields
        .map(|(name, value)| (name.to_owned(), value.to_owned()))
        .collect()
}

/// When the server saves snapshots, as its configuration says; `None` if this user may not read it.
fn snapshots(connection: &mut Connection) -> Option<String> {
    let mut command = cmd("CONFIG");
    let reply: RedisResult<Vec<String>> = command.arg("GET").arg("save").query(connection);
    reply.ok()?.into_iter().nth(1)
}

/// What an ACL does not permit.
#[derive(PartialEq, Eq)]
enum Refusal {
    Command,
    Key,
}

/// Sends each command that the journal needs, so that it fails after Redis has checked the permission, or reads only.
/// Fails if there is no answer: the next commands would only wait, too.
fn refused_commands(
    connection: &mut Connection,
    keys: &Keys,
) -> RedisResult<Vec<(&'static str, Refusal)>> {
    let Keys { stream, head, .. } = keys;
    let writer = &keys.of_writer("check");
    let commands: [(&str, &[&str]); 15] = [
        ("evalsha", &["EVALSHA", "0", "0"]),
        ("script|load", &["SCRIPT", "LOAD", "("]),
        ("time", &["TIME"]),
        ("hmget", &["HMGET", head, "e"]),
        ("hset", &["HSET", head, "e", "", "odd"]),
        ("get", &["GET", writer]),
        ("set", &["SET", writer, "", "PX", "0"]),
        ("expire", &["EXPIRE", writer, "no number"]),
        ("del", &["DEL", writer]),
        (
            "xadd",
            &["XADD", stream, "MAXLEN", "~", "no number", "*", "d", ""],
        ),
        ("xrange", &["XRANGE", stream, "-", "+", "COUNT", "1"]),
        ("xrevrange", &["XREVRANGE", stream, "+", "-", "COUNT", "1"]),
        ("xtrim", &["XTRIM", stream, "MINID", "no id"]),
        ("xread", &["XREAD", "COUNT", "1", "STREAMS", stream, "$"]),
        ("wait", &["WAIT", "0", "1"]),
    ];
    let refused = commands.into_iter().filter_map(|(name, parts)| {
        let error = command(parts).query::<Value>(connection).err()?;
        if error.is_io_error() {
            return Some(Err(error));
        }
        refusal(&error).map(|refusal| Ok((name, refusal)))
    });
    refused.collect()
}

fn command(parts: &[&str]) -> Cmd {
    let mut command = Cmd::new();
    command.arg(parts);
    command
}

fn refusal(error: &RedisError) -> Option<Refusal> {
    let detail = error.detail().unwrap_or_default();
    (error.code() == Some("NOPERM")).then(|| match detail.contains("key") {
        true => Refusal::Key,
        false => Refusal::Command,
    })
}

fn stored_journal(connection: &mut Connection, keys: &Keys) -> RedisResult<StoredJournal> {
    let mut command = cmd("HMGET");
    let command = command.arg(&keys.head).arg("e").arg("n");
    let (epoch, newest): (Option<String>, Option<String>) = command.query(connection)?;
    let mut command = cmd("XREVRANGE");
    let command = command.arg(&keys.stream).arg("+").arg("-");
    let entries: Vec<Value> = command.arg("COUNT").arg(1).query(connection)?;
    let newest = newest.and_then(|newest| newest.parse().ok());
    Ok(match (epoch, newest) {
        (Some(_), Some(newest)) => StoredJournal::Complete { newest },
        _ if entries.is_empty() => StoredJournal::None,
        _ => StoredJournal::WithoutHead,
    })
}

/// How far the server's clock is ahead of this machine's (true), or behind it.
fn clock_offset(connection: &mut Connection) -> RedisResult<(Duration, bool)> {
    let mut best: Option<(Duration, (Duration, bool))> = None;
    for _ in 0..CLOCK_SAMPLES {
        let (before, start) = (SystemTime::now(), Instant::now());
        let (seconds, microseconds): (u64, u64) = cmd("TIME").query(connection)?;
        let round_trip = start.elapsed();
        let since_1970 =
            Duration::from_secs(seconds).saturating_add(Duration::from_micros(microseconds));
        let other = SystemTime::UNIX_EPOCH
            .checked_add(since_1970)
            .unwrap_or(before);
        let own = before + round_trip / 2;
        let offset = match other.duration_since(own) {
            Ok(ahead) => (ahead, true),
            Err(error) => (error.duration(), false),
        };
        if best.is_none_or(|(fastest, _)| round_trip < fastest) {
            best = Some((round_trip, offset));
        }
    }
    Ok(best.unwrap_or_default().1)
}

/// The Sentinels of the location that do not name a master.
fn silent_sentinels(location: &RedisLocation) -> Vec<String> {
    let RedisServers::Sentinels {
        sentinels,
        service,
        credentials,
    } = &location.servers
    else {
        return Vec::new();
    };
    let is_silent = |sentinel: &&_| {
        let answer = ask(sentinel, service, credentials, location, CONNECT_TIMEOUT);
        !matches!(answer, Ok(Some(_)))
    };
    let silent = sentinels.iter().filter(is_silent);
    silent.map(ToString::to_string).collect()
}
