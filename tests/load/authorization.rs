//! Thousands of clients whose streams the app has to authorize, while the app fails.

use std::{
    cell::RefCell,
    io,
    rc::Rc,
    sync::{
        Arc,
        atomic::{AtomicUsize, Ordering},
    },
    thread,
    time::{Duration, Instant},
};

use support::{Answer, AuthEndpoint, ReservedPort, Server};
use tempfile::TempDir;
use tokio::{
    io::{AsyncReadExt, AsyncWriteExt},
    task::{spawn_blocking, spawn_local},
    time::sleep,
};

use crate::{
    client::connect,
    process::comes_true,
    scale::{figure, run, scale, with_others_that_wait},
};

/// What docs/security.md promises.
const MAX_RECOVERY: Duration = Duration::from_secs(60);

/// The default of `--auth-concurrency`.
const CONCURRENCY: usize = 16;

/// How long the app takes to answer.
const ANSWER_TIME: Duration = Duration::from_millis(2);

/// Longer than the first connections of all clients take on a busy machine.
const START_TIMEOUT: Duration = Duration::from_secs(120);

/// What the clients have seen.
#[derive(Debug, Default)]
struct Clients {
    open: usize,
    /// How many responses were 503.
    refused: usize,
    mistakes: Vec<String>,
}

/// Opens the stream again and again, with the delays of sse.js.
async fn follow(address: String, clients: Rc<RefCell<Clients>>) {
    loop {
        // Whatever has ended the stream, a client tries again.
        let retry_after = stream(&address, &clients).await.unwrap_or_default();
        let delay = retry_after.unwrap_or(Duration::from_secs(1));
        sleep(delay.mul_f32(1.0 + fastrand::f32() / 4.0)).await;
    }
}

/// Ends with the connection. Returns the `Retry-After` of a refusal.
async fn stream(address: &str, clients: &RefCell<Clients>) -> io::Result<Option<Duration>> {
    let mut connection = connect(address, None, None).await?;
    let request = "GET /sse/stream HTTP/1.1\r\nHost: localhost\r\nCookie: session=4\r\n\r\n";
    connection.write_all(request.as_bytes()).await?;
    let mut received = Vec::new();
    while !received.windows(4).any(|end| end == b"\r\n\r\n") {
        if connection.read_buf(&mut received).await? == 0 {
            return Err(io::ErrorKind::UnexpectedEof.into());
        }
    }
    let head = String::from_utf8_lossy(&received).to_lowercase();
    match &head[9..12] {
        "200" => {}
        "503" => {
            clients.borrow_mut().refused += 1;
            let value = head
                .lines()
                .find_map(|line| line.strip_prefix("retry-after: "));
            let seconds = value.and_then(|value| value.trim().parse().ok());
            return Ok(seconds.map(Duration::from_secs));
        }
        _ => {
            clients.borrow_mut().mistakes.push(head);
            return Ok(None);
        }
    }
    clients.borrow_mut().open += 1;
    let mut buffer = [0; 1024];
    while matches!(connection.read(&mut buffer).await, Ok(length) if length > 0) {}
    clients.borrow_mut().open -= 1;
    Ok(None)
}

/// A server that asks an endpoint, and can be started again at its port.
struct Site {
    app: TempDir,
    port: ReservedPort,
    endpoint: AuthEndpoint,
    /// The most questions that were open at the same time.
    most: Arc<AtomicUsize>,
}

impl Site {
    fn new() -> Self {
        let app = tempfile::tempdir().unwrap();
        let env = "SSE_EVENTS=event:key\nSSE_STREAM_DURATION=0\nSSE_MAX_CONNECTIONS=20000\n";
        std::fs::write(app.path().join(".env"), env).unwrap();
        Self {
            app,
            port: ReservedPort::new(),
            endpoint: AuthEndpoint::start(|_| Answer::status("503 Service Unavailable", &[])),
            most: Arc::default(),
        }
    }

    fn start_server(&self) -> Server {
        let (address, url) = (self.port.address(), self.endpoint.url());
        let options = ["--listen", &address, "--auth-url", &url];
        Server::start_serve(self.app.path(), &options)
    }

    fn work(&self) {
        let (open, most) = (AtomicUsize::new(0), Arc::clone(&self.most));
        self.endpoint.answer_with(move |_| {
            most.fetch_max(open.fetch_add(1, Ordering::SeqCst) + 1, Ordering::SeqCst);
            thread::sleep(ANSWER_TIME);
            open.fetch_sub(1, Ordering::SeqCst);
            Answer::granted(&[("SSE-Audiences", "user:4"), ("SSE-Identity", "4")])
        });
    }

    fn fail(&self) {
        self.endpoint
            .answer_with(|_| Answer::status("500 Internal Server Error", &[]));
    }
}

#[test]
fn clients_that_reconnect_at_once_cause_few_questions_and_are_back_soon_after_the_app() {
    let _turn = with_others_that_wait();
    let (count, outage) = (scale(10_000, 500), scale(30, 5));
    let site = Site::new();
    let address = site.port.address();
    run(async {
        let clients = Rc::new(RefCell::new(Clients::default()));
        let are_open = || clients.borrow().open == count;
        site.work();
        let server = site.start_server();
        for _ in 0..count {
            spawn_local(follow(address.clone(), Rc::clone(&clients)));
        }
        assert!(comes_true(START_TIMEOUT, are_open).await, "{clients:?}");
        let first = site.endpoint.question_count();
        assert!(
            first <= count + count / 50,
            "{first} questions for {count} streams"
        );

        // All streams break at the same time, and the app fails.
        site.fail();
        spawn_blocking(|| server.kill()).await.unwrap();
        let broken = comes_true(START_TIMEOUT, || clients.borrow().open == 0).await;
        assert!(broken, "{clients:?}");
        clients.borrow_mut().refused = 0;
        let failed = Instant::now();
        let server = site.start_server();
        sleep(Duration::from_secs(outage)).await;
        let are_back = || clients.borrow().refused >= count / 2;
        assert!(comes_true(START_TIMEOUT, are_back).await, "{clients:?}");
        let while_failing = site.endpoint.question_count() - first;
        let refused = clients.borrow().refused;
        // A few fail before the others wait for the server's own question. Then there is one in each back-off.
        let outage = failed.elapsed().as_secs();
        let most = CONCURRENCY + 10 + usize::try_from(outage).unwrap();
        assert!(while_failing <= most, "{while_failing} questions");

        let returned = Instant::now();
        site.work();
        assert!(comes_true(MAX_RECOVERY, are_open).await, "{clients:?}");
        let recovery = returned.elapsed();
        let again = site.endpoint.question_count() - first - while_failing;
        assert!(
            again <= count + count / 50,
            "{again} questions for {count} streams"
        );
        assert_eq!(clients.borrow().mistakes, [""; 0]);
        let most_open = site.most.load(Ordering::SeqCst);
        assert!(most_open <= CONCURRENCY, "{most_open} questions at once");
        let log = server.log();
        let lines = log.lines().filter(|line| line.contains("/auth")).count();
        assert!(lines <= 6, "{log}");
        figure(
            &format!(
                "questions of {count} clients that reconnect at once, while the app fails for {outage} s with {refused} \
                 refusals"
            ),
            while_failing,
        );
        figure(
            &format!(
                "until the {count} clients have their streams again after the app has returned"
            ),
            format!("{:.1} s, with {again} questions", recovery.as_secs_f64()),
        );
    });
}

/// The app fails for a second, and works for a second.
#[test]
fn an_app_that_fails_again_and_again_gets_few_questions_more_than_clients() {
    let _turn = with_others_that_wait();
    let (count, flaps) = (scale(10_000, 500), scale(30, 3));
    let site = Site::new();
    let address = site.port.address();
    run(async {
        let clients = Rc::new(RefCell::new(Clients::default()));
        let _server = site.start_server();
        for _ in 0..count {
            spawn_local(follow(address.clone(), Rc::clone(&clients)));
        }
        for _ in 0..flaps {
            site.fail();
            sleep(Duration::from_secs(1)).await;
            site.work();
            sleep(Duration::from_secs(1)).await;
        }
        let open = clients.borrow().open;
        let returned = Instant::now();
        let are_open = || clients.borrow().open == count;
        assert!(comes_true(MAX_RECOVERY, are_open).await, "{clients:?}");
        let questions = site.endpoint.question_count();
        let most = count + flaps * (CONCURRENCY + 10);
        assert!(questions <= most, "{questions} questions");
        assert_eq!(clients.borrow().mistakes, [""; 0]);
        figure(
            &format!(
                "streams of {count} clients that are open after an app has failed every other second for {} s, and the \
                 time until all are open when it works",
                2 * flaps
            ),
            format!(
                "{open}, {:.1} s, with {questions} questions",
                returned.elapsed().as_secs_f64()
            ),
        );
    });
}
