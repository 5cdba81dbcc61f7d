//! The starter app's server, in a process of its own.

use std::{
    fs::{self, File},
    path::{Path, PathBuf},
    process::{Child, Command, ExitStatus, Stdio},
    sync::atomic::{AtomicUsize, Ordering},
};

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
        static NUMBER: AtomicUsize = AtomicUsize::new(0);
        let number = NUMBER.fetch_add(1, Ordering::Relaxed);
        let log = dir.join(format!("server-{number}.log"));
        let output = dir.join(format!("server-{number}.out"));
        let mut command = Command::new(program);
        command.current_dir(dir).stdin(Stdio::null());
        command
            .stdout(File::create(&output).unwrap())
            .stderr(File::create(&log).unwrap());
        outside_cargo(&mut command);
        command
            .env("HOST", "127.0.0.1")
            .env("PORT", "0")
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

    /// The id of its process.
    #[must_use]
    pub fn id(&self) -> u32 {
        self.child.id()
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
        let process = rustix::process::Pid::from_child(&self.child);
        rustix::process::kill_process(process, rustix::process::Signal::TERM).unwrap();
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
