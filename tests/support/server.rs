//! The starter app's server, in a process of its own.

#[cfg(target_os = "linux")]
use std::time::Duration;
use std::{
    fs::{self, DirEntry, File},
    path::{Path, PathBuf},
    process::{Child, Command, ExitStatus, Stdio},
    sync::atomic::{AtomicUsize, Ordering},
};

use rustix::process::{Pid, Signal, kill_process};

use crate::{app::outside_cargo, build, wait::until};

/// A running server. It is killed when this is dropped.
pub struct Server {
    child: Child,
    scheme: &'static str,
    address: String,
    log: PathBuf,
    output: PathBuf,
}

impl Server {
    /// Starts the starter app in `dir`, with these environment variables, and waits until it listens:
    /// on a free port, unless the variables set one.
    #[must_use]
    pub fn start(dir: &Path, environment: &[(&str, &str)]) -> Self {
        Self::start_program(&build::starter(), dir, environment)
    }

    /// Starts another program that was made from the starter.
    #[must_use]
    pub fn start_program(program: &Path, dir: &Path, environment: &[(&str, &str)]) -> Self {
        Self::start_command(Command::new(program), dir, environment)
    }

    /// Starts `sse serve` for the app in `dir`, with these options: on a free port, unless they name an address.
    #[must_use]
    pub fn start_serve(dir: &Path, options: &[&str]) -> Self {
        Self::start_serve_with(dir, options, &[])
    }

    /// The same, with these environment variables.
    #[must_use]
    pub fn start_serve_with(dir: &Path, options: &[&str], environment: &[(&str, &str)]) -> Self {
        let mut command = Command::new(build::sse());
        command.arg("serve").args(options);
        if !options.contains(&"--listen") {
            command.args(["--listen", "127.0.0.1:0"]);
        }
        Self::start_command(command, dir, environment)
    }

    /// Starts a command that prints its address as the starter does.
    #[must_use]
    pub fn start_command(mut command: Command, dir: &Path, environment: &[(&str, &str)]) -> Self {
        static NUMBER: AtomicUsize = AtomicUsize::new(0);
        let number = NUMBER.fetch_add(1, Ordering::Relaxed);
        let log = dir.join(format!("server-{number}.log"));
        let output = dir.join(format!("server-{number}.out"));
        command.current_dir(dir).stdin(Stdio::null());
        command
            .stdout(File::create(&output).unwrap())
            .stderr(File::create(&log).unwrap());
        outside_cargo(&mut command);
        command
            .env("HOST", "127.0.0.1")
            .env("PORT", "0")
            .env("ADMIN_LISTEN", "off")
            .envs(environment.iter().copied());
        let mut child = command.spawn().unwrap();

        let (scheme, address) = until("the server listens", || {
            let ended = child.try_wait().unwrap();
            assert!(
                ended.is_none(),
                "the server has ended: {}",
                fs::read_to_string(&log).unwrap()
            );
            let output = fs::read_to_string(&output).unwrap();
            ["http", "https"].into_iter().find_map(|scheme| {
                let (_, rest) = output.split_once(&format!("Listening on {scheme}://"))?;
                let (address, _) = rest.split_once('\n')?;
                Some((scheme, address.to_owned()))
            })
        });
        Self {
            child,
            scheme,
            address,
            log,
            output,
        }
    }

    /// `127.0.0.1:PORT`.
    #[must_use]
    pub fn address(&self) -> &str {
        &self.address
    }

    #[must_use]
    pub fn port(&self) -> &str {
        self.address.rsplit(':').next().unwrap()
    }

    /// The address of its admin pages, for a server that was started with them.
    #[must_use]
    pub fn admin_address(&self) -> String {
        until("the admin pages are announced", || {
            let output = self.output();
            let (_, rest) = output.split_once("Admin pages on http://")?;
            let (address, _) = rest.split_once('\n')?;
            Some(address.to_owned())
        })
    }

    /// The id of its process.
    #[must_use]
    pub fn id(&self) -> u32 {
        self.child.id()
    }

    /// Suspends its threads. On Linux, waits until none of them runs: a signal reaches them a little later.
    pub fn suspend(&self) {
        kill_process(Pid::from_child(&self.child), Signal::STOP).unwrap();
        let is_suspended = |thread: DirEntry| {
            let stat = fs::read_to_string(thread.path().join("stat")).unwrap_or_default();
            stat.contains(") T ")
        };
        if cfg!(not(target_os = "linux")) {
            return;
        }
        until("the server is suspended", || {
            let mut threads = fs::read_dir(format!("/proc/{}/task", self.id())).unwrap();
            threads
                .all(|thread| is_suspended(thread.unwrap()))
                .then_some(())
        });
    }

    pub fn resume(&self) {
        kill_process(Pid::from_child(&self.child), Signal::CONT).unwrap();
    }

    /// The processor time that it has used, with that of threads that have ended.
    #[cfg(target_os = "linux")]
    #[must_use]
    pub fn cpu_time(&self) -> Duration {
        let stat = fs::read_to_string(format!("/proc/{}/stat", self.id())).unwrap();
        // The program's name, which may contain anything, is in parentheses.
        let (_, fields) = stat.rsplit_once(") ").unwrap();
        let ticks = fields.split(' ').skip(11).take(2);
        let ticks: u64 = ticks.map(|ticks| ticks.parse::<u64>().unwrap()).sum();
        Duration::from_millis(ticks * 1_000 / rustix::param::clock_ticks_per_second())
    }

    #[must_use]
    pub fn url(&self, path: &str) -> String {
        format!("{}://{}{path}", self.scheme, self.address)
    }

    /// What it has printed to standard output.
    #[must_use]
    pub fn output(&self) -> String {
        fs::read_to_string(&self.output).unwrap()
    }

    /// Its log so far.
    #[must_use]
    pub fn log(&self) -> String {
        fs::read_to_string(&self.log).unwrap()
    }

    /// Waits until its log contains `text`.
    #[track_caller]
    pub fn wait_for_log(&self, text: &str) -> String {
        until(&format!("the log contains `{text}`"), || {
            Some(self.log()).filter(|log| log.contains(text))
        })
    }

    /// Sends SIGTERM, like a container or a service manager, and waits until the process has ended.
    #[track_caller]
    pub fn terminate(mut self) -> ExitStatus {
        let process = Pid::from_child(&self.child);
        kill_process(process, Signal::TERM).unwrap();
        until("the server ends", || self.child.try_wait().unwrap())
    }

    /// Sends SIGKILL.
    pub fn kill(mut self) {
        self.child.kill().unwrap();
        self.child.wait().unwrap();
    }
}

impl Drop for Server {
    fn drop(&mut self) {
        // The process may have ended already.
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}
