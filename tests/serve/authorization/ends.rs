//! How authorized streams end, and what happens to questions when the server does.

use std::{
    io::{Read, Write},
    net::TcpStream,
    sync::{Condvar, Mutex},
    thread,
    time::{Duration, Instant},
};

use support::{Answer, AuthEndpoint, DEADLINE, best_of_three, get, until};

use super::{ENV, Site};

/// What docs/delivery.md promises.
const MAX_SHUTDOWN: Duration = Duration::from_secs(2);

/// Holds back answers.
#[derive(Default)]
struct Gate {
    is_open: Mutex<bool>,
    opened: Condvar,
}

impl Gate {
    const fn new() -> Self {
        Self {
            is_open: Mutex::new(false),
            opened: Condvar::new(),
        }
    }

    fn wait(&self) {
        let is_open = self.is_open.lock().unwrap();
        drop(
            self.opened
                .wait_while(is_open, |is_open| !*is_open)
                .unwrap(),
        );
    }

    fn open(&self) {
        *self.is_open.lock().unwrap() = true;
        self.opened.notify_all();
    }
}

#[test]
fn a_stream_ends_when_the_authorization_does() {
    let site = Site::new(|_| Answer::granted(&[("SSE-Audiences", ""), ("SSE-Max-Age", "1")]));
    let stream = site.open(&[]);
    assert_eq!(stream.status, 200);
    assert!(stream.has_ended());
}

#[test]
fn an_authorization_that_has_expired_opens_no_stream() {
    let site = Site::new(|_| Answer::granted(&[("SSE-Audiences", ""), ("SSE-Max-Age", "0")]));
    assert_eq!(site.open(&[]).status, 403);
}

/// The app may have read the session before it was revoked.
#[test]
fn a_revocation_during_the_question_ends_the_stream() {
    static GATE: Gate = Gate::new();
    let site = Site::new(|_| {
        GATE.wait();
        Answer::granted(&[("SSE-Audiences", "user:4")])
    });
    // The server must know the journal's end before the question.
    site.save("1", "user:5");
    thread::scope(|scope| {
        let stream = scope.spawn(|| site.open(&[]));
        until("the question is asked", || {
            (site.endpoint.question_count() == 1).then_some(())
        });
        assert!(site.app.sse(&["revoke", "user:4"]).status.success());
        site.save("2", "user:4");
        GATE.open();
        let stream = stream.join().unwrap();
        assert_eq!(stream.status, 200);
        while let Some(event) = stream.next_until_end() {
            assert!(!event.is_from_app(), "{event:?}");
        }
    });
}

#[test]
fn a_revocation_before_the_question_does_not_end_the_stream() {
    let site = Site::new(|_| Answer::granted(&[("SSE-Audiences", "user:4")]));
    let first = site.open(&[]);
    assert!(site.app.sse(&["revoke", "user:4"]).status.success());
    assert!(first.has_ended(), "the server has read the revocation");
    let stream = site.open(&[]);
    site.save("1", "user:4");
    assert_eq!(stream.next_event().value(), 1);
}

#[test]
fn clients_that_wait_are_answered_at_once_when_the_server_ends() {
    best_of_three(MAX_SHUTDOWN, || {
        let endpoint = AuthEndpoint::start(|_| Answer::SendAndWait(String::new()));
        let options = ["--auth-concurrency", "2", "--auth-timeout", "60"];
        let site = Site::with_options(ENV, &options, endpoint);
        let (address, endpoint) = (site.server.address(), &site.endpoint);
        let clients: Vec<TcpStream> = (0..20)
            .map(|_| {
                let mut client = TcpStream::connect(address).unwrap();
                client.set_read_timeout(Some(DEADLINE)).unwrap();
                write!(
                    client,
                    "GET /sse/stream HTTP/1.1\r\nHost: localhost\r\n\r\n"
                )
                .unwrap();
                client
            })
            .collect();
        until("questions are open", || {
            (endpoint.question_count() == 2).then_some(())
        });
        // Each worker has received the requests of the clients that have connected before.
        for _ in 0..10 {
            assert_eq!(get(address, "/health").status, 200);
        }
        let started = Instant::now();
        let status = site.server.terminate();
        let time = started.elapsed();
        assert!(status.success(), "{status}");
        for mut client in clients {
            let mut answer = String::new();
            client.read_to_string(&mut answer).unwrap();
            assert!(answer.starts_with("HTTP/1.1 503 "), "{answer}");
            assert!(
                answer.ends_with("\r\n\r\nerror: this server is shutting down\n"),
                "{answer}"
            );
        }
        time
    });
}
