//! Reads a stream, connection after connection.

use std::sync::mpsc::SyncSender;
use std::thread;
use std::time::Duration;

use crate::exit::Failure;
use crate::listen::event_data::update_of_message;
use crate::listen::http::{HttpClient, MAX_ERROR_BYTES, ResponseBody, ServerError, describe};
use crate::listen::sse_parser::SseParser;
use crate::listen::stream_url::STREAM_PATH;
use crate::listen::update::Update;
use crate::output::excerpt;

/// For servers that have not sent `retry`. The default of the library's `Config::with_retry`.
const DEFAULT_RETRY_DELAY: Duration = Duration::from_secs(1);
/// The user is watching: a server that is back should be noticed soon.
const MAX_RETRY_DELAY: Duration = Duration::from_secs(10);
/// A server may send a shorter delay, and be down or end each stream at once after that.
const MIN_RETRY_DELAY: Duration = Duration::from_secs(1);
/// After this many doublings, `MIN_RETRY_DELAY` exceeds `MAX_RETRY_DELAY`.
const MAX_BACKOFF_DOUBLINGS: u32 = 4;
/// By default the server sends a heartbeat after 15 seconds of silence. If three are missing, the
/// connection counts as lost, because TCP may never report the loss. If the server's
/// `Config::with_heartbeat` is longer than this, a silent connection is opened again each time, which
/// loses no event.
const SILENCE_TIMEOUT: Duration = Duration::from_secs(50);
/// Lets TCP repeat a lost first packet three times (after 1, 3 and 7 seconds).
const CONNECT_TIMEOUT: Duration = Duration::from_secs(10);

pub(super) struct StreamReader {
    client: HttpClient,
    url: String,
    updates: SyncSender<Result<Update, Failure>>,
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
    /// Nothing receives the updates any more.
    ReceiverGone,
}

impl StreamReader {
    pub(super) fn new(url: String, updates: SyncSender<Result<Update, Failure>>) -> Self {
        let config = HttpClient::config()
            .timeout_connect(Some(CONNECT_TIMEOUT))
            .timeout_recv_response(Some(SILENCE_TIMEOUT))
            .timeout_per_read(Some(SILENCE_TIMEOUT));
        Self {
            client: HttpClient::new(config.build()),
            url,
            updates,
            last_event_id: String::new(),
            retry_delay: DEFAULT_RETRY_DELAY,
            failed_attempts: 0,
        }
    }

    /// Reads until the server refuses further connections, or the receiver is gone.
    pub(super) fn run(mut self) -> Result<(), Failure> {
        loop {
            match self.read_connection()? {
                ConnectionEnd::Planned => thread::sleep(self.retry_delay),
                ConnectionEnd::Final | ConnectionEnd::ReceiverGone => return Ok(()),
                ConnectionEnd::Failed(reason) => {
                    let delay = self.next_backoff();
                    let warning = format!("{reason}; retrying in {} s", delay.as_secs_f32());
                    if !self.send(Update::Warning(warning)) {
                        return Ok(());
                    }
                    thread::sleep(delay);
                }
            }
        }
    }

    /// `false` when nothing receives the updates any more.
    fn send(&self, update: Update) -> bool {
        self.updates.send(Ok(update)).is_ok()
    }

    /// Doubles with every attempt that fails, to spare a server that is overloaded.
    fn next_backoff(&mut self) -> Duration {
        let factor = 2_u32.saturating_pow(self.failed_attempts.min(MAX_BACKOFF_DOUBLINGS));
        self.failed_attempts += 1;
        self.retry_delay.saturating_mul(factor).min(MAX_RETRY_DELAY)
    }

    /// Opens one connection and reads it to its end.
    fn read_connection(&mut self) -> Result<ConnectionEnd, Failure> {
        let last_event_id = [("Last-Event-ID", self.last_event_id.as_str())];
        let headers = if self.last_event_id.is_empty() {
            &[][..]
        } else {
            &last_event_id
        };
        let (head, body) = match self.client.get(&self.url, headers) {
            Ok(response) => response,
            Err(ureq::Error::BadUri(reason)) => return Err(Failure::usage(reason)),
            Err(error) => {
                let reason = format!("cannot reach {}: {}", excerpt(&self.url), describe(&error));
                return Ok(ConnectionEnd::Failed(reason));
            }
        };
        match head.status {
            204 => Ok(ConnectionEnd::Final),
            200..300 if head.is_event_stream() => self.read_stream(body),
            200..300 => Err(self.not_an_event_stream()),
            status => error_response(status, body),
        }
    }

    fn not_an_event_stream(&self) -> Failure {
        Failure::error(format!("{} is not an event stream", excerpt(&self.url)))
            .with_help(format!("the library serves the stream at {STREAM_PATH}"))
    }

    fn read_stream(&mut self, mut body: ResponseBody) -> Result<ConnectionEnd, Failure> {
        if !self.send(Update::Connected) {
            return Ok(ConnectionEnd::ReceiverGone);
        }
        let mut parser = SseParser::resuming(&self.last_event_id);
        loop {
            let chunk = match body.next_chunk() {
                Ok(Some(chunk)) => chunk,
                Ok(None) => return Ok(end_of_body(&parser)),
                Err(error) => {
                    let reason = format!("the connection was lost: {error}");
                    return Ok(ConnectionEnd::Failed(reason));
                }
            };
            let messages = parser.feed(chunk).map_err(Failure::error)?;
            self.adopt_state(&parser);
            for update in messages.into_iter().filter_map(update_of_message) {
                if !self.send(update) {
                    return Ok(ConnectionEnd::ReceiverGone);
                }
            }
        }
    }

    /// Takes over what the next connection needs to know.
    fn adopt_state(&mut self, parser: &SseParser) {
        parser.last_event_id().clone_into(&mut self.last_event_id);
        if let Some(retry_delay) = parser.retry() {
            self.retry_delay = retry_delay.clamp(MIN_RETRY_DELAY, MAX_RETRY_DELAY);
        }
        if parser.has_received_block() {
            self.failed_attempts = 0;
        }
    }
}

fn end_of_body(parser: &SseParser) -> ConnectionEnd {
    if parser.has_received_block() {
        ConnectionEnd::Planned
    } else {
        ConnectionEnd::Failed("the stream ended before its first event".to_owned())
    }
}

/// A client error (4xx) is final. After any other, the server may recover.
fn error_response(status: u16, body: ResponseBody) -> Result<ConnectionEnd, Failure> {
    let error = ServerError::parse(&body.text(MAX_ERROR_BYTES).unwrap_or_default());
    let message = error.message;
    if !(400..500).contains(&status) {
        let reason = format!("the server responded with {status}: {message}");
        return Ok(ConnectionEnd::Failed(reason));
    }
    let message = format!("the server refused the request with {status}: {message}");
    Err(match error.help {
        Some(help) => Failure::error(message).with_help(help),
        None => Failure::error(message),
    })
}
