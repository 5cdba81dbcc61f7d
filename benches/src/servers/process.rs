//! A server process.

use std::{
    fs::{self, File},
    io,
    net::{SocketAddr, TcpStream},
    path::Path,
    process::{Child, Command, Stdio},
    thread,
    time::{Duration, Instant},
};

use rustix::process::{Pid, Signal, kill_process};

use crate::system;

/// Includes reading a journal of 100,000 entries.
const START_TIMEOUT: Duration = Duration::from_secs(30);

/// Killed on drop.
pub(super) struct Process(Child);

impl Process {
    /// Starts a server that prints its address, and waits for the address.
    pub(super) fn start(command: &mut Command, dir: &Path) -> io::Result<(Self, SocketAddr)> {
        let process = Self::spawn(command, dir)?;
        let address = process.wait(dir, || {
            let output = fs::read_to_string(dir.join("output")).ok()?;
            let at = output.find("127.0.0.1:")?;
            let (address, _) = output[at..].split_once('\n')?;
            address.parse().ok()
        })?;
        Ok((process.0, address))
    }

    /// Starts a server that listens at `address`, and waits until it does.
    pub(super) fn start_at(
        command: &mut Command,
        dir: &Path,
        address: SocketAddr,
    ) -> io::Result<Self> {
        let process = Self::spawn(command, dir)?;
        process.wait(dir, || TcpStream::connect(address).ok())?;
        Ok(process.0)
    }

    fn spawn(command: &mut Command, dir: &Path) -> io::Result<Starting> {
        let name = command.get_program().to_owned();
        let child = command
            .current_dir(dir)
            .stdin(Stdio::null())
            .stdout(File::create(dir.join("output"))?)
            .stderr(File::create(dir.join("log"))?)
            .spawn()
            .map_err(|error| {
                io::Error::new(
                    error.kind(),
                    format!("cannot start {}: {error}", name.display()),
                )
            })?;
        Ok(Starting(Self(child)))
    }

    pub(super) fn id(&self) -> u32 {
        self.0.id()
    }
}

impl Drop for Process {
    fn drop(&mut self) {
        // nginx does not end its workers when it is killed.
        for id in system::children(self.id()) {
            let process = i32::try_from(id).ok().and_then(Pid::from_raw);
            if let Some(process) = process {
                let _ = kill_process(process, Signal::KILL);
            }
        }
        let _ = self.0.kill();
        let _ = self.0.wait();
    }
}

/// A process that may not listen yet.
struct Starting(Process);

impl Starting {
    fn wait<T>(&self, dir: &Path, mut check: impl FnMut() -> Option<T>) -> io::Result<T> {
        let begin = Instant::now();
        loop {
            if let Some(found) = check() {
                return Ok(found);
            }
            if system::has_ended(self.0.id()) || begin.elapsed() > START_TIMEOUT {
                let log = fs::read_to_string(dir.join("log")).unwrap_or_default();
                return Err(io::Error::other(format!(
                    "the server does not listen; its log: {log}"
                )));
            }
            thread::sleep(Duration::from_millis(5));
        }
    }
}
