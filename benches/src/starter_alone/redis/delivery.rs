//! The cost and the latency of a delivery, with the journal on Redis and in files.

use std::{
    io,
    path::Path,
    thread,
    time::{Duration, Instant},
};

use tempfile::TempDir;

use crate::{
    clients::Clients,
    report::{Metric, Results},
    servers::{Publisher, Server, ServerKind},
    system,
};

/// Both servers are open at the same time and get their events in turn, so that other load on the machine affects
/// both.
const KINDS: [ServerKind; 2] = [ServerKind::Ours, ServerKind::OursOnRedis];

/// Far more than a server needs.
const EVENT_TIMEOUT: Duration = Duration::from_secs(10);

/// After a delivery, the server sleeps again.
const REST: Duration = Duration::from_millis(2);

/// A server with streams that all receive each event.
struct Side {
    kind: ServerKind,
    server: Server,
    publisher: Publisher,
    clients: Clients,
    /// For each event, the CPU time of the server.
    used: Vec<Duration>,
    _dir: TempDir,
}

/// `streams` on each server, and then one on each.
pub(in crate::starter_alone) fn measure(
    streams: usize,
    events: usize,
    dir: &Path,
    results: &mut Results,
) -> io::Result<()> {
    measure_streams(streams, events, dir, results)?;
    measure_streams(1, events, dir, results)
}

fn measure_streams(
    streams: usize,
    events: usize,
    dir: &Path,
    results: &mut Results,
) -> io::Result<()> {
    let connect = |kind| Side::connect(kind, streams, dir);
    let [mut files, mut redis] = [connect(KINDS[0])?, connect(KINDS[1])?];
    let process = redis.server.redis()?.id()?;
    let before = system::usage(process)?;
    for event in 0..events {
        // Whatever follows the first delivery of a pair affects both.
        let order = if event % 2 == 0 {
            [&mut files, &mut redis]
        } else {
            [&mut redis, &mut files]
        };
        for side in order {
            side.deliver(streams)?;
        }
    }
    let used = (system::usage(process)? - before).total;

    let scenario = match streams {
        1 => "one stream, files and Redis in turn".to_owned(),
        _ => format!("{streams} streams, files and Redis in turn"),
    };
    let mut costs = Vec::new();
    for side in [&mut files, &mut redis] {
        let cost = median(&mut side.used).as_secs_f64() * 1e6 / streams as f64;
        costs.push(cost);
        results.add(&scenario, side.kind, Metric::Cpu, cost);
        let latency =
            |quantile| side.clients.counts.latency.value_at_quantile(quantile) as f64 / 1e6;
        results.add(&scenario, side.kind, Metric::Median, latency(0.5));
        results.add(&scenario, side.kind, Metric::Slowest, latency(0.99));
    }
    results.add_single(
        format!("CPU per delivery on Redis beside files, streams: {streams}"),
        "times",
        costs[1] / costs[0],
    );
    results.add_single(
        format!("CPU of Redis itself for an event, streams: {streams}"),
        "µs",
        used.as_secs_f64() * 1e6 / events as f64,
    );
    Ok(())
}

impl Side {
    fn connect(kind: ServerKind, streams: usize, dir: &Path) -> io::Result<Self> {
        let dir = tempfile::tempdir_in(dir)?;
        let server = Server::start(kind, dir.path())?;
        let mut clients = Clients::new(server.address, server.stream_path(), "")?;
        clients.open(streams)?;
        let mut side = Self {
            kind,
            publisher: server.publisher()?,
            server,
            clients,
            used: Vec::new(),
            _dir: dir,
        };
        // A warm-up, so that all buffers are allocated.
        for _ in 0..3 {
            side.deliver(streams)?;
        }
        side.used.clear();
        side.clients.counts.latency.clear();
        Ok(side)
    }

    /// Publishes an event, and waits until all streams have it and the server has nothing more to do.
    fn deliver(&mut self, streams: usize) -> io::Result<()> {
        let wanted = self.clients.counts.deliveries + streams as u64;
        let before = self.server.usage()?;
        let publisher = &mut self.publisher;
        thread::scope(|scope| {
            let publishing = scope.spawn(|| publisher.publish(1));
            let read = (self.clients).read_until("the event arrives", EVENT_TIMEOUT, |counts| {
                counts.deliveries >= wanted
            });
            publishing.join().expect("publishing does not panic")?;
            read
        })?;
        self.used.push(self.settle(before)?);
        Ok(())
    }

    /// The time used since `before`, once the server does not use more.
    fn settle(&self, before: system::Usage) -> io::Result<Duration> {
        let start = Instant::now();
        let mut used = self.server.usage()? - before;
        loop {
            thread::sleep(REST);
            let now = self.server.usage()? - before;
            if now.total == used.total || start.elapsed() > EVENT_TIMEOUT {
                return Ok(now.total);
            }
            used = now;
        }
    }
}

fn median(times: &mut [Duration]) -> Duration {
    times.sort_unstable();
    times.get(times.len() / 2).copied().unwrap_or_default()
}
