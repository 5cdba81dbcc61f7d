//! Servers that answer in a way of their own, and what may stand between a server and its clients.

use std::{
    io::{self, Read, Write},
    net::{Shutdown, TcpListener, TcpStream},
    thread,
    time::{Duration, Instant},
};

/// A server on a free port, which lives as long as the test.
pub(crate) struct Fake {
    address: String,
}

/// What a middleman does to what passes.
#[derive(Clone, Copy)]
pub(crate) struct Middleman {
    /// To the request's head.
    pub(crate) request: fn(String) -> String,
    /// To the answer's head.
    pub(crate) answer: fn(String) -> String,
    /// How long the body is collected before it is passed on.
    pub(crate) collects: Duration,
    /// After which time the connection is cut, in the middle of whatever it is in.
    pub(crate) cuts_after: Option<Duration>,
}

impl Middleman {
    /// Passes everything on as it is.
    pub(crate) const HONEST: Self = Self {
        request: |head| head,
        answer: |head| head,
        collects: Duration::ZERO,
        cuts_after: None,
    };

    /// In front of the server at `address`.
    pub(crate) fn before(self, address: &str) -> Fake {
        let address = address.to_owned();
        Fake::start(move |head, client| {
            let server = TcpStream::connect(&address)?;
            (&server).write_all((self.request)(head).as_bytes())?;
            let answer = read_head(&server)?;
            (&*client).write_all((self.answer)(answer).as_bytes())?;
            self.pump(&server, client)
        })
    }

    fn pump(self, server: &TcpStream, client: &TcpStream) -> io::Result<()> {
        server.set_read_timeout(Some(Duration::from_millis(20)))?;
        let begun = Instant::now();
        let (mut collected, mut since) = (Vec::new(), begun);
        let mut buffer = [0; 4096];
        loop {
            match (&*server).read(&mut buffer) {
                Ok(0) => return (&*client).write_all(&collected),
                Ok(length) => collected.extend_from_slice(&buffer[..length]),
                Err(error) if is_timeout(&error) => {}
                Err(error) => return Err(error),
            }
            if self
                .cuts_after
                .is_some_and(|after| begun.elapsed() >= after)
            {
                // The beginning of a chunk that never comes to its end.
                return (&*client).write_all(b"20\r\ndata: half an ev");
            }
            if since.elapsed() >= self.collects {
                (&*client).write_all(&collected)?;
                collected.clear();
                since = Instant::now();
            }
        }
    }
}

impl Fake {
    /// Hands each connection to `answer`, with the request's head, and closes it afterwards.
    pub(crate) fn start(
        answer: impl Fn(String, &TcpStream) -> io::Result<()> + Clone + Send + 'static,
    ) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let address = listener.local_addr().unwrap().to_string();
        thread::spawn(move || {
            for client in listener.incoming().map_while(Result::ok) {
                let answer = answer.clone();
                thread::spawn(move || {
                    // Who is tested may hang up at any time.
                    if let Ok(head) = read_head(&client) {
                        let _ = answer(head, &client);
                    }
                    let _ = client.shutdown(Shutdown::Both);
                });
            }
        });
        Self { address }
    }

    /// Answers every request with this text.
    pub(crate) fn saying(text: impl Into<String>) -> Self {
        let text = text.into();
        Self::start(move |_, mut client| client.write_all(text.as_bytes()))
    }

    pub(crate) fn url(&self) -> String {
        format!("http://{}", self.address)
    }
}

/// Up to the empty line and with it.
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

/// A head without the lines that begin with one of these names.
pub(crate) fn without(head: &str, names: &[&str]) -> String {
    let is_kept = |line: &&str| {
        let line = line.to_lowercase();
        !names
            .iter()
            .any(|name| line.starts_with(&format!("{name}:")))
    };
    head.split_inclusive("\r\n").filter(is_kept).collect()
}
