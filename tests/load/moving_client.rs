//! A light client that reconnects, and checks that it receives 1, 2, 3 and so on.

use std::{cell::RefCell, io, rc::Rc, time::Duration};

use support::{Event, EventParser};
use tokio::{
    io::{AsyncReadExt, AsyncWriteExt},
    net::TcpStream,
    time::sleep,
};

/// What all clients have received.
#[derive(Debug)]
pub(crate) struct Progress {
    /// The value that each client has received last.
    last: Vec<u64>,
    /// How many streams each client has opened.
    pub(crate) opened: Vec<usize>,
    pub(crate) mistakes: Vec<String>,
}

impl Progress {
    pub(crate) fn new(clients: usize) -> Self {
        Self {
            last: vec![0; clients],
            opened: vec![0; clients],
            mistakes: Vec::new(),
        }
    }

    /// Whether each client has the values up to this one, and no other.
    pub(crate) fn have_received(&self, value: u64) -> bool {
        self.last.iter().all(|last| *last == value)
    }

    /// Whether each client has opened this many streams.
    pub(crate) fn have_opened(&self, streams: usize) -> bool {
        self.opened.iter().all(|opened| *opened >= streams)
    }

    fn note(&mut self, client: usize, event: &Event) {
        let expected = self.last[client] + 1;
        if event.is_from_app() && event.value() == expected {
            self.last[client] = expected;
        } else if event.is_from_app() || event.name() == "sse.gap" {
            self.mistakes
                .push(format!("client {client}, {expected} is next: {event:?}"));
        }
    }
}

/// Where a client is.
struct Place {
    last_id: Option<String>,
    /// What the proxy calls the server of the last stream.
    server: Option<String>,
    retry: Duration,
}

/// Follows the stream behind a proxy, see [`Progress`]. Each stream must be on another server than the last one.
pub(crate) async fn follow(proxy: String, client: usize, progress: Rc<RefCell<Progress>>) {
    let mut place = Place {
        last_id: None,
        server: None,
        retry: Duration::from_secs(1),
    };
    loop {
        // Whatever has ended the stream, a client tries again.
        let _ = stream(&proxy, client, &mut place, &progress).await;
        sleep(place.retry).await;
    }
}

async fn stream(
    proxy: &str,
    client: usize,
    place: &mut Place,
    progress: &RefCell<Progress>,
) -> io::Result<()> {
    let mut connection = TcpStream::connect(proxy).await?;
    let mut request = "GET /sse/stream HTTP/1.1\r\nHost: localhost\r\n".to_owned();
    for (name, value) in [("X-Left", &place.server), ("Last-Event-ID", &place.last_id)] {
        if let Some(value) = value {
            request += &format!("{name}: {value}\r\n");
        }
    }
    connection.write_all((request + "\r\n").as_bytes()).await?;
    let mut received = Vec::new();
    let head = loop {
        if let Some(end) = received.windows(4).position(|end| end == b"\r\n\r\n") {
            let rest = received.split_off(end + 4);
            break String::from_utf8_lossy(&std::mem::replace(&mut received, rest)).to_lowercase();
        }
        read_more(&mut connection, &mut received).await?;
    };
    if !head.starts_with("http/1.1 200 ") {
        return Ok(());
    }
    let server = head
        .lines()
        .find_map(|line| line.strip_prefix("x-server: "));
    let server = server.map(|server| server.trim().to_owned());
    {
        let mut progress = progress.borrow_mut();
        progress.opened[client] += 1;
        if server.is_none() || server == place.server {
            let mistake = format!("client {client} was not moved: {head}");
            progress.mistakes.push(mistake);
        }
    }
    place.server = server;
    let mut parser = EventParser::default();
    loop {
        while let Some(chunk) = take_chunk(&mut received) {
            // The connection stays open for another request.
            if chunk.is_empty() {
                return Ok(());
            }
            for event in parser.feed(&chunk) {
                if let Some(retry) = event.retry {
                    place.retry = Duration::from_millis(retry);
                }
                if event.id.is_some() {
                    place.last_id.clone_from(&event.id);
                }
                progress.borrow_mut().note(client, &event);
            }
        }
        read_more(&mut connection, &mut received).await?;
    }
}

async fn read_more(connection: &mut TcpStream, received: &mut Vec<u8>) -> io::Result<()> {
    match connection.read_buf(received).await? {
        0 => Err(io::ErrorKind::UnexpectedEof.into()),
        _ => Ok(()),
    }
}

/// The content of the first chunk, if all of it has arrived.
fn take_chunk(received: &mut Vec<u8>) -> Option<Vec<u8>> {
    let line = received.windows(2).position(|end| end == b"\r\n")?;
    let size = std::str::from_utf8(&received[..line]).ok()?;
    let size = usize::from_str_radix(size.trim(), 16).ok()?;
    let (start, end) = (line + 2, line + 2 + size);
    if received.len() < end + 2 {
        return None;
    }
    let chunk = received[start..end].to_vec();
    received.drain(..end + 2);
    Some(chunk)
}
