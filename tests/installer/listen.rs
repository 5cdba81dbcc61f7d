//! `sse listen`: from the journal, and from a server.

mod since;

use std::{
    io::{BufRead, BufReader, Read},
    process::{Child, ChildStdout, Stdio},
    sync::mpsc::{Receiver, channel},
    thread,
    time::{Duration, Instant},
};

use serde_json::{Value, json};
use support::{App, DEADLINE, ReservedPort, Server, attempts, get, until};

use crate::hello::{Ran, command};

/// A running `sse listen`, which has started to listen.
pub(crate) struct Listener {
    child: Child,
    out: Option<ChildStdout>,
    err: Receiver<String>,
}

impl Listener {
    pub(crate) fn start(app: &App, arguments: &[&str]) -> Self {
        let mut command = command(app.path());
        command
            .arg("listen")
            .args(arguments)
            .stdout(Stdio::piped())
            .stderr(Stdio::piped());
        let mut child = command.spawn().unwrap();
        let out = child.stdout.take();
        let lines = BufReader::new(child.stderr.take().unwrap()).lines();
        let (sender, err) = channel();
        thread::spawn(move || {
            lines
                .map_while(Result::ok)
                .for_each(|line| drop(sender.send(line)));
        });
        let listener = Self { child, out, err };
        let first = listener.next_error_line();
        assert!(first.starts_with("listening to "), "{first}");
        listener
    }

    #[track_caller]
    fn next_error_line(&self) -> String {
        self.err
            .recv_timeout(DEADLINE)
            .expect("it says nothing more")
    }

    /// Its exit code and output, after it has ended.
    #[track_caller]
    pub(crate) fn end(mut self) -> Ran {
        let status = until("the command ends", || self.child.try_wait().unwrap());
        let mut text = String::new();
        if let Some(mut out) = self.out.take() {
            out.read_to_string(&mut text).unwrap();
        }
        let err = self.err.iter().collect::<Vec<_>>().join("\n");
        Ran {
            code: status.code().unwrap(),
            out: text,
            err,
        }
    }

    /// The values that it has printed, after it has succeeded.
    #[track_caller]
    pub(crate) fn values(self) -> Vec<Value> {
        let ran = self.end();
        assert_eq!((ran.code, ran.err.as_str()), (0, ""), "{}", ran.out);
        events(&ran.out)
            .iter()
            .map(|event| event["value"].clone())
            .collect()
    }
}

impl Drop for Listener {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

fn events(out: &str) -> Vec<Value> {
    out.lines()
        .map(|line| serde_json::from_str(line).unwrap())
        .collect()
}

fn number(event: &Value) -> u64 {
    event["id"]
        .as_str()
        .unwrap()
        .split_once('-')
        .unwrap()
        .1
        .parse()
        .unwrap()
}

#[test]
fn an_event_is_a_line_with_time_name_and_value() {
    let app = App::new();
    let listener = Listener::start(&app, &["--count", "1"]);
    app.save("event_cache_key2", "{\"order\":\n42}");
    let out = listener.end().out;
    let (time, rest) = out.split_once("  ").unwrap();
    assert!(time.len() == 24 && time.ends_with('Z'), "{time}");
    assert_eq!(rest, "event_name2  {\"order\": 42}\n");
}

#[test]
fn json_output_is_complete_and_needs_no_server() {
    let app = App::new();
    let listener = Listener::start(&app, &["--json", "--count", "2"]);
    app.save("event_cache_key1", "[1,\"a\\nb\"]");
    app.save("event_cache_key2", "two words");
    let ran = listener.end();
    assert_eq!(ran.code, 0, "{}", ran.err);
    let events = events(&ran.out);
    for (event, name, key, value) in [
        (
            &events[0],
            "event_name1",
            "event_cache_key1",
            json!([1, "a\nb"]),
        ),
        (
            &events[1],
            "event_name2",
            "event_cache_key2",
            json!("two words"),
        ),
    ] {
        assert_eq!(
            (&event["event"], &event["key"], &event["value"]),
            (&json!(name), &json!(key), &value)
        );
        assert!(
            event["timestamp"].as_str().unwrap().ends_with('Z'),
            "{event}"
        );
    }
    assert_eq!(number(&events[1]), number(&events[0]) + 1);
}

#[test]
fn only_the_selected_events_are_printed() {
    let app = App::with_env("SSE_EVENTS=a:k,b:k,c:l\n");
    let listener = Listener::start(&app, &["--json", "--events", "c,b", "--count", "2"]);
    app.save("k", "1");
    app.save("l", "2");
    let out = listener.end().out;
    let printed: Vec<_> = events(&out)
        .iter()
        .map(|e| (e["event"].clone(), e["value"].clone()))
        .collect();
    assert_eq!(printed, [(json!("b"), json!(1)), (json!("c"), json!(2))]);
    app.run_sse(&["listen", "--events", "a", "--timeout", "0"]);
    Ran::from_output(
        &app.sse()
            .args(["listen", "--events", "d", "--timeout", "5"])
            .output()
            .unwrap(),
    )
    .fails(2, "event `d`");
}

#[test]
fn the_timeout_ends_listen_and_is_an_error_if_events_are_missing() {
    let app = App::new();
    let start = Instant::now();
    app.run_sse(&["listen", "--timeout", "0.3"]);
    assert!(start.elapsed() >= Duration::from_millis(300));
    attempts("an event within the timeout", || {
        let listener = Listener::start(&app, &["--json", "--count", "2", "--timeout", "2"]);
        app.save("event_cache_key1", "1");
        let ran = listener.end();
        assert_eq!(ran.code, 1);
        (events(&ran.out).len() == 1).then(|| {
            assert!(ran.err.contains("1 of 2 events"), "{}", ran.err);
        })
    });
}

#[test]
fn a_closed_output_ends_listen_silently() {
    let app = App::new();
    let mut listener = Listener::start(&app, &[]);
    drop(listener.out.take());
    app.save("event_cache_key1", "1");
    let ran = listener.end();
    assert_eq!((ran.code, ran.err.as_str()), (0, ""));
}

#[test]
fn a_stream_is_followed_across_its_planned_ends() {
    let app = App::with_env("SSE_STREAM_DURATION=0.5\nSSE_EVENTS=a:k\n");
    let server = app.start();
    let listener = Listener::start(&app, &[&server.url(""), "--json", "--count", "4"]);
    for value in 0..4 {
        // The log has a line for each stream that opens.
        until("another stream has opened", || {
            (server.log().matches("GET /sse/stream").count() > value).then_some(())
        });
        app.save("k", &value.to_string());
    }
    let ran = listener.end();
    assert_eq!((ran.code, ran.err.as_str()), (0, ""));
    let events = events(&ran.out);
    for (value, event) in (0_u64..).zip(&events) {
        assert_eq!(
            (&event["event"], &event["value"]),
            (&json!("a"), &json!(value)),
            "{events:?}"
        );
        assert_eq!(number(event), number(&events[0]) + value);
    }
}

#[test]
fn values_saved_while_the_server_is_down_arrive_when_it_is_back() {
    let app = App::new();
    let port = ReservedPort::new();
    let server = app.start_on(&port);
    let listener = Listener::start(
        &app,
        &[&server.url("/sse/stream"), "--json", "--count", "2"],
    );
    server.kill();
    assert!(listener.next_error_line().starts_with("warning: "));
    app.save("event_cache_key1", "1");
    app.save("event_cache_key2", "2");
    // New clients get the last five seconds; this one must send its id.
    thread::sleep(Duration::from_secs(6));
    let _server = app.start_on(&port);
    let ran = listener.end();
    assert_eq!(ran.code, 0, "{}", ran.err);
    let values: Vec<_> = events(&ran.out)
        .iter()
        .map(|event| event["value"].clone())
        .collect();
    assert_eq!(values, [json!(1), json!(2)]);
    assert!(!ran.err.contains("missed"), "{}", ran.err);
}

#[test]
fn a_server_reports_why_it_serves_no_stream() {
    let app = App::new();
    let server = app.start();
    let listen = |server: &Server, arguments: &[&str]| {
        let url = server.url("");
        Ran::from_output(
            &app.sse()
                .args(["listen", &url])
                .args(arguments)
                .output()
                .unwrap(),
        )
    };
    listen(&server, &["--events", "nope", "--timeout", "5"]).fails(1, "`nope`");
    assert_eq!(get(server.address(), "/sse/stream?events=nope").status, 400);

    let broken = App::with_env("SSE_EVENTS=\n");
    let broken = broken.start();
    attempts("a warning within the timeout", || {
        let ran = listen(&broken, &["--count", "1", "--timeout", "1"]);
        assert_eq!(ran.code, 1);
        let is_explained = ran.err.contains("SSE_EVENTS is empty");
        (ran.err.contains("warning: ") && is_explained).then_some(())
    });
}

#[test]
fn an_invalid_url_is_refused() {
    let app = App::new();
    for url in [
        "http://127.0.0.1:99999",
        "localhost:99999",
        "event_name1",
        "",
    ] {
        let ran = Ran::from_output(
            &app.sse()
                .args(["listen", url, "--timeout", "5"])
                .output()
                .unwrap(),
        );
        ran.fails(2, "is not the URL of a stream");
    }
}

#[test]
fn an_event_given_as_the_url_is_answered_with_the_option() {
    let app = App::new();
    let ran = Ran::from_output(&app.sse().args(["listen", "event_name1"]).output().unwrap());
    ran.fails(2, "`event_name1` is not the URL of a stream");
    assert!(
        ran.err.contains("sse listen --events event_name1"),
        "{}",
        ran.err
    );
}

#[test]
fn listen_may_start_from_now() {
    let app = App::new();
    let server = app.start();
    app.save("event_cache_key1", "1");
    // The server's lookback contains the value. The URL needs no scheme.
    let url = server.address().to_string();
    let recent = Listener::start(&app, &[&url, "--json", "--count", "1"]);
    assert_eq!(recent.values(), [json!(1)]);
    for source in [&[&*url][..], &[]] {
        let arguments = [source, &["--new", "--json", "--count", "1"]].concat();
        let listener = Listener::start(&app, &arguments);
        app.save("event_cache_key1", "2");
        assert_eq!(listener.values(), [json!(2)], "{source:?}");
    }
}

#[test]
fn errors_about_long_arguments_are_short() {
    let app = App::new();
    let long = "x".repeat(60_000);
    for arguments in [
        &["save", &long][..],
        &["get", &long],
        &["listen", "--timeout", "0", &long],
        &["listen", "--timeout", "0", "--url", &long],
    ] {
        let ran = Ran::from_output(&app.sse().args(arguments).output().unwrap());
        assert_ne!(ran.code, 0);
        assert!(ran.err.len() < 2_000, "{}", ran.err);
    }
}
