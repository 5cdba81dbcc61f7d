//! A connection on which events are published by POST.

use std::{
    io::{self, BufRead, BufReader, Read, Write},
    net::{SocketAddr, TcpStream},
    time::Duration,
};

/// Far more than any server needs, also if it has to wait for Redis.
const PUBLISH_TIMEOUT: Duration = Duration::from_secs(60);

/// What answers the requests.
#[derive(Debug, Clone, Copy)]
pub(super) enum PostHandler {
    /// Sends the body to the clients as it is.
    Forwarding,
    /// The starter's: saves the body as the value of the key at the end of its path.
    Saving,
}

pub(super) struct PostConnection {
    stream: BufReader<TcpStream>,
    handler: PostHandler,
}

impl PostConnection {
    pub(super) fn open(address: SocketAddr, handler: PostHandler) -> io::Result<Self> {
        let stream = TcpStream::connect(address)?;
        stream.set_nodelay(true)?;
        stream.set_read_timeout(Some(PUBLISH_TIMEOUT))?;
        Ok(Self {
            stream: BufReader::new(stream),
            handler,
        })
    }

    /// Publishes a value for everyone.
    pub(super) fn publish(&mut self, key: &str, value: &str) -> io::Result<()> {
        match self.handler {
            PostHandler::Forwarding => self.post("/publish", "", &data(value)),
            PostHandler::Saving => {
                let target = format!("/trigger/{key}");
                self.post(&target, "Content-Type: application/json\r\n", value)
            }
        }
    }

    /// Publishes a value for one user.
    pub(super) fn publish_to(&mut self, user: &str, value: &str) -> io::Result<()> {
        match self.handler {
            PostHandler::Forwarding => {
                let target = format!("/private/publish?to={user}");
                self.post(&target, "", &data(value))
            }
            PostHandler::Saving => Err(io::Error::other("the starter's handler has no audiences")),
        }
    }

    /// Waits for the response, as a save waits until the value is saved.
    fn post(&mut self, target: &str, head: &str, body: &str) -> io::Result<()> {
        let request = format!(
            "POST {target} HTTP/1.1\r\nHost: localhost\r\n{head}Content-Length: {}\r\n\r\n{body}",
            body.len()
        );
        self.stream.get_mut().write_all(request.as_bytes())?;
        let status = self.read_response()?;
        if status.starts_with("HTTP/1.1 2") {
            Ok(())
        } else {
            Err(io::Error::other(format!(
                "the server refused to publish: {status}"
            )))
        }
    }

    /// Reads a response, so that the connection can be used again, and returns its first line.
    fn read_response(&mut self) -> io::Result<String> {
        let mut status = String::new();
        self.stream.read_line(&mut status)?;
        let mut line = String::new();
        let mut length = 0;
        loop {
            line.clear();
            if self.stream.read_line(&mut line)? == 0 {
                return Err(io::ErrorKind::UnexpectedEof.into());
            }
            let field = line.trim_end().to_ascii_lowercase();
            if field.is_empty() {
                break;
            }
            if let Some(value) = field.strip_prefix("content-length:") {
                length = value.trim().parse().map_err(io::Error::other)?;
            }
            if field == "transfer-encoding: chunked" {
                return Err(io::Error::other("a chunked response is not supported"));
            }
        }
        let mut body = self.stream.by_ref().take(length);
        io::copy(&mut body, &mut io::sink())?;
        Ok(status)
    }
}

/// The data that this project's server makes of a value.
fn data(value: &str) -> String {
    format!(r#"{{"timestamp":"2026-01-01T00:00:00.000Z","value":{value}}}"#)
}
