//! Events from a server's stream, which is opened again whenever it ends.

use std::io::Read;
use std::thread;
use std::time::Duration;

use ureq::http::HeaderValue;
use ureq::{Agent, BodyReader};

use super::body::{READ_BUFFER_BYTES, error_text, read_in_background};
use super::event_data::update_of_block;
use super::http::{ServerError, client_config, describe, get};
use super::sse_parser::{Block, SseParser};
use super::stream_url::STREAM_PATH;
use super::update::{Update, UpdateSender, Updates, channel};
use crate::exit::Failure;
use crate::output::excerpt;

/// For servers that have not sent `retry`. The default of the library's `Config::with_retry`.
const DEFAULT_RETRY_DELAY: Duration = Duration::from_secs(1);
/// The user is watching: a server that is back should be noticed soon.
const MAX_RETRY_DELAY: Duration = Duration::from_secs(10);
/// A server may send a shorter delay, and be down or end each stream at once after that.
const MIN_RETRY_DELAY: Duration = Duration::from_secs(1);
/// By default the server sends a heartbeat after 15 seconds of silence. If three are missing, the
/// connection counts as lost, because TCP may never report the loss. If the server's
/// `Config::with_heartbeat` is longer than this, a silent connection is opened again each time, which
/// loses no event.
const SILENCE_TIMEOUT: Duration = Duration::from_secs(50);
/// Lets TCP repeat a lost first packet three times (after 1, 3 and 7 seconds).
const CONNECT_TIMEOUT: Duration = Duration::from_secs(10);

/// The events of the stream at `url`, connection after connection.
pub(crate) fn follow_stream(url: String) -> Updates {
    let config = client_config()
        .timeout_connect(Some(CONNECT_TIMEOUT))
        .timeout_recv_response(Some(SILENCE_TIMEOUT))
        .timeout_per_read(Some(SILENCE_TIMEOUT));
    let agent = config.build().into();
    let (updates, receiver) = channel();
    updates.send_in_background(|updates| {
        let reader = StreamReader {
            agent,
            url,
            updates,
            last_event_id: String::new(),
            retry_delay: DEFAULT_RETRY_DELAY,
            failed_attempts: 0,
        };
        reader.run()
    });
    receiver
}

struct StreamReader<'a> {
    agent: Agent,
    url: String,
    updates: &'a UpdateSender,
    last_event_id: String,
    retry_delay: Duration,
    failed_attempts: u32,
}

/// How one connection ended.
enum ConnectionEnd {
    /// By the server's plan: it expects the client to reconnect.
    Planned,
    /// The server refuses further connections (204).
    Final,
    /// By an error that may be temporary.
    Failed(String),
}

impl StreamReader<'_> {
    /// Reads until the server refuses further connections, or the receiver is gone.
    fn run(mut self) -> Result<(), Failure> {
        loop {
            let delay = match self.read_connection()? {
                ConnectionEnd::Planned => self.retry_delay,
                ConnectionEnd::Final => return Ok(()),
                ConnectionEnd::Failed(reason) => {
                    let delay = self.next_backoff();
                    let warning = format!("{reason}; retrying in {} s", delay.as_secs_f32());
                    self.updates.send(Update::Warning(warning))?;
                    delay
                }
            };
            thread::sleep(delay);
        }
    }

    /// Doubles with every attempt that fails, to spare a server that is overloaded.
    fn next_backoff(&mut self) -> Duration {
        let factor = 2_u32.saturating_pow(self.failed_attempts);
        self.failed_attempts += 1;
        self.retry_delay.saturating_mul(factor).min(MAX_RETRY_DELAY)
    }

    /// Opens one connection and reads it to its end.
    fn read_connection(&mut self) -> Result<ConnectionEnd, Failure> {
        let id = &*self.last_event_id;
        let header = (!id.is_empty()).then_some(("Last-Event-ID", id));
        let (head, body) = match get(&self.agent, &self.url, header.as_slice()) {
            Ok(response) => response,
            Err(ureq::Error::BadUri(reason)) => return Err(Failure::usage(reason)),
            Err(error) => return Ok(ConnectionEnd::Failed(unreachable(&self.url, &error))),
        };
        match head.status {
            204 => Ok(ConnectionEnd::Final),
            200..300 if head.is_event_stream() => self.read_stream(body),
            200..300 => Err(Failure::error(format!(
                "{} is not an event stream",
                excerpt(&self.url)
            ))
            .with_help(format!("the library serves the stream at {STREAM_PATH}"))),
            status => error_response(status, body),
        }
    }

    fn read_stream(&mut self, mut body: BodyReader<'_>) -> Result<ConnectionEnd, Failure> {
        self.updates.send(Update::Connected)?;
        let mut parser = SseParser::resuming(&self.last_event_id);
        let mut buffer = vec![0; READ_BUFFER_BYTES];
        let mut end = ConnectionEnd::Failed("the stream ended before its first event".to_owned());
        loop {
            let chunk = match body.read(&mut buffer) {
                Ok(0) => return Ok(end),
                Ok(length) => &buffer[..length],
                Err(error) => {
                    let reason = format!("the connection was lost: {error}");
                    return Ok(ConnectionEnd::Failed(reason));
                }
            };
            let blocks = parser.feed(chunk).map_err(|error| {
                let error = Failure::error(format!("{}: {error}", excerpt(&self.url)));
                error.with_help("the library's server sends no such event: check the URL")
            })?;
            if let Some(delay) = parser.reconnection_time() {
                self.retry_delay = delay.clamp(MIN_RETRY_DELAY, MAX_RETRY_DELAY);
            }
            for block in blocks {
                end = ConnectionEnd::Planned;
                self.process(block)?;
            }
        }
    }

    /// Takes over what the next connection needs to know, and sends the block's event.
    fn process(&mut self, block: Block) -> Result<(), Failure> {
        self.failed_attempts = 0;
        // Browsers send every id back, but servers refuse a header with a control character. A request
        // with the last id that can be sent repeats events at worst, and loses none.
        if HeaderValue::from_bytes(block.id.as_bytes()).is_ok() {
            block.id.clone_into(&mut self.last_event_id);
        }
        let update = update_of_block(block);
        update.map_or(Ok(()), |update| self.updates.send(update))
    }
}

fn unreachable(url: &str, error: &ureq::Error) -> String {
    let (reason, help) = describe(error);
    let help = help.map_or_else(String::new, |help| format!(" ({help})"));
    format!("cannot reach {}: {reason}{help}", excerpt(url))
}

/// A client error (4xx) is final. After any other, the server may recover.
fn error_response(status: u16, body: BodyReader<'static>) -> Result<ConnectionEnd, Failure> {
    let ServerError { message, help, .. } =
        ServerError::parse(&error_text(&read_in_background(body)));
    let message = match message.as_str() {
        "" => status.to_string(),
        text => format!("{status}: {text}"),
    };
    if !(400..500).contains(&status) {
        let help = help.map_or_else(String::new, |help| format!(" ({help})"));
        let reason = format!("the server responded with {message}{help}");
        return Ok(ConnectionEnd::Failed(reason));
    }
    let failure = Failure::error(format!("the server refused the request with {message}"));
    let help = help.as_deref();
    Err(failure.with_help(help.unwrap_or("find out why: run `sse doctor` with this URL")))
}

#[cfg(test)]
mod tests;
