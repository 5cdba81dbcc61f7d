//! How fast values are saved.

use std::{
    env, io,
    path::Path,
    process::{Child, Command, Stdio},
    time::Instant,
};

use crate::{
    report::Results,
    servers::{Publisher, StarterSettings, prepare},
    system,
};

/// A file system in memory, without a disk.
const MEMORY_FOLDER: &str = "/dev/shm";

pub(super) fn measure(saves: usize, dir: &Path, results: &mut Results) -> io::Result<()> {
    let in_memory = tempfile::tempdir_in(MEMORY_FOLDER)?;
    for dir in [dir, in_memory.path()] {
        let kind = system::file_system(dir)?;
        for processes in [1, 4] {
            let app = tempfile::tempdir_in(dir)?;
            prepare(app.path(), &StarterSettings::default())?;
            let rate = rate(saves, processes, app.path())?;
            let label = if processes == 1 {
                "one process"
            } else {
                "four processes"
            };
            results.add_single(
                format!("saves of 200 bytes, {kind}, {label}"),
                "per second",
                rate,
            );
        }
    }
    Ok(())
}

/// Saves per second of all processes together.
fn rate(saves: usize, processes: usize, app: &Path) -> io::Result<f64> {
    // Creates the journal before the measurement.
    Publisher::into_journal(app)?.publish(1)?;
    let each = saves / processes;
    let start = Instant::now();
    let savers: Vec<Child> = (0..processes)
        .map(|_| {
            Command::new(env::current_exe()?)
                .arg("save")
                .arg(app)
                .arg(each.to_string())
                .stdin(Stdio::null())
                .spawn()
        })
        .collect::<io::Result<_>>()?;
    for mut saver in savers {
        if !saver.wait()?.success() {
            return Err(io::Error::other("a process could not save"));
        }
    }
    Ok((each * processes) as f64 / start.elapsed().as_secs_f64())
}

/// The main function of such a process.
pub(crate) fn run(app: &Path, saves: usize) -> io::Result<()> {
    Publisher::into_journal(app)?.publish(saves)
}
