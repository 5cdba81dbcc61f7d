//! What a delivery costs.

use std::{
    io,
    path::Path,
    thread,
    time::{Duration, Instant},
};

use super::{Scenario, judge};
use crate::{
    clients::Clients,
    report::{Metric, Results},
    servers::{Name, Server},
};

/// Two a second.
const INTERVAL: Duration = Duration::from_millis(500);

/// Events of a steady run that count.
const EVENTS: usize = 12;

const PATIENCE: Duration = Duration::from_secs(60);

/// Events that come one by one.
pub(super) fn steady(
    streams: usize,
    name: Name,
    dir: &Path,
    results: &mut Results,
) -> io::Result<()> {
    let scenario = Scenario::Steady { streams };
    run(scenario, streams, EVENTS, name, dir, results, |publisher| {
        let mut next = Instant::now();
        for _ in 0..EVENTS {
            thread::sleep(next.saturating_duration_since(Instant::now()));
            publisher.publish(1)?;
            next += INTERVAL;
        }
        Ok(())
    })
}

/// Events that come all at once.
pub(super) fn burst(
    streams: usize,
    events: usize,
    name: Name,
    dir: &Path,
    results: &mut Results,
) -> io::Result<()> {
    let scenario = Scenario::Burst { streams, events };
    run(scenario, streams, events, name, dir, results, |publisher| {
        publisher.publish(events)
    })
}

fn run(
    scenario: Scenario,
    streams: usize,
    events: usize,
    name: Name,
    dir: &Path,
    results: &mut Results,
    publish: impl FnOnce(&mut crate::servers::Publisher) -> io::Result<()> + Send,
) -> io::Result<()> {
    let server = Server::start(name, dir)?;
    let mut publisher = server.publisher()?;
    let mut clients = Clients::of(server.address, server.target(), "")?;
    clients.open(streams)?;
    // Once before it counts, so that buffers are there.
    publisher.publish(1)?;
    let warm = streams as u64;
    clients.read_until("the first event arrives", PATIENCE, |counts| {
        counts.deliveries >= warm
    })?;
    clients.read_for(Duration::from_millis(200))?;
    clients.counts.latency.clear();

    let before = server.usage()?;
    let all = warm + (streams * events) as u64;
    let load = thread::scope(|scope| {
        let publishing = scope.spawn(|| publish(&mut publisher));
        let load = clients.read_until("all events arrive", PATIENCE, |counts| {
            counts.deliveries >= all
        });
        publishing.join().expect("publishing does not panic")?;
        load
    })?;
    let used = server.usage()? - before;
    if clients.counts.deliveries != all || clients.counts.ended > 0 {
        results.warn(format!(
            "{scenario}, {}: {} deliveries instead of {all}, {} streams ended",
            name.shown(),
            clients.counts.deliveries,
            clients.counts.ended
        ));
    }
    judge(load, format!("{scenario}, {}", name.shown()), results);

    let deliveries = (streams * events) as f64;
    let per_delivery = |time: Duration| time.as_secs_f64() * 1e6 / deliveries;
    results.add(scenario, name, Metric::Cpu, per_delivery(used.total));
    results.add(
        scenario,
        name,
        Metric::System,
        100.0 * used.system.as_secs_f64() / used.total.as_secs_f64(),
    );
    let latency = |quantile| clients.counts.latency.value_at_quantile(quantile) as f64 / 1e6;
    results.add(scenario, name, Metric::Median, latency(0.5));
    results.add(scenario, name, Metric::Slowest, latency(0.99));
    Ok(())
}
