//! Connections that are opened and closed in every possible way.

use std::{
    cell::Cell,
    rc::Rc,
    time::{Duration, Instant},
};

use support::{App, Server};
use tokio::{
    io::{AsyncReadExt, AsyncWriteExt},
    net::TcpStream,
};

use crate::{
    client::{ask, audience, connect, crowd, listen, read_until},
    process::{comes_true, descriptors, memory, steady_descriptors, wait_for_connections},
    scale::{alone, figure, run, scale},
};

const STREAMS: usize = 400;

/// Allocators keep some of the memory that the clients needed.
const MAX_RETAINED_BYTES: u64 = 8 * 1024 * 1024;

/// One client, which disconnects in a way chosen by its number.
async fn connect_and_leave(address: &str, number: usize) -> std::io::Result<()> {
    let low = u8::try_from(number % 200).unwrap();
    let mut connection = connect(address, Some([127, 0, 1, low + 1]), None).await?;
    match number % 10 {
        // At once, normally or by a reset.
        0 => {}
        1 => connection.set_zero_linger()?,
        // In the middle of the request.
        2 => connection.write_all(b"GET /sse/str").await?,
        3 => {
            connection
                .write_all(b"GET /sse/stream HTTP/1.1\r\nHost")
                .await?;
            connection.set_zero_linger()?;
        }
        // Before the answer.
        4 => ask(&mut connection, "/sse/stream").await?,
        5 => {
            ask(&mut connection, "/sse/stream").await?;
            connection.set_zero_linger()?;
        }
        // After the first block.
        6 => first_block(&mut connection).await?,
        7 => {
            first_block(&mut connection).await?;
            connection.set_zero_linger()?;
        }
        // Closing its sending side first.
        8 => {
            first_block(&mut connection).await?;
            connection.shutdown().await?;
            connection.read_to_end(&mut Vec::new()).await?;
        }
        // After sending something that is not a request.
        _ => connection.write_all(b"\x16\x03\x01\r\n\r\n").await?,
    }
    Ok(())
}

async fn first_block(connection: &mut TcpStream) -> std::io::Result<()> {
    ask(connection, "/sse/stream").await?;
    read_until(connection, b"\r\n\r\n").await?;
    Ok(())
}

/// Runs this many clients, and returns how many the system could not connect.
async fn churn(server: &Server, count: usize) -> usize {
    let failed = Rc::new(Cell::new(0));
    let (address, counter) = (server.address().to_owned(), Rc::clone(&failed));
    crowd(count, move |number| {
        let (address, failed) = (address.clone(), Rc::clone(&counter));
        async move {
            if connect_and_leave(&address, number).await.is_err() {
                failed.set(failed.get() + 1);
            }
        }
    })
    .await;
    wait_for_connections(server, 0);
    failed.get()
}

#[test]
fn clients_that_come_and_go_leave_nothing_behind() {
    let _alone = alone();
    let count = scale(100_000, 5_000);
    let env = format!("SSE_EVENTS=a:k\nSSE_MAX_CONNECTIONS={STREAMS}\nSSE_STREAM_DURATION=0\n");
    let app = App::with_env(&env);
    let server = app.start();
    run(async {
        // Memory that a server allocates once, for its first clients, is not retained by them.
        churn(&server, 1_000).await;
        drop(audience(STREAMS, server.address(), "/sse/stream", None).await);
        wait_for_connections(&server, 0);
        let before = (steady_descriptors(&server), memory(&server));

        let start = Instant::now();
        let failed = churn(&server, count).await;
        let took = start.elapsed().as_secs_f64();
        assert!(
            failed < count / 100,
            "{failed} of {count} could not connect"
        );
        let grown = memory(&server).saturating_sub(before.1);
        // The system may know for a moment that a connection has ended before the server does.
        comes_true(Duration::from_secs(10), || descriptors(&server) == before.0).await;
        let left = descriptors(&server);
        figure(
            &format!("{count} connections that were opened and closed retained"),
            format!(
                "{} descriptors and {grown} bytes of memory, after {took:.0} s",
                left.abs_diff(before.0)
            ),
        );
        assert_eq!(left, before.0, "open descriptors");
        assert!(grown < MAX_RETAINED_BYTES, "{grown} bytes of memory");

        // A wrong count of open streams would show at the limit.
        let streams = audience(STREAMS, server.address(), "/sse/stream", None).await;
        let beyond = listen(server.address(), "/sse/stream", None).await;
        assert!(
            beyond.is_err(),
            "the server allows more than {STREAMS} streams"
        );
        drop(streams);
    });
}
