//! The process of a Redis server, which ends with the test.

use std::{
    os::unix::process::CommandExt,
    path::Path,
    process::{Command, Stdio},
};

use rustix::process::{Pid, Signal, kill_process};

use crate::running::Running;

/// Waits until the pipe to it is closed: the system closes it however the test's process ends.
const KILL_AT_END: &str = r#"read -r _; kill -KILL "$0""#;

/// A process that is killed when this is dropped, or when the test's process ends.
pub(super) struct RedisProcess {
    // Fields are dropped in this order: the other one must not kill a process that has the same id later.
    _killer: Running,
    process: Running,
}

impl RedisProcess {
    /// `program` is `redis-server` or `redis-sentinel`.
    pub(super) fn start(program: &str, config: &Path) -> Self {
        let process = Command::new(program)
            .arg(config)
            .stdin(Stdio::null())
            .stdout(Stdio::null())
            .stderr(Stdio::null())
            .spawn()
            .unwrap_or_else(|error| panic!("{program} is missing ({error}): run `tests/setup`"));
        let process = Running(process);
        let killer = Command::new("sh")
            .args(["-c", KILL_AT_END, &process.id().to_string()])
            // Outside of the group that is interrupted by Ctrl-C.
            .process_group(0)
            .stdin(Stdio::piped())
            .stdout(Stdio::null())
            .stderr(Stdio::null())
            .spawn()
            .unwrap();
        Self {
            _killer: Running(killer),
            process,
        }
    }

    pub(super) fn suspend(&self) {
        kill_process(Pid::from_child(&self.process), Signal::STOP).unwrap();
    }

    pub(super) fn resume(&self) {
        kill_process(Pid::from_child(&self.process), Signal::CONT).unwrap();
    }

    /// Whether it has ended by itself.
    pub(super) fn has_ended(&mut self) -> bool {
        self.process.try_wait().unwrap().is_some()
    }
}
