//! One connection, and when what came over it.

use std::io::Read;
use std::sync::mpsc::{Receiver, RecvTimeoutError, sync_channel};
use std::thread;
use std::time::{Duration, Instant};

use ureq::http::Version;
use ureq::{Agent, Body};

use crate::listen::{Message, Parser};

/// The longest wait for anything that should come at once.
pub(super) const LONGEST: Duration = Duration::from_secs(10);

/// More of an answer that is no stream is not looked at.
const LONGEST_TEXT: usize = 64 * 1024;

/// The head of an answer.
#[derive(Debug)]
pub(super) struct Head {
    /// How long it took to come.
    pub(super) after: Duration,
    pub(super) version: Version,
    pub(super) status: u16,
    /// Names in lower case.
    pub(super) headers: Vec<(String, String)>,
}

/// One message, and when it came, counted from the request.
#[derive(Debug)]
pub(super) struct Arrival {
    pub(super) at: Duration,
    pub(super) message: Message,
}

/// How a stream ended.
#[derive(Debug)]
pub(super) struct Ended {
    pub(super) at: Duration,
    /// None: as the protocol wants it.
    pub(super) error: Option<String>,
    pub(super) is_in_block: bool,
}

/// What has come of a stream so far.
#[derive(Debug, Default)]
pub(super) struct Heard {
    pub(super) first_block: Option<Duration>,
    pub(super) arrivals: Vec<Arrival>,
    pub(super) last_event_id: String,
    pub(super) ended: Option<Ended>,
}

/// An answer that goes on, read by a thread of its own so that waiting for it can be given up.
pub(super) struct Connection {
    pub(super) begun: Instant,
    pub(super) head: Head,
    pub(super) heard: Heard,
    pieces: Receiver<(Instant, Result<Vec<u8>, String>)>,
    parser: Parser,
}

impl Head {
    /// The values of all headers of this name.
    pub(super) fn header(&self, name: &str) -> Option<String> {
        let values: Vec<&str> = self
            .headers
            .iter()
            .filter(|(other, _)| other == name)
            .map(|(_, value)| value.as_str())
            .collect();
        (!values.is_empty()).then(|| values.join(", "))
    }

    /// How the body is compressed, if it is.
    pub(super) fn encoding(&self) -> Option<String> {
        self.header("content-encoding")
            .filter(|encoding| !encoding.is_empty() && !encoding.eq_ignore_ascii_case("identity"))
    }
}

impl Connection {
    /// Asks for the URL as a browser does, with these headers besides.
    pub(super) fn open(url: &str, headers: &[(&str, &str)]) -> Result<Self, ureq::Error> {
        let agent: Agent = Agent::config_builder()
            .http_status_as_error(false)
            .max_redirects(0)
            .max_redirects_will_error(false)
            .timeout_resolve(Some(LONGEST))
            .timeout_connect(Some(LONGEST))
            .timeout_send_request(Some(LONGEST))
            .timeout_recv_response(Some(LONGEST))
            .user_agent(concat!("sse/", env!("CARGO_PKG_VERSION")))
            .build()
            .into();
        let mut request = agent
            .get(url)
            .header("Accept", "text/event-stream")
            .header("Cache-Control", "no-cache")
            // What is compressed on the way to browsers must show itself here.
            .header("Accept-Encoding", "gzip, deflate, br");
        for (name, value) in headers {
            request = request.header(*name, *value);
        }
        let begun = Instant::now();
        let response = request.call()?;
        let head = Head {
            after: begun.elapsed(),
            version: response.version(),
            status: response.status().as_u16(),
            headers: response
                .headers()
                .iter()
                .map(|(name, value)| {
                    let value = String::from_utf8_lossy(value.as_bytes());
                    (name.as_str().to_owned(), value.into_owned())
                })
                .collect(),
        };
        Ok(Self {
            begun,
            head,
            heard: Heard::default(),
            pieces: read(response.into_body()),
            parser: Parser::default(),
        })
    }

    /// Listens until then, until there is enough, or until the stream ends.
    pub(super) fn listen(&mut self, until: Instant, enough: impl Fn(&Heard) -> bool) {
        while self.heard.ended.is_none() && !enough(&self.heard) {
            // Who never stops sending must not keep us longer than who is silent.
            let Some(left) = until.checked_duration_since(Instant::now()) else {
                return;
            };
            let (at, piece) = match self.pieces.recv_timeout(left) {
                Ok(piece) => piece,
                Err(RecvTimeoutError::Timeout) => return,
                Err(RecvTimeoutError::Disconnected) => (Instant::now(), Ok(Vec::new())),
            };
            self.take_in(at.saturating_duration_since(self.begun), piece);
        }
    }

    fn take_in(&mut self, at: Duration, piece: Result<Vec<u8>, String>) {
        let messages = match piece {
            Ok(bytes) if bytes.is_empty() => return self.end(at, None),
            Ok(bytes) => self.parser.feed(&bytes),
            Err(error) => Err(error),
        };
        match messages {
            Ok(messages) => {
                let arrivals = messages.into_iter().map(|message| Arrival { at, message });
                self.heard.arrivals.extend(arrivals);
                if self.parser.has_heard() {
                    self.heard.first_block.get_or_insert(at);
                }
                let id = self.parser.last_event_id();
                id.clone_into(&mut self.heard.last_event_id);
            }
            Err(error) => self.end(at, Some(error)),
        }
    }

    fn end(&mut self, at: Duration, error: Option<String>) {
        self.heard.ended = Some(Ended {
            at,
            error,
            is_in_block: self.parser.is_in_block(),
        });
    }

    /// How long it has been listened to.
    pub(super) fn listened(&self) -> Duration {
        let ended = self.heard.ended.as_ref();
        ended.map_or_else(|| self.begun.elapsed(), |ended| ended.at)
    }

    /// What the answer says, where it is no stream.
    pub(super) fn text(&mut self) -> String {
        let until = Instant::now() + LONGEST / 5;
        let mut text = Vec::new();
        while text.len() < LONGEST_TEXT {
            let left = until.saturating_duration_since(Instant::now());
            match self.pieces.recv_timeout(left) {
                Ok((_, Ok(bytes))) if !bytes.is_empty() => text.extend(bytes),
                _ => break,
            }
        }
        String::from_utf8_lossy(&text).into_owned()
    }
}

/// Reads until the end, which is an empty piece, or until nobody takes the pieces any more.
fn read(body: Body) -> Receiver<(Instant, Result<Vec<u8>, String>)> {
    let (sender, pieces) = sync_channel(1024);
    // The thread is never joined: it ends with the stream, or with the process.
    thread::spawn(move || {
        let mut body = body.into_with_config().limit(u64::MAX).reader();
        let mut buffer = [0; 16 * 1024];
        loop {
            let piece = match body.read(&mut buffer) {
                Ok(length) => Ok(buffer[..length].to_vec()),
                Err(error) => Err(error.to_string()),
            };
            let is_last = !matches!(&piece, Ok(bytes) if !bytes.is_empty());
            if sender.send((Instant::now(), piece)).is_err() || is_last {
                return;
            }
        }
    });
    pieces
}

/// What the tests of judgements are about.
#[cfg(test)]
pub(super) mod tests {
    use super::*;

    pub(in super::super) fn head(status: u16, headers: &[(&str, &str)]) -> Head {
        Head {
            after: Duration::ZERO,
            version: Version::HTTP_11,
            status,
            headers: headers
                .iter()
                .map(|(name, value)| ((*name).to_owned(), (*value).to_owned()))
                .collect(),
        }
    }

    pub(in super::super) fn arrival(milliseconds: u64, event: &str, data: &str) -> Arrival {
        Arrival {
            at: Duration::from_millis(milliseconds),
            message: Message {
                id: String::new(),
                event: event.to_owned(),
                data: data.to_owned(),
                retry: None,
            },
        }
    }

    /// A heartbeat that says when to come back, as the first and the last of a stream do.
    pub(in super::super) fn greeting(milliseconds: u64) -> Arrival {
        let mut greeting = arrival(milliseconds, "sse.heartbeat", "15");
        greeting.message.retry = Some(Duration::from_secs(1));
        greeting
    }

    pub(in super::super) fn heard(arrivals: Vec<Arrival>) -> Heard {
        Heard {
            first_block: arrivals.first().map(|arrival| arrival.at),
            arrivals,
            ..Heard::default()
        }
    }

    #[test]
    fn identity_is_no_compression() {
        let encoding = |value| head(200, &[("content-encoding", value)]).encoding();
        assert_eq!(encoding("identity"), None);
        assert_eq!(encoding("br").as_deref(), Some("br"));
        assert_eq!(head(200, &[]).encoding(), None);
        let head = head(200, &[("via", "a"), ("via", "b")]);
        assert_eq!(head.header("via").as_deref(), Some("a, b"));
    }
}
