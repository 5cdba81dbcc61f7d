//! The cost of an event that one of many streams listens to.

use std::{io, path::Path, time::Duration};

use crate::{
    clients::Clients,
    report::Results,
    servers::{Server, StarterSettings},
};

/// Few enough that skipping them costs nothing.
const FEW_STREAMS: usize = 10;

/// Enough for the CPU time to be far above the clock's precision.
const MEASURED_EVENTS: usize = 500;

/// Far more than the server needs.
const EVENT_TIMEOUT: Duration = Duration::from_secs(10);

pub(super) fn measure(many: usize, dir: &Path, results: &mut Results) -> io::Result<()> {
    let beside_few = cost(FEW_STREAMS, dir)?;
    let beside_many = cost(many, dir)?;
    let name = "CPU of an event that one stream listens to";
    results.add_single(format!("{name}, of {FEW_STREAMS}"), "µs", beside_few);
    results.add_single(format!("{name}, of {many}"), "µs", beside_many);
    results.add_single(
        format!("{name}, {many} beside {FEW_STREAMS}"),
        "times",
        beside_many / beside_few,
    );
    Ok(())
}

fn cost(streams: usize, dir: &Path) -> io::Result<f64> {
    let app = tempfile::tempdir_in(dir)?;
    let settings = StarterSettings {
        events: "order:order,rare:rare",
        ..StarterSettings::default()
    };
    let server = Server::starter(app.path(), &settings)?;
    let mut publisher = server.publisher()?;
    let mut others = Clients::new(
        server.address,
        &format!("{}?events=order", server.stream_path()),
        "",
    )?;
    others.open(streams - 1)?;
    let mut listener = Clients::new(
        server.address,
        &format!("{}?events=rare", server.stream_path()),
        "",
    )?;
    listener.open(1)?;
    let before = server.usage()?;
    for event in 1..=MEASURED_EVENTS {
        publisher.publish_under("rare")?;
        listener.read_until("the event arrives", EVENT_TIMEOUT, |counts| {
            counts.deliveries == event as u64
        })?;
    }
    let used = server.usage()? - before;
    Ok(used.total.as_secs_f64() * 1e6 / MEASURED_EVENTS as f64)
}
