//! Endpoints that fail, and endpoints that mean harm.

use std::{
    io::Write,
    net::{SocketAddr, TcpStream},
    sync::atomic::{AtomicUsize, Ordering},
    thread,
    time::{Duration, Instant},
};

use rustix::net::{AddressFamily, SocketType};
use support::{Answer, AuthEndpoint, Question, until};

use super::{ENV, Site};
use crate::app::OtherApp;

/// Longer than an answer takes on a busy machine. What these tests rule out takes longer.
const SOON: Duration = Duration::from_secs(10);

fn granted(_: &Question) -> Answer {
    Answer::granted(&[("SSE-Audiences", "user:4")])
}

pub(super) fn with_timeout(
    seconds: &str,
    answer: impl Fn(&Question) -> Answer + Send + Sync + 'static,
) -> Site {
    let options = ["--auth-timeout", seconds];
    Site::with_options(ENV, &options, AuthEndpoint::start(answer))
}

/// The response to a client, and how long it took.
fn outcome(site: &Site) -> (u16, Duration) {
    let started = Instant::now();
    let response = site.open(&[]);
    if response.status == 503 {
        let seconds: u64 = response.headers["retry-after"].parse().unwrap();
        assert!((5..=20).contains(&seconds), "{seconds}");
        assert!(response.body.starts_with("error: "), "{}", response.body);
        assert!(!response.body.contains("127.0.0.1"), "{}", response.body);
    }
    (response.status, started.elapsed())
}

fn head(fields: &str) -> String {
    format!("HTTP/1.1 200 OK\r\nSSE-Audiences: user:4\r\n{fields}\r\n")
}

#[test]
fn an_answer_that_is_of_no_use_gives_503_and_the_log_says_why() {
    let long = "x".repeat(300_000);
    let many_names = vec!["user:4"; 1_001].join(",");
    let many_headers = "SSE-Audiences: user:4\r\n".repeat(200);
    let invalid = |name: &str, value: &str| {
        let fields = [("SSE-Audiences", "user:4"), (name, value)];
        Answer::granted(&fields[usize::from(name == "SSE-Audiences")..])
    };
    let raw = |text: &str| Answer::SendAndClose(text.to_owned());
    let cases = [
        (
            raw("HTTP/1.1 200 OK\r\nContent-Length: 6\r\n\r\n<html>"),
            "200 without SSE-Audiences",
        ),
        (
            invalid("SSE-Audiences", "user:4,*"),
            "SSE-Audiences of the answer is not valid",
        ),
        (invalid("SSE-Audiences", "a%zz"), "not percent-encoded"),
        (
            invalid("SSE-Audiences", &many_names),
            "more than 1000 names",
        ),
        (
            invalid("SSE-Max-Age", "-1"),
            "not a whole number of seconds",
        ),
        (
            invalid("SSE-Identity", "4\r\nSSE-Identity: 5"),
            "several times",
        ),
        (Answer::status("404 Not Found", &[]), "the answer is 404"),
        (
            Answer::status("500 Internal Server Error", &[]),
            "the answer is 500",
        ),
        (
            raw("HTTP/1.1 101 Switching Protocols\r\nUpgrade: x\r\nConnection: upgrade\r\n\r\n"),
            "101",
        ),
        (raw("SSH-2.0-OpenSSH_9.2\r\n\r\n"), "no valid HTTP response"),
        (
            raw("HTTP/1.1 200 OK\r\nSSE-Audie"),
            "no valid HTTP response",
        ),
        (raw(""), "no valid HTTP response"),
        (
            raw(&head(&format!("X-Long: {long}\r\n"))),
            "no valid HTTP response",
        ),
        (raw(&head(&many_headers)), "no valid HTTP response"),
        (raw(&head("A b: c\r\n")), "no valid HTTP response"),
        (
            Answer::SendAndWait("HTTP/1.1 200 OK\r\n".to_owned()),
            "no answer within 1 s",
        ),
        (Answer::SendAndWait(String::new()), "no answer within 1 s"),
    ];
    for (answer, reason) in cases {
        let text = match &answer {
            Answer::Send(text) | Answer::SendAndClose(text) | Answer::SendAndWait(text) => {
                text.clone()
            }
        };
        let waits = matches!(answer, Answer::SendAndWait(_));
        let seconds = if waits { "1" } else { "30" };
        let site = with_timeout(seconds, move |_| match waits {
            true => Answer::SendAndWait(text.clone()),
            false => Answer::SendAndClose(text.clone()),
        });
        let (status, time) = outcome(&site);
        assert_eq!(status, 503, "{reason}");
        assert!(time < SOON, "{reason}: {time:?}");
        let log = site.server.wait_for_log(reason);
        assert_eq!(log.matches("/auth").count(), 1, "one line: {log}");
        assert!(log.contains("help: "), "{log}");
    }
}

#[test]
fn redirects_are_not_followed() {
    let site = Site::new(|_| {
        Answer::status(
            "302 Found",
            &[("Location", "/login"), ("SSE-Audiences", "user:4")],
        )
    });
    assert_eq!(outcome(&site).0, 401);
    assert_eq!(site.endpoint.question_count(), 1);
}

/// Neither its length nor its pace holds up the client, or keeps a connection or a slot for long.
#[test]
fn the_body_of_an_answer_is_not_read() {
    static BODY: AtomicUsize = AtomicUsize::new(0);
    let site = Site::with_options(
        ENV,
        &["--auth-concurrency", "1", "--auth-timeout", "30"],
        AuthEndpoint::start(|_| {
            let chunked = head("Transfer-Encoding: chunked\r\n");
            match BODY.load(Ordering::SeqCst) {
                0 => Answer::SendAndWait(head("Content-Length: 1000000000\r\n")),
                1 => Answer::SendAndWait(head("Content-Length: 5\r\n")),
                2 => Answer::SendAndWait(chunked + &"1\r\nx\r\n".repeat(1_000_000)),
                _ => Answer::Send(head("Content-Length: 5\r\n") + "hello"),
            }
        }),
    );
    for body in 0..6 {
        BODY.store(body, Ordering::SeqCst);
        let (status, time) = outcome(&site);
        assert_eq!(status, 200, "body {body}");
        assert!(time < SOON, "body {body}: {time:?}");
    }
    // The last three questions need one connection, or two if this test was kept waiting in between: a connection that
    // is not used for two seconds is closed.
    let connections = site.endpoint.connection_count();
    assert!(
        (4..=5).contains(&connections),
        "after a short body, the connection is used again: {connections}"
    );
}

#[test]
fn an_app_that_fails_is_asked_once_in_each_back_off_and_all_clients_return_after_it_does() {
    let site = Site::new(|_| Answer::status("500 Internal Server Error", &[]));
    let started = Instant::now();
    let mut requests = 0;
    // None of these waits until the end of a back-off: there would be far fewer.
    while started.elapsed() < Duration::from_secs(4) {
        assert_eq!(outcome(&site).0, 503);
        requests += 1;
    }
    let questions = site.endpoint.question_count();
    assert!(requests > 100, "{requests}");
    assert!(
        questions < 12,
        "{questions} questions for {requests} requests"
    );
    let log = site
        .server
        .wait_for_log("new clients get no stream (503), until http://127.0.0.1");
    // One about the fault, and one that clients are refused. A busy machine may add another fault.
    let lines = log.matches("/auth").count();
    assert!((2..=4).contains(&lines), "{log}");

    site.endpoint.answer_with(granted);
    until("a client gets its stream", || {
        (outcome(&site).0 == 200).then_some(())
    });
    for _ in 0..20 {
        assert_eq!(outcome(&site).0, 200);
    }
    site.server.wait_for_log("resolved: http://127.0.0.1");
}

#[test]
fn clients_are_refused_at_once_while_the_app_is_down_and_return_when_it_is_up() {
    let mut site = Site::with_options(ENV, &[], AuthEndpoint::stopped(granted));
    let started = Instant::now();
    for _ in 0..20 {
        assert_eq!(outcome(&site).0, 503);
    }
    assert!(started.elapsed() < SOON, "{:?}", started.elapsed());
    let log = site
        .server
        .wait_for_log("no connection: Connection refused");
    assert_eq!(log.matches("/auth").count(), 1, "{log}");
    for _ in 0..2 {
        site.endpoint.listen();
        until("a client gets its stream", || {
            (outcome(&site).0 == 200).then_some(())
        });
        site.endpoint.stop();
        until("the outage is noticed", || {
            (outcome(&site).0 == 503).then_some(())
        });
    }
}

#[test]
fn so_many_questions_are_open_at_once_and_the_others_wait() {
    static OPEN: AtomicUsize = AtomicUsize::new(0);
    static MOST: AtomicUsize = AtomicUsize::new(0);
    let endpoint = AuthEndpoint::start(|question| {
        MOST.fetch_max(OPEN.fetch_add(1, Ordering::SeqCst) + 1, Ordering::SeqCst);
        thread::sleep(Duration::from_millis(20));
        OPEN.fetch_sub(1, Ordering::SeqCst);
        granted(question)
    });
    let site = Site::with_options(ENV, &["--auth-concurrency", "3"], endpoint);
    thread::scope(|scope| {
        let clients: Vec<_> = (0..50).map(|_| scope.spawn(|| outcome(&site).0)).collect();
        for client in clients {
            assert_eq!(client.join().unwrap(), 200);
        }
    });
    assert_eq!(MOST.load(Ordering::SeqCst), 3, "on all workers together");
    assert!(
        site.endpoint.connection_count() <= 4,
        "connections are used again"
    );
}

#[test]
fn a_client_that_waits_too_long_for_its_turn_gets_503() {
    let endpoint = AuthEndpoint::start(|question| match question.header("cookie") {
        Some(_) => Answer::SendAndWait(String::new()),
        None => granted(question),
    });
    let options = ["--auth-concurrency", "1", "--auth-timeout", "1"];
    let site = Site::with_options(ENV, &options, endpoint);
    thread::scope(|scope| {
        // One after the other, their questions would take 20 seconds.
        let clients: Vec<_> = (0..20)
            .map(|_| {
                scope.spawn(|| {
                    let started = Instant::now();
                    (site.open(&[("Cookie", "a=1")]).status, started.elapsed())
                })
            })
            .collect();
        for client in clients {
            let (status, time) = client.join().unwrap();
            assert_eq!(status, 503);
            assert!(time < SOON, "{time:?}");
        }
    });
}

#[test]
fn the_question_of_a_client_that_is_gone_ends() {
    let endpoint = AuthEndpoint::start(|question| match question.header("cookie") {
        Some(_) => Answer::SendAndWait(String::new()),
        None => granted(question),
    });
    let options = ["--auth-concurrency", "1", "--auth-timeout", "60"];
    let site = Site::with_options(ENV, &options, endpoint);
    let request = "GET /sse/stream HTTP/1.1\r\nHost: localhost\r\nCookie: a=1\r\n\r\n";
    let mut leaving = TcpStream::connect(site.server.address()).unwrap();
    leaving.write_all(request.as_bytes()).unwrap();
    until("the question is asked", || {
        (site.endpoint.question_count() == 1).then_some(())
    });
    drop(leaving);
    assert_eq!(outcome(&site).0, 200, "the slot is free");
}

/// A client must not receive what is for another.
#[test]
fn what_follows_an_answer_is_not_the_answer_to_the_next_question() {
    let site = Site::new(|question| match question.header("cookie") {
        Some(_) => Answer::Send(head("Content-Length: 0\r\n") + &head("Content-Length: 0\r\n")),
        None => Answer::status("401 Unauthorized", &[]),
    });
    for _ in 0..20 {
        assert_eq!(site.open(&[("Cookie", "session=4")]).status, 200);
        assert_eq!(site.open(&[]).status, 401);
    }
}

/// Packets get no answer, as from a machine that is off.
#[test]
fn a_connection_that_is_not_answered_ends_the_question_before_its_time_limit() {
    let listener = rustix::net::socket(AddressFamily::INET, SocketType::STREAM, None).unwrap();
    rustix::net::bind(&listener, &SocketAddr::from(([127, 0, 0, 1], 0))).unwrap();
    rustix::net::listen(&listener, 0).unwrap();
    let address = SocketAddr::try_from(rustix::net::getsockname(&listener).unwrap()).unwrap();
    // The queue of connections that wait to be accepted is full then.
    let _queue = TcpStream::connect(address).unwrap();
    let app = OtherApp::new(ENV);
    let url = format!("http://{address}/auth");
    let server = app.serve(&["--auth-url", &url, "--auth-timeout", "60"]);
    let started = Instant::now();
    assert_eq!(support::get(server.address(), "/sse/stream").status, 503);
    assert!(started.elapsed() < SOON, "{:?}", started.elapsed());
    server.wait_for_log("no connection: timed out");
}

/// Servers close connections without a request after a few seconds, at any moment.
#[test]
fn a_connection_that_the_app_has_closed_is_replaced() {
    let site = Site::new(|question| match question.earlier_on_connection {
        0 => granted(question),
        _ => Answer::SendAndClose(String::new()),
    });
    for _ in 0..10 {
        assert_eq!(outcome(&site).0, 200);
    }
    let site = Site::new(|question| match granted(question) {
        Answer::Send(text) => Answer::SendAndClose(text),
        _ => unreachable!("it is sent"),
    });
    for _ in 0..10 {
        assert_eq!(outcome(&site).0, 200);
    }
}

#[test]
fn connections_without_a_question_are_closed_soon() {
    let site = Site::new(granted);
    assert_eq!(outcome(&site).0, 200);
    until("the connection is closed", || {
        (site.endpoint.open_connections() == 0).then_some(())
    });
}
