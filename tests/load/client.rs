//! Clients that are light enough for thousands of them.

use std::{io, net::SocketAddr, time::Duration};

use tokio::{
    io::{AsyncReadExt, AsyncWriteExt},
    net::{TcpSocket, TcpStream},
    task::{JoinHandle, spawn_local},
    time::timeout,
};

/// More at a time would overflow the queue of connections that wait to be accepted.
const MAX_CONCURRENT: usize = 250;

/// Longer than one response takes on a busy machine.
const READ_TIMEOUT: Duration = Duration::from_secs(60);

/// A connection from the address `from`: the loopback network has many. A small receive buffer fills
/// early.
pub(crate) async fn connect(
    address: &str,
    from: Option<[u8; 4]>,
    receive_buffer: Option<u32>,
) -> io::Result<TcpStream> {
    let socket = TcpSocket::new_v4()?;
    if let Some(bytes) = receive_buffer {
        socket.set_recv_buffer_size(bytes)?;
    }
    if let Some(from) = from {
        socket.bind(SocketAddr::from((from, 0)))?;
    }
    socket.connect(address.parse().unwrap()).await
}

/// Sends a request.
pub(crate) async fn ask(connection: &mut TcpStream, path: &str) -> io::Result<()> {
    let request = format!("GET {path} HTTP/1.1\r\nHost: localhost\r\n\r\n");
    connection.write_all(request.as_bytes()).await
}

/// Reads until `end` has arrived, and returns the status of the response.
pub(crate) async fn read_until(connection: &mut TcpStream, end: &[u8]) -> io::Result<u16> {
    let mut received = Vec::new();
    while !received.windows(end.len()).any(|part| part == end) {
        let read = timeout(READ_TIMEOUT, connection.read_buf(&mut received)).await??;
        if read == 0 {
            return Err(io::ErrorKind::UnexpectedEof.into());
        }
    }
    let status = received
        .get(9..12)
        .and_then(|status| std::str::from_utf8(status).ok());
    status
        .and_then(|status| status.parse().ok())
        .ok_or_else(|| io::ErrorKind::InvalidData.into())
}

/// An open stream, whose first block was read.
pub(crate) async fn listen(
    address: &str,
    path: &str,
    receive_buffer: Option<u32>,
) -> io::Result<TcpStream> {
    let mut connection = connect(address, None, receive_buffer).await?;
    ask(&mut connection, path).await?;
    // The event's name is the last field of the first block that matters.
    match read_until(&mut connection, b"event: sse.heartbeat").await? {
        200 => Ok(connection),
        status => Err(io::Error::other(format!("the answer is {status}"))),
    }
}

/// Runs `count` clients, many at a time.
pub(crate) async fn crowd<T: 'static, F: Future<Output = T> + 'static>(
    count: usize,
    client: impl Fn(usize) -> F,
) -> Vec<T> {
    let mut all = Vec::with_capacity(count);
    let mut under_way: Vec<JoinHandle<T>> = Vec::new();
    for number in 0..count {
        if under_way.len() == MAX_CONCURRENT {
            for done in under_way.drain(..) {
                all.push(done.await.unwrap());
            }
        }
        under_way.push(spawn_local(client(number)));
    }
    for done in under_way {
        all.push(done.await.unwrap());
    }
    all
}

/// Opens this many streams.
pub(crate) async fn audience(
    count: usize,
    address: &str,
    path: &str,
    receive_buffer: Option<u32>,
) -> Vec<TcpStream> {
    let (address, path) = (address.to_owned(), path.to_owned());
    crowd(count, move |_| {
        let (address, path) = (address.clone(), path.clone());
        async move { listen(&address, &path, receive_buffer).await.unwrap() }
    })
    .await
}
