//! The server processes.

use std::{
    fs::{self, File},
    io::{BufRead, BufReader},
    path::{Path, PathBuf},
    process::Stdio,
    sync::{
        Arc, Mutex, PoisonError,
        atomic::{AtomicBool, Ordering},
    },
    thread,
};

use support::oracle::{At, CACHE, ServerSetup, WRITERS_ENDED, WriterSetup};

use crate::{
    clock::Clock,
    process::{self, Process},
};

/// The current addresses of the servers.
pub(crate) type Addresses = Arc<Mutex<Vec<Option<Address>>>>;

#[derive(Debug, Clone)]
pub(crate) struct Address {
    /// The number of the process.
    pub(crate) server: usize,
    pub(crate) address: String,
}

/// One server process of a run.
#[derive(Debug, Clone)]
pub(crate) struct ServerRun {
    pub(crate) setup: ServerSetup,
    pub(crate) started: At,
    /// When it was stopped or continued. Delays around these times are not its fault.
    pub(crate) disturbed: Vec<At>,
}

/// One of the servers, which is one process after another.
pub(crate) struct Server {
    index: usize,
    addresses: Addresses,
    pub(crate) process: Process,
    /// Whether no writer inside it saves any more.
    writers_ended: Arc<AtomicBool>,
    log: PathBuf,
}

impl Server {
    pub(crate) fn start(
        (setup, writers): (&ServerSetup, &[WriterSetup]),
        (index, number): (usize, usize),
        (app, cache): (&Path, Option<&str>),
        clock: &Clock,
        addresses: &Addresses,
    ) -> Self {
        let log = app.join(format!("server-{number}.log"));
        let mut child = process::command("oracle-server", clock)
            .env("ORACLE_APP", app)
            .envs(cache.map(|cache| (CACHE, cache)))
            .env("ORACLE_SETUP", serde_json::to_string(setup).unwrap())
            .env("ORACLE_WRITERS", serde_json::to_string(writers).unwrap())
            .env("RUST_LOG", "info")
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .stderr(File::create(&log).unwrap())
            .spawn()
            .unwrap();
        let output = BufReader::new(child.stdout.take().unwrap());
        let writers_ended = Arc::new(AtomicBool::new(writers.is_empty()));
        thread::spawn({
            let (addresses, writers_ended) = (Arc::clone(addresses), Arc::clone(&writers_ended));
            move || {
                for line in output.lines().map_while(Result::ok) {
                    if let Some(address) = line.strip_prefix("LISTENING ") {
                        let mut addresses = lock(&addresses);
                        // A later process may have replaced this one.
                        let is_newest = addresses[index].as_ref().is_none_or(|a| a.server < number);
                        if is_newest {
                            addresses[index] = Some(Address {
                                server: number,
                                address: address.to_owned(),
                            });
                        }
                    }
                    if line == WRITERS_ENDED {
                        break;
                    }
                }
                writers_ended.store(true, Ordering::Relaxed);
            }
        });
        Self {
            index,
            addresses: Arc::clone(addresses),
            process: Process::new(child),
            writers_ended,
            log,
        }
    }

    pub(crate) fn is_listening(&self) -> bool {
        lock(&self.addresses)[self.index].is_some()
    }

    /// Closes its input, which ends the writers inside it.
    pub(crate) fn finish_writers(&mut self) {
        self.process.child().stdin.take();
    }

    pub(crate) fn writers_have_ended(&self) -> bool {
        self.writers_ended.load(Ordering::Relaxed)
    }

    pub(crate) fn kill(&mut self) {
        self.process.child().kill().unwrap();
        self.process.child().wait().unwrap();
        lock(&self.addresses)[self.index] = None;
    }

    pub(crate) fn log(&self) -> String {
        fs::read_to_string(&self.log).unwrap_or_default()
    }
}

pub(crate) fn lock(addresses: &Addresses) -> std::sync::MutexGuard<'_, Vec<Option<Address>>> {
    addresses.lock().unwrap_or_else(PoisonError::into_inner)
}
