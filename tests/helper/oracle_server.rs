//! `oracle-server`: the library's own routes, configured so that its limits are reached all the time.

use std::{env, net::TcpListener, time::Duration};

use actix_web::{App, HttpServer, rt::System};
use actix_web_sse::{Config, Sse};
use support::oracle::{SSE_EVENTS, ServerSetup};

/// Small, so that a slow reader is noticed after some dozen events instead of megabytes.
const SEND_BUFFER_BYTES: usize = 8 * 1024;

pub(crate) fn run() {
    let variable = |name| env::var(name).unwrap();
    let setup: ServerSetup = serde_json::from_str(&variable("ORACLE_SETUP")).unwrap();
    env_logger::init();
    let config = Config::new(variable("ORACLE_APP"), SSE_EVENTS)
        .unwrap()
        .with_entries_in_memory(setup.in_memory)
        .with_history(setup.history)
        .with_poll_interval(setup.poll)
        .with_lookback(setup.lookback)
        .with_stream_duration(setup.stream)
        // Longer than the oracle waits for an event, so that no heartbeat wakes a forgotten stream.
        .with_heartbeat(Duration::from_secs(60));
    System::new().block_on(async {
        let sse = Sse::new(&config).unwrap();
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        rustix::net::sockopt::set_socket_send_buffer_size(&listener, SEND_BUFFER_BYTES).unwrap();
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
