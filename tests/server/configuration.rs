//! The starter app with invalid configurations: it always serves its pages, reports errors in its log,
//! and tells visitors no more than necessary.

use std::{
    fs,
    io::{BufRead, BufReader},
    process::{Command, Stdio},
    thread,
    time::{Duration, Instant},
};

use serde_json::{Value, json};
use support::{App, Event, Running, Server, Stream, best_of_three, get, until};

const EVENTS: &str = "SSE_EVENTS=event_name1:event_cache_key1";

/// Starts the app with an invalid configuration. The log must name `place`, and both the log and the
/// response must contain `what` and `remedy`.
#[track_caller]
fn assert_stream_is_off(app: &App, place: &str, what: &str, remedy: &str) {
    let server = app.start();
    assert_eq!(get(server.address(), "/").status, 200, "the page is served");

    let stream = get(server.address(), "/sse/stream");
    assert_eq!(stream.status, 503);
    assert_eq!(stream.headers["content-type"], "text/plain; charset=utf-8");
    assert!(stream.headers["retry-after"].parse::<u32>().unwrap() > 0);
    let (error, help) = stream.body.split_once("\nhelp: ").expect(&stream.body);
    assert!(
        error.starts_with("error: ") && error.contains(what),
        "{error}"
    );
    assert!(help.contains(remedy), "{help}");
    assert!(
        !has_absolute_path(&stream.body),
        "visitors see a path: {}",
        stream.body
    );

    let log = server.log();
    for text in [what, place, "help: ", remedy] {
        assert!(log.contains(text), "the log lacks {text:?}:\n{log}");
    }
}

fn has_absolute_path(text: &str) -> bool {
    let mut words = text.split(|c: char| c.is_whitespace() || "()`'\",:=".contains(c));
    words.any(|word| word.len() > 1 && word.starts_with('/'))
}

#[test]
fn a_missing_env_file_is_reported() {
    let app = App::new();
    fs::remove_file(app.path().join(".env")).unwrap();
    assert_stream_is_off(&app, "/.env)", ".env does not exist", "`sse install`");
}

#[test]
fn a_missing_list_of_events_is_reported() {
    assert_stream_is_off(
        &App::with_env("PORT=0\n"),
        "/.env)",
        "SSE_EVENTS is not set",
        "SSE_EVENTS=event_name1:",
    );
}

#[test]
fn an_empty_list_of_events_is_reported() {
    let app = App::with_env("PORT=0\n\nSSE_EVENTS=\n");
    assert_stream_is_off(
        &app,
        "/.env:3",
        "SSE_EVENTS is empty",
        "SSE_EVENTS=event_name1:",
    );
}

#[test]
fn an_event_without_its_key_is_reported() {
    let app = App::with_env("SSE_POLL_INTERVAL=2\nSSE_EVENTS=event_name1\n");
    assert_stream_is_off(
        &app,
        "/.env:2",
        "`event_name1`, which lacks",
        "SSE_EVENTS=event_name1:",
    );
}

#[test]
fn a_key_that_leads_out_of_the_cache_folder_is_reported() {
    let app = App::with_env("# Events.\nSSE_EVENTS=event_name1:../key\n");
    assert_stream_is_off(
        &app,
        "/.env:2",
        "`event_name1:../key`: the cache key",
        "SSE_EVENTS=event_name1:",
    );
    assert!(!app.path().join("writable").exists());
}

#[test]
fn a_value_that_is_not_a_number_is_reported() {
    for (key, remedy) in [
        ("SSE_STREAM_DURATION", "SSE_STREAM_DURATION=15"),
        ("SSE_POLL_INTERVAL", "SSE_POLL_INTERVAL=2"),
    ] {
        let app = App::with_env(&format!("{EVENTS}\n\n\n{key}=soon\n"));
        assert_stream_is_off(
            &app,
            "/.env:4",
            &format!("{key} must be a number of seconds, not `soon`"),
            remedy,
        );
    }
}

#[test]
fn a_malformed_line_is_reported() {
    let app = App::with_env(&format!("A=1\nTITLE='it\n{EVENTS}\n"));
    assert_stream_is_off(
        &app,
        "/.env:2",
        "this line is not valid",
        "close every quote",
    );
}

/// The tests may run as root, whom permissions do not restrict; but even root cannot create a folder
/// below a file.
#[test]
fn a_cache_folder_that_cannot_be_created_is_reported() {
    let app = App::with_env(&format!("{EVENTS}\nSSE_CACHE=public/index.html/cache\n"));
    assert_stream_is_off(&app, ".env:2", "the cache folder", "SSE_CACHE");
    assert!(app.path().join("public/index.html").is_file());
}

#[cfg(target_os = "linux")]
#[test]
fn a_cache_folder_that_the_system_refuses_is_reported() {
    let app = App::with_env(&format!("{EVENTS}\nSSE_CACHE=/proc/sse-cache\n"));
    assert_stream_is_off(&app, ".env:2", "the cache folder", "SSE_CACHE");
}

#[test]
fn a_cache_folder_without_a_parent_is_reported() {
    let elsewhere = tempfile::tempdir().unwrap();
    let mistyped = elsewhere.path().join("mistyped");
    let cache = mistyped.join("cache");
    let app = App::with_env(&format!("SSE_CACHE={}\n{EVENTS}\n", cache.display()));
    assert_stream_is_off(
        &app,
        ".env:1",
        "the cache folder's parent is missing",
        "SSE_CACHE",
    );
    assert!(!mistyped.exists(), "the folder must not be created");
}

#[test]
fn a_repaired_configuration_takes_effect_without_a_restart() {
    let app = App::with_env("SSE_EVENTS=\n");
    let server = app.start();
    let status = |path| get(server.address(), path).status;
    assert_eq!((status("/sse/stream"), status("/health")), (503, 503));
    fs::write(app.path().join(".env"), EVENTS).unwrap();
    until("the stream opens", || {
        (status("/sse/stream") == 200).then_some(())
    });
    assert_eq!(status("/health"), 200);
    assert!(
        server
            .log()
            .contains("resolved: live notifications are available"),
        "{}",
        server.log()
    );
}

#[track_caller]
fn assert_stream_lasts(server: &Server, duration: Duration) {
    // How much longer it may take on a busy machine.
    const TOLERANCE: Duration = Duration::from_secs(2);
    best_of_three(duration * 4 / 3 + TOLERANCE, || {
        let start = Instant::now();
        let stream = Stream::open(server.address(), "/sse/stream", None);
        assert!(stream.has_ended());
        let lasted = start.elapsed();
        assert!(lasted >= duration * 2 / 3 - Duration::from_millis(10));
        lasted
    });
}

#[test]
fn a_stream_lasts_for_the_configured_duration() {
    assert_stream_lasts(
        &App::with_env(&format!("SSE_STREAM_DURATION=2\n{EVENTS}\n")).start(),
        Duration::from_secs(2),
    );
}

#[test]
fn the_environment_takes_precedence_over_the_file() {
    let app = App::with_env("SSE_STREAM_DURATION=60\nSSE_EVENTS=a:k\n");
    let environment = [("SSE_STREAM_DURATION", "1"), ("SSE_EVENTS", "b:k")];
    let server = Server::start(app.path(), &environment);
    // On a busy machine, a stream may end before the value is saved.
    let event = until("a value arrives before the stream ends", || {
        let stream = Stream::open(server.address(), "/sse/stream", None);
        stream.next();
        app.save("k", "1");
        Some(stream.next()).filter(Event::is_from_app)
    });
    assert_eq!(event.name(), "b");
    assert_stream_lasts(&server, Duration::from_secs(1));
}

#[test]
fn an_invalid_environment_variable_is_reported() {
    let app = App::new();
    let server = Server::start(app.path(), &[("SSE_TTL", "long")]);
    let stream = get(server.address(), "/sse/stream");
    assert_eq!(stream.status, 503);
    let message = "SSE_TTL (an environment variable) must be a number of seconds, not `long`";
    assert!(
        stream.body.contains(message) && server.log().contains(message),
        "{}",
        stream.body
    );
}

#[test]
fn the_events_are_those_in_sse_events() {
    let app = App::with_env("SSE_EVENTS=' order : orders , mail:orders,x:y'\n");
    let server = app.start();
    let info: Value = serde_json::from_str(&get(server.address(), "/info").body).unwrap();
    let names: Vec<&Value> = info["events"]
        .as_array()
        .unwrap()
        .iter()
        .map(|e| &e["event"])
        .collect();
    assert_eq!(names, ["order", "mail", "x"]);
    let stream = Stream::open(server.address(), "/sse/stream", None);
    app.save("orders", "{\"order\":42}");
    for name in ["order", "mail"] {
        let event = stream.next_event();
        assert_eq!((event.name(), event.value()), (name, json!({"order": 42})));
    }
}

/// File notifications hide the interval, except where none arrives: the watched folder was moved away
/// and replaced.
#[test]
fn the_cache_is_polled_at_the_configured_interval() {
    for (interval, is_noticed) in [("0.1", true), ("3600", false)] {
        let app = App::with_env(&format!(
            "SSE_POLL_INTERVAL={interval}\nSSE_STREAM_DURATION=0\n{EVENTS}\n"
        ));
        let server = app.start();
        let stream = Stream::open(server.address(), "/sse/stream", None);
        stream.next();
        fs::rename(app.cache(), app.path().join("old")).unwrap();
        app.save("event_cache_key1", "1");
        if is_noticed {
            assert_eq!(stream.next_event().value(), json!(1));
        } else {
            stream.expect_silence(Duration::from_secs(3));
        }
    }
}

/// The starter as a shell starts it, without its own settings in the environment.
pub(crate) struct BareStarter(Running);

impl BareStarter {
    pub(crate) fn start(app: &App, environment: &[(&str, &str)]) -> Self {
        let mut command = Command::new(support::starter());
        command.current_dir(app.path()).stdin(Stdio::null());
        command.stdout(Stdio::piped()).stderr(Stdio::piped());
        for name in ["ADMIN_LISTEN", "CARGO_MANIFEST_DIR", "HOST", "PORT"] {
            command.env_remove(name);
        }
        let child = command.envs(environment.iter().copied()).spawn();
        Self(Running(child.unwrap()))
    }

    /// The address that it prints.
    #[track_caller]
    fn address(&mut self) -> String {
        let printed = self.printed_until("http://");
        printed.split_once("http://").unwrap().1.to_owned()
    }

    /// What it prints, up to the first line that contains `text`.
    #[track_caller]
    pub(crate) fn printed_until(&mut self, text: &str) -> String {
        let mut lines = BufReader::new(self.0.stdout.take().unwrap()).lines();
        let mut printed = Vec::new();
        while printed
            .last()
            .is_none_or(|line: &String| !line.contains(text))
        {
            printed.push(lines.next().expect("the app has ended").unwrap());
        }
        // The app keeps printing, and would end if its output were closed.
        thread::spawn(move || lines.for_each(drop));
        printed.join("\n")
    }

    /// Its exit code, and what it prints to standard error.
    #[track_caller]
    pub(crate) fn end(&mut self) -> (Option<i32>, String) {
        let status = until("the app ends", || self.0.try_wait().unwrap());
        let text = std::io::read_to_string(self.0.stderr.take().unwrap()).unwrap();
        (status.code(), text)
    }
}

#[test]
fn the_address_is_read_from_the_file() {
    let app = App::with_env(&format!("HOST=localhost\nPORT=0\n{EVENTS}\n"));
    let address = BareStarter::start(&app, &[]).address();
    assert!(!address.ends_with(":8080"), "{address}");
}

/// Other systems have one loopback address only.
#[cfg(target_os = "linux")]
#[test]
fn the_address_in_the_environment_takes_precedence() {
    let app = App::with_env(&format!("HOST=no.such.host.invalid\nPORT=none\n{EVENTS}\n"));
    let mut server = BareStarter::start(&app, &[("HOST", "127.0.0.2"), ("PORT", "0")]);
    let address = server.address();
    assert!(address.starts_with("127.0.0.2:"), "{address}");
    assert_eq!(get(&address, "/sse/stream").status, 200);
}

#[test]
fn an_invalid_port_is_reported() {
    for port in ["http", "", "65536", "-1"] {
        let (code, error) = BareStarter::start(&App::new(), &[("PORT", port)]).end();
        assert_eq!(code, Some(1));
        assert!(
            error.contains(&format!("PORT is not a port number: `{port}`")),
            "{error}"
        );
    }
}

#[test]
fn a_dev_tools_setting_other_than_on_and_off_is_reported() {
    let (code, error) =
        BareStarter::start(&App::new(), &[("DEV_TOOLS", "no"), ("PORT", "0")]).end();
    assert_eq!(code, Some(1));
    assert!(
        error.contains("DEV_TOOLS is neither `on` nor `off`: `no`"),
        "{error}"
    );
    assert!(error.contains("help: write DEV_TOOLS=off"), "{error}");
}

#[test]
fn an_app_that_is_started_in_another_folder_says_so_in_the_browser() {
    let dir = tempfile::tempdir().unwrap();
    fs::write(dir.path().join("private.txt"), "of another program").unwrap();
    let server = Server::start(dir.path(), &[]);
    for path in ["/", "/private.txt"] {
        let answer = get(server.address(), path);
        assert_eq!(answer.status, 404);
        let help = "help: start the app in its own folder";
        assert!(answer.body.contains(help), "{path}: {}", answer.body);
    }
}
