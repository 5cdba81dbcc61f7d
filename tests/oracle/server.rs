//! The servers: the library's own routes, set up so that its edges are met all the time.

use std::{
    fs::{self, File},
    io::{BufRead, BufReader},
    net::TcpListener,
    path::{Path, PathBuf},
    process::Stdio,
    sync::{Arc, Mutex, PoisonError},
    thread,
    time::Duration,
};

use actix_web::{App, HttpServer};
use actix_web_sse::{Config, Sse};

use crate::{
    clock::Clock,
    model::{At, SSE_EVENTS},
    plan::Setup,
    process::{self, Process},
};

/// So that a slow reader is noticed after some dozen events, and not after megabytes.
const SEND_BUFFER: usize = 8 * 1024;

/// Not a test by itself: what a server process runs.
#[test]
#[ignore = "run by the oracle as a process of its own"]
fn server() {
    let variable = |name| std::env::var(name).unwrap();
    let setup: Setup = serde_json::from_str(&variable("ORACLE_SETUP")).unwrap();
    env_logger::init();
    let config = Config::new(variable("ORACLE_APP"), SSE_EVENTS)
        .unwrap()
        .with_in_memory(setup.in_memory)
        .with_history(setup.history)
        .with_poll_interval(setup.poll)
        .with_lookback(setup.lookback)
        .with_stream_duration(setup.stream)
        // Longer than the oracle waits for an event: no heartbeat wakes a stream that was forgotten.
        .with_heartbeat(Duration::from_secs(60))
        .with_retry(Duration::from_millis(50));
    actix_web::rt::System::new().block_on(async {
        let sse = Sse::start(&config).unwrap();
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        rustix::net::sockopt::set_socket_send_buffer_size(&listener, SEND_BUFFER).unwrap();
        println!("LISTENING {}", listener.local_addr().unwrap());
        HttpServer::new(move || App::new().configure(|app| sse.configure(app)))
            .workers(2)
            .disable_signals()
            .listen(listener)
            .unwrap()
            .run()
            .await
            .unwrap();
    });
}

/// Where the servers are at the moment.
pub(crate) type Addresses = Arc<Mutex<Vec<Option<Address>>>>;

#[derive(Debug, Clone)]
pub(crate) struct Address {
    /// Tells processes apart.
    pub(crate) server: usize,
    pub(crate) address: String,
}

/// One process that ran.
#[derive(Debug, Clone)]
pub(crate) struct Life {
    pub(crate) setup: Setup,
    pub(crate) started: At,
    /// When it was stopped or went on; what happened around then was not its choice.
    pub(crate) disturbed: Vec<At>,
}

/// One of the servers, of which one process after the other runs.
pub(crate) struct Server {
    place: usize,
    addresses: Addresses,
    pub(crate) process: Process,
    log: PathBuf,
}

impl Server {
    pub(crate) fn start(
        setup: &Setup,
        place: usize,
        number: usize,
        app: &Path,
        clock: &Clock,
        addresses: &Addresses,
    ) -> Self {
        let log = app.join(format!("server-{number}.log"));
        let mut child = process::command("server::server", clock)
            .env("ORACLE_APP", app)
            .env("ORACLE_SETUP", serde_json::to_string(setup).unwrap())
            .env("RUST_LOG", "info")
            .stdin(Stdio::null())
            .stdout(Stdio::piped())
            .stderr(File::create(&log).unwrap())
            .spawn()
            .unwrap();
        let output = BufReader::new(child.stdout.take().unwrap());
        thread::spawn({
            let addresses = Arc::clone(addresses);
            move || {
                for line in output.lines().map_while(Result::ok) {
                    if let Some(address) = line.strip_prefix("LISTENING ") {
                        let mut addresses = lock(&addresses);
                        // A later process may have taken its place.
                        let is_newest = addresses[place].as_ref().is_none_or(|a| a.server < number);
                        if is_newest {
                            addresses[place] = Some(Address {
                                server: number,
                                address: address.to_owned(),
                            });
                        }
                    }
                }
            }
        });
        Self {
            place,
            addresses: Arc::clone(addresses),
            process: Process::of(child),
            log,
        }
    }

    pub(crate) fn is_listening(&self) -> bool {
        lock(&self.addresses)[self.place].is_some()
    }

    pub(crate) fn kill(&mut self) {
        self.process.child().kill().unwrap();
        self.process.child().wait().unwrap();
        lock(&self.addresses)[self.place] = None;
    }

    pub(crate) fn log(&self) -> String {
        fs::read_to_string(&self.log).unwrap_or_default()
    }
}

pub(crate) fn lock(addresses: &Addresses) -> std::sync::MutexGuard<'_, Vec<Option<Address>>> {
    addresses.lock().unwrap_or_else(PoisonError::into_inner)
}
