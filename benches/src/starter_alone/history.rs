//! How soon a server with a long journal serves its first stream.

use std::{io, path::Path, time::Instant};

use crate::{
    clients::Clients,
    report::Results,
    servers::{Publisher, Server, StarterSettings, prepare},
};

pub(super) fn measure(entries: usize, dir: &Path, results: &mut Results) -> io::Result<()> {
    prepare(dir, &StarterSettings::default())?;
    Publisher::into_journal(dir)?.publish(entries)?;
    let start = Instant::now();
    let server = Server::starter_in_prepared(dir)?;
    let mut clients = Clients::new(server.address, server.stream_path(), "")?;
    clients.open(1)?;
    results.add_single(
        format!("from the start to the first stream, with {entries} entries"),
        "ms",
        start.elapsed().as_secs_f64() * 1e3,
    );
    Ok(())
}
