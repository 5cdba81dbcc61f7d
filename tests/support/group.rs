//! A program with all processes that it starts.

use std::{
    os::unix::process::CommandExt,
    process::{Child, Command, Stdio},
};

use rustix::process::{Pid, Signal, kill_process_group};

use crate::program::find_program;

/// Ends the whole group as soon as the pipe to it is closed. The system closes the pipe even if the
/// test is interrupted or killed, and a group that is not the terminal's would keep running then.
const GUARDED: &str = r#"exec 3<&0
{ read -r _ <&3; kill -s "$0" 0; } >/dev/null 2>&1 &
exec "$@" 3<&- </dev/null"#;

/// A separate process group, which ends when this is dropped.
pub(crate) struct Group {
    leader: Child,
    end: Signal,
}

impl Group {
    /// Starts `program` as the group's leader. Its children inherit what `prepare` sets.
    pub(crate) fn start(
        program: &str,
        arguments: &[&str],
        end: Signal,
        prepare: impl FnOnce(&mut Command),
    ) -> Self {
        let mut command = Command::new("sh");
        command
            .args(["-c", GUARDED, name(end)])
            .arg(find_program(program))
            .args(arguments)
            .process_group(0)
            .stdin(Stdio::piped());
        prepare(&mut command);
        let leader = command.spawn().unwrap();
        Self { leader, end }
    }

    /// The program's process.
    pub(crate) fn id(&self) -> u32 {
        self.leader.id()
    }

    /// Sends a signal to the program and all processes that it has started.
    pub(crate) fn signal(&self, signal: Signal) {
        kill_process_group(Pid::from_child(&self.leader), signal).unwrap();
    }

    pub(crate) fn has_ended(&mut self) -> bool {
        self.leader.try_wait().unwrap().is_some()
    }
}

fn name(signal: Signal) -> &'static str {
    if signal == Signal::TERM {
        "TERM"
    } else {
        "KILL"
    }
}

impl Drop for Group {
    fn drop(&mut self) {
        // The group may have ended already.
        let _ = kill_process_group(Pid::from_child(&self.leader), self.end);
        let _ = self.leader.wait();
    }
}
