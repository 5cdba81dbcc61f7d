//! A Sentinel, which promotes a replica when the master is down.

use std::{collections::HashMap, fs, time::Duration};

use redis::{Connection, RedisResult};

use super::{process::RedisProcess, server::RedisServer};
use crate::{port::ReservedPort, scratch::ScratchFolder, wait::until};

/// A Sentinel that watches one master under the name [`Sentinel::SERVICE`]. It ends when this is dropped.
pub struct Sentinel {
    _process: RedisProcess,
    port: ReservedPort,
    _dir: ScratchFolder,
}

impl Sentinel {
    pub const SERVICE: &str = "shop";

    /// Longer than a failover takes: a Sentinel that finds that the machine was busy for two seconds does nothing for
    /// thirty.
    pub const MAX_FAILOVER_TIME: Duration = Duration::from_secs(90);

    /// How long a master does not answer until it is down.
    pub const DOWN_AFTER: Duration = Duration::from_millis(500);

    /// Starts a Sentinel that alone decides when the master is down: after [`DOWN_AFTER`](Self::DOWN_AFTER).
    #[track_caller]
    #[must_use]
    pub fn start(master: &RedisServer) -> Self {
        Self::start_with(master, "")
    }

    /// With more lines in its configuration.
    #[track_caller]
    #[must_use]
    pub fn start_with(master: &RedisServer, lines: &str) -> Self {
        let (dir, port) = (ScratchFolder::new(), ReservedPort::new());
        let config = dir.path().join("sentinel.conf");
        let service = Self::SERVICE;
        let text = format!(
            "bind 127.0.0.1\nport {port}\ndir {dir}\n\
             sentinel monitor {service} 127.0.0.1 {master} 1\n\
             sentinel down-after-milliseconds {service} {down_after}\n\
             sentinel failover-timeout {service} 2000\n{lines}\n",
            port = port.number(),
            dir = dir.path().display(),
            master = master.port(),
            down_after = Self::DOWN_AFTER.as_millis(),
        );
        fs::write(&config, text).unwrap();
        let sentinel = Self {
            _process: RedisProcess::start("redis-sentinel", &config),
            port,
            _dir: dir,
        };
        until("the Sentinel answers", || sentinel.master().ok());
        sentinel
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

    fn connect(&self) -> RedisResult<Connection> {
        redis::Client::open(format!("redis://{}", self.address()))?.get_connection()
    }

    /// The port of the master that it names.
    ///
    /// # Errors
    ///
    /// Fails if it does not answer.
    pub fn master(&self) -> RedisResult<u16> {
        let mut command = redis::cmd("SENTINEL");
        command.arg("GET-MASTER-ADDR-BY-NAME").arg(Self::SERVICE);
        let (_, port): (String, u16) = command.query(&mut self.connect()?)?;
        Ok(port)
    }

    /// Waits until it knows this many replicas that it could promote.
    #[track_caller]
    pub fn wait_for_replicas(&self, count: usize) {
        until("the Sentinel knows the replicas", || {
            let mut command = redis::cmd("SENTINEL");
            command.arg("CKQUORUM").arg(Self::SERVICE);
            let mut connection = self.connect().ok()?;
            command.query::<String>(&mut connection).ok()?;
            let mut command = redis::cmd("SENTINEL");
            command.arg("REPLICAS").arg(Self::SERVICE);
            let replicas: Vec<HashMap<String, String>> = command.query(&mut connection).ok()?;
            let ready = replicas.iter().filter(|replica| {
                let is_up = replica
                    .get("master-link-status")
                    .is_some_and(|link| link == "ok");
                is_up && replica.get("flags").is_some_and(|flags| flags == "slave")
            });
            (ready.count() >= count).then_some(())
        });
    }

    /// Changes how long a master does not answer until it is down.
    ///
    /// # Errors
    ///
    /// Fails if it does not answer.
    pub fn set_down_after(&self, time: Duration) -> RedisResult<()> {
        let mut command = redis::cmd("SENTINEL");
        command.arg("SET").arg(Self::SERVICE);
        command
            .arg("down-after-milliseconds")
            .arg(time.as_millis().to_string());
        command.query(&mut self.connect()?)
    }

    /// Whether the master is up, and no failover is in progress.
    ///
    /// # Errors
    ///
    /// Fails if it does not answer.
    pub fn is_settled(&self) -> RedisResult<bool> {
        let mut command = redis::cmd("SENTINEL");
        command.arg("MASTER").arg(Self::SERVICE);
        let master: HashMap<String, String> = command.query(&mut self.connect()?)?;
        Ok(master.get("flags").is_some_and(|flags| flags == "master"))
    }

    /// Begins to promote a replica although the master is up.
    ///
    /// # Errors
    ///
    /// Fails if it cannot: for example because another failover is in progress.
    pub fn fail_over(&self) -> RedisResult<()> {
        let mut command = redis::cmd("SENTINEL");
        command.arg("FAILOVER").arg(Self::SERVICE);
        command.query(&mut self.connect()?)
    }
}
