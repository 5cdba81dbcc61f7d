//! The cost of an event for one user.

use std::{io, ops::Range, path::Path, time::Duration};

use tempfile::TempDir;

use crate::{
    clients::{Clients, Counts},
    report::{Metric, Results},
    servers::{Publisher, Server, ServerKind, user_name},
};

/// Far more than any server needs.
const EVENT_TIMEOUT: Duration = Duration::from_secs(10);

/// Few enough that both servers are measured under the same load of the machine.
const EVENTS_PER_TURN: usize = 100;

/// After a first one as a warm-up, so that all buffers are allocated.
const TURNS: usize = 10;

const MEASURED_EVENTS: usize = TURNS * EVENTS_PER_TURN;

/// Prime, so that consecutive events are for users that connected at different times.
const USER_STRIDE: usize = 7_919;

/// Which users the events are for.
#[derive(Debug, Clone, Copy)]
enum Target {
    /// What the server needs for this user is in the CPU's cache.
    SameUser,
    AnotherUser,
}

impl Target {
    fn user(self, event: usize, users: usize) -> usize {
        match self {
            Self::SameUser => users / 2,
            Self::AnotherUser => event * USER_STRIDE % users,
        }
    }

    fn label(self) -> &'static str {
        match self {
            Self::SameUser => "always the same",
            Self::AnotherUser => "another for each event",
        }
    }
}

/// A server whose streams have a user each.
struct Users {
    count: usize,
    server: Server,
    publisher: Publisher,
    clients: Clients,
    _dir: TempDir,
}

/// Both servers are open at the same time and are measured in turn, so that other load on the machine affects both.
pub(super) fn measure(
    few: usize,
    many: usize,
    name: ServerKind,
    dir: &Path,
    results: &mut Results,
) -> io::Result<()> {
    let mut all = [
        Users::connect(few, name, dir)?,
        Users::connect(many, name, dir)?,
    ];
    for target in [Target::SameUser, Target::AnotherUser] {
        let costs = costs(target, &mut all)?;
        for (users, cost) in all.iter().zip(costs) {
            let scenario = format!("one of {} users, {}", users.count, target.label());
            results.add(&scenario, name, Metric::Cpu, cost);
            let histogram = &users.clients.counts.latency;
            let latency = |quantile| histogram.value_at_quantile(quantile) as f64 / 1e6;
            results.add(&scenario, name, Metric::Median, latency(0.5));
            results.add(&scenario, name, Metric::Slowest, latency(0.99));
            users.check_deliveries(&scenario, name, results);
        }
        let scenario = format!(
            "one of {many} users beside one of {few}, {}",
            target.label()
        );
        results.add(scenario, name, Metric::Growth, costs[1] / costs[0]);
    }
    Ok(())
}

/// The CPU time of each server for an event, in microseconds.
fn costs(target: Target, all: &mut [Users; 2]) -> io::Result<[f64; 2]> {
    for users in all.iter_mut() {
        users.send(target, 0..EVENTS_PER_TURN)?;
        users.clients.counts.latency.clear();
        users.clients.counts.deliveries = 0;
    }
    let mut used = [Duration::ZERO; 2];
    for turn in 1..=TURNS {
        for (users, used) in all.iter_mut().zip(&mut used) {
            let before = users.server.usage()?;
            let start = turn * EVENTS_PER_TURN;
            users.send(target, start..start + EVENTS_PER_TURN)?;
            *used += (users.server.usage()? - before).total;
        }
    }
    Ok(used.map(|used| used.as_secs_f64() * 1e6 / MEASURED_EVENTS as f64))
}

impl Users {
    fn connect(count: usize, name: ServerKind, dir: &Path) -> io::Result<Self> {
        let dir = tempfile::tempdir_in(dir)?;
        let server = Server::start_private(name, dir.path())?;
        let mut clients = Clients::new(server.address, &server.private_stream_path(), "")?;
        clients.open(count)?;
        Ok(Self {
            count,
            publisher: server.publisher()?,
            server,
            clients,
            _dir: dir,
        })
    }

    /// Publishes these events, each after the previous one has arrived.
    fn send(&mut self, target: Target, events: Range<usize>) -> io::Result<()> {
        for event in events {
            let wanted = self.clients.counts.deliveries + 1;
            let user = user_name(target.user(event, self.count));
            self.publisher.publish_to(&user)?;
            let has_arrived = |counts: &Counts| counts.deliveries >= wanted;
            (self.clients).read_until("the event arrives", EVENT_TIMEOUT, has_arrived)?;
        }
        Ok(())
    }

    fn check_deliveries(&self, scenario: &str, name: ServerKind, results: &mut Results) {
        let Counts {
            deliveries, ended, ..
        } = self.clients.counts;
        if deliveries != MEASURED_EVENTS as u64 || ended > 0 {
            results.warn(format!(
                "{scenario}, {}: {deliveries} deliveries instead of {MEASURED_EVENTS}, {ended} streams ended",
                name.label()
            ));
        }
    }
}
