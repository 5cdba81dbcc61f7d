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
    servers::{Server, Setting},
};

/// A server is stopped, meanwhile much is saved that nobody hears, and then what one client waits
/// for. The time until that arrives is the time to read all of it.
pub(super) fn measure(entries: usize, dir: &Path, results: &mut Results) -> io::Result<()> {
    let setting = Setting {
        events: "order:order,last:last",
        ..Setting::default()
    };
    let server = Server::ours(dir, &setting)?;
    let mut publisher = server.publisher()?;
    let target = format!("{}?events=last", server.target());
    let mut clients = Clients::of(server.address, &target, "")?;
    clients.open(1)?;
    let process = i32::try_from(server.id()).ok().and_then(Pid::from_raw);
    let process = process.ok_or_else(|| io::Error::other("a process without a number"))?;

    kill_process(process, Signal::STOP)?;
    publisher.publish(entries)?;
    publisher.publish_under("last")?;
    let begin = Instant::now();
    kill_process(process, Signal::CONT)?;
    clients.read_until(
        "the last event arrives",
        Duration::from_secs(30),
        |counts| counts.deliveries == 1,
    )?;
    let rate = entries as f64 / begin.elapsed().as_secs_f64();
    results.add_own("entries read from the journal", "per second", rate);
    Ok(())
}
