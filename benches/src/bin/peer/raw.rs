//! The limit: one thread, and one `send` for each client and event.
//!
//! It speaks just enough HTTP for the benchmark, in the chunks that the frameworks send too, so the
//! bytes on the wire are as many. Of an open stream it keeps nothing but the descriptor, so there
//! is nowhere to keep what a client was too slow to take: a client whose buffer is full loses the
//! event.

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
    /// What was read and is no whole request yet; of an open stream, nothing is.
    asked: Option<Vec<u8>>,
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
                asked: Some(Vec::new()),
            });
        }
    }

    /// Reads what came, which is the end when it cannot be read. Closing a socket ends its being
    /// watched.
    fn read(&mut self, key: usize) {
        let Some(connection) = self.connections.get_mut(key) else {
            return;
        };
        let goes_on = match connection.socket.read(&mut self.buffer) {
            Ok(0) => false,
            Ok(length) => match &mut connection.asked {
                Some(asked) => {
                    asked.extend_from_slice(&self.buffer[..length]);
                    self.answer(key).is_some()
                }
                None => true,
            },
            Err(error) => error.kind() == ErrorKind::WouldBlock,
        };
        if !goes_on {
            self.connections.try_remove(key);
        }
    }

    /// Answers all requests that are whole. `None`: this connection is of no use any more.
    fn answer(&mut self, key: usize) -> Option<()> {
        let asked = mem::take(self.connections.get_mut(key)?.asked.as_mut()?);
        let mut rest = &asked[..];
        while let Some((request, length)) = parse(rest)? {
            rest = &rest[length..];
            let answer = match request {
                Request::Stream => {
                    let connection = self.connections.get_mut(key)?;
                    connection.asked = None;
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
        self.connections.get_mut(key)?.asked = Some(rest.to_vec());
        Some(())
    }

    fn publish(&mut self, body: &[u8]) {
        self.published += 1;
        let id = id(self.published);
        let mut frame = format!("id: {id}\nevent: {EVENT}\ndata: ").into_bytes();
        frame.extend_from_slice(body);
        frame.extend_from_slice(b"\n\n");
        let chunk = chunk(&frame);
        self.connections
            .retain(|_, connection| connection.asked.is_some() || send(&connection.socket, &chunk));
    }
}

/// `false`: the stream is broken, be it because only a part of the chunk went into its buffer.
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

/// The first request with its length, if it is whole. `None`: it is no HTTP.
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
    let asked = match (request.method?, request.path?) {
        ("GET", "/stream") => Request::Stream,
        ("POST", "/publish") => Request::Publish(body),
        _ => Request::Other,
    };
    Some(Some((asked, head + length)))
}
