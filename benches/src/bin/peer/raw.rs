//! The limit: one thread, and one `send` for each client and event.
//!
//! It speaks just enough HTTP for the benchmark, in the chunks that the frameworks send too, so as
//! many bytes are sent. For an open stream it keeps only the descriptor, and no queue: a client whose
//! socket buffer is full loses the event.

use std::{
    io::{self, ErrorKind, Read, Write},
    mem,
    net::{TcpListener, TcpStream},
};

use rustix::{
    buffer::spare_capacity,
    event::epoll::{self, CreateFlags, EventData, EventFlags},
    fd::OwnedFd,
    io::retry_on_intr,
};
use slab::Slab;

use crate::{EVENT, OPENING, id};

const LISTENER: u64 = u64::MAX;

const NO_CONTENT: &str = "HTTP/1.1 204 No Content\r\n\r\n";
const NOT_FOUND: &str = "HTTP/1.1 404 Not Found\r\ncontent-length: 0\r\n\r\n";

pub(crate) fn serve(listener: TcpListener) -> io::Result<()> {
    let epoll = epoll::create(CreateFlags::CLOEXEC)?;
    let listening = EventData::new_u64(LISTENER);
    epoll::add(&epoll, &listener, listening, EventFlags::IN)?;
    let mut server = Server {
        epoll,
        listener,
        connections: Slab::new(),
        buffer: vec![0; 64 * 1024],
        published: 0,
    };
    let mut events = Vec::with_capacity(1024);
    loop {
        events.clear();
        retry_on_intr(|| epoll::wait(&server.epoll, spare_capacity(&mut events), None))?;
        for event in &events {
            match event.data.u64() {
                LISTENER => server.accept()?,
                key => server.read(usize::try_from(key).map_err(io::Error::other)?),
            }
        }
    }
}

struct Server {
    epoll: OwnedFd,
    listener: TcpListener,
    connections: Slab<Connection>,
    buffer: Vec<u8>,
    published: u64,
}

struct Connection {
    socket: TcpStream,
    /// The bytes of an incomplete request; `None` for an open stream.
    request: Option<Vec<u8>>,
}

enum Request<'a> {
    Stream,
    Publish(&'a [u8]),
    Other,
}

impl Server {
    fn accept(&mut self) -> io::Result<()> {
        loop {
            let socket = match self.listener.accept() {
                Ok((socket, _)) => socket,
                Err(error) if error.kind() == ErrorKind::WouldBlock => return Ok(()),
                Err(error) => return Err(error),
            };
            socket.set_nonblocking(true)?;
            let entry = self.connections.vacant_entry();
            let key = EventData::new_u64(entry.key() as u64);
            epoll::add(&self.epoll, &socket, key, EventFlags::IN)?;
            entry.insert(Connection {
                socket,
                request: Some(Vec::new()),
            });
        }
    }

    /// Reads what has arrived. On an error, or at the end, the connection is closed, which also removes
    /// it from epoll.
    fn read(&mut self, key: usize) {
        let Some(connection) = self.connections.get_mut(key) else {
            return;
        };
        let is_open = match connection.socket.read(&mut self.buffer) {
            Ok(0) => false,
            Ok(length) => match &mut connection.request {
                Some(request) => {
                    request.extend_from_slice(&self.buffer[..length]);
                    self.answer(key).is_some()
                }
                None => true,
            },
            Err(error) => error.kind() == ErrorKind::WouldBlock,
        };
        if !is_open {
            self.connections.try_remove(key);
        }
    }

    /// Answers all complete requests. `None`: the connection must be closed.
    fn answer(&mut self, key: usize) -> Option<()> {
        let bytes = mem::take(self.connections.get_mut(key)?.request.as_mut()?);
        let mut remaining = &bytes[..];
        while let Some((request, length)) = parse(remaining)? {
            remaining = &remaining[length..];
            let answer = match request {
                Request::Stream => {
                    let connection = self.connections.get_mut(key)?;
                    connection.request = None;
                    let head = "HTTP/1.1 200 OK\r\ncontent-type: text/event-stream\r\n\
                                cache-control: no-cache\r\ntransfer-encoding: chunked\r\n\r\n";
                    let answer = [head.as_bytes(), &chunk(OPENING.as_bytes())].concat();
                    return connection.socket.write_all(&answer).ok();
                }
                Request::Publish(body) => {
                    self.publish(body);
                    NO_CONTENT
                }
                Request::Other => NOT_FOUND,
            };
            let socket = &mut self.connections.get_mut(key)?.socket;
            socket.write_all(answer.as_bytes()).ok()?;
        }
        self.connections.get_mut(key)?.request = Some(remaining.to_vec());
        Some(())
    }

    fn publish(&mut self, body: &[u8]) {
        self.published += 1;
        let id = id(self.published);
        let mut frame = format!("id: {id}\nevent: {EVENT}\ndata: ").into_bytes();
        frame.extend_from_slice(body);
        frame.extend_from_slice(b"\n\n");
        let chunk = chunk(&frame);
        self.connections.retain(|_, connection| {
            connection.request.is_some() || send(&connection.socket, &chunk)
        });
    }
}

/// `false` if the stream is broken, which includes a chunk that was sent only in part.
fn send(mut socket: &TcpStream, chunk: &[u8]) -> bool {
    match socket.write(chunk) {
        Ok(sent) => sent == chunk.len(),
        Err(error) => error.kind() == ErrorKind::WouldBlock,
    }
}

fn chunk(bytes: &[u8]) -> Vec<u8> {
    let mut chunk = format!("{:x}\r\n", bytes.len()).into_bytes();
    chunk.extend_from_slice(bytes);
    chunk.extend_from_slice(b"\r\n");
    chunk
}

/// The first request and its length, if it is complete. `None`: it is not HTTP.
fn parse(bytes: &[u8]) -> Option<Option<(Request<'_>, usize)>> {
    let mut headers = [httparse::EMPTY_HEADER; 32];
    let mut request = httparse::Request::new(&mut headers);
    let httparse::Status::Complete(head) = request.parse(bytes).ok()? else {
        return Some(None);
    };
    let field = request
        .headers
        .iter()
        .find(|header| header.name.eq_ignore_ascii_case("content-length"));
    let length = match field {
        Some(field) => str::from_utf8(field.value).ok()?.parse().ok()?,
        None => 0,
    };
    let Some(body) = bytes[head..].get(..length) else {
        return Some(None);
    };
    let request = match (request.method?, request.path?) {
        ("GET", "/stream") => Request::Stream,
        ("POST", "/publish") => Request::Publish(body),
        _ => Request::Other,
    };
    Some(Some((request, head + length)))
}
