//! What an event costs that one of many listens to.

use std::{io, path::Path, time::Duration};

use crate::{
    clients::Clients,
    report::Results,
    servers::{Server, Setting},
};

const FEW: usize = 10;

/// Events that are measured.
const EVENTS: usize = 500;

const PATIENCE: Duration = Duration::from_secs(10);

pub(super) fn measure(many: usize, dir: &Path, results: &mut Results) -> io::Result<()> {
    let beside_few = cost(FEW, dir)?;
    let beside_many = cost(many, dir)?;
    let what = "CPU of an event that one stream listens to";
    results.add_own(format!("{what}, of {FEW}"), "µs", beside_few);
    results.add_own(format!("{what}, of {many}"), "µs", beside_many);
    results.add_own(
        format!("{what}, {many} beside {FEW}"),
        "times",
        beside_many / beside_few,
    );
    Ok(())
}

fn cost(streams: usize, dir: &Path) -> io::Result<f64> {
    let app = tempfile::tempdir_in(dir)?;
    let setting = Setting {
        events: "order:order,rare:rare",
        ..Setting::default()
    };
    let server = Server::ours(app.path(), &setting)?;
    let mut publisher = server.publisher()?;
    let mut others = Clients::of(
        server.address,
        &format!("{}?events=order", server.target()),
        "",
    )?;
    others.open(streams - 1)?;
    let mut one = Clients::of(
        server.address,
        &format!("{}?events=rare", server.target()),
        "",
    )?;
    one.open(1)?;
    let before = server.usage()?;
    for event in 1..=EVENTS {
        publisher.publish_under("rare")?;
        one.read_until("the event arrives", PATIENCE, |counts| {
            counts.deliveries == event as u64
        })?;
    }
    let used = server.usage()? - before;
    Ok(used.total.as_secs_f64() * 1e6 / EVENTS as f64)
}
