//! One of the processes under test.

use std::{
    path::Path,
    process::{Child, Command},
    time::Duration,
};

use rustix::process::{Pid, Signal, kill_process};
use support::Running;

use crate::clock::Clock;

/// A process that can be stopped. It is killed when this is dropped.
pub(crate) struct Process(Running);

impl Drop for Process {
    /// Removes the files that libfaketime leaves when its process is killed.
    fn drop(&mut self) {
        let id = self.0.id();
        let _ = self.0.kill();
        let _ = self.0.wait();
        for file in [
            format!("faketime_shm_{id}"),
            format!("sem.faketime_sem_{id}"),
        ] {
            let _ = std::fs::remove_file(Path::new("/dev/shm").join(file));
        }
    }
}

/// The helper program in this role, with the oracle's clock.
pub(crate) fn command(role: &str, clock: &Clock) -> Command {
    let mut command = Command::new(env!("CARGO_BIN_EXE_test-helper"));
    command.arg(role);
    for (name, _) in std::env::vars_os() {
        if name.to_string_lossy().starts_with("SSE_") {
            command.env_remove(name);
        }
    }
    clock.apply_to(&mut command);
    command
}

impl Process {
    pub(crate) fn new(child: Child) -> Self {
        Self(Running(child))
    }

    pub(crate) fn stop(&self) {
        self.signal(Signal::STOP);
    }

    pub(crate) fn resume(&self) {
        self.signal(Signal::CONT);
    }

    fn signal(&self, signal: Signal) {
        // The process may have ended, which is detected elsewhere.
        let _ = kill_process(Pid::from_child(&self.0), signal);
    }

    pub(crate) fn child(&mut self) -> &mut Child {
        &mut self.0
    }

    /// The processor time that each of its threads has used.
    pub(crate) fn time_used(&self) -> Vec<(String, Duration)> {
        let threads = std::fs::read_dir(format!("/proc/{}/task", self.0.id()));
        let threads = threads.into_iter().flatten().flatten();
        threads
            .filter_map(|thread| time_of(&thread.path()))
            .collect()
    }

    /// Whether it has ended by itself.
    pub(crate) fn has_ended(&mut self) -> bool {
        self.0.try_wait().unwrap().is_some()
    }
}

fn time_of(thread: &Path) -> Option<(String, Duration)> {
    let id = thread.file_name()?.to_string_lossy().into_owned();
    let stat = std::fs::read_to_string(thread.join("stat")).ok()?;
    // The name is in parentheses. The 12th and 13th field after it are clock ticks.
    let (name, fields) = stat.rsplit_once(')')?;
    let ticks = fields.split_whitespace().skip(11).take(2);
    let ticks: u64 = ticks.filter_map(|ticks| ticks.parse::<u64>().ok()).sum();
    let milliseconds = ticks * 1_000 / rustix::param::clock_ticks_per_second();
    let (_, name) = name.split_once('(')?;
    Some((
        format!("{name} ({id})"),
        Duration::from_millis(milliseconds),
    ))
}
