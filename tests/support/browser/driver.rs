//! The driver: the program that controls a browser.

use std::{
    fs::{self, File},
    path::{Path, PathBuf},
    process::Command,
};

use rustix::process::Signal;

use super::{display::Display, engine::Engine};
use crate::{group::Group, scratch::ScratchFolder, wait::until};

/// A driver with its own home folder. The driver and its browser end when this is dropped.
pub(super) struct Driver {
    port: u16,
    // Fields are dropped in this order: a browser ends before its display, and both before their
    // folder is removed.
    programs: Group,
    _display: Option<Display>,
    home: ScratchFolder,
}

impl Driver {
    pub(super) fn start(engine: Engine) -> Self {
        let home = ScratchFolder::new();
        let display = engine
            .needs_a_display()
            .then(|| Display::start(home.path()));
        let output = home.path().join("driver.out");
        let (program, arguments) = engine.driver();
        let start = || {
            Group::start(program, arguments, Signal::KILL, |command| {
                isolate(command, home.path());
                if let Some(display) = &display {
                    command.env("DISPLAY", display.name());
                }
                let output = File::create(&output).unwrap();
                command.stdout(output.try_clone().unwrap()).stderr(output);
            })
        };
        let mut programs = start();
        let port = until(&format!("{program} listens"), || {
            let has_ended = programs.has_ended();
            let printed = fs::read_to_string(&output).unwrap();
            if has_ended {
                // chromedriver chooses a free port of IPv6, and then needs the same port of IPv4.
                let is_port_taken = printed.contains("Address already in use");
                assert!(is_port_taken, "{program} has ended: {printed}");
                programs = start();
                return None;
            }
            engine.port(programs.id(), &printed)
        });
        Self {
            port,
            programs,
            _display: display,
            home,
        }
    }

    pub(super) fn url(&self) -> String {
        format!("http://127.0.0.1:{}", self.port)
    }

    /// Sends a signal to the driver and its browser.
    pub(super) fn signal(&self, signal: Signal) {
        self.programs.signal(signal);
    }

    /// The folder for the browser's profile.
    pub(super) fn profile(&self) -> PathBuf {
        self.home.path().join("profile")
    }
}

/// Makes a program write everything into `home`, and find nothing of other programs there.
fn isolate(command: &mut Command, home: &Path) {
    for folder in [
        "HOME",
        "TMPDIR",
        "XDG_CACHE_HOME",
        "XDG_CONFIG_HOME",
        "XDG_DATA_HOME",
        "XDG_RUNTIME_DIR",
        "XDG_STATE_HOME",
    ] {
        command.env(folder, home);
    }
    // Otherwise a browser starts a bus of its own, which no process ends.
    command.env("DBUS_SESSION_BUS_ADDRESS", "disabled:");
    command.env("NO_AT_BRIDGE", "1");
    command.env_remove("WAYLAND_DISPLAY");
}

/// The port on which a process listens, for a driver that does not print it.
pub(super) fn listens_on(process: u32) -> Option<u16> {
    let sockets: Vec<String> = fs::read_dir(format!("/proc/{process}/fd"))
        .ok()?
        .filter_map(|file| fs::read_link(file.ok()?.path()).ok())
        .filter_map(|target| {
            let inode = target.to_str()?.strip_prefix("socket:[")?;
            inode.strip_suffix(']').map(str::to_owned)
        })
        .collect();
    let connections = fs::read_to_string("/proc/net/tcp").ok()?;
    connections.lines().find_map(|line| {
        let fields: Vec<&str> = line.split_whitespace().collect();
        let listens = *fields.get(3)? == "0A";
        let is_of_process = sockets
            .iter()
            .any(|inode| Some(&inode.as_str()) == fields.get(9));
        let (_, port) = fields.get(1)?.split_once(':')?;
        (listens && is_of_process).then(|| u16::from_str_radix(port, 16).ok())?
    })
}
