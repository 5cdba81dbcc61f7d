//! The cost of a client that reconnects and gets the events it missed.

use std::{io, path::Path, time::Duration};

use crate::{
    clients::Clients,
    report::Results,
    servers::{Server, ServerKind},
};

/// Entries that each client has missed.
const MISSED_EVENTS: usize = 10;

/// Far more than the server needs.
const REPLAY_TIMEOUT: Duration = Duration::from_secs(30);

pub(super) fn measure(clients: usize, dir: &Path, results: &mut Results) -> io::Result<()> {
    let server = Server::start(ServerKind::Ours, dir)?;
    let mut publisher = server.publisher()?;
    publisher.publish(1)?;
    let id = publisher.last_id()?;
    publisher.publish(MISSED_EVENTS)?;
    // Once one client has all events, the server has read them from the journal.
    let head = format!("Last-Event-ID: {id}\r\n");
    let mut first = Clients::new(server.address, server.stream_path(), &head)?;
    first.open(1)?;
    first.read_until(
        "the first client has all events",
        REPLAY_TIMEOUT,
        |counts| counts.deliveries == MISSED_EVENTS as u64,
    )?;

    let mut all = Clients::new(server.address, server.stream_path(), &head)?;
    let before = server.usage()?;
    all.open(clients)?;
    all.read_until("all clients have all events", REPLAY_TIMEOUT, |counts| {
        counts.deliveries == (clients * MISSED_EVENTS) as u64
    })?;
    let used = server.usage()? - before;
    results.add_single(
        format!("CPU of a reconnect with {MISSED_EVENTS} events"),
        "µs",
        used.total.as_secs_f64() * 1e6 / clients as f64,
    );
    Ok(())
}
