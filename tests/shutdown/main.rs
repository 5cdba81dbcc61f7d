//! At SIGTERM or SIGINT a process ends its streams, and then exits.
#![allow(
    clippy::unwrap_used,
    reason = "a test that cannot set up what it needs has failed, and the panic names the place"
)]

use std::{
    io::{BufRead, BufReader, Read, Write},
    net::TcpStream,
    process::{Child, Command, ExitStatus, Stdio},
    thread,
    time::{Duration, Instant},
};

use actix_web_sse::{Cache, Config};
use rustix::process::{Pid, Signal, kill_process};
use support::{App, Backend, Event, Running, Stream, best_of_three, get, on_every_backend, until};

on_every_backend! {
    the_starter_shuts_down_in_time_beside_stalled_clients
    the_starter_shuts_down_within_a_second
}

const LASTING: &str = "SSE_STREAM_DURATION=0\nSSE_EVENTS=event_name1:event_cache_key1\n";

/// One event that sends much data, and one for clients that do not want it.
const FLOODED: &str = "SSE_STREAM_DURATION=0\nSSE_EVENTS=flood:flood,event:key\n";

/// From the signal to the exit of a process whose open requests are all streams: what
/// docs/delivery.md promises.
const MAX_SHUTDOWN: Duration = Duration::from_secs(2);

const MIB: usize = 1024 * 1024;

/// Much less than the 30 seconds that actix-web waits for responses to be completed.
const SOON: Duration = Duration::from_secs(10);

/// A server in a process of its own, and its address.
fn server(app: &App, kind: &str) -> (Running, String) {
    let mut child = Command::new(env!("CARGO_BIN_EXE_test-helper"))
        .args(["server", kind])
        .env("CARGO_MANIFEST_DIR", app.path())
        .stdout(Stdio::piped())
        .stderr(Stdio::null())
        .spawn()
        .unwrap();
    let out = BufReader::new(child.stdout.take().unwrap());
    let address = out
        .lines()
        .map_while(Result::ok)
        .find_map(|line| Some(line.strip_prefix("listening on ")?.to_owned()));
    (Running(child), address.unwrap())
}

fn send_signal(server: &Child, signal: Signal) {
    kill_process(Pid::from_child(server), signal).unwrap();
}

/// Waits for the exit of the server, and measures how long that takes.
fn wait_for_exit(mut server: Running) -> (ExitStatus, Duration) {
    let start = Instant::now();
    let status = until("the server exits", || server.try_wait().unwrap());
    (status, start.elapsed())
}

/// Not all clients at the same time, and none more than once per second while no server is running.
#[track_caller]
fn assert_asks_to_reconnect(last: &Event, kind: &str) {
    let retry = last.retry.unwrap();
    assert!((1_000..=2_000).contains(&retry), "{kind}: {retry}");
    assert!(!last.is_planned_end, "{kind}");
}

#[track_caller]
fn assert_clean_shutdown(kind: &str, signal: Signal) {
    let app = App::with_env(LASTING);
    let (server, address) = server(&app, kind);
    let streams = [(), (), ()].map(|()| Stream::open(&address, "/sse/stream", None));
    send_signal(&server, signal);
    let (status, time) = wait_for_exit(server);
    assert!(status.success(), "{kind}: {status}");
    assert!(time < SOON, "{kind}: {time:?}");
    for stream in streams {
        let first = stream.next();
        let last = stream.next();
        assert_eq!(last.name(), "sse.heartbeat", "{kind}");
        assert_eq!(last.id, first.id, "{kind}");
        assert_asks_to_reconnect(&last, kind);
        assert!(stream.has_ended(), "{kind}");
    }
}

#[test]
fn one_line_of_wiring_suffices_for_a_clean_shutdown() {
    assert_clean_shutdown("routes", Signal::TERM);
}

#[test]
fn an_app_with_its_own_signal_handler_shuts_down_too() {
    assert_clean_shutdown("its own handler", Signal::INT);
}

#[test]
fn an_app_without_handlers_is_ended_by_the_default_action() {
    for signal in [Signal::TERM, Signal::INT] {
        let app = App::with_env(LASTING);
        let (server, address) = server(&app, "without handlers");
        let _stream = Stream::open(&address, "/sse/stream", None);
        send_signal(&server, signal);
        let (status, time) = wait_for_exit(server);
        let by = std::os::unix::process::ExitStatusExt::signal(&status);
        assert_eq!(by, Some(signal.as_raw()));
        assert!(time < SOON, "{time:?}");
    }
}

#[test]
fn signal_handling_can_be_left_to_the_app() {
    let app = App::with_env(LASTING);
    let (server, address) = server(&app, "without signal handling");
    let stream = Stream::open(&address, "/sse/stream", None);
    send_signal(&server, Signal::TERM);
    // The server stops listening, and waits for the stream.
    until("it refuses connections", || {
        TcpStream::connect(&address).err()
    });
    stream.next();
    stream.expect_silence(Duration::from_secs(2));
}

/// Clients that do not read, each with more data sent to it than the buffers between it and the
/// server hold.
fn stalled(app: &App, address: &str) -> Vec<TcpStream> {
    let reader = Stream::open(address, "/sse/stream", None);
    let clients = (0..5).map(|_| {
        let mut client = TcpStream::connect(address).unwrap();
        write!(client, "GET /sse/stream HTTP/1.1\r\nHost: a\r\n\r\n").unwrap();
        // The stream is open when its first byte has arrived.
        client.read_exact(&mut [0]).unwrap();
        client
    });
    let clients = clients.collect();
    let cache = Cache::open(&Config::from_dir(app.path()).unwrap()).unwrap();
    let value = "x".repeat(60 * 1024);
    // A send buffer grows up to 4 MiB; the receive buffer of a client that does not read stays small.
    let count = 8 * MIB / value.len();
    for _ in 0..count {
        cache.save_blocking("flood", &value).unwrap();
    }
    for _ in 0..count {
        reader.next_event();
    }
    clients
}

#[track_caller]
fn assert_shutdown_in_time_beside_stalled_clients(kind: &str, signal: Signal) {
    best_of_three(MAX_SHUTDOWN, || {
        let app = App::with_env(FLOODED);
        let (server, address) = server(&app, kind);
        let _stalled = stalled(&app, &address);
        let reader = Stream::open(&address, "/sse/stream?events=event", None);
        send_signal(&server, signal);
        let (status, time) = wait_for_exit(server);
        assert!(status.success(), "{kind}: {status}");
        let (first, last) = (reader.next(), reader.next());
        assert_eq!(last.name(), "sse.heartbeat", "{kind}");
        assert!(last.number() >= first.number(), "{kind}");
        assert_asks_to_reconnect(&last, kind);
        assert!(reader.has_ended(), "{kind}");
        time
    });
}

#[test]
fn one_line_of_wiring_shuts_down_in_time_beside_stalled_clients() {
    assert_shutdown_in_time_beside_stalled_clients("routes", Signal::TERM);
}

/// Both ways that docs/connections.md shows under "Shutdown".
#[test]
fn a_shutdown_signal_shuts_down_in_time_beside_stalled_clients() {
    for kind in ["shutdown signal", "routes with a shutdown signal"] {
        for signal in [Signal::TERM, Signal::INT] {
            assert_shutdown_in_time_beside_stalled_clients(kind, signal);
        }
    }
}

fn the_starter_shuts_down_in_time_beside_stalled_clients(backend: Backend) {
    best_of_three(MAX_SHUTDOWN, || {
        let app = App::with_env(FLOODED).on(backend);
        let server = app.start();
        let _stalled = stalled(&app, server.address());
        let start = Instant::now();
        assert!(server.terminate().success());
        start.elapsed()
    });
}

#[test]
fn a_server_without_streams_shuts_down_at_once() {
    for kind in ["routes", "shutdown signal", "routes with a shutdown signal"] {
        best_of_three(MAX_SHUTDOWN, || {
            let app = App::with_env(LASTING);
            let (server, address) = server(&app, kind);
            assert_eq!(
                get(&address, "/slow/0").body,
                "done",
                "the server is running"
            );
            send_signal(&server, Signal::TERM);
            let (status, time) = wait_for_exit(server);
            assert!(status.success(), "{kind}: {status}");
            time
        });
    }
}

/// The stream has ended, and its last bytes wait in actix-web's buffer for a client that does not
/// read.
#[test]
fn a_final_block_that_is_never_read_does_not_delay_shutdown() {
    assert_shutdown_in_time_beside_stalled_clients("large write buffer", Signal::TERM);
}

#[test]
fn app_requests_are_completed_while_stalled_streams_end() {
    best_of_three(MAX_SHUTDOWN, || {
        let app = App::with_env(FLOODED);
        let (server, address) = server(&app, "shutdown signal");
        let _stalled = stalled(&app, &address);
        let mut slow = TcpStream::connect(&address).unwrap();
        write!(slow, "GET /slow/4 HTTP/1.1\r\nHost: a\r\n\r\n").unwrap();
        let sent = Instant::now();
        assert_eq!(
            get(&address, "/slow/0").body,
            "done",
            "the server handles the slow request"
        );
        send_signal(&server, Signal::TERM);
        let mut answer = String::new();
        slow.read_to_string(&mut answer).unwrap();
        assert!(answer.ends_with("done"), "{answer:?}");
        assert!(sent.elapsed() >= Duration::from_secs(4));
        let (status, time) = wait_for_exit(server);
        assert!(status.success(), "{status}");
        time
    });
}

/// For example when Ctrl-C is pressed twice.
#[test]
fn a_second_signal_ends_the_process_at_once() {
    for signal in [Signal::TERM, Signal::INT] {
        best_of_three(MAX_SHUTDOWN, || {
            let app = App::with_env(LASTING);
            let (server, address) = server(&app, "shutdown signal");
            let stream = Stream::open(&address, "/sse/stream", None);
            let mut slow = TcpStream::connect(&address).unwrap();
            write!(slow, "GET /slow/5 HTTP/1.1\r\nHost: a\r\n\r\n").unwrap();
            assert_eq!(
                get(&address, "/slow/0").body,
                "done",
                "the server handles the slow request"
            );
            send_signal(&server, signal);
            assert!(stream.has_ended());
            // Signals count as one if the server receives them within a tenth of a second.
            thread::sleep(Duration::from_millis(500));
            send_signal(&server, signal);
            let (status, time) = wait_for_exit(server);
            // A server that was kept waiting may have received both at once. It completes the request then.
            let code = Some(128 + signal.as_raw());
            assert!(
                status.code() == code || time >= MAX_SHUTDOWN,
                "{status} after {time:?}"
            );
            time
        });
    }
}

/// The starter ends its streams before it stops, so nothing is left to wait for.
fn the_starter_shuts_down_within_a_second(backend: Backend) {
    best_of_three(Duration::from_secs(1), || {
        let app = App::with_env(LASTING).on(backend);
        let server = app.start();
        let streams: Vec<Stream> = (0..100)
            .map(|_| Stream::open(server.address(), "/sse/stream", None))
            .collect();
        let start = Instant::now();
        assert!(server.terminate().success());
        let time = start.elapsed();
        assert!(streams.iter().all(Stream::has_ended));
        time
    });
}
