//! The cost of a stream without events.

use std::{io, path::Path, time::Duration};

use super::Scenario;
use crate::{
    clients::Clients,
    report::{Metric, Results},
    servers::{Server, ServerKind},
};

/// Two heartbeats of this project's server.
const IDLE_TIME: Duration = Duration::from_secs(30);

/// Until connection setup has finished on both sides; also the idle time of servers whose idle CPU is
/// not compared.
const SETTLE_TIME: Duration = Duration::from_secs(2);

pub(super) fn measure(
    streams: usize,
    name: ServerKind,
    dir: &Path,
    results: &mut Results,
) -> io::Result<()> {
    let scenario = Scenario::Idle { streams };
    let server = Server::start(name, dir)?;
    let mut clients = Clients::new(server.address, server.stream_path(), "")?;
    // The first stream may cause one-time allocations.
    clients.open(1)?;
    let (memory, before) = (server.memory()?, server.usage()?);
    clients.open(streams)?;
    let opened = server.usage()? - before;
    clients.read_for(SETTLE_TIME)?;

    let before = server.usage()?;
    let idle = if name == ServerKind::Ours {
        IDLE_TIME
    } else {
        SETTLE_TIME
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
    if name == ServerKind::Ours {
        // The other servers send no heartbeats, or at another interval.
        let share = used.total.as_secs_f64() / idle.as_secs_f64();
        results.add(scenario, name, Metric::Idle, share * 100.0);
    }
    Ok(())
}
