//! Fake servers, and proxies between a server and its clients.

use std::{
    io::{self, Read, Write},
    net::{Shutdown, TcpListener, TcpStream},
    thread,
    time::{Duration, Instant},
};

/// A server on a free port, which runs until the test program ends.
pub(crate) struct FakeServer {
    address: String,
}

/// How a proxy changes requests and responses.
#[derive(Clone, Copy)]
pub(crate) struct Proxy {
    /// Changes the head of the request.
    pub(crate) request: fn(String) -> String,
    /// Changes the head of the response.
    pub(crate) answer: fn(String) -> String,
    /// How long the body is buffered before it is forwarded, except for its beginning.
    pub(crate) buffers_for: Duration,
    /// This long after the beginning of the body the connection is cut, in the middle of an event.
    pub(crate) cuts_after: Option<Duration>,
}

impl Proxy {
    /// Forwards everything unchanged.
    pub(crate) const TRANSPARENT: Self = Self {
        request: |head| head,
        answer: |head| head,
        buffers_for: Duration::ZERO,
        cuts_after: None,
    };

    /// Starts the proxy in front of the server at `address`.
    pub(crate) fn in_front_of(self, address: &str) -> FakeServer {
        let address = address.to_owned();
        FakeServer::start(move |head, client| {
            let server = TcpStream::connect(&address)?;
            (&server).write_all((self.request)(head).as_bytes())?;
            let answer = read_head(&server)?;
            (&*client).write_all((self.answer)(answer).as_bytes())?;
            self.pump(&server, client)
        })
    }

    fn pump(self, server: &TcpStream, client: &TcpStream) -> io::Result<()> {
        let mut buffer = [0; 4096];
        let length = (&*server).read(&mut buffer)?;
        (&*client).write_all(&buffer[..length])?;
        server.set_read_timeout(Some(Duration::from_millis(20)))?;
        let start = Instant::now();
        let (mut buffered, mut since) = (Vec::new(), start);
        loop {
            match (&*server).read(&mut buffer) {
                Ok(0) => return (&*client).write_all(&buffered),
                Ok(length) => buffered.extend_from_slice(&buffer[..length]),
                Err(error) if is_timeout(&error) => {}
                Err(error) => return Err(error),
            }
            if self
                .cuts_after
                .is_some_and(|after| start.elapsed() >= after)
            {
                // The start of a chunk that is never completed.
                return (&*client).write_all(b"20\r\ndata: half an ev");
            }
            if since.elapsed() >= self.buffers_for {
                (&*client).write_all(&buffered)?;
                buffered.clear();
                since = Instant::now();
            }
        }
    }
}

impl FakeServer {
    /// Passes each connection to `answer`, with the request's head, and closes it afterwards.
    pub(crate) fn start(
        answer: impl Fn(String, &TcpStream) -> io::Result<()> + Clone + Send + 'static,
    ) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let address = listener.local_addr().unwrap().to_string();
        thread::spawn(move || {
            for client in listener.incoming().map_while(Result::ok) {
                let answer = answer.clone();
                thread::spawn(move || {
                    // The client may disconnect at any time.
                    if let Ok(head) = read_head(&client) {
                        let _ = answer(head, &client);
                    }
                    let _ = client.shutdown(Shutdown::Both);
                });
            }
        });
        Self { address }
    }

    /// Sends this response to every request.
    pub(crate) fn responding(text: impl Into<String>) -> Self {
        let text = text.into();
        Self::start(move |_, mut client| client.write_all(text.as_bytes()))
    }

    pub(crate) fn url(&self) -> String {
        format!("http://{}", self.address)
    }
}

/// Reads up to the empty line.
fn read_head(mut stream: &TcpStream) -> io::Result<String> {
    let mut head = Vec::new();
    let mut byte = [0];
    while !head.ends_with(b"\r\n\r\n") {
        stream.read_exact(&mut byte)?;
        head.push(byte[0]);
    }
    String::from_utf8(head).map_err(io::Error::other)
}

fn is_timeout(error: &io::Error) -> bool {
    matches!(
        error.kind(),
        io::ErrorKind::WouldBlock | io::ErrorKind::TimedOut
    )
}

/// Removes these headers from a head.
pub(crate) fn without(head: &str, names: &[&str]) -> String {
    let is_kept = |line: &&str| {
        let line = line.to_lowercase();
        !names
            .iter()
            .any(|name| line.starts_with(&format!("{name}:")))
    };
    head.split_inclusive("\r\n").filter(is_kept).collect()
}
