//! How soon one client has one event.

use std::{io, path::Path, thread, time::Duration};

use super::Scenario;
use crate::{
    clients::Clients,
    report::{Metric, Results},
    servers::{Name, Server},
};

const PATIENCE: Duration = Duration::from_secs(10);

pub(super) fn measure(
    events: usize,
    name: Name,
    dir: &Path,
    results: &mut Results,
) -> io::Result<()> {
    let scenario = Scenario::Latency { events };
    let server = Server::start(name, dir)?;
    let mut publisher = server.publisher()?;
    let mut clients = Clients::of(server.address, server.target(), "")?;
    clients.open(1)?;
    for event in 0..=events {
        if event == 1 {
            // The first does not count.
            clients.counts.latency.clear();
        }
        // Not all at the same distance, so that nobody's timer happens to fit.
        let pause = Duration::from_millis(5 + event as u64 % 7);
        let wanted = event as u64 + 1;
        thread::scope(|scope| {
            let publishing = scope.spawn(|| {
                thread::sleep(pause);
                publisher.publish(1)
            });
            let read = clients.read_until("the event arrives", PATIENCE, |counts| {
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
