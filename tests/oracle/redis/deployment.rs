//! The Redis servers of a run, and how the processes reach them.

use std::{
    path::PathBuf,
    sync::{Arc, Mutex},
    thread,
    time::{Duration, Instant},
};

use redis::RedisResult;
use support::redis::{Forwarder, RedisOptions, RedisServer, Sentinel, Snapshot};

use super::archive::{RedisArchive, lock};
use crate::clock::Clock;

/// Which servers there are.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Topology {
    /// One server.
    Single,
    /// A master and a replica, between which an administrator switches.
    Pair,
    /// The same with a Sentinel, which switches.
    Sentinel,
}

/// How the processes are divided: each part has its own way to Redis.
pub(super) const ZONES: usize = 2;

pub(super) struct Deployment {
    pub(super) topology: Topology,
    pub(super) nodes: Vec<RedisServer>,
    /// The index of the node that is, or will be, the master.
    pub(super) master: usize,
    /// From the processes to the master.
    pub(super) zones: Vec<Forwarder>,
    /// From the replica to the master.
    pub(super) link: Forwarder,
    pub(super) sentinel: Option<Sentinel>,
    pub(super) snapshot: Option<Snapshot>,
}

impl Deployment {
    pub(super) fn start(topology: Topology, fsync: &str) -> Self {
        let count = match topology {
            Topology::Single => 1,
            Topology::Pair | Topology::Sentinel => 2,
        };
        let options = || RedisOptions::new().append_only(fsync);
        let nodes: Vec<_> = (0..count).map(|_| RedisServer::start(options())).collect();
        let port = nodes[0].port();
        let mut deployment = Self {
            topology,
            master: 0,
            zones: (0..ZONES).map(|_| Forwarder::to(port)).collect(),
            link: Forwarder::to(port),
            sentinel: None,
            snapshot: None,
            nodes,
        };
        if let Some(replica) = deployment.nodes.get(1) {
            replica.replicate(deployment.replication_port());
            support::until("the replica is in step", || {
                let link = replica.replication("master_link_status").ok()?;
                (link == "up").then_some(())
            });
        }
        if topology == Topology::Sentinel {
            // It asks a master for its replicas when it starts, and then every ten seconds.
            let sentinel = Sentinel::start(deployment.master());
            sentinel.wait_for_replicas(1);
            deployment.sentinel = Some(sentinel);
        }
        deployment
    }

    /// The value of `SSE_CACHE` for the processes of this zone.
    pub(super) fn url(&self, zone: usize) -> String {
        match &self.sentinel {
            Some(sentinel) => format!(
                "redis+sentinel://{}/{}",
                sentinel.address(),
                Sentinel::SERVICE
            ),
            None => format!("redis://127.0.0.1:{}", self.zones[zone].port()),
        }
    }

    pub(super) fn dirs(&self) -> Vec<PathBuf> {
        self.nodes
            .iter()
            .map(|node| node.dir().to_owned())
            .collect()
    }

    pub(super) fn master(&self) -> &RedisServer {
        &self.nodes[self.master]
    }

    /// The index of the node that is not the master.
    pub(super) fn other(&self) -> usize {
        1 - self.master
    }

    /// Where a replica connects to. Sentinel knows nodes only by their own addresses.
    pub(super) fn replication_port(&self) -> u16 {
        match self.topology {
            Topology::Sentinel => self.master().port(),
            Topology::Single | Topology::Pair => self.link.port(),
        }
    }

    /// Leads everything to this node, and makes the other one its replica.
    pub(super) fn switch_to(&mut self, node: usize) {
        self.master = node;
        let port = self.master().port();
        for zone in &self.zones {
            zone.switch(port);
        }
        self.link.switch(port);
        self.nodes[self.other()].replicate(self.replication_port());
    }

    /// Waits until Sentinel names another master than before.
    pub(super) fn wait_for_failover(&mut self) -> Result<(), String> {
        let sentinel = self.sentinel.as_ref().ok_or("no Sentinel")?;
        let other = self.nodes[self.other()].port();
        wait_for_sentinel(
            "promotes another master",
            || Ok(sentinel.master()? == other),
        )?;
        self.master = self.other();
        Ok(())
    }

    /// Restarts a node, after everything that it has saved was copied.
    pub(super) fn restart(
        &mut self,
        node: usize,
        archive: &Mutex<RedisArchive>,
        clock: &Arc<Clock>,
        restart: impl FnOnce(&mut RedisServer),
    ) {
        self.nodes[node].kill();
        // Nothing is copied while the files are replaced.
        let mut archive = lock(archive);
        while archive.poll(clock) {}
        archive.forget(node);
        restart(&mut self.nodes[node]);
    }

    /// Ends all faults: one node is the master for every process.
    pub(super) fn heal(&mut self) -> Result<(), String> {
        for node in &mut self.nodes {
            node.resume();
            if !node.is_running() {
                node.restart();
            }
        }
        if let Some(sentinel) = &self.sentinel {
            // Sentinel names the former master until a failover is nearly over. No other one begins from now on.
            let hour = Duration::from_secs(3_600);
            let set = sentinel.set_down_after(hour);
            set.map_err(|error| error.to_string())?;
            wait_for_sentinel("ends its failovers", || sentinel.is_settled())?;
            let master = sentinel.master().map_err(|error| error.to_string())?;
            let named = self.nodes.iter().position(|node| node.port() == master);
            self.master = named.ok_or("Sentinel names an unknown master")?;
        }
        for node in &self.nodes {
            node.configure("maxmemory", "0");
            node.configure("client-output-buffer-limit", "normal 0 0 0");
            node.run(&["CLIENT", "UNPAUSE"]);
        }
        if self.nodes.len() > 1 {
            self.switch_to(self.master);
            let other = &self.nodes[self.other()];
            // As Sentinel does it, so that no process stays connected to a former master.
            other.cut_connections();
        }
        Ok(())
    }
}

/// Waits until the Sentinel has done this.
fn wait_for_sentinel(what: &str, is_done: impl Fn() -> RedisResult<bool>) -> Result<(), String> {
    let end = Instant::now() + Sentinel::MAX_FAILOVER_TIME;
    while !is_done().unwrap_or_default() {
        if Instant::now() > end {
            let time = Sentinel::MAX_FAILOVER_TIME;
            return Err(format!("Sentinel never {what}, for {time:?}"));
        }
        thread::sleep(Duration::from_millis(10));
    }
    Ok(())
}
