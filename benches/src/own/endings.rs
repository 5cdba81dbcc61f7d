//! How evenly streams end that began together.

use std::{io, path::Path, time::Duration};

use crate::{
    clients::Clients,
    report::Results,
    servers::{Server, Setting},
};

/// All of them open at once, as after a restart, and return whenever the server ends one.
pub(super) fn measure(
    streams: usize,
    small: bool,
    dir: &Path,
    results: &mut Results,
) -> io::Result<()> {
    let (duration, seconds) = if small { (2, 6) } else { (15, 60) };
    let setting = Setting {
        duration: &duration.to_string(),
        ..Setting::default()
    };
    let server = Server::ours(dir, &setting)?;
    let mut clients = Clients::of(server.address, server.target(), "")?;
    clients.come_back();
    clients.open(streams)?;
    let mut each_second = Vec::new();
    for _ in 0..seconds {
        let before = clients.counts.ended;
        clients.read_for(Duration::from_secs(1))?;
        each_second.push(clients.counts.ended - before);
    }
    let all: u64 = each_second.iter().sum();
    let most = each_second.iter().copied().max().unwrap_or(0);
    let mean = all as f64 / f64::from(seconds);
    let what = format!("{streams} streams of {duration} s that began together");
    results.add_own(format!("{what}: returns"), "per second", mean);
    results.add_own(
        format!("{what}: the busiest second beside the mean"),
        "times",
        most as f64 / mean,
    );
    Ok(())
}
