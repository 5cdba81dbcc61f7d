//! A Redis server.

use std::{
    fs,
    path::{Path, PathBuf},
    time::Duration,
};

use redis::{Connection, ConnectionLike, FromRedisValue, RedisResult};

use super::{options::RedisOptions, process::RedisProcess, snapshot::Snapshot};
use crate::{port::ReservedPort, scratch::ScratchFolder, wait::until};

/// Longer than any command of a test takes on a busy machine.
const TIMEOUT: Duration = Duration::from_secs(20);

/// A Redis server in a folder of its own, on a port that stays its own while it is restarted. It ends when this is
/// dropped.
pub struct RedisServer {
    process: Option<RedisProcess>,
    options: RedisOptions,
    port: ReservedPort,
    dir: ScratchFolder,
}

impl RedisServer {
    /// Starts a server, and waits until it accepts commands.
    #[track_caller]
    #[must_use]
    pub fn start(options: RedisOptions) -> Self {
        let mut server = Self {
            process: None,
            options,
            port: ReservedPort::new(),
            // A killed process loses nothing of a file, wherever that is.
            dir: ScratchFolder::in_memory(),
        };
        server.restart();
        server
    }

    /// The folder with its data.
    #[must_use]
    pub fn dir(&self) -> &Path {
        self.dir.path()
    }

    #[must_use]
    pub fn port(&self) -> u16 {
        self.port.number()
    }

    /// `127.0.0.1:PORT`.
    #[must_use]
    pub fn address(&self) -> String {
        self.port.address()
    }

    /// The Unix socket at which it listens, too.
    #[must_use]
    pub fn socket(&self) -> PathBuf {
        self.dir().join("redis.sock")
    }

    /// Kills it with SIGKILL.
    pub fn kill(&mut self) {
        self.process = None;
    }

    #[must_use]
    pub fn is_running(&self) -> bool {
        self.process.is_some()
    }

    /// Whether it has ended by itself.
    pub fn has_ended(&mut self) -> bool {
        self.process.as_mut().is_some_and(RedisProcess::has_ended)
    }

    /// Starts it with the data in its folder. A running one is killed before.
    #[track_caller]
    pub fn restart(&mut self) {
        self.kill();
        let config = self.dir().join("redis.conf");
        fs::write(&config, self.options.text(self.dir(), self.port())).unwrap();
        // What a killed server has left would refuse connections.
        let _ = fs::remove_file(self.socket());
        self.process = Some(RedisProcess::start("redis-server", &config));
        until("the Redis server accepts commands", || {
            assert!(!self.has_ended(), "redis-server has ended at its start");
            let pong: String = self.command(&["PING"]).ok()?;
            (pong == "PONG").then_some(())
        });
    }

    /// Starts it without data.
    #[track_caller]
    pub fn restart_empty(&mut self) {
        self.remove_data();
        self.restart();
    }

    /// Starts it with older data.
    #[track_caller]
    pub fn restart_from(&mut self, snapshot: &Snapshot) {
        self.remove_data();
        snapshot.write(self.dir());
        self.restart();
    }

    fn remove_data(&mut self) {
        self.kill();
        let _ = fs::remove_dir_all(self.dir().join("appendonlydir"));
        let _ = fs::remove_file(self.dir().join("dump.rdb"));
    }

    /// The data as it is now.
    #[track_caller]
    #[must_use]
    pub fn snapshot(&self) -> Snapshot {
        self.run(&["SAVE"]);
        Snapshot::read(self.dir())
    }

    /// Stops it with SIGSTOP: its connections stay open, and nobody answers.
    pub fn suspend(&self) {
        self.process.as_ref().unwrap().suspend();
    }

    /// Continues it after [`suspend`](Self::suspend).
    pub fn resume(&self) {
        if let Some(process) = &self.process {
            process.resume();
        }
    }

    /// A connection that needs neither the port nor TLS.
    ///
    /// # Errors
    ///
    /// Fails while the server does not run.
    pub fn connect(&self) -> RedisResult<Connection> {
        let mut url = format!("redis+unix://{}", self.socket().display());
        if let Some(password) = &self.options.password {
            let user = self.options.user.as_deref().unwrap_or("default");
            url += &format!("?user={user}&pass={password}");
        }
        let connection = redis::Client::open(url)?.get_connection_with_timeout(TIMEOUT)?;
        connection.set_read_timeout(Some(TIMEOUT))?;
        connection.set_write_timeout(Some(TIMEOUT))?;
        Ok(connection)
    }

    /// Runs a command.
    ///
    /// # Errors
    ///
    /// Fails if the server answers with an error, or does not run.
    pub fn command<T: FromRedisValue>(&self, words: &[&str]) -> RedisResult<T> {
        let mut command = redis::Cmd::new();
        for word in words {
            command.arg(*word);
        }
        let answer = self.connect()?.req_command(&command)?;
        Ok(redis::from_redis_value(answer)?)
    }

    /// Runs a command that succeeds, whatever its answer is.
    #[track_caller]
    pub fn run(&self, words: &[&str]) {
        let answer = self.command::<redis::Value>(words);
        assert!(answer.is_ok(), "{words:?}: {answer:?}");
    }

    /// Cuts the connections of all clients, but not those of replicas.
    #[track_caller]
    pub fn cut_connections(&self) {
        self.run(&["CLIENT", "KILL", "TYPE", "normal"]);
    }

    /// Changes the configuration until the next restart.
    #[track_caller]
    pub fn configure(&self, name: &str, value: &str) {
        self.run(&["CONFIG", "SET", name, value]);
    }

    /// Makes it a replica of the server at this port.
    #[track_caller]
    pub fn replicate(&self, port: u16) {
        self.run(&["REPLICAOF", "127.0.0.1", &port.to_string()]);
    }

    /// Makes it a master.
    #[track_caller]
    pub fn promote(&self) {
        self.run(&["REPLICAOF", "NO", "ONE"]);
    }

    /// A field of `INFO replication`, such as `role` or `master_link_status`.
    ///
    /// # Errors
    ///
    /// Fails if the server does not answer.
    pub fn replication(&self, field: &str) -> RedisResult<String> {
        let info: String = self.command(&["INFO", "replication"])?;
        let mut lines = info.lines();
        let value = lines.find_map(|line| line.strip_prefix(field)?.strip_prefix(':'));
        Ok(value.unwrap_or_default().to_owned())
    }
}
