//! How fast values are saved.

use std::{
    env, io,
    path::Path,
    process::{Child, Command, Stdio},
    time::Instant,
};

use crate::{
    report::Results,
    servers::{Publisher, Setting, prepare},
    system,
};

/// Where no disk is in the way.
const MEMORY: &str = "/dev/shm";

pub(super) fn measure(saves: usize, dir: &Path, results: &mut Results) -> io::Result<()> {
    let in_memory = tempfile::tempdir_in(MEMORY)?;
    for dir in [dir, in_memory.path()] {
        let kind = system::file_system(dir)?;
        for processes in [1, 4] {
            let app = tempfile::tempdir_in(dir)?;
            prepare(app.path(), &Setting::default())?;
            let rate = rate(saves, processes, app.path())?;
            let who = if processes == 1 {
                "one process"
            } else {
                "four processes"
            };
            results.add_own(
                format!("saves of 200 bytes, {kind}, {who}"),
                "per second",
                rate,
            );
        }
    }
    Ok(())
}

/// Saves a second, of all processes together.
fn rate(saves: usize, processes: usize, app: &Path) -> io::Result<f64> {
    // The journal is made before anybody's time counts.
    Publisher::into_journal(app)?.publish(1)?;
    let each = saves / processes;
    let begin = Instant::now();
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
    Ok((each * processes) as f64 / begin.elapsed().as_secs_f64())
}

/// One of those processes.
pub(crate) fn run(app: &Path, saves: usize) -> io::Result<()> {
    Publisher::into_journal(app)?.publish(saves)
}
