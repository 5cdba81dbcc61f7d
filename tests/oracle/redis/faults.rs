//! Injects the faults of Redis, one after the other.

use std::{
    sync::{
        Arc, Mutex,
        atomic::{AtomicBool, Ordering},
    },
    thread,
    time::{Duration, Instant},
};

use support::{
    oracle::At,
    redis::{Sentinel, Traffic},
};

use super::{
    archive::RedisArchive,
    deployment::{Deployment, Topology},
    plan::{Data, RedisFault, RedisPlan},
};
use crate::clock::Clock;

/// Longer than a replica usually needs to receive what was saved.
const MAX_LAG: Duration = Duration::from_secs(5);

/// What a fault is done with.
pub(super) struct Injector {
    pub(super) deployment: Deployment,
    pub(super) archive: Arc<Mutex<RedisArchive>>,
    pub(super) clock: Arc<Clock>,
    /// The run has failed.
    pub(super) ends: Arc<AtomicBool>,
    /// When each fault has begun and ended.
    pub(super) disturbances: Vec<(At, At)>,
    /// How many faults of the plan were not possible.
    pub(super) skipped: u64,
}

impl Injector {
    /// Injects all faults, and returns how many there were.
    pub(super) fn run(&mut self, plan: &RedisPlan) -> Result<u64, String> {
        let mut done = 0;
        for (at, fault) in &plan.faults {
            while self.clock.now() < *at {
                if self.ends.load(Ordering::SeqCst) {
                    return Ok(done - self.skipped);
                }
                thread::sleep(Duration::from_millis(2));
            }
            let start = self.clock.now();
            let result = self.inject(fault);
            self.disturbances.push((start, self.clock.now()));
            result.map_err(|why| format!("{fault:?}: {why}"))?;
            done += 1;
        }
        let start = self.clock.now();
        let result = self.deployment.heal();
        self.disturbances.push((start, self.clock.now()));
        result?;
        Ok(done - self.skipped)
    }

    fn inject(&mut self, fault: &RedisFault) -> Result<(), String> {
        let deployment = &mut self.deployment;
        match fault {
            RedisFault::Restart(data, pause) => self.restart(*data, *pause),
            RedisFault::Snapshot => deployment.snapshot = Some(deployment.master().snapshot()),
            RedisFault::Suspend(duration) => {
                deployment.master().suspend();
                thread::sleep(*duration);
                deployment.master().resume();
                return self.follow_sentinel();
            }
            RedisFault::Cut => deployment.master().cut_connections(),
            RedisFault::LoseAnswers(zone, duration) => {
                deployment.zones[*zone].set_traffic(Traffic::WithoutAnswers);
                thread::sleep(*duration);
                deployment.zones[*zone].cut();
                deployment.zones[*zone].set_traffic(Traffic::Forwarded);
            }
            RedisFault::Overflow(duration) => {
                let limit = |limit| {
                    let master = deployment.master();
                    master.configure("client-output-buffer-limit", limit);
                };
                limit("normal 20000 0 0");
                thread::sleep(*duration);
                limit("normal 0 0 0");
            }
            RedisFault::OutOfMemory(duration) => {
                deployment.master().configure("maxmemory", "1");
                thread::sleep(*duration);
                deployment.master().configure("maxmemory", "0");
            }
            RedisFault::Flush => {
                // Sentinel may have made the former master a replica, which refuses this.
                self.follow_sentinel()?;
                self.deployment.master().run(&["FLUSHALL"]);
            }
            RedisFault::FailOver(lag) => return self.fail_over(*lag),
            RedisFault::TwoMasters(duration) => {
                let other = deployment.other();
                deployment.nodes[other].promote();
                deployment.zones[1].switch(deployment.nodes[other].port());
                thread::sleep(*duration);
                let wins = usize::from(duration.as_millis().is_multiple_of(2));
                deployment.switch_to(wins);
            }
        }
        Ok(())
    }

    fn restart(&mut self, data: Data, pause: Duration) {
        let deployment = &mut self.deployment;
        let master = deployment.master;
        deployment.nodes[master].kill();
        thread::sleep(pause);
        let snapshot = deployment.snapshot.clone();
        match (data, snapshot) {
            (Data::Lost, _) => deployment.restart(master, &self.archive, &self.clock, |node| {
                node.restart_empty();
            }),
            (Data::Older, Some(snapshot)) => {
                deployment.restart(master, &self.archive, &self.clock, |node| {
                    node.restart_from(&snapshot);
                });
            }
            _ => deployment.nodes[master].restart(),
        }
        // Sentinel may have promoted the replica meanwhile.
        if let Err(why) = self.follow_sentinel() {
            let mut archive = super::archive::lock(&self.archive);
            archive.archive.broken.get_or_insert(why);
        }
    }

    /// If Sentinel has promoted the other node, the former master becomes its replica.
    fn follow_sentinel(&mut self) -> Result<(), String> {
        let deployment = &mut self.deployment;
        let Some(sentinel) = &deployment.sentinel else {
            return Ok(());
        };
        let named = sentinel.master().map_err(|error| error.to_string())?;
        if named != deployment.master().port() {
            // For a while, there are two masters.
            thread::sleep(Duration::from_millis(300));
            deployment.switch_to(deployment.other());
        }
        Ok(())
    }

    fn fail_over(&mut self, lag: Option<Duration>) -> Result<(), String> {
        match self.deployment.topology {
            Topology::Sentinel => self.fail_over_by_sentinel(lag),
            Topology::Single | Topology::Pair => self.fail_over_by_hand(lag),
        }
    }

    fn fail_over_by_hand(&mut self, lag: Option<Duration>) -> Result<(), String> {
        let deployment = &mut self.deployment;
        let other = deployment.other();
        if let Some(lag) = lag {
            deployment.link.set_traffic(Traffic::Refused);
            thread::sleep(lag);
        } else {
            // Nothing is saved until the replica has everything.
            let pause = MAX_LAG.as_millis().to_string();
            deployment
                .master()
                .run(&["CLIENT", "PAUSE", &pause, "WRITE"]);
            if !wait_until_in_step(deployment) {
                // A replica that has just lost its connection may need longer on a busy machine.
                deployment.master().run(&["CLIENT", "UNPAUSE"]);
                self.skipped += 1;
                return Ok(());
            }
        }
        deployment.nodes[other].promote();
        deployment.link.set_traffic(Traffic::Forwarded);
        deployment.switch_to(other);
        deployment.nodes[deployment.other()].run(&["CLIENT", "UNPAUSE"]);
        Ok(())
    }

    fn fail_over_by_sentinel(&mut self, lag: Option<Duration>) -> Result<(), String> {
        let deployment = &mut self.deployment;
        let former = deployment.master;
        let Some(lag) = lag else {
            let asked = deployment.sentinel.as_ref().map(Sentinel::fail_over);
            return match asked {
                // The one before has just ended.
                Some(Err(_)) | None => Ok(()),
                Some(Ok(())) => {
                    deployment.wait_for_failover()?;
                    self.follow_former(former);
                    Ok(())
                }
            };
        };
        // The replica connects again within a second.
        deployment
            .master()
            .run(&["CLIENT", "KILL", "TYPE", "replica"]);
        thread::sleep(lag);
        deployment.nodes[former].kill();
        deployment.wait_for_failover()?;
        deployment.nodes[former].restart();
        self.follow_former(former);
        Ok(())
    }

    /// A former master remains one for a while.
    fn follow_former(&mut self, former: usize) {
        thread::sleep(Duration::from_millis(300));
        let port = self.deployment.replication_port();
        self.deployment.nodes[former].replicate(port);
    }
}

/// Whether the replica has everything within [`MAX_LAG`].
fn wait_until_in_step(deployment: &Deployment) -> bool {
    let end = Instant::now() + MAX_LAG;
    let offset = |node: usize, field| {
        deployment.nodes[node]
            .replication(field)
            .unwrap_or_default()
    };
    loop {
        let sent = offset(deployment.master, "master_repl_offset");
        if sent == offset(deployment.other(), "slave_repl_offset") {
            return true;
        }
        if Instant::now() > end {
            return false;
        }
        thread::sleep(Duration::from_millis(5));
    }
}
