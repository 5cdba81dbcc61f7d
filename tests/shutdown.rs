//! A process that is told to end ends its streams, and then itself.
#![cfg(unix)]
#![allow(clippy::unwrap_used, reason = "a test that cannot go on has failed")]

use std::{
    io::{BufRead, BufReader},
    process::{Child, Command, ExitStatus, Stdio},
    time::{Duration, Instant},
};

use actix_web::{App as ActixApp, HttpServer, rt};
use rustix::process::{Pid, Signal, kill_process};
use support::{App, Running, Stream, until};

const LASTING: &str = "SSE_STREAM_DURATION=0\nSSE_EVENTS=event_name1:event_cache_key1\n";

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
    let sse = (kind == "without signal handling").then(|| {
        let config = actix_web_sse::Config::from_env().unwrap();
        actix_web_sse::Sse::start(&config.with_signal_handling(false)).unwrap()
    });
    let server = HttpServer::new(move || {
        let app = ActixApp::new();
        match sse.clone() {
            Some(sse) => app.configure(|app| sse.configure(app)),
            None => app.configure(actix_web_sse::routes),
        }
    });
    let mut server = server.workers(2).bind(("127.0.0.1", 0)).unwrap();
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
        std::net::TcpStream::connect(&address).err()
    });
    stream.next();
    stream.expect_silence(Duration::from_secs(2));
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
