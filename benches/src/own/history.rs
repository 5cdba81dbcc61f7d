//! How soon a server with a long history serves.

use std::{io, path::Path, time::Instant};

use crate::{
    clients::Clients,
    report::Results,
    servers::{Publisher, Server, Setting, prepare},
};

pub(super) fn measure(entries: usize, dir: &Path, results: &mut Results) -> io::Result<()> {
    prepare(dir, &Setting::default())?;
    Publisher::into_journal(dir)?.publish(entries)?;
    let begin = Instant::now();
    let server = Server::ours_again(dir)?;
    let mut clients = Clients::of(server.address, server.target(), "")?;
    clients.open(1)?;
    results.add_own(
        format!("from the start to the first stream, with {entries} entries"),
        "ms",
        begin.elapsed().as_secs_f64() * 1e3,
    );
    Ok(())
}
