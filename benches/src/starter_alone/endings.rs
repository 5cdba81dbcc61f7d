//! How evenly the ends of streams that began together are spread.

use std::{io, path::Path, time::Duration};

use crate::{
    clients::Clients,
    report::Results,
    servers::{Server, StarterSettings},
};

/// All streams open at once, as after a restart. A client whose stream ends reconnects.
pub(super) fn measure(
    streams: usize,
    small: bool,
    dir: &Path,
    results: &mut Results,
) -> io::Result<()> {
    let (duration, seconds) = if small { (2, 6) } else { (15, 60) };
    let settings = StarterSettings {
        duration: &duration.to_string(),
        ..StarterSettings::default()
    };
    let server = Server::starter(dir, &settings)?;
    let mut clients = Clients::new(server.address, server.stream_path(), "")?;
    clients.reconnect_when_ended();
    clients.open(streams)?;
    let mut each_second = Vec::new();
    for _ in 0..seconds {
        let before = clients.counts.ended;
        clients.read_for(Duration::from_secs(1))?;
        each_second.push(clients.counts.ended - before);
    }
    let all: u64 = each_second.iter().sum();
    let busiest = each_second.iter().copied().max().unwrap_or(0);
    let mean = all as f64 / f64::from(seconds);
    let name = format!("{streams} streams of {duration} s that began together");
    results.add_single(format!("{name}: returns"), "per second", mean);
    results.add_single(
        format!("{name}: the busiest second beside the mean"),
        "times",
        busiest as f64 / mean,
    );
    Ok(())
}
