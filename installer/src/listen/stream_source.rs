//! A stream over HTTP, opened again whenever it ends.

use std::io::Read;
use std::sync::mpsc::{Receiver, RecvTimeoutError, SyncSender, sync_channel};
use std::thread;
use std::time::Duration;

use serde::Deserialize;
use serde_json::value::{RawValue, to_raw_value};
use ureq::http::{Response, Uri};
use ureq::{Agent, Body};

use super::sse_parser::{Message, Parser};
use super::{Heard, News, Source};
use crate::exit::Failure;

/// Where the library's routes put the stream.
const STREAM_PATH: &str = "/sse/stream";
/// The wait before the stream is opened again, as long as it has not said one.
const RETRY: Duration = Duration::from_secs(1);
/// The longest wait after errors.
const LONGEST_WAIT: Duration = Duration::from_secs(10);
/// Heartbeats come every 15 seconds: who is silent for three of them is gone, though
/// the connection may never say so.
const SILENCE: Duration = Duration::from_secs(50);
const CONNECT: Duration = Duration::from_secs(10);
const LONGEST_ANSWER: u64 = 64 * 1024;

/// A stream, read by a thread of its own so that waiting for it can be given up.
pub(crate) struct Http {
    news: Receiver<Result<News, Failure>>,
}

/// The URL of the stream: of a bare server it is where the library puts it.
pub(crate) fn stream_url(text: &str, events: &[String]) -> Result<String, Failure> {
    let url = text.split_once('#').map_or(text, |(url, _)| url);
    let wrong = || {
        Failure::usage(format!("`{text}` is no URL of a stream"))
            .help("write it like http://127.0.0.1:8080/sse/stream")
    };
    let parsed: Uri = url.parse().map_err(|_| wrong())?;
    let (Some("http" | "https"), Some(authority)) = (parsed.scheme_str(), parsed.authority())
    else {
        return Err(wrong());
    };
    let (_, port) = authority
        .as_str()
        .rsplit_once(authority.host())
        .unwrap_or_default();
    if !port.is_empty() && authority.port_u16().is_none() {
        return Err(wrong());
    }
    let scheme = parsed.scheme_str().unwrap_or("http");
    let path = Some(parsed.path())
        .filter(|path| *path != "/")
        .unwrap_or(STREAM_PATH);
    let events = (!events.is_empty()).then(|| {
        let names: Vec<String> = events.iter().map(|event| percent_encoded(event)).collect();
        format!("events={}", names.join(","))
    });
    let query: Vec<&str> = parsed
        .query()
        .into_iter()
        .chain(events.as_deref())
        .collect();
    let query = if query.is_empty() {
        String::new()
    } else {
        format!("?{}", query.join("&"))
    };
    Ok(format!("{scheme}://{authority}{path}{query}"))
}

impl Http {
    pub(crate) fn open(url: String) -> Self {
        let (sender, news) = sync_channel(256);
        // The thread is never joined: it ends with the process, or when it finds that
        // nobody takes its news any more.
        thread::spawn(move || {
            if let Err(failure) = Reader::new(url).run(&sender) {
                let _ = sender.send(Err(failure));
            }
        });
        Self { news }
    }
}

impl Source for Http {
    fn next(&mut self, timeout: Duration) -> Result<Option<News>, Failure> {
        match self.news.recv_timeout(timeout) {
            Ok(news) => news.map(Some),
            Err(RecvTimeoutError::Timeout) => Ok(None),
            Err(RecvTimeoutError::Disconnected) => Ok(Some(News::End)),
        }
    }
}

struct Reader {
    agent: Agent,
    url: String,
    last_event_id: String,
    retry: Duration,
    failures: u32,
}

/// How one connection ended.
enum Ending {
    /// As the server wanted: it is to be opened again.
    Planned,
    /// The server wants no more listeners.
    Final,
    /// By an error that may pass.
    Broken(String),
    /// Nobody takes the news any more.
    Unheard,
}

impl Reader {
    fn new(url: String) -> Self {
        let config = Agent::config_builder()
            .http_status_as_error(false)
            .timeout_connect(Some(CONNECT))
            .timeout_recv_response(Some(SILENCE))
            .timeout_per_read(Some(SILENCE))
            .user_agent(concat!("sse/", env!("CARGO_PKG_VERSION")))
            .build();
        Self {
            agent: config.into(),
            url,
            last_event_id: String::new(),
            retry: RETRY,
            failures: 0,
        }
    }

    fn run(mut self, news: &SyncSender<Result<News, Failure>>) -> Result<(), Failure> {
        loop {
            match self.connect(news)? {
                Ending::Planned => thread::sleep(self.retry.min(LONGEST_WAIT)),
                Ending::Final | Ending::Unheard => return Ok(()),
                Ending::Broken(why) => {
                    let wait = self.wait_after_error();
                    let warning = format!("{why}; trying again in {} s", wait.as_secs_f32());
                    if news.send(Ok(News::Warning(warning))).is_err() {
                        return Ok(());
                    }
                    thread::sleep(wait);
                }
            }
        }
    }

    /// Doubles with every failure in a row, since a server that is overloaded is not
    /// helped by those who knock at once.
    fn wait_after_error(&mut self) -> Duration {
        let factor = 2_u32.saturating_pow(self.failures.min(8));
        self.failures += 1;
        self.retry
            .max(Duration::from_millis(100))
            .saturating_mul(factor)
            .min(LONGEST_WAIT)
    }

    /// Reads one connection to its end.
    fn connect(&mut self, news: &SyncSender<Result<News, Failure>>) -> Result<Ending, Failure> {
        let mut request = self
            .agent
            .get(&self.url)
            .header("Accept", "text/event-stream");
        if !self.last_event_id.is_empty() {
            request = request.header("Last-Event-ID", self.last_event_id.as_bytes());
        }
        let response = match request.call() {
            Ok(response) => response,
            Err(ureq::Error::BadUri(why)) => return Err(Failure::usage(why)),
            Err(error) => {
                return Ok(Ending::Broken(format!(
                    "cannot reach {}: {error}",
                    self.url
                )));
            }
        };
        let status = response.status();
        if status.as_u16() == 204 {
            return Ok(Ending::Final);
        }
        if !status.is_success() {
            let body = body_text(response);
            if status.is_client_error() {
                return Err(refused(status.as_u16(), &body));
            }
            let first = body.lines().next().unwrap_or_default();
            let first = first.strip_prefix("error: ").unwrap_or(first);
            return Ok(Ending::Broken(format!(
                "the server answered {status}: {first}"
            )));
        }
        if !is_event_stream(&response) {
            return Err(Failure::error(format!("{} is no event stream", self.url))
                .help(format!("the library serves it at {STREAM_PATH}")));
        }
        if news.send(Ok(News::Listening)).is_err() {
            return Ok(Ending::Unheard);
        }
        self.read(response, news)
    }

    fn read(
        &mut self,
        response: Response<Body>,
        news: &SyncSender<Result<News, Failure>>,
    ) -> Result<Ending, Failure> {
        let mut body = response
            .into_body()
            .into_with_config()
            .limit(u64::MAX)
            .reader();
        let mut parser = Parser::resuming(&self.last_event_id);
        let mut buffer = [0; 16 * 1024];
        loop {
            let length = match body.read(&mut buffer) {
                Ok(0) if parser.has_heard() => return Ok(Ending::Planned),
                Ok(0) => {
                    return Ok(Ending::Broken(
                        "the stream ended before it began".to_owned(),
                    ));
                }
                Ok(length) => length,
                Err(error) => return Ok(Ending::Broken(format!("the stream broke off: {error}"))),
            };
            let messages = parser.feed(&buffer[..length]).map_err(Failure::error)?;
            parser.last_event_id().clone_into(&mut self.last_event_id);
            self.retry = parser.retry().unwrap_or(self.retry);
            if parser.has_heard() {
                self.failures = 0;
            }
            for item in messages.into_iter().filter_map(understand) {
                if news.send(Ok(item)).is_err() {
                    return Ok(Ending::Unheard);
                }
            }
        }
    }
}

/// What the library puts into an event's data.
#[derive(Deserialize)]
struct Data {
    timestamp: String,
    value: Box<RawValue>,
}

#[derive(Deserialize)]
struct Gap {
    reason: String,
}

/// What a message says; heartbeats say nothing. Data of another form, from another
/// kind of server, counts as the value.
fn understand(message: Message) -> Option<News> {
    let Message {
        id, event, data, ..
    } = message;
    match event.as_str() {
        "sse.heartbeat" => return None,
        "sse.gap" => {
            let reason = serde_json::from_str(&data).map_or(data, |gap: Gap| gap.reason);
            return Some(News::Warning(format!(
                "events may have been missed: {reason}"
            )));
        }
        _ => {}
    }
    let id = Some(id).filter(|id| !id.is_empty());
    if let Ok(Data { timestamp, value }) = serde_json::from_str(&data) {
        return Some(News::Event(Heard {
            id,
            event,
            key: None,
            timestamp: Some(timestamp),
            value,
        }));
    }
    let value = serde_json::from_str(&data)
        .or_else(|_| to_raw_value(&data))
        .ok()?;
    Some(News::Event(Heard {
        id,
        event,
        key: None,
        timestamp: None,
        value,
    }))
}

fn is_event_stream(response: &Response<Body>) -> bool {
    response
        .body()
        .mime_type()
        .is_some_and(|mime| mime.eq_ignore_ascii_case("text/event-stream"))
}

fn body_text(response: Response<Body>) -> String {
    let body = response
        .into_body()
        .into_with_config()
        .limit(LONGEST_ANSWER)
        .lossy_utf8(true);
    body.read_to_string().unwrap_or_default()
}

/// The server's own words, which the library writes in our form.
fn refused(status: u16, body: &str) -> Failure {
    let mut lines = body.trim().lines();
    let first = lines.next().unwrap_or_default();
    let what = first.strip_prefix("error: ").unwrap_or(first);
    let failure = Failure::error(format!("the server refused with {status}: {what}"));
    match lines.find_map(|line| line.strip_prefix("help: ")) {
        Some(help) => failure.help(help),
        None => failure,
    }
}

fn percent_encoded(text: &str) -> String {
    let is_plain = |byte: u8| byte.is_ascii_alphanumeric() || b"-._~".contains(&byte);
    text.bytes().fold(String::new(), |mut encoded, byte| {
        if is_plain(byte) {
            encoded.push(char::from(byte));
        } else {
            encoded.push_str(&format!("%{byte:02X}"));
        }
        encoded
    })
}

#[cfg(test)]
mod tests;
