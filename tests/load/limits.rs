//! Clients that exceed a limit.

use std::time::{Duration, Instant};

use actix_web::{HttpResponse, web};
use support::{App, HalfClosed, LocalServer, get};
use tokio::io::AsyncWriteExt;

use crate::{
    client::{ask, audience, connect, crowd, read_until},
    scale::{alone, figure, run, scale},
};

#[test]
fn pages_load_while_thousands_of_streams_are_refused() {
    let _alone = alone();
    let count = scale(10_000, 1_000);
    let app = App::with_env("SSE_EVENTS=a:k\nSSE_MAX_CONNECTIONS=50\nSSE_STREAM_DURATION=0\n");
    let server = app.start();
    let address = server.address().to_owned();
    let start = Instant::now();
    let slowest = run(async {
        let streams = audience(50, &address, "/sse/stream", None).await;
        // Every fiftieth visitor requests a page.
        let answers = crowd(count, move |number| {
            let address = address.clone();
            async move {
                let (path, end): (_, &[u8]) = match number % 50 {
                    0 => ("/", b"</html>"),
                    _ => ("/sse/stream", b"help: "),
                };
                let asked = Instant::now();
                let mut connection = connect(&address, None, None).await.unwrap();
                ask(&mut connection, path).await.unwrap();
                let status = read_until(&mut connection, end).await.unwrap();
                (path, status, asked.elapsed())
            }
        })
        .await;
        assert_eq!(streams.len(), 50);
        let mut slowest = Duration::ZERO;
        for (path, status, took) in answers {
            if path == "/" {
                assert_eq!(status, 200);
                slowest = slowest.max(took);
            } else {
                assert_eq!(status, 503);
            }
        }
        slowest
    });
    figure(
        &format!("the slowest page while {count} streams are refused"),
        format!("{} ms", slowest.as_millis()),
    );
    assert!(slowest < scale(Duration::from_secs(1), Duration::from_secs(10)));
    // Five in ten seconds, then their number.
    let log = server.wait_for_log(" more streams were refused within 10 seconds");
    let lines = log.matches("limit of 50 streams").count() as u64;
    let intervals = 1 + start.elapsed().as_secs() / 10;
    assert!(lines <= 5 * intervals, "{lines} lines of the log");
}

#[test]
fn an_address_gets_no_more_streams_than_its_limit() {
    let _alone = alone();
    let server = LocalServer::start(
        HalfClosed::Stays,
        "event:key",
        |config, _| config.with_max_connections_per_address(3),
        |app, sse| {
            sse.configure(app);
            app.route("/", web::get().to(HttpResponse::Ok));
        },
    );
    run(async {
        let status = async |from: [u8; 4]| {
            let mut connection = connect(server.address(), Some(from), None).await.unwrap();
            ask(&mut connection, "/sse/stream").await.unwrap();
            let status = read_until(&mut connection, b"\r\n\r\n").await.unwrap();
            (status, connection)
        };
        let (here, there) = ([127, 0, 0, 1], [127, 0, 0, 2]);
        let streams = [status(here).await, status(here).await, status(here).await];
        assert!(streams.iter().all(|(status, _)| *status == 200));
        assert_eq!(status(here).await.0, 503);
        assert_eq!(
            status(there).await.0,
            200,
            "other addresses are not affected"
        );
        let refused = get(server.address(), "/sse/stream");
        assert!(refused.headers.contains_key("retry-after"));
        assert!(
            refused.body.contains("limit of 3 streams"),
            "{}",
            refused.body
        );
        assert_eq!(get(server.address(), "/").status, 200);
    });
}

#[test]
fn an_oversized_request_head_is_refused_and_the_server_survives() {
    let _alone = alone();
    let app = App::with_env("SSE_EVENTS=a:k\n");
    let server = app.start();
    let long = "x".repeat(200 * 1024);
    run(async {
        for head in [
            format!("GET /sse/stream HTTP/1.1\r\nHost: localhost\r\nLast-Event-ID: {long}\r\n\r\n"),
            format!("GET /sse/stream?events={long} HTTP/1.1\r\nHost: localhost\r\n\r\n"),
            format!(
                "GET /sse/stream HTTP/1.1\r\nHost: localhost\r\n{}\r\n",
                "X: y\r\n".repeat(500)
            ),
        ] {
            let mut connection = connect(server.address(), None, None).await.unwrap();
            // The server may close the connection before the request was sent and the response was read.
            let sent = connection.write_all(head.as_bytes()).await;
            let answer = read_until(&mut connection, b"\r\n\r\n").await;
            match answer {
                Ok(status) => assert!((400..500).contains(&status), "{status}"),
                Err(error) => assert_ne!(error.kind(), std::io::ErrorKind::TimedOut, "{sent:?}"),
            }
        }
    });
    for id in ["x".repeat(60_000), "1".repeat(60_000)] {
        let answer = support::Stream::open(server.address(), "/sse/stream", Some(&id));
        assert_eq!(answer.status, 200, "a long id is an unknown id");
    }
    assert_eq!(get(server.address(), "/health").status, 200);
}
