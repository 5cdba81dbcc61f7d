//! The latency of one event to one client.

use std::{io, path::Path, thread, time::Duration};

use super::Scenario;
use crate::{
    clients::Clients,
    report::{Metric, Results},
    servers::{Server, ServerKind},
};

/// Far more than any server needs.
const EVENT_TIMEOUT: Duration = Duration::from_secs(10);

pub(super) fn measure(
    events: usize,
    name: ServerKind,
    dir: &Path,
    results: &mut Results,
) -> io::Result<()> {
    let scenario = Scenario::Latency { events };
    let server = Server::start(name, dir)?;
    let mut publisher = server.publisher()?;
    let mut clients = Clients::new(server.address, server.stream_path(), "")?;
    clients.open(1)?;
    for event in 0..=events {
        if event == 1 {
            // The first event is a warm-up.
            clients.counts.latency.clear();
        }
        // A varying pause, so that no server's timer coincides with it.
        let pause = Duration::from_millis(5 + event as u64 % 7);
        let wanted = event as u64 + 1;
        thread::scope(|scope| {
            let publishing = scope.spawn(|| {
                thread::sleep(pause);
                publisher.publish(1)
            });
            let read = clients.read_until("the event arrives", EVENT_TIMEOUT, |counts| {
                counts.deliveries >= wanted
            });
            publishing.join().expect("publishing does not panic")?;
            read
        })?;
    }
    let latency = |quantile| clients.counts.latency.value_at_quantile(quantile) as f64 / 1e6;
    results.add(scenario, name, Metric::Median, latency(0.5));
    results.add(scenario, name, Metric::Slowest, latency(0.99));
    Ok(())
}
