//! A Redis server of the benchmark's own.

use std::{
    fs, io,
    net::{SocketAddr, TcpListener},
    path::{Path, PathBuf},
    process::Command,
};

use redis::{Client, Connection, IntoConnectionInfo};

use super::process::Process;

/// How often Redis syncs its append-only file to the disk.
#[derive(Debug, Clone, Copy, Default)]
pub(crate) enum Fsync {
    /// Before it acknowledges a write.
    Always,
    /// Redis's default.
    #[default]
    EverySecond,
}

/// A Redis server with an append-only file. It is killed on drop.
pub(crate) struct RedisServer {
    /// `None` after [`kill`](Self::kill).
    process: Option<Process>,
    address: SocketAddr,
    dir: PathBuf,
    fsync: Fsync,
}

impl RedisServer {
    /// Starts it with its data in the folder `dir`, which is created.
    pub(crate) fn start(dir: &Path, fsync: Fsync) -> io::Result<Self> {
        fs::create_dir_all(dir)?;
        let mut redis = Self {
            process: None,
            // Redis cannot choose a free port itself.
            address: TcpListener::bind(("127.0.0.1", 0))?.local_addr()?,
            dir: dir.to_owned(),
            fsync,
        };
        redis.restart()?;
        Ok(redis)
    }

    /// Kills it at once (SIGKILL).
    pub(crate) fn kill(&mut self) {
        self.process = None;
    }

    /// Starts it again with its data, and waits until it accepts connections.
    pub(crate) fn restart(&mut self) -> io::Result<()> {
        self.kill();
        let fsync = match self.fsync {
            Fsync::Always => "always",
            Fsync::EverySecond => "everysec",
        };
        let mut command = Command::new("redis-server");
        command
            .args(["--bind", "127.0.0.1", "--port"])
            .arg(self.address.port().to_string())
            .args(["--save", "", "--appendonly", "yes", "--appendfsync", fsync])
            .args(["--maxmemory-policy", "noeviction"]);
        self.process = Some(Process::start_at(&mut command, &self.dir, self.address)?);
        Ok(())
    }

    /// The value of `SSE_CACHE` for this server.
    pub(crate) fn url(&self) -> String {
        format!("redis://{}", self.address)
    }

    pub(crate) fn connect(&self) -> io::Result<Connection> {
        connect(&self.url())
    }

    /// The process id.
    pub(crate) fn id(&self) -> io::Result<u32> {
        let process = self.process.as_ref().map(Process::id);
        process.ok_or_else(|| io::Error::other("Redis is not running"))
    }
}

pub(crate) fn connect(url: &str) -> io::Result<Connection> {
    url.into_connection_info()
        .and_then(Client::open)
        .and_then(|client| client.get_connection())
        .map_err(io::Error::other)
}
