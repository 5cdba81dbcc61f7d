//! The logs of the full runs, in docs/log.

use std::{fs::OpenOptions, io::Write, process::Command};

use crate::build::workspace;

/// Appends today's date and the result of a run to the log at `path`, below the workspace.
pub fn log_run(path: &str, result: &str) {
    let date = Command::new("date").args(["-u", "+%F"]).output().unwrap();
    let date = String::from_utf8(date.stdout).unwrap();
    let log = OpenOptions::new()
        .create(true)
        .append(true)
        .open(workspace().join(path));
    writeln!(log.unwrap(), "{} {result}", date.trim()).unwrap();
}
