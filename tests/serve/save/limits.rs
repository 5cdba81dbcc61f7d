//! Slow, large and many requests.

use std::{
    io::{Read, Write},
    net::TcpStream,
    thread,
    time::{Duration, Instant},
};

use serde_json::json;
use support::http;

use super::{JSON, Shop, TOKEN, save};

fn head(lines: &str) -> String {
    format!(
        "POST /sse/save/orders HTTP/1.1\r\nHost: localhost\r\nAuthorization: Bearer {TOKEN}\r\n{lines}\r\n"
    )
}

/// What the server sends until it closes the connection.
fn rest(mut connection: TcpStream) -> String {
    connection
        .set_read_timeout(Some(Duration::from_secs(20)))
        .unwrap();
    let mut text = String::new();
    connection.read_to_string(&mut text).unwrap();
    text
}

#[test]
fn a_value_that_does_not_arrive_ends_the_request_and_holds_up_nobody() {
    let shop = Shop::new();
    let server = shop.serve();
    let start = Instant::now();
    let slow: Vec<TcpStream> = (0..100)
        .map(|_| {
            let mut connection = TcpStream::connect(server.address()).unwrap();
            let head = head("Content-Length: 10\r\n");
            connection
                .write_all(format!("{head}12").as_bytes())
                .unwrap();
            connection
        })
        .collect();
    assert_eq!(save(&server, "orders", &[JSON], "1").status, 201);
    // The server waits five seconds for the values of the others.
    assert!(
        start.elapsed() < Duration::from_secs(5),
        "{:?}",
        start.elapsed()
    );
    for connection in slow {
        let text = rest(connection);
        assert!(text.starts_with("HTTP/1.1 408 "), "{text}");
        assert!(
            text.contains("error: the value did not arrive in time"),
            "{text}"
        );
    }
    assert!(
        start.elapsed() < Duration::from_secs(15),
        "{:?}",
        start.elapsed()
    );
    assert_eq!(shop.saved(), Some(json!(1)));
}

/// The sender announces no length, and does not end.
#[test]
fn a_value_without_an_end_is_refused_and_ends_its_connection() {
    let shop = Shop::new();
    let server = shop.serve();
    let request = head("Transfer-Encoding: chunked\r\n");
    let chunk = format!("4000\r\n{}\r\n", "1".repeat(0x4000));
    for (head, chunks, status) in [
        (&request, 5, 413),
        (&request.replace(TOKEN, "token"), 1, 401),
        (&request.replace("POST", "PUT"), 1, 405),
        (&request.replace("orders", "orders?a=b"), 1, 422),
    ] {
        let mut connection = TcpStream::connect(server.address()).unwrap();
        connection.write_all(head.as_bytes()).unwrap();
        for _ in 0..chunks {
            connection.write_all(chunk.as_bytes()).unwrap();
        }
        let text = rest(connection);
        assert!(text.starts_with(&format!("HTTP/1.1 {status} ")), "{text}");
    }
    assert_eq!(shop.saved(), None);
}

/// The client sends all of a large value before it reads the answer.
#[test]
fn a_client_that_is_refused_early_gets_the_answer() {
    let shop = Shop::new();
    let server = shop.serve();
    let value = "1".repeat(3_000_000);
    let request = format!(
        "{}{value}",
        head(&format!("Content-Length: {}\r\n", value.len()))
    );
    assert_eq!(
        http::send(server.address(), request.as_bytes())
            .unwrap()
            .status,
        413
    );
    let anonymous = request.replace(TOKEN, "token");
    assert_eq!(
        http::send(server.address(), anonymous.as_bytes())
            .unwrap()
            .status,
        401
    );
}

#[test]
fn many_saves_at_once_are_all_saved() {
    const SAVES: usize = 200;
    let shop = Shop::new();
    let server = shop.serve();
    let ids: Vec<String> = thread::scope(|scope| {
        let threads: Vec<_> = (0..SAVES)
            .map(|number| {
                let server = &server;
                scope.spawn(move || {
                    let saved = save(server, "orders", &[JSON], &number.to_string());
                    assert_eq!(saved.status, 201, "{}", saved.text);
                    saved.id()
                })
            })
            .collect();
        threads
            .into_iter()
            .map(|thread| thread.join().unwrap())
            .collect()
    });
    let ids: std::collections::HashSet<_> = ids.into_iter().collect();
    assert_eq!(ids.len(), SAVES);
}

#[cfg(feature = "tools")]
#[test]
fn saves_that_wait_for_redis_do_not_delay_the_end_of_the_server() {
    use support::{
        best_of_three,
        redis::{RedisOptions, RedisServer},
    };

    best_of_three(Duration::from_secs(2), || {
        let redis = RedisServer::start(RedisOptions::new());
        let cache = format!("SSE_CACHE=redis://{}\n", redis.address());
        let shop = Shop::with_env(&format!("{}{cache}", super::ENV));
        let server = shop.serve();
        assert_eq!(save(&server, "orders", &[JSON], "1").status, 201);
        redis.suspend();
        let _waiting: Vec<TcpStream> = (0..50)
            .map(|_| {
                let mut connection = TcpStream::connect(server.address()).unwrap();
                let request = head("Content-Length: 1\r\n");
                connection
                    .write_all(format!("{request}2").as_bytes())
                    .unwrap();
                connection
            })
            .collect();
        // They are being served: another request on the same server has got its answer since.
        assert_eq!(
            http::request(server.address(), "GET /health", &[], "").status,
            200
        );
        let start = Instant::now();
        let status = server.terminate();
        let time = start.elapsed();
        redis.resume();
        assert!(status.success(), "{status}");
        time
    });
}
