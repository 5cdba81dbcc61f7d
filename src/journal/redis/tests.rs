//! The journal on a real redis-server.

mod epochs;
mod faults;
mod keyed_saves;
mod other_programs;
mod other_writers;
mod permissions;
mod rollback;

use std::{
    fs::File,
    path::PathBuf,
    process::{Child, Command, Stdio},
    sync::Arc,
    thread,
    time::{Duration, Instant},
};

use redis::{Commands, Connection, FromRedisValue, Value, cmd};

use super::{RedisJournal, server::RedisServer};
use crate::{
    config::{CacheLocation, Config, RedisLocation},
    journal::contract::Journal,
};

const ENTRY: &[u8] = br#"{"time":"2026-11-23T15:51:00Z","ttl_ms":0,"key":"k","value":1}"#;

fn append(journal: &RedisJournal, count: u64) -> u64 {
    (0..count)
        .map(|_| journal.append(ENTRY).unwrap())
        .last()
        .unwrap()
}

/// Reads all entries, as the tail does.
fn read_all(journal: &RedisJournal) -> usize {
    journal.read_from(1, 1_000).unwrap().entries.len()
}

const DEADLINE: Duration = Duration::from_secs(20);

/// A redis-server on a socket in a temporary folder. It ends when this is dropped.
pub(crate) struct TestRedis {
    folder: tempfile::TempDir,
    process: Child,
}

impl TestRedis {
    pub(crate) fn start() -> Self {
        let folder = tempfile::tempdir_in(memory()).unwrap();
        let process = spawn(&folder);
        let server = Self { folder, process };
        server.connection();
        server
    }

    pub(crate) fn kill(&mut self) {
        self.process.kill().unwrap();
        self.process.wait().unwrap();
    }

    /// Starts it again, with the data of its append-only file.
    pub(crate) fn restart(&mut self) {
        self.process = spawn(&self.folder);
        self.connection();
    }

    /// Its configuration, which is an app's `.env` in the same folder.
    pub(crate) fn config(&self) -> Config {
        let url = format!("redis+unix://{}?prefix=test", self.socket().display());
        let config = Config::new(self.folder.path(), "a:k").unwrap();
        config.with_redis(&url).unwrap()
    }

    pub(super) fn location(&self) -> RedisLocation {
        match self.config().cache_location() {
            CacheLocation::Redis(location) => location.clone(),
            CacheLocation::Folder(_) => unreachable!("the configuration names Redis"),
        }
    }

    pub(super) fn server(&self) -> Arc<RedisServer> {
        Arc::new(RedisServer::new(self.location()))
    }

    /// Opens the journal, as another process does.
    pub(crate) fn open_journal(&self) -> RedisJournal {
        RedisJournal::open(&self.server(), &self.config()).unwrap()
    }

    /// The same for a process whose last command was a moment ago, however slow the machine is: the next save is sent
    /// without a test of the connection.
    pub(super) fn open_journal_in_use(&self) -> RedisJournal {
        let server = server_in_use(self.location());
        RedisJournal::open(&server, &self.config()).unwrap()
    }

    /// A connection of another program. Waits until the server is ready.
    pub(super) fn connection(&self) -> Connection {
        let client = redis::Client::open(format!("unix:{}", self.socket().display())).unwrap();
        let start = Instant::now();
        loop {
            if let Ok(mut connection) = client.get_connection()
                && cmd("PING").query::<String>(&mut connection).is_ok()
            {
                return connection;
            }
            let log = std::fs::read_to_string(self.folder.path().join("log"));
            assert!(
                start.elapsed() < DEADLINE,
                "redis-server is not ready: {log:?}"
            );
            thread::sleep(Duration::from_millis(5));
        }
    }

    pub(crate) fn run<T: FromRedisValue>(&self, command: &[&str]) -> T {
        let mut parts = cmd(command[0]);
        for part in &command[1..] {
            parts.arg(part);
        }
        parts.query(&mut self.connection()).unwrap()
    }

    /// Puts other bytes in the place of an entry. Redis cannot change an entry, so all are added again.
    pub(crate) fn overwrite_entry(&self, number: u64, bytes: &[u8]) {
        let mut connection = self.connection();
        let key = "{test}:s";
        let entries: Vec<(String, Vec<Vec<u8>>)> = cmd("XRANGE")
            .arg(key)
            .arg("-")
            .arg("+")
            .query(&mut connection)
            .unwrap();
        let () = connection.del(key).unwrap();
        for (id, mut fields) in entries {
            if id == format!("{number}-0") {
                fields[1] = bytes.to_vec();
            }
            let _: Value = cmd("XADD")
                .arg(key)
                .arg(id)
                .arg(fields)
                .query(&mut connection)
                .unwrap();
        }
    }

    pub(super) fn socket(&self) -> PathBuf {
        self.folder.path().join("socket")
    }
}

/// A server whose connections are never tested before a save.
fn server_in_use(location: RedisLocation) -> Arc<RedisServer> {
    let mut server = RedisServer::new(location);
    server.untested_idle_time = Duration::MAX;
    Arc::new(server)
}

impl Drop for TestRedis {
    fn drop(&mut self) {
        let _ = self.process.kill();
        let _ = self.process.wait();
    }
}

/// A memory file system, if there is one: a slow disk would delay the answers of Redis, and a killed process loses
/// nothing of a file, wherever that is.
fn memory() -> PathBuf {
    let memory = PathBuf::from("/dev/shm");
    match memory.is_dir() {
        true => memory,
        false => std::env::temp_dir(),
    }
}

fn spawn(folder: &tempfile::TempDir) -> Child {
    let log = File::create(folder.path().join("log")).unwrap();
    Command::new("redis-server")
        .args(["--port", "0", "--unixsocket", "socket", "--save", ""])
        .args(["--appendonly", "yes", "--appendfsync", "always"])
        .args(["--enable-debug-command", "yes"])
        .current_dir(folder)
        .stdin(Stdio::null())
        .stdout(log)
        .spawn()
        .expect("redis-server is installed: run tests/setup")
}
