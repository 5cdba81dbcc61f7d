//! At SIGTERM or SIGINT a process ends its streams, and then itself.
#![allow(clippy::unwrap_used, reason = "a test that cannot go on has failed")]

use std::{
    io::{BufRead, BufReader, Read, Write},
    net::TcpStream,
    process::{Child, Command, ExitStatus, Stdio},
    thread,
    time::{Duration, Instant},
};

use actix_web::{App as ActixApp, HttpServer, rt, web};
use actix_web_sse::{Cache, Config, Sse};
use rustix::process::{Pid, Signal, kill_process};
use support::{App, Running, Stream, get, until};

const LASTING: &str = "SSE_STREAM_DURATION=0\nSSE_EVENTS=event_name1:event_cache_key1\n";

/// With one event that much is sent of, and one for those who do not want that.
const FLOODED: &str = "SSE_STREAM_DURATION=0\nSSE_EVENTS=flood:flood,event:key\n";

/// From the signal to the end of a process whose requests are all streams.
const AT_MOST: Duration = Duration::from_secs(2);

const MIB: usize = 1024 * 1024;

/// Much less than the 30 seconds that actix-web waits for an answer that is not complete.
const SOON: Duration = Duration::from_secs(10);

/// This test program, again, as a server of this kind.
fn server(app: &App, kind: &str) -> (Running, String) {
    let mut child = Command::new(std::env::current_exe().unwrap())
        .args(["--ignored", "--exact", "--nocapture", "one_server"])
        .env("KIND", kind)
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

/// Not a test by itself: the apps of this file.
#[actix_web::test]
#[ignore = "run by the other tests as a process of its own"]
async fn one_server() {
    hear_interrupts();
    let kind = std::env::var("KIND").unwrap();
    let sse = match kind.as_str() {
        "without signal handling" => {
            let config = Config::from_env().unwrap();
            Some(Sse::start(&config.with_signal_handling(false)).unwrap())
        }
        "shutdown signal" | "large write buffer" => Some(Sse::from_env().unwrap()),
        _ => None,
    };
    let signal = sse.clone().filter(|_| kind != "without signal handling");
    let server = HttpServer::new(move || {
        let app = ActixApp::new().route("/slow/{seconds}", web::get().to(slow));
        match sse.clone() {
            Some(sse) => app.configure(|app| sse.configure(app)),
            None => app.configure(actix_web_sse::routes),
        }
    });
    let mut server = server.workers(2);
    if kind == "large write buffer" {
        server = server.h1_write_buffer_size(64 * MIB);
    }
    let mut server = server.bind(("127.0.0.1", 0)).unwrap();
    if let Some(sse) = signal {
        server = server.shutdown_signal(sse.shutdown_signal());
    }
    if kind == "routes with a shutdown signal" {
        server = server.shutdown_signal(actix_web_sse::shutdown_signal());
    }
    println!("\nlistening on {}", server.addrs()[0]);
    if kind == "without handlers" || kind == "its own handler" {
        server = server.disable_signals();
    }
    let server = server.run();
    if kind == "its own handler" {
        let handle = server.handle();
        rt::spawn(async move {
            rt::signal::ctrl_c().await.unwrap();
            handle.stop(true).await;
        });
    }
    server.await.unwrap();
    // Not back into the test runner, whose output nobody reads any more.
    std::process::exit(0);
}

/// A request of the app that takes some time.
async fn slow(seconds: web::Path<u64>) -> &'static str {
    rt::time::sleep(Duration::from_secs(*seconds)).await;
    "done"
}

/// What a shell starts in the background ignores SIGINT, and so does all that it starts in turn:
/// how the tests are started is not to decide how their servers end.
#[allow(
    unsafe_code,
    reason = "no crate gives a signal its default action back without it"
)]
fn hear_interrupts() {
    // SAFETY: the default action is no code of ours, which would have to be fit for a handler.
    let before = unsafe { libc::signal(libc::SIGINT, libc::SIG_DFL) };
    assert_ne!(before, libc::SIG_ERR);
}

fn tell(server: &Child, signal: Signal) {
    kill_process(Pid::from_child(server), signal).unwrap();
}

fn ends(mut server: Running) -> (ExitStatus, Duration) {
    let begin = Instant::now();
    let status = until("the server ends", || server.try_wait().unwrap());
    (status, begin.elapsed())
}

#[track_caller]
fn ends_streams_and_itself(kind: &str, signal: Signal) {
    let app = App::with_env(LASTING);
    let (server, address) = server(&app, kind);
    let streams = [(), (), ()].map(|()| Stream::open(&address, "/sse/stream", None));
    tell(&server, signal);
    let (status, time) = ends(server);
    assert!(status.success(), "{kind}: {status}");
    assert!(time < SOON, "{kind}: {time:?}");
    for stream in streams {
        let first = stream.next();
        let last = stream.next();
        assert_eq!(last.name(), "sse.heartbeat", "{kind}");
        assert_eq!(last.id, first.id, "{kind}");
        assert!(last.retry.is_some(), "{kind}: the client is told to return");
        assert!(stream.has_ended(), "{kind}");
    }
}

#[test]
fn one_line_of_wiring_is_enough_for_an_app_to_end() {
    ends_streams_and_itself("routes", Signal::TERM);
}

#[test]
fn an_app_that_stops_its_server_itself_ends_too() {
    ends_streams_and_itself("its own handler", Signal::INT);
}

#[test]
fn an_app_without_handlers_is_ended_by_the_system_as_ever() {
    for signal in [Signal::TERM, Signal::INT] {
        let app = App::with_env(LASTING);
        let (server, address) = server(&app, "without handlers");
        let _stream = Stream::open(&address, "/sse/stream", None);
        tell(&server, signal);
        let (status, time) = ends(server);
        let by = std::os::unix::process::ExitStatusExt::signal(&status);
        assert_eq!(by, Some(signal.as_raw()));
        assert!(time < SOON, "{time:?}");
    }
}

#[test]
fn signals_can_be_left_to_the_app() {
    let app = App::with_env(LASTING);
    let (server, address) = server(&app, "without signal handling");
    let stream = Stream::open(&address, "/sse/stream", None);
    tell(&server, Signal::TERM);
    // The server stops to listen, and waits for the stream.
    until("it takes no connection", || {
        TcpStream::connect(&address).err()
    });
    stream.next();
    stream.expect_silence(Duration::from_secs(2));
}

/// Clients that read nothing, with more on its way to each than the buffers between it and the server
/// hold.
fn stalled(app: &App, address: &str) -> Vec<TcpStream> {
    let reader = Stream::open(address, "/sse/stream", None);
    let clients = (0..5).map(|_| {
        let mut client = TcpStream::connect(address).unwrap();
        write!(client, "GET /sse/stream HTTP/1.1\r\nHost: a\r\n\r\n").unwrap();
        // The stream is open when its first byte is there.
        client.read_exact(&mut [0]).unwrap();
        client
    });
    let clients = clients.collect();
    let cache = Cache::open(&Config::from_dir(app.path()).unwrap()).unwrap();
    let value = "x".repeat(60 * 1024);
    // A sender's buffer grows up to 4 MiB, and a receiver's that is not read from stays small.
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
fn ends_in_time_beside_stalled_clients(kind: &str, signal: Signal) {
    let app = App::with_env(FLOODED);
    let (server, address) = server(&app, kind);
    let _stalled = stalled(&app, &address);
    let reader = Stream::open(&address, "/sse/stream?events=event", None);
    tell(&server, signal);
    let (status, time) = ends(server);
    assert!(status.success(), "{kind}: {status}");
    assert!(time < AT_MOST, "{kind}: {time:?}");
    let (first, last) = (reader.next(), reader.next());
    assert_eq!(last.name(), "sse.heartbeat", "{kind}");
    assert!(last.number() >= first.number(), "{kind}");
    assert!(last.retry.is_some(), "{kind}: the client is told to return");
    assert!(reader.has_ended(), "{kind}");
}

#[test]
fn one_line_of_wiring_ends_in_time_beside_clients_that_do_not_read() {
    ends_in_time_beside_stalled_clients("routes", Signal::TERM);
}

/// The wirings of docs/connections.md, "Shutdown".
#[test]
fn a_shutdown_signal_ends_in_time_beside_clients_that_do_not_read() {
    for kind in ["shutdown signal", "routes with a shutdown signal"] {
        for signal in [Signal::TERM, Signal::INT] {
            ends_in_time_beside_stalled_clients(kind, signal);
        }
    }
}

#[test]
fn the_starter_ends_in_time_beside_clients_that_do_not_read() {
    let app = App::with_env(FLOODED);
    let server = app.start();
    let _stalled = stalled(&app, server.address());
    let begin = Instant::now();
    assert!(server.terminate().success());
    let time = begin.elapsed();
    assert!(time < AT_MOST, "{time:?}");
}

#[test]
fn without_streams_a_server_ends_at_once() {
    for kind in ["routes", "shutdown signal", "routes with a shutdown signal"] {
        let app = App::with_env(LASTING);
        let (server, address) = server(&app, kind);
        assert_eq!(get(&address, "/slow/0").body, "done", "it has begun");
        tell(&server, Signal::TERM);
        let (status, time) = ends(server);
        assert!(status.success() && time < AT_MOST, "{kind}: {time:?}");
    }
}

/// The stream has ended, and its last bytes wait in actix-web's buffer for a client that takes none.
#[test]
fn an_end_that_is_never_read_holds_up_nothing() {
    ends_in_time_beside_stalled_clients("large write buffer", Signal::TERM);
}

#[test]
fn requests_of_the_app_are_completed_while_stalled_streams_end() {
    let app = App::with_env(FLOODED);
    let (server, address) = server(&app, "shutdown signal");
    let _stalled = stalled(&app, &address);
    let mut slow = TcpStream::connect(&address).unwrap();
    write!(slow, "GET /slow/4 HTTP/1.1\r\nHost: a\r\n\r\n").unwrap();
    let sent = Instant::now();
    assert_eq!(get(&address, "/slow/0").body, "done", "the server is at it");
    tell(&server, Signal::TERM);
    let mut answer = String::new();
    slow.read_to_string(&mut answer).unwrap();
    assert!(answer.ends_with("done"), "{answer:?}");
    assert!(sent.elapsed() >= Duration::from_secs(4));
    let (status, time) = ends(server);
    assert!(status.success(), "{status}");
    assert!(time < AT_MOST, "{time:?}");
}

/// As when Ctrl-C is pressed twice, and as a service manager does that has no more patience.
#[test]
fn a_second_signal_ends_the_process_at_once() {
    for signal in [Signal::TERM, Signal::INT] {
        let app = App::with_env(LASTING);
        let (server, address) = server(&app, "shutdown signal");
        let stream = Stream::open(&address, "/sse/stream", None);
        let mut slow = TcpStream::connect(&address).unwrap();
        write!(slow, "GET /slow/20 HTTP/1.1\r\nHost: a\r\n\r\n").unwrap();
        assert_eq!(get(&address, "/slow/0").body, "done", "the server is at it");
        tell(&server, signal);
        assert!(stream.has_ended());
        // Two signals within a tenth of a second are one.
        thread::sleep(Duration::from_millis(200));
        tell(&server, signal);
        let (status, time) = ends(server);
        assert_eq!(status.code(), Some(128 + signal.as_raw()), "{status}");
        assert!(time < AT_MOST, "{time:?}");
    }
}

/// A server that ends its streams before it stops has nothing to wait for then.
#[test]
fn the_starter_ends_within_a_second() {
    let app = App::with_env(LASTING);
    let server = app.start();
    let streams: Vec<Stream> = (0..100)
        .map(|_| Stream::open(server.address(), "/sse/stream", None))
        .collect();
    let begin = Instant::now();
    assert!(server.terminate().success());
    let time = begin.elapsed();
    assert!(streams.iter().all(Stream::has_ended));
    assert!(time < Duration::from_secs(1), "{time:?}");
}
