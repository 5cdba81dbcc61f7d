//! An invisible display, for browsers that need one.

use std::{
    fs::{self, File},
    path::Path,
    process::Stdio,
};

use rustix::process::Signal;

use crate::{group::Group, wait::until};

/// An X server without a screen, under a display number that was free.
pub(super) struct Display {
    name: String,
    _server: Group,
}

impl Display {
    /// Its output goes into `dir`.
    pub(super) fn start(dir: &Path) -> Self {
        let output = dir.join("Xvfb.out");
        let arguments = ["-displayfd", "1", "-screen", "0", "1600x1200x24"];
        // SIGTERM, because a server that is killed leaves its socket and its lock behind.
        let mut server = Group::start("Xvfb", &arguments, Signal::TERM, |command| {
            command
                .stdout(File::create(&output).unwrap())
                .stderr(Stdio::null());
        });
        let number = until("Xvfb has a display", || {
            assert!(!server.has_ended(), "Xvfb has ended");
            let printed = fs::read_to_string(&output).unwrap();
            printed.strip_suffix('\n').map(str::to_owned)
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
