//! Appends entries once, however often the call has to be repeated.

use std::{
    sync::{
        Arc,
        atomic::{AtomicU64, Ordering},
    },
    thread,
    time::{Duration, Instant},
};

use redis::{Connection, RedisResult, cmd};

use super::{
    error::{Failure, classify, reason},
    look::MAX_NUMBER,
    random::{random_fraction, random_number},
    scripts,
    server::{COMMAND_TIMEOUT, Command, CommandError, MIN_TIMEOUT, RedisServer},
};
use crate::{
    config::{Config, RedisWait},
    epoch::Epoch,
    error::{Error, ErrorKind},
};

/// How long Redis remembers the last call of a writer. A call that was given up may still wait in a buffer of a
/// suspended server, which executes it just before its repetition.
const MEMORY_SECONDS: u64 = 60;

/// The pause before a call is repeated.
const RETRY_INTERVAL: Duration = Duration::from_millis(50);

const OPERATION: &str = "save";

/// Sends the calls of one writer, one after the other.
pub(super) struct Writer {
    /// Names the writer in the entries. No two have the same.
    token: String,
    /// Names its last call in Redis.
    memory: String,
    calls: AtomicU64,
    /// How many entries the stream keeps at least.
    kept: u64,
    wait: Option<RedisWait>,
}

impl Writer {
    pub(super) fn new(config: &Config) -> Result<Self, Error> {
        let token = format!("{:016x}", random_number(OPERATION)?);
        Ok(Self {
            memory: token.clone(),
            token,
            calls: AtomicU64::new(0),
            // Servers remove what is older than the history. Without a server, this bounds the stream.
            kept: config.history().saturating_mul(2),
            wait: config.redis_wait(),
        })
    }

    /// A writer of a single entry, which other processes may append, too.
    pub(super) fn of_token(&self, token: &str) -> Self {
        Self {
            token: token.to_owned(),
            memory: token.to_owned(),
            calls: AtomicU64::new(0),
            ..*self
        }
    }

    /// A writer of a single entry, which any program may append that knows the key. Another entry may have the same key
    /// when this one has been removed, so the key is not what distinguishes the entry from all others.
    pub(super) fn of_idempotency_key(&self, key: &str) -> Self {
        let call = self.calls.fetch_add(1, Ordering::Relaxed);
        Self {
            token: format!("{}:{call}", self.token),
            memory: format!("save:{key}"),
            calls: AtomicU64::new(0),
            ..*self
        }
    }

    /// Appends entries. Repeats the call until the deadline while the server is away. Returns `None` if another epoch
    /// has begun; then nothing was appended.
    pub(super) fn append(
        &self,
        server: &Arc<RedisServer>,
        epoch: Epoch,
        entries: &[Vec<u8>],
        deadline: Instant,
    ) -> Result<Option<Appended>, Error> {
        let call = self.calls.fetch_add(1, Ordering::Relaxed);
        let mut may_be_saved = false;
        loop {
            let left = deadline.saturating_duration_since(Instant::now());
            let timeout = COMMAND_TIMEOUT.min(left).max(MIN_TIMEOUT);
            let timeout = timeout + self.wait.map_or(Duration::ZERO, |wait| wait.timeout);
            let result = server.run_within(timeout, Command::Write, OPERATION, |connection| {
                self.send(connection, server, epoch, call, entries)
            });
            match result {
                Ok((reply, confirmation)) => {
                    let appended = self.evaluate(&reply, confirmation, server)?;
                    return match appended.is_none() && may_be_saved {
                        true => Err(uncertain(&other_server(server))),
                        false => Ok(appended),
                    };
                }
                Err(CommandError {
                    error,
                    failure,
                    may_be_done,
                }) => {
                    may_be_saved |= may_be_done;
                    let left = deadline.saturating_duration_since(Instant::now());
                    let pause = RETRY_INTERVAL.mul_f32(0.5 + random_fraction());
                    if failure == Failure::Refused || left <= pause {
                        return Err(match may_be_saved {
                            true => uncertain(&error),
                            false => error,
                        });
                    }
                    thread::sleep(pause);
                }
            }
        }
    }

    fn send(
        &self,
        connection: &mut Connection,
        server: &RedisServer,
        epoch: Epoch,
        call: u64,
        entries: &[Vec<u8>],
    ) -> RedisResult<(Vec<String>, Option<Confirmation>)> {
        let mut invocation = scripts::APPEND.prepare_invoke();
        invocation
            .key(&server.keys.stream)
            .key(&server.keys.head)
            .key(server.keys.of_writer(&self.memory))
            .arg(epoch.to_string())
            .arg(call)
            .arg(MEMORY_SECONDS)
            .arg(self.kept)
            .arg(&self.token);
        for entry in entries {
            invocation.arg(&entry[..]);
        }
        let reply: Vec<String> = invocation.invoke(connection)?;
        let confirmation = match (self.wait, &reply[..]) {
            // This call has written nothing, so that WAIT would not wait.
            (Some(_), [_, _, refusal]) => Some(Err(refusal.clone())),
            (Some(wait), [_, _]) => Some(wait_for_replicas(connection, wait)?),
            _ => None,
        };
        Ok((reply, confirmation))
    }

    fn evaluate(
        &self,
        reply: &[String],
        confirmation: Option<Confirmation>,
        server: &RedisServer,
    ) -> Result<Option<Appended>, Error> {
        let reply: Vec<&str> = reply.iter().map(String::as_str).collect();
        let appended = match reply[..] {
            ["other epoch"] => return Ok(None),
            [result @ ("appended" | "repeated"), number, ..] => {
                let first = number.parse().ok().filter(|number| *number < MAX_NUMBER);
                let is_repeated = result == "repeated";
                first.map(|first| Appended { first, is_repeated })
            }
            _ => None,
        };
        let Some(appended) = appended else {
            let text = format!(
                "cannot save in {}: Redis has executed a later save of this program first",
                server.address()
            );
            return Err(Error::new(ErrorKind::Cache, text).with_help("save again"));
        };
        match (self.wait, confirmation) {
            (Some(wait), Some(confirmation))
                if confirmation.as_ref().ok() < Some(&u64::from(wait.replicas)) =>
            {
                Err(too_few_replicas(wait, confirmation, server))
            }
            _ => Ok(Some(appended)),
        }
    }
}

/// The entries of a call are in the journal.
#[derive(Debug, Clone, Copy)]
pub(super) struct Appended {
    /// The number of the first.
    pub(super) first: u64,
    /// Whether the same call has appended them before.
    pub(super) is_repeated: bool,
}

/// How many replicas have confirmed a save, or why that is not known.
type Confirmation = Result<u64, String>;

fn wait_for_replicas(connection: &mut Connection, wait: RedisWait) -> RedisResult<Confirmation> {
    let confirmed = cmd("WAIT")
        .arg(wait.replicas)
        .arg(u64::try_from(wait.timeout.as_millis()).unwrap_or(u64::MAX))
        .query(connection);
    match confirmed {
        // The value is saved in any case.
        Err(error) if classify(&error) == Failure::Refused => Ok(Err(reason(&error))),
        confirmed => confirmed.map(Ok),
    }
}

/// An earlier attempt may have been executed by a server that is the master again later.
fn other_server(server: &RedisServer) -> Error {
    let text = format!(
        "cannot save in {}: Redis was restarted or has failed over meanwhile",
        server.address()
    );
    Error::new(ErrorKind::Cache, text).with_help("see whether the event has arrived, or save again")
}

/// An attempt may have been executed, although its answer was lost.
fn uncertain(error: &Error) -> Error {
    let text = format!("{error}; the value may have been saved");
    let help = error.help().unwrap_or_default();
    Error::new(ErrorKind::Cache, text)
        .with_help(help)
        .may_be_done()
}

fn too_few_replicas(wait: RedisWait, confirmation: Confirmation, server: &RedisServer) -> Error {
    let RedisWait { replicas, timeout } = wait;
    let problem = match confirmation {
        Ok(confirmed) => format!(
            "{confirmed} of {replicas} replicas confirmed it within {} ms",
            timeout.as_millis()
        ),
        Err(reason) => format!("it is not known whether the replicas have it ({reason})"),
    };
    let text = format!(
        "the value was saved in {}, but {problem}: a failover may lose it",
        server.address()
    );
    let help =
        "do not save it again; see whether the replicas are connected, or change SSE_REDIS_WAIT";
    Error::new(ErrorKind::Cache, text)
        .with_help(help)
        .may_be_done()
}
