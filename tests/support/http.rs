//! A small HTTP client that sends exactly what a test gives it.

use std::{
    collections::HashMap,
    io::{self, BufRead, BufReader, Read, Write},
    net::TcpStream,
};

use crate::wait::DEADLINE;

/// A response whose head has arrived, on a connection of its own.
pub struct Response {
    pub status: u16,
    /// The names are in lower case.
    pub headers: HashMap<String, String>,
    /// The status line and the headers as they were received.
    head: String,
    reader: BufReader<TcpStream>,
}

/// Sends a request and waits for the head of the response.
///
/// `method_and_target` is, for example, `GET /`. `Host` is the address unless `headers` names
/// another one.
#[track_caller]
#[must_use]
pub fn request(
    address: &str,
    method_and_target: &str,
    headers: &[(&str, &str)],
    body: &str,
) -> Response {
    let mut head = format!("{method_and_target} HTTP/1.1\r\nConnection: close\r\n");
    if !headers.iter().any(|(name, _)| *name == "Host") {
        head += &format!("Host: {address}\r\n");
    }
    if method_and_target.starts_with("POST") {
        head += &format!("Content-Length: {}\r\n", body.len());
    }
    for (name, value) in headers {
        head += &format!("{name}: {value}\r\n");
    }
    send(address, format!("{head}\r\n{body}").as_bytes()).unwrap()
}

/// Sends these bytes and waits for the head of a response.
pub fn send(address: &str, request: &[u8]) -> io::Result<Response> {
    let mut socket = TcpStream::connect(address)?;
    socket.set_nodelay(true)?;
    socket.set_read_timeout(Some(DEADLINE))?;
    socket.write_all(request)?;
    Response::read(BufReader::new(socket))
}

impl Response {
    fn read(mut reader: BufReader<TcpStream>) -> io::Result<Self> {
        let mut head = String::new();
        let mut headers = HashMap::new();
        reader.read_line(&mut head)?;
        let status = head
            .split_whitespace()
            .nth(1)
            .and_then(|status| status.parse().ok())
            .ok_or_else(|| {
                let message = format!("not an HTTP response: {head:?}");
                io::Error::new(io::ErrorKind::InvalidData, message)
            })?;
        loop {
            let start = head.len();
            reader.read_line(&mut head)?;
            match head[start..].trim_end().split_once(':') {
                Some((name, value)) => headers.insert(name.to_lowercase(), value.trim().to_owned()),
                None => break,
            };
        }
        Ok(Self {
            status,
            headers,
            head,
            reader,
        })
    }

    #[must_use]
    pub fn header(&self, name: &str) -> Option<&str> {
        self.headers.get(name).map(String::as_str)
    }

    #[must_use]
    pub fn socket(&self) -> &TcpStream {
        self.reader.get_ref()
    }

    #[must_use]
    pub fn is_chunked(&self) -> bool {
        self.header("transfer-encoding") == Some("chunked")
    }

    /// Reads as many bytes as `Content-Length` gives, as text.
    pub fn read_body(&mut self) -> io::Result<String> {
        let length = self.header("content-length");
        let length = length.and_then(|length| length.parse().ok()).unwrap_or(0);
        let mut body = String::new();
        (&mut self.reader).take(length).read_to_string(&mut body)?;
        Ok(body)
    }

    /// Reads the whole response: head and body, as they were received. A stream does not end, so
    /// this stops after its first heartbeat.
    pub fn read_text(&mut self) -> String {
        let mut bytes = self.head.clone().into_bytes();
        let mut buffer = [0; 4096];
        while !String::from_utf8_lossy(&bytes).contains("sse.heartbeat\ndata: 15\n\n") {
            match self.reader.read(&mut buffer) {
                Ok(length) if length > 0 => bytes.extend_from_slice(&buffer[..length]),
                _ => break,
            }
        }
        String::from_utf8(bytes).unwrap()
    }

    /// The chunks of the body, as they arrive, until it ends or the connection breaks.
    pub fn into_chunks(self) -> impl Iterator<Item = Vec<u8>> + Send {
        let mut reader = self.reader;
        // A stream may be silent for longer than a test waits for anything else.
        reader.get_ref().set_read_timeout(None).unwrap();
        let mut size = String::new();
        std::iter::from_fn(move || {
            size.clear();
            reader.read_line(&mut size).ok()?;
            let length = usize::from_str_radix(size.trim(), 16).ok()?;
            let mut chunk = vec![0; length + "\r\n".len()];
            if length == 0 || reader.read_exact(&mut chunk).is_err() {
                return None;
            }
            chunk.truncate(length);
            Some(chunk)
        })
    }
}
