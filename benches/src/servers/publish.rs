//! Publishing: into our journal, or by HTTP.

use std::{
    io::{self, BufRead, BufReader, Read, Write},
    net::{SocketAddr, TcpStream},
    path::Path,
};

use actix_web_sse::{Cache, Config};
use serde_json::value::RawValue;

use crate::clock;

/// The length of a value as JSON.
pub(crate) const VALUE: usize = 200;

/// What is saved in our journal is saved under it, unless another key is named.
const KEY: &str = "order";

/// Publishes events on one server.
pub(crate) struct Publisher(Way);

enum Way {
    Journal(Cache),
    Http(BufReader<TcpStream>),
}

impl Publisher {
    pub(crate) fn into_journal(app: &Path) -> io::Result<Self> {
        let config = Config::from_dir(app).map_err(io::Error::other)?;
        let cache = Cache::open(&config).map_err(io::Error::other)?;
        Ok(Self(Way::Journal(cache)))
    }

    pub(crate) fn by_http(address: SocketAddr) -> io::Result<Self> {
        let stream = TcpStream::connect(address)?;
        stream.set_nodelay(true)?;
        Ok(Self(Way::Http(BufReader::new(stream))))
    }

    /// Publishes so many events, one directly behind the other.
    pub(crate) fn publish(&mut self, count: usize) -> io::Result<()> {
        match &mut self.0 {
            Way::Journal(cache) => {
                for _ in 0..count {
                    save(cache, KEY, clock::value(VALUE))?;
                }
                Ok(())
            }
            Way::Http(connection) => publish_by_http(connection, count),
        }
    }

    /// Publishes one event under another key, of our server only.
    pub(crate) fn publish_under(&mut self, key: &str) -> io::Result<u64> {
        match &mut self.0 {
            Way::Journal(cache) => save(cache, key, clock::value(VALUE)),
            Way::Http(_) => Err(only_ours()),
        }
    }

    /// The id of the event that was published last, on our server only.
    pub(crate) fn last_id(&self) -> io::Result<String> {
        let Way::Journal(cache) = &self.0 else {
            return Err(only_ours());
        };
        let entry = cache.get_blocking(KEY).map_err(io::Error::other)?;
        entry
            .map(|entry| entry.id())
            .ok_or_else(|| io::Error::other("what was saved is not there"))
    }
}

fn only_ours() -> io::Error {
    io::Error::other("only our server has keys and a journal")
}

fn save(cache: &Cache, key: &str, value: String) -> io::Result<u64> {
    let value = RawValue::from_string(value).map_err(io::Error::other)?;
    cache.save_blocking(key, &value).map_err(io::Error::other)
}

/// Each request waits for the answer to the one before, as each save waits for the one before.
fn publish_by_http(connection: &mut BufReader<TcpStream>, count: usize) -> io::Result<()> {
    for _ in 0..count {
        // As long as what our server makes of a value.
        let value = clock::value(VALUE);
        let body = format!(r#"{{"timestamp":"2026-01-01T00:00:00.000Z","value":{value}}}"#);
        let request = format!(
            "POST /publish HTTP/1.1\r\nHost: localhost\r\nContent-Length: {}\r\n\r\n{body}",
            body.len()
        );
        connection.get_mut().write_all(request.as_bytes())?;
        read_answer(connection)?;
    }
    Ok(())
}

fn read_answer(connection: &mut BufReader<TcpStream>) -> io::Result<()> {
    let mut line = String::new();
    connection.read_line(&mut line)?;
    if !line.starts_with("HTTP/1.1 2") {
        return Err(io::Error::other(format!("publishing is refused: {line}")));
    }
    let mut length = 0;
    loop {
        line.clear();
        connection.read_line(&mut line)?;
        let field = line.trim_end().to_ascii_lowercase();
        if field.is_empty() {
            break;
        }
        if let Some(value) = field.strip_prefix("content-length:") {
            length = value.trim().parse().map_err(io::Error::other)?;
        }
        if field == "transfer-encoding: chunked" {
            return Err(io::Error::other("an answer in chunks is not expected"));
        }
    }
    io::copy(&mut connection.by_ref().take(length), &mut io::sink())?;
    Ok(())
}
