//! The memory of Redis while very many values are saved.

use std::{io, path::Path};

use super::{stats::Stats, threads};
use crate::{
    clients::Clients,
    report::Results,
    servers::{Server, ServerKind, user_name},
};

/// Threads that save at the same time.
const THREADS: usize = 16;

/// Between two looks at the memory of Redis.
const PARTS: usize = 20;

/// Values for one user each, of which the journal keeps the last 10,000.
pub(in crate::starter_alone) fn measure(
    saves: usize,
    audiences: usize,
    dir: &Path,
    results: &mut Results,
) -> io::Result<()> {
    let mut server = Server::start(ServerKind::OursOnRedis, dir)?;
    let mut redis = server.redis()?.connect()?;
    // The server that has a stream removes old entries.
    let mut clients = Clients::new(server.address, server.stream_path(), "")?;
    clients.open(1)?;
    let publisher = server.publisher()?;
    let empty = Stats::read(&mut redis)?.memory;
    let mut growth = Vec::new();
    for part in 0..PARTS {
        let first = part * saves / PARTS;
        threads::run(
            THREADS,
            saves / PARTS,
            || publisher.share(),
            |publisher, number| publisher.publish_to(&user_name((first + number) % audiences)),
        )?;
        growth.push(Stats::read(&mut redis)?.memory.saturating_sub(empty));
    }
    let mebibytes = |bytes: u64| bytes as f64 / (1024.0 * 1024.0);
    let (first, rest) = growth.split_at(2.min(growth.len()));
    let largest = |part: &[u64]| mebibytes(part.iter().copied().max().unwrap_or(0));
    let name = format!("{saves} saves for {audiences} audiences, memory of Redis");
    results.add_single(
        format!("{name}: the first tenth, at most"),
        "MiB",
        largest(first),
    );
    results.add_single(format!("{name}: the rest, at most"), "MiB", largest(rest));
    results.add_single(
        format!("{name}: at the end"),
        "MiB",
        mebibytes(growth.last().copied().unwrap_or(0)),
    );
    Ok(())
}
