//! What is lost while Redis is killed and restarted with its data.

use std::{
    collections::HashSet,
    io,
    path::Path,
    sync::atomic::{AtomicBool, Ordering},
    thread,
    time::{Duration, Instant},
};

use super::Scenario;
use crate::{
    clients::{Clients, Recording},
    report::{Metric, Results},
    servers::{Fsync, Publisher, RedisServer, Server, ServerKind},
};

/// Between two events.
const PUBLISH_INTERVAL: Duration = Duration::from_millis(5);

/// How long Redis is away each time.
const OUTAGES: [Duration; 3] = [
    Duration::from_millis(200),
    Duration::from_millis(1_000),
    Duration::from_millis(2_000),
];

/// Before each outage, and after the last. Longer than the longest pause between two attempts to reconnect.
const UPTIME: Duration = Duration::from_secs(4);

/// An event that has not arrived for this long after the last delivery is lost.
const SILENCE: Duration = Duration::from_secs(5);

/// What the publisher was told.
#[derive(Default)]
struct Published {
    /// The times in the acknowledged events.
    acknowledged: Vec<u64>,
    /// The number of events that were refused with an error.
    refused: usize,
}

/// Redis syncs each write to the disk before it acknowledges it, so it has every acknowledged write after a restart.
pub(super) fn measure(
    streams: usize,
    outages: usize,
    name: ServerKind,
    dir: &Path,
    results: &mut Results,
) -> io::Result<()> {
    let scenario = Scenario::RedisLosses { streams, outages };
    let redis = RedisServer::start(&dir.join("redis"), Fsync::Always)?;
    let mut server = Server::start_on_redis(name, dir, redis)?;
    let mut publisher = server.publisher()?;
    let mut clients = Clients::new(server.address, server.stream_path(), "")?;
    clients.record();
    clients.open(streams)?;

    let is_over = AtomicBool::new(false);
    let published = thread::scope(|scope| {
        let publishing = scope.spawn(|| publish_until(&is_over, &mut publisher));
        let faults = interrupt(server.redis()?, &OUTAGES[..outages], &mut clients);
        is_over.store(true, Ordering::Relaxed);
        // A save that waits for Redis ends within its time limit. The clients keep reading meanwhile.
        while !publishing.is_finished() {
            clients.read_for(Duration::from_millis(50))?;
        }
        let published = publishing.join().expect("publishing does not panic");
        faults.map(|()| published)
    })?;
    read_rest(&mut clients, published.acknowledged.len() * streams)?;

    let losses = Losses::new(&published.acknowledged, clients.recordings());
    let per_stream = |count: usize| count as f64 / streams as f64;
    let figures = [
        (Metric::Acknowledged, published.acknowledged.len() as f64),
        (Metric::Refused, published.refused as f64),
        (Metric::Lost, per_stream(losses.lost)),
        (Metric::Repeated, per_stream(losses.repeated)),
        (Metric::Gaps, per_stream(losses.gaps)),
    ];
    for (metric, value) in figures {
        results.add(scenario, name, metric, value);
    }
    let ended = clients.counts.ended;
    if ended > 0 {
        results.warn(format!(
            "{scenario}, {}: {ended} streams ended",
            name.label()
        ));
    }
    if name == ServerKind::OursOnRedis && losses.lost + losses.repeated + losses.gaps > 0 {
        results.warn(format!(
            "{scenario}, {}: {} deliveries lost, {} repeated, {} gaps",
            name.label(),
            losses.lost,
            losses.repeated,
            losses.gaps
        ));
    }
    Ok(())
}

fn publish_until(is_over: &AtomicBool, publisher: &mut Publisher) -> Published {
    let mut published = Published::default();
    // Only a flag: no other data depends on it.
    while !is_over.load(Ordering::Relaxed) {
        match publisher.publish_recorded() {
            Ok(time) => published.acknowledged.push(time),
            Err(_) => published.refused += 1,
        }
        thread::sleep(PUBLISH_INTERVAL);
    }
    published
}

/// Kills Redis and restarts it with its data, once for each outage.
fn interrupt(
    redis: &mut RedisServer,
    outages: &[Duration],
    clients: &mut Clients,
) -> io::Result<()> {
    for outage in outages {
        clients.read_for(UPTIME)?;
        redis.kill();
        clients.read_for(*outage)?;
        redis.restart()?;
    }
    clients.read_for(UPTIME)?;
    Ok(())
}

/// Reads until all events have arrived, or until nothing arrives any more.
fn read_rest(clients: &mut Clients, expected: usize) -> io::Result<()> {
    let mut last = (clients.counts.deliveries, Instant::now());
    while clients.counts.deliveries < expected as u64 && last.1.elapsed() < SILENCE {
        clients.read_for(Duration::from_millis(50))?;
        if clients.counts.deliveries > last.0 {
            last = (clients.counts.deliveries, Instant::now());
        }
    }
    Ok(())
}

/// The sums of all streams.
#[derive(Debug, Default, PartialEq, Eq)]
struct Losses {
    lost: usize,
    repeated: usize,
    gaps: usize,
}

impl Losses {
    fn new<'a>(acknowledged: &[u64], recordings: impl Iterator<Item = &'a Recording>) -> Self {
        let mut losses = Self::default();
        for recording in recordings {
            let received: HashSet<u64> = recording.times.iter().copied().collect();
            let lost = acknowledged.iter().filter(|time| !received.contains(time));
            losses.lost += lost.count();
            losses.repeated += recording.times.len() - received.len();
            losses.gaps += recording.gaps;
        }
        losses
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_acknowledged_event_that_a_stream_did_not_receive_is_lost() {
        let recordings = [
            Recording {
                times: vec![1, 2, 3],
                gaps: 0,
            },
            // 9 was refused, and published nevertheless.
            Recording {
                times: vec![1, 3, 3, 9],
                gaps: 2,
            },
            Recording::default(),
        ];
        let expected = Losses {
            lost: 1 + 3,
            repeated: 1,
            gaps: 2,
        };
        assert_eq!(Losses::new(&[1, 2, 3], recordings.iter()), expected);
    }
}
