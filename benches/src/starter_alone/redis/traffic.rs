//! What one server sends to Redis and receives from it.

use std::{io, path::Path, thread, time::Duration};

use super::stats::Stats;
use crate::{
    clients::Clients,
    report::Results,
    servers::{Server, ServerKind},
};

/// For comparison with many streams.
const FEW_STREAMS: usize = 10;

/// Two events a second, so that each is delivered before the next.
const EVENT_INTERVAL: Duration = Duration::from_millis(500);

/// After the streams have opened.
const REST: Duration = Duration::from_secs(1);

pub(in crate::starter_alone) fn measure(
    many: usize,
    seconds: u64,
    dir: &Path,
    results: &mut Results,
) -> io::Result<()> {
    let few = traffic(FEW_STREAMS, seconds, dir)?;
    let many_streams = traffic(many, seconds, dir)?;
    for (few, many_figure) in few.iter().zip(&many_streams) {
        let name = few.name;
        for (streams, figure) in [(FEW_STREAMS, few), (many, many_figure)] {
            results.add_single(
                format!("one server, {streams} streams, {name}: commands in Redis"),
                "per second",
                figure.commands,
            );
            results.add_single(
                format!("one server, {streams} streams, {name}: traffic with Redis"),
                "bytes per second",
                figure.bytes,
            );
        }
        results.add_single(
            format!("one server, {many} streams beside {FEW_STREAMS}, {name}: traffic with Redis"),
            "times",
            many_figure.bytes / few.bytes,
        );
    }
    Ok(())
}

/// What Redis counted in a second.
struct Traffic {
    name: &'static str,
    commands: f64,
    bytes: f64,
}

/// Without events, and with two a second.
fn traffic(streams: usize, seconds: u64, dir: &Path) -> io::Result<[Traffic; 2]> {
    let dir = tempfile::tempdir_in(dir)?;
    let mut server = Server::start(ServerKind::OursOnRedis, dir.path())?;
    let mut redis = server.redis()?.connect()?;
    let mut publisher = server.publisher()?;
    let mut clients = Clients::new(server.address, server.stream_path(), "")?;
    clients.open(streams)?;
    publisher.publish(1)?;
    clients.read_for(REST)?;

    let mut measure = |name, events: u64| {
        let before = Stats::read(&mut redis)?;
        thread::scope(|scope| {
            let publishing = scope.spawn(|| {
                for _ in 0..events {
                    publisher.publish(1)?;
                    thread::sleep(EVENT_INTERVAL);
                }
                io::Result::Ok(())
            });
            let read = clients.read_for(Duration::from_secs(seconds));
            publishing.join().expect("publishing does not panic")?;
            read
        })?;
        let (commands, bytes) = Stats::read(&mut redis)?.since(&before);
        io::Result::Ok(Traffic {
            name,
            commands: commands as f64 / seconds as f64,
            bytes: bytes as f64 / seconds as f64,
        })
    };
    Ok([
        measure("no events", 0)?,
        measure("2 events/s", 2 * seconds)?,
    ])
}
