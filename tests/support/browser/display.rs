//! A display for browsers that do not run without one.

use std::{
    fs::{self, File},
    path::Path,
    process::Stdio,
};

use rustix::process::Signal;

use super::group::Group;
use crate::wait::until;

/// A display that nobody sees, under a number that was free.
pub(super) struct Display {
    name: String,
    _server: Group,
}

impl Display {
    /// `dir` is for its output.
    pub(super) fn start(dir: &Path) -> Self {
        let output = dir.join("Xvfb.out");
        let arguments = ["-displayfd", "1", "-screen", "0", "1600x1200x24"];
        // A server that is killed leaves its socket and its lock behind.
        let mut server = Group::start("Xvfb", &arguments, Signal::TERM, |command| {
            command
                .stdout(File::create(&output).unwrap())
                .stderr(Stdio::null());
        });
        let number = until("Xvfb has a display", || {
            assert!(!server.has_ended(), "Xvfb has ended");
            let said = fs::read_to_string(&output).unwrap();
            said.strip_suffix('\n').map(str::to_owned)
        });
        Self {
            name: format!(":{number}"),
            _server: server,
        }
    }

    pub(super) fn name(&self) -> &str {
        &self.name
    }
}
