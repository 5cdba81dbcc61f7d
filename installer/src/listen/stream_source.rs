//! Events from a server's stream, which is opened again whenever it ends.

use std::path::PathBuf;
use std::thread;
use std::time::Duration;

use hyper::header::{HeaderName, HeaderValue};

use super::event_data::update_of_block;
use super::scoped_stream::ScopedStream;
use super::sse_parser::{Block, SseParser};
use super::stream_url::STREAM_PATH;
use super::update::{Update, UpdateSender, Updates, channel};
use crate::exit::Failure;
use crate::http::{Chunk, Client, RequestError, Response, ServerError, Timeouts};
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
const TIMEOUTS: Timeouts = Timeouts {
    // Lets TCP repeat a lost first packet three times (after 1, 3 and 7 seconds).
    connect: Duration::from_secs(10),
    response: SILENCE_TIMEOUT,
};
const LAST_EVENT_ID: HeaderName = HeaderName::from_static("last-event-id");

/// The events of the client's stream, connection after connection. If it has no stream, the code of the app in the
/// folder `app` may show where it is.
pub(crate) fn follow_stream(client: Client, app: Option<PathBuf>) -> Updates {
    let (updates, receiver) = channel();
    updates.send_in_background(|updates| {
        let reader = StreamReader {
            client,
            app,
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
    client: Client,
    app: Option<PathBuf>,
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
        let header = (!id.is_empty()).then_some((LAST_EVENT_ID, id));
        let opened = self
            .client
            .get_following_redirects(header.as_slice(), TIMEOUTS);
        let response = match opened {
            Ok(response) => response,
            Err(error) => return Ok(ConnectionEnd::Failed(self.unreachable(&error))),
        };
        if let Some(compression) = response.unknown_compression() {
            return Err(unknown_compression(&compression));
        }
        match response.head.status {
            204 => Ok(ConnectionEnd::Final),
            200..300 if response.head.is_event_stream() => self.read_stream(response),
            status => {
                let refused = match status {
                    200..300 => Err(self.not_a_stream(&response)),
                    _ => self.error_response(status, response),
                };
                refused.map_err(|failure| self.with_address(status, failure))
            }
        }
    }

    fn read_stream(&mut self, mut response: Response) -> Result<ConnectionEnd, Failure> {
        self.updates.send(Update::Connected)?;
        let mut parser = SseParser::resuming(&self.last_event_id);
        let mut end = ConnectionEnd::Failed("the stream ended before its first event".to_owned());
        loop {
            let chunk = match response.next_chunk(SILENCE_TIMEOUT) {
                Ok(Chunk::Bytes(bytes)) => bytes,
                Ok(Chunk::End) => return Ok(end),
                Ok(Chunk::TimedOut) => return Ok(silent()),
                Err(error) => {
                    let reason = format!("the connection was lost: {error}");
                    return Ok(ConnectionEnd::Failed(reason));
                }
            };
            let blocks = parser.feed(&chunk).map_err(|error| {
                let error = Failure::error(format!("{}: {error}", excerpt(self.client.url())));
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

    fn unreachable(&self, error: &RequestError) -> String {
        let (url, reason) = (excerpt(self.client.url()), excerpt(&error.reason));
        // Once, and not with every attempt.
        let help = error.help.filter(|_| self.failed_attempts == 0);
        let help = help.map_or_else(String::new, |help| format!(" ({help})"));
        format!("cannot reach {url}: {reason}{help}")
    }

    fn not_a_stream(&self, response: &Response) -> Failure {
        let url = excerpt(self.client.url());
        if response.url == self.client.url() {
            let help = format!("the library serves the stream at {STREAM_PATH}");
            return Failure::error(format!("{url} is not an event stream")).with_help(help);
        }
        let target = excerpt(&response.url);
        let error = Failure::error(format!(
            "{url} redirects to {target}, which is not an event stream"
        ));
        error.with_help(format!(
            "if this is a login page, {}",
            credentials_help(self.client.has_credentials())
        ))
    }

    /// Adds where the stream is instead, if that can be found.
    fn with_address(&self, status: u16, failure: Failure) -> Failure {
        // If nothing receives it, the failure itself is not received either.
        let _ = self.updates.send(Update::Refused(failure.clone()));
        match ScopedStream::find(&self.client, status, self.app.as_deref()) {
            None => failure,
            Some(found) => {
                let message = format!("{}, but {}", failure.message(), found.description());
                Failure::error(message).with_help(found.help("listen"))
            }
        }
    }

    /// A client error (4xx) is final. After any other, the server may recover.
    fn error_response(
        &self,
        status: u16,
        mut response: Response,
    ) -> Result<ConnectionEnd, Failure> {
        let ServerError { message, help, .. } = ServerError::parse(&response.error_text());
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
        let default_help = match status {
            401 | 403 => credentials_help(self.client.has_credentials()),
            _ => "find out why: run `sse doctor` with this URL",
        };
        let help = help.as_deref();
        Err(failure.with_help(help.unwrap_or(default_help)))
    }
}

/// What to do about a stream for users that are logged in.
pub(crate) fn credentials_help(has_credentials: bool) -> &'static str {
    if has_credentials {
        "the server does not accept what --header and --cookie send, or it has expired: log in again in \
         a browser and copy the new value from its developer tools (Network, the request of the \
         stream)"
    } else {
        "the stream is behind authentication: send what a browser that is logged in sends, with \
         --cookie 'NAME=VALUE' or --header 'Authorization: …'; its developer tools show the values \
         (Network, the request of the stream)"
    }
}

fn silent() -> ConnectionEnd {
    let seconds = SILENCE_TIMEOUT.as_secs();
    ConnectionEnd::Failed(format!(
        "the connection was lost: nothing arrived for {seconds} s"
    ))
}

fn unknown_compression(name: &str) -> Failure {
    Failure::error(format!(
        "the stream is compressed with `{}`, which this command neither asked for nor knows",
        excerpt(name)
    ))
    .with_help(
        "turn compression off for text/event-stream, in the proxy or in the app's middleware",
    )
}

#[cfg(test)]
mod tests;
