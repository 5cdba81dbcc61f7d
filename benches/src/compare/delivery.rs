//! The cost of a delivery.

use std::{
    io,
    path::Path,
    thread,
    time::{Duration, Instant},
};

use super::{Scenario, warn_if_clients_were_busy};
use crate::{
    clients::Clients,
    report::{Metric, Results},
    servers::{Server, ServerKind},
};

/// Two events a second, so that each is delivered before the next.
const EVENT_INTERVAL: Duration = Duration::from_millis(500);

/// Six seconds, long enough for the CPU time to be above the clock's precision.
const STEADY_EVENTS: usize = 12;

/// Far more than any server needs.
const DELIVERY_TIMEOUT: Duration = Duration::from_secs(60);

/// Events that are published one by one.
pub(super) fn steady(
    scenario: Scenario,
    streams: usize,
    name: ServerKind,
    dir: &Path,
    results: &mut Results,
) -> io::Result<()> {
    run(
        scenario,
        streams,
        STEADY_EVENTS,
        name,
        dir,
        results,
        |publisher| {
            let mut next = Instant::now();
            for _ in 0..STEADY_EVENTS {
                thread::sleep(next.saturating_duration_since(Instant::now()));
                publisher.publish(1)?;
                next += EVENT_INTERVAL;
            }
            Ok(())
        },
    )
}

/// Events that are published all at once.
pub(super) fn burst(
    streams: usize,
    events: usize,
    name: ServerKind,
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
    name: ServerKind,
    dir: &Path,
    results: &mut Results,
    publish: impl FnOnce(&mut crate::servers::Publisher) -> io::Result<()> + Send,
) -> io::Result<()> {
    let server = Server::start(name, dir)?;
    let mut publisher = server.publisher()?;
    let mut clients = Clients::new(server.address, server.stream_path(), "")?;
    // The first stream may cause one-time allocations.
    clients.open(1)?;
    let memory = server.memory()?;
    clients.open(streams - 1)?;
    // One event before the measurement, so that all buffers are allocated.
    publisher.publish(1)?;
    let warm_up = streams as u64;
    clients.read_until("the first event arrives", DELIVERY_TIMEOUT, |counts| {
        counts.deliveries >= warm_up
    })?;
    clients.read_for(Duration::from_millis(200))?;
    clients.counts.latency.clear();

    let before = server.usage()?;
    let all = warm_up + (streams * events) as u64;
    let load = thread::scope(|scope| {
        let publishing = scope.spawn(|| publish(&mut publisher));
        let load = clients.read_until("all events arrive", DELIVERY_TIMEOUT, |counts| {
            counts.deliveries >= all
        });
        publishing.join().expect("publishing does not panic")?;
        load
    })?;
    let used = server.usage()? - before;
    if clients.counts.deliveries != all || clients.counts.ended > 0 {
        results.warn(format!(
            "{scenario}, {}: {} deliveries instead of {all}, {} streams ended",
            name.label(),
            clients.counts.deliveries,
            clients.counts.ended
        ));
    }
    warn_if_clients_were_busy(load, format!("{scenario}, {}", name.label()), results);

    let deliveries = (streams * events) as f64;
    let per_delivery = |time: Duration| time.as_secs_f64() * 1e6 / deliveries;
    results.add(scenario, name, Metric::Cpu, per_delivery(used.total));
    results.add(
        scenario,
        name,
        Metric::System,
        100.0 * used.system.as_secs_f64() / used.total.as_secs_f64(),
    );
    if matches!(scenario, Scenario::BehindNginx { .. }) {
        let grown = server.memory()?.saturating_sub(memory) as f64;
        let each = grown / 1024.0 / streams as f64;
        results.add(scenario, name, Metric::Memory, each);
    }
    let latency = |quantile| clients.counts.latency.value_at_quantile(quantile) as f64 / 1e6;
    results.add(scenario, name, Metric::Median, latency(0.5));
    results.add(scenario, name, Metric::Slowest, latency(0.99));
    Ok(())
}
