//! What a stream costs on which nothing happens.

use std::{io, path::Path, time::Duration};

use super::Scenario;
use crate::{
    clients::Clients,
    report::{Metric, Results},
    servers::{Name, Server},
};

/// Two rounds of our heartbeats.
const IDLE: Duration = Duration::from_secs(30);

pub(super) fn measure(
    streams: usize,
    name: Name,
    dir: &Path,
    results: &mut Results,
) -> io::Result<()> {
    let scenario = Scenario::Idle { streams };
    let server = Server::start(name, dir)?;
    let mut clients = Clients::of(server.address, server.target(), "")?;
    // The first stream may start more than itself.
    clients.open(1)?;
    let (memory, before) = (server.memory()?, server.usage()?);
    clients.open(streams)?;
    let opened = server.usage()? - before;
    clients.read_for(Duration::from_secs(2))?;

    let before = server.usage()?;
    let idle = if name == Name::Ours {
        IDLE
    } else {
        Duration::from_secs(2)
    };
    clients.read_for(idle)?;
    let used = server.usage()? - before;
    let grown = server.memory()?.saturating_sub(memory);

    let each = |total: f64| total / streams as f64;
    results.add(scenario, name, Metric::Memory, each(grown as f64 / 1024.0));
    results.add(
        scenario,
        name,
        Metric::Connect,
        each(opened.total.as_secs_f64() * 1e6),
    );
    if name == Name::Ours {
        // The others send no heartbeats, or others than ours.
        let share = used.total.as_secs_f64() / idle.as_secs_f64();
        results.add(scenario, name, Metric::Idle, share * 100.0);
    }
    Ok(())
}
