//! What a client costs that comes back for what it has missed.

use std::{io, path::Path, time::Duration};

use crate::{
    clients::Clients,
    report::Results,
    servers::{Name, Server},
};

/// Entries that each client has missed.
const MISSED: usize = 10;

const PATIENCE: Duration = Duration::from_secs(30);

pub(super) fn measure(clients: usize, dir: &Path, results: &mut Results) -> io::Result<()> {
    let server = Server::start(Name::Ours, dir)?;
    let mut publisher = server.publisher()?;
    publisher.publish(1)?;
    let id = publisher.last_id()?;
    publisher.publish(MISSED)?;
    // When one has it, the server has read it.
    let head = format!("Last-Event-ID: {id}\r\n");
    let mut first = Clients::of(server.address, server.target(), &head)?;
    first.open(1)?;
    first.read_until("the first has all", PATIENCE, |counts| {
        counts.deliveries == MISSED as u64
    })?;

    let mut all = Clients::of(server.address, server.target(), &head)?;
    let before = server.usage()?;
    all.open(clients)?;
    all.read_until("all have all", PATIENCE, |counts| {
        counts.deliveries == (clients * MISSED) as u64
    })?;
    let used = server.usage()? - before;
    results.add_own(
        format!("CPU of a reconnect with {MISSED} events"),
        "µs",
        used.total.as_secs_f64() * 1e6 / clients as f64,
    );
    Ok(())
}
