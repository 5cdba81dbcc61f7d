//! Publishing events: into the journal, or by HTTP.

use std::{
    io::{self, BufRead, BufReader, Read, Write},
    net::{SocketAddr, TcpStream},
    path::Path,
};

use actix_web_sse::{Cache, Config, EventId};
use serde_json::value::RawValue;

use crate::clock;

/// The length of a value as JSON.
pub(crate) const VALUE_BYTES: usize = 200;

/// The key of saved values, unless another one is given.
const DEFAULT_KEY: &str = "order";

/// Publishes events on one server.
pub(crate) struct Publisher(Connection);

enum Connection {
    Journal(Cache),
    Http(BufReader<TcpStream>),
}

impl Publisher {
    pub(crate) fn into_journal(app: &Path) -> io::Result<Self> {
        let config = Config::from_dir(app).map_err(io::Error::other)?;
        let cache = Cache::open(&config).map_err(io::Error::other)?;
        Ok(Self(Connection::Journal(cache)))
    }

    pub(crate) fn by_http(address: SocketAddr) -> io::Result<Self> {
        let stream = TcpStream::connect(address)?;
        stream.set_nodelay(true)?;
        Ok(Self(Connection::Http(BufReader::new(stream))))
    }

    /// Publishes `count` events, one directly after the other.
    pub(crate) fn publish(&mut self, count: usize) -> io::Result<()> {
        match &mut self.0 {
            Connection::Journal(cache) => {
                for _ in 0..count {
                    save(cache, DEFAULT_KEY, clock::value(VALUE_BYTES))?;
                }
                Ok(())
            }
            Connection::Http(connection) => publish_by_http(connection, "/publish", count),
        }
    }

    /// Publishes one event for one user.
    pub(crate) fn publish_to(&mut self, user: &str) -> io::Result<()> {
        match &mut self.0 {
            Connection::Journal(cache) => {
                let value = raw_value(clock::value(VALUE_BYTES))?;
                let save = cache.save(DEFAULT_KEY, &value).to(user);
                save.blocking().map_err(io::Error::other)?;
                Ok(())
            }
            Connection::Http(connection) => {
                let target = format!("/private/publish?to={user}");
                publish_by_http(connection, &target, 1)
            }
        }
    }

    /// Publishes one event under another key. Only this project's server has keys.
    pub(crate) fn publish_under(&mut self, key: &str) -> io::Result<EventId> {
        match &mut self.0 {
            Connection::Journal(cache) => save(cache, key, clock::value(VALUE_BYTES)),
            Connection::Http(_) => Err(journal_only()),
        }
    }

    /// The id of the last published event. Only for this project's server.
    pub(crate) fn last_id(&self) -> io::Result<String> {
        let Connection::Journal(cache) = &self.0 else {
            return Err(journal_only());
        };
        let entry = cache.get_blocking(DEFAULT_KEY).map_err(io::Error::other)?;
        entry
            .map(|entry| entry.id().to_string())
            .ok_or_else(|| io::Error::other("the saved value is missing"))
    }
}

fn journal_only() -> io::Error {
    io::Error::other("only this project's server has keys and a journal")
}

fn save(cache: &Cache, key: &str, value: String) -> io::Result<EventId> {
    cache
        .save_blocking(key, &raw_value(value)?)
        .map_err(io::Error::other)
}

fn raw_value(value: String) -> io::Result<Box<RawValue>> {
    RawValue::from_string(value).map_err(io::Error::other)
}

/// Each request waits for the response to the previous one, as each save waits for the previous one.
fn publish_by_http(
    connection: &mut BufReader<TcpStream>,
    target: &str,
    count: usize,
) -> io::Result<()> {
    for _ in 0..count {
        // As long as the data that this project's server makes of a value.
        let value = clock::value(VALUE_BYTES);
        let body = format!(r#"{{"timestamp":"2026-01-01T00:00:00.000Z","value":{value}}}"#);
        let request = format!(
            "POST {target} HTTP/1.1\r\nHost: localhost\r\nContent-Length: {}\r\n\r\n{body}",
            body.len()
        );
        connection.get_mut().write_all(request.as_bytes())?;
        read_response(connection)?;
    }
    Ok(())
}

fn read_response(connection: &mut BufReader<TcpStream>) -> io::Result<()> {
    let mut line = String::new();
    connection.read_line(&mut line)?;
    if !line.starts_with("HTTP/1.1 2") {
        return Err(io::Error::other(format!(
            "the server refused to publish: {line}"
        )));
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
            return Err(io::Error::other("a chunked response is not supported"));
        }
    }
    io::copy(&mut connection.by_ref().take(length), &mut io::sink())?;
    Ok(())
}
