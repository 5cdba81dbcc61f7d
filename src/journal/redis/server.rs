//! One Redis server, or the master of several: its connections, and what happens while it is away.

use std::{
    sync::{
        Arc, Mutex,
        atomic::{AtomicU64, Ordering},
    },
    thread,
    time::{Duration, Instant},
};

use redis::{Connection, RedisError, RedisResult, cmd};

use super::{
    connect::{CONNECT_TIMEOUT, connect, find_master},
    error::{
        Failure, address_of_master, classify, describe, is_refused_before_execution, transport_help,
    },
    keys::Keys,
    outage::Outage,
};
use crate::{
    config::{RedisLocation, RedisServers, ServerAddress},
    error::Error,
    observe::Observations,
    runtime::lock,
    spans,
};

/// How long the answer to a command may take. A server that takes longer is busy with something else, stopped,
/// or away.
pub(super) const COMMAND_TIMEOUT: Duration = Duration::from_secs(2);

/// A command gets at least this long, because Redis may be busy for a moment.
pub(super) const MIN_TIMEOUT: Duration = Duration::from_millis(250);

/// A connection that was idle for less than this is not tested before a save.
const UNTESTED_IDLE_TIME: Duration = Duration::from_millis(5);

/// Open connections that wait for the next command. More are opened while more threads need one.
const MAX_IDLE_CONNECTIONS: usize = 8;

/// A connection may be healthy although its server is no longer the master that others use: one that was cut off
/// from its replicas and Sentinels does not know that another one was promoted.
const MASTER_CHECK_INTERVAL: Duration = Duration::from_secs(10);

/// The same for a server that refuses saves because its replicas have left it.
const ABANDONED_CHECK_INTERVAL: Duration = Duration::from_secs(1);

pub(super) struct RedisServer {
    location: RedisLocation,
    /// Without user and password.
    address: String,
    pub(super) keys: Keys,
    state: Mutex<State>,
    /// Changes when all connections have become useless.
    generation: AtomicU64,
    /// [`UNTESTED_IDLE_TIME`], unless a test has changed it.
    pub(super) untested_idle_time: Duration,
}

#[derive(Default)]
struct State {
    idle: Vec<IdleConnection>,
    /// Named by Sentinel, and when.
    master: Option<(ServerAddress, Instant)>,
    outage: Option<Outage>,
    /// The generation of the newest connection; `None` before the first, so that the address may lead to no server.
    connected: Option<u64>,
    /// Of the cache that has opened a journal here last.
    observations: Option<Observations>,
}

/// A connection that waits for the next command.
struct IdleConnection {
    generation: u64,
    connection: Connection,
    since: Instant,
}

/// Which commands may be sent twice.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Command {
    Read,
    /// A connection that was idle is tested first: if it was closed, for example by a restart, nobody could tell
    /// whether the command was executed before.
    Write,
}

/// Why a command has failed.
pub(super) struct CommandError {
    pub(super) error: Error,
    pub(super) failure: Failure,
    /// Whether the server may have executed it, although it has sent no answer.
    pub(super) may_be_done: bool,
}

impl From<CommandError> for Error {
    fn from(error: CommandError) -> Self {
        error.error
    }
}

impl RedisServer {
    pub(super) fn new(location: RedisLocation) -> Self {
        Self {
            address: location.to_string(),
            keys: Keys::new(&location),
            location,
            state: Mutex::default(),
            generation: AtomicU64::new(0),
            untested_idle_time: UNTESTED_IDLE_TIME,
        }
    }

    pub(super) fn location(&self) -> &RedisLocation {
        &self.location
    }

    /// For messages.
    pub(super) fn address(&self) -> &str {
        &self.address
    }

    /// Runs a command that may be repeated. `operation` continues "cannot" in an error.
    pub(super) fn run<T>(
        self: &Arc<Self>,
        operation: &str,
        command: impl Fn(&mut Connection) -> RedisResult<T>,
    ) -> Result<T, CommandError> {
        self.run_within(COMMAND_TIMEOUT, Command::Read, operation, command)
    }

    /// Does the same, and waits for an answer for this long; if there is no connection, for the connection, too.
    pub(super) fn run_within<T>(
        self: &Arc<Self>,
        timeout: Duration,
        kind: Command,
        operation: &str,
        command: impl Fn(&mut Connection) -> RedisResult<T>,
    ) -> Result<T, CommandError> {
        let span = spans::redis(operation, &self.address);
        let result = span.in_scope(|| self.ask(timeout, kind, operation, command));
        if let Err(error) = &result {
            span.record("error.type", tracing::field::debug(error.failure));
        }
        result
    }

    fn ask<T>(
        self: &Arc<Self>,
        timeout: Duration,
        kind: Command,
        operation: &str,
        command: impl Fn(&mut Connection) -> RedisResult<T>,
    ) -> Result<T, CommandError> {
        let start = Instant::now();
        let mut may_be_done = false;
        if let Some((generation, mut connection)) = self.take_idle(kind, timeout) {
            match self.run_on(&mut connection, timeout, &command) {
                // The server may have closed the connection since, for example in a restart.
                Err(error) if error.is_io_error() && !error.is_timeout() => self.forget(generation),
                result => return self.complete(result, generation, connection, operation),
            }
            may_be_done = true;
        }
        let result = self.open(operation, timeout.min(CONNECT_TIMEOUT)).and_then(
            |(generation, mut connection)| {
                let left = timeout.saturating_sub(start.elapsed());
                let result = self.run_on(&mut connection, left.max(MIN_TIMEOUT), &command);
                self.complete(result, generation, connection, operation)
            },
        );
        result.map_err(|error| CommandError {
            may_be_done: error.may_be_done || may_be_done,
            ..error
        })
    }

    /// A connection of its own, for a command that blocks. Its generation is the first value.
    pub(super) fn open(
        &self,
        operation: &str,
        timeout: Duration,
    ) -> Result<(u64, Connection), CommandError> {
        self.check_back_off(operation)?;
        let generation = self.generation();
        let start = Instant::now();
        let opened = self.master(timeout).and_then(|master| {
            let left = timeout.saturating_sub(start.elapsed());
            connect(&self.location, master.as_ref(), left)
        });
        match opened {
            Ok(connection) => {
                self.note_connected(generation);
                Ok((generation, connection))
            }
            Err(error) => Err(self.note_failure(&error, generation, operation)),
        }
    }

    /// Reports reconnects there from now on.
    pub(super) fn report_to(&self, observations: &Observations) {
        lock(&self.state).observations = Some(observations.clone());
    }

    fn note_connected(&self, generation: u64) {
        let mut state = lock(&self.state);
        let former = state.connected.replace(generation);
        if former.is_some_and(|former| former != generation)
            && let Some(observations) = &state.observations
        {
            observations.redis_reconnected();
        }
    }

    /// Changes when connections that are open should be closed.
    pub(super) fn generation(&self) -> u64 {
        // It only tells whether to connect again, so nothing depends on its order.
        self.generation.load(Ordering::Relaxed)
    }

    /// A command on a connection of its own has failed.
    pub(super) fn note_failure(
        &self,
        error: &RedisError,
        generation: u64,
        operation: &str,
    ) -> CommandError {
        let failure = classify(error);
        let address = self.address_in_use();
        if failure == Failure::Refused {
            return CommandError {
                error: describe(operation, &address, error),
                failure,
                may_be_done: false,
            };
        }
        self.forget(generation);
        let mut state = lock(&self.state);
        let help = match state.connected {
            Some(_) => None,
            None => transport_help(error, self.location.tls.is_some()),
        };
        let outage =
            (state.outage).get_or_insert_with(|| Outage::new(error.clone(), address, help));
        outage.note_attempt();
        outage.error(operation)
    }

    fn run_on<T>(
        &self,
        connection: &mut Connection,
        timeout: Duration,
        command: impl Fn(&mut Connection) -> RedisResult<T>,
    ) -> RedisResult<T> {
        connection.set_read_timeout(Some(timeout))?;
        connection.set_write_timeout(Some(timeout))?;
        command(connection)
    }

    fn complete<T>(
        self: &Arc<Self>,
        result: RedisResult<T>,
        generation: u64,
        connection: Connection,
        operation: &str,
    ) -> Result<T, CommandError> {
        let error = match result {
            Ok(value) => {
                self.note_success(generation, connection);
                return Ok(value);
            }
            Err(error) => error,
        };
        if classify(&error) == Failure::Refused {
            // The server has answered.
            self.note_success(generation, connection);
            if error.code() == Some("NOREPLICAS") {
                self.check_master(ABANDONED_CHECK_INTERVAL);
            }
        }
        Err(CommandError {
            may_be_done: !is_refused_before_execution(&error),
            ..self.note_failure(&error, generation, operation)
        })
    }

    /// The server has answered. Keeps the connection for the next command.
    fn note_success(&self, generation: u64, connection: Connection) {
        let mut state = lock(&self.state);
        state.outage = None;
        if generation == self.generation() && state.idle.len() < MAX_IDLE_CONNECTIONS {
            state.idle.push(IdleConnection {
                generation,
                connection,
                since: Instant::now(),
            });
        }
    }

    fn take_idle(self: &Arc<Self>, kind: Command, timeout: Duration) -> Option<(u64, Connection)> {
        self.check_master(MASTER_CHECK_INTERVAL);
        let mut idle = lock(&self.state).idle.pop()?;
        if kind == Command::Write
            && idle.since.elapsed() > self.untested_idle_time
            && !is_alive(&mut idle.connection, timeout)
        {
            self.forget(idle.generation);
            return None;
        }
        Some((idle.generation, idle.connection))
    }

    /// Fails while the back-off after a failed attempt lasts.
    fn check_back_off(&self, operation: &str) -> Result<(), CommandError> {
        match &lock(&self.state).outage {
            Some(outage) if outage.is_backing_off() => Err(outage.error(operation)),
            _ => Ok(()),
        }
    }

    /// Closes the connections of this generation, and asks for the master again.
    pub(super) fn forget(&self, generation: u64) {
        let mut state = lock(&self.state);
        // Otherwise another thread was faster.
        if self.generation() == generation {
            self.generation.store(generation + 1, Ordering::Relaxed);
            state.idle.clear();
            state.master = None;
        }
    }

    fn master(&self, timeout: Duration) -> RedisResult<Option<ServerAddress>> {
        if !self.has_sentinels() {
            return Ok(None);
        }
        let known = lock(&self.state).master.clone();
        if let Some((master, _)) = known {
            return Ok(Some(master));
        }
        let master = find_master(&self.location, timeout)?;
        lock(&self.state).master = master.clone().map(|master| (master, Instant::now()));
        Ok(master)
    }

    /// Asks the Sentinels whether the master is still the same, unless that was done within `interval`. On another
    /// thread: a Sentinel that does not answer must delay no event.
    fn check_master(self: &Arc<Self>, interval: Duration) {
        let generation = self.generation();
        let known = match &mut lock(&self.state).master {
            Some((master, asked_at)) if asked_at.elapsed() >= interval => {
                // The other threads need not ask, too.
                *asked_at = Instant::now();
                master.clone()
            }
            _ => return,
        };
        let server = Arc::clone(self);
        let ask = move || {
            if let Ok(Some(master)) = find_master(&server.location, CONNECT_TIMEOUT)
                && master != known
            {
                tracing::warn!(
                    "{}: Sentinel names another master, {master} instead of {known}; connecting to that",
                    server.address
                );
                server.forget(generation);
            }
        };
        // Without a thread, the next check is due after another interval.
        let _ = thread::Builder::new()
            .name("sse-sentinel".into())
            .spawn(ask);
    }

    /// For messages about a failure: with Sentinels, the server is named nowhere else.
    fn address_in_use(&self) -> String {
        match &lock(&self.state).master {
            Some((master, _)) => address_of_master(&self.address, master),
            None if self.has_sentinels() => {
                format!("{}, when asking the Sentinels", self.address)
            }
            None => self.address.clone(),
        }
    }

    fn has_sentinels(&self) -> bool {
        matches!(self.location.servers, RedisServers::Sentinels { .. })
    }
}

/// Whether the server answers, whatever it answers. TIME needs no further permission.
fn is_alive(connection: &mut Connection, timeout: Duration) -> bool {
    let limit = connection.set_read_timeout(Some(timeout));
    let answer = limit.and_then(|()| cmd("TIME").exec(connection));
    answer.map_or_else(|error| error.code().is_some(), |()| true)
}
