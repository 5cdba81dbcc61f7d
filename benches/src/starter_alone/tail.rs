//! How fast a server reads its journal.

use std::{
    io,
    path::Path,
    time::{Duration, Instant},
};

use rustix::process::{Pid, Signal, kill_process};

use crate::{
    clients::Clients,
    report::Results,
    servers::{Server, StarterSettings},
};

/// The server is paused while many values are saved that no stream listens to, and then one that the
/// client waits for. The time until it arrives is the time to read all entries.
pub(super) fn measure(entries: usize, dir: &Path, results: &mut Results) -> io::Result<()> {
    let settings = StarterSettings {
        events: "order:order,last:last",
        ..StarterSettings::default()
    };
    let server = Server::starter(dir, &settings)?;
    let mut publisher = server.publisher()?;
    let target = format!("{}?events=last", server.stream_path());
    let mut clients = Clients::new(server.address, &target, "")?;
    clients.open(1)?;
    let process = i32::try_from(server.id()).ok().and_then(Pid::from_raw);
    let process = process.ok_or_else(|| io::Error::other("the process has no id"))?;

    kill_process(process, Signal::STOP)?;
    publisher.publish(entries)?;
    publisher.publish_under("last")?;
    let start = Instant::now();
    kill_process(process, Signal::CONT)?;
    clients.read_until(
        "the last event arrives",
        Duration::from_secs(30),
        |counts| counts.deliveries == 1,
    )?;
    let rate = entries as f64 / start.elapsed().as_secs_f64();
    results.add_single("entries read from the journal", "per second", rate);
    Ok(())
}
