//! A client with one open stream.

use std::{
    collections::HashMap,
    io,
    net::{Shutdown, TcpStream},
    sync::mpsc::{Receiver, RecvTimeoutError, Sender, channel},
    thread,
    time::{Duration, Instant},
};

use crate::{Event, EventParser, http, wait::DEADLINE};

/// An open stream; closed when dropped.
pub struct Stream {
    pub status: u16,
    pub headers: HashMap<String, String>,
    /// The body of a response that is not a stream.
    pub body: String,
    socket: TcpStream,
    events: Receiver<Event>,
}

impl Stream {
    /// `GET path`, with `Last-Event-ID` if one is given.
    #[track_caller]
    #[must_use]
    pub fn open(address: &str, path: &str, last_id: Option<&str>) -> Self {
        Self::try_open(address, path, last_id).unwrap()
    }

    pub fn try_open(address: &str, path: &str, last_id: Option<&str>) -> io::Result<Self> {
        let last_id = last_id.map(|id| ("Last-Event-ID", id));
        Self::try_request(address, path, last_id.as_slice())
    }

    /// `GET path` with these headers.
    #[track_caller]
    #[must_use]
    pub fn request(address: &str, path: &str, headers: &[(&str, &str)]) -> Self {
        Self::try_request(address, path, headers).unwrap()
    }

    fn try_request(address: &str, path: &str, headers: &[(&str, &str)]) -> io::Result<Self> {
        let headers: String = headers
            .iter()
            .map(|(name, value)| format!("{name}: {value}\r\n"))
            .collect();
        let request = format!(
            "GET {path} HTTP/1.1\r\nHost: {address}\r\nAccept: text/event-stream\r\n{headers}\r\n"
        );
        let mut response = http::send(address, request.as_bytes())?;
        let socket = response.socket().try_clone()?;
        let (status, headers) = (response.status, response.headers.clone());
        let (sender, events) = channel();
        let mut body = String::new();
        if response.is_chunked() {
            let chunks = response.into_chunks();
            thread::spawn(move || read_events(chunks, &sender));
        } else {
            body = response.read_body()?;
        }
        Ok(Self {
            status,
            headers,
            body,
            socket,
            events,
        })
    }

    /// The next block, of any kind.
    #[track_caller]
    pub fn next(&self) -> Event {
        self.next_within(DEADLINE)
            .expect("the stream has ended, or is silent")
    }

    /// The next block, if one arrives in time.
    #[must_use]
    pub fn next_within(&self, time: Duration) -> Option<Event> {
        self.events.recv_timeout(time).ok()
    }

    /// The next block, of any kind, until the stream ends.
    #[must_use]
    pub fn next_until_end(&self) -> Option<Event> {
        self.events.recv().ok()
    }

    /// The next of the app's events.
    #[track_caller]
    pub fn next_event(&self) -> Event {
        self.next_where(Event::is_from_app)
    }

    /// The next block that is not a heartbeat.
    #[track_caller]
    pub fn next_but_heartbeats(&self) -> Event {
        self.next_where(|event| event.name() != "sse.heartbeat")
    }

    /// Waits no longer for all blocks together than for a single one: a heartbeat always comes.
    #[track_caller]
    fn next_where(&self, is_wanted: impl Fn(&Event) -> bool) -> Event {
        let end = Instant::now() + DEADLINE;
        loop {
            match self.next_before(end) {
                Ok(event) if is_wanted(&event) => return event,
                Ok(_) => {}
                Err(error) => panic!("the expected event did not arrive: {error}"),
            }
        }
    }

    /// Expects that no event of the app arrives for this time.
    #[track_caller]
    pub fn expect_silence(&self, time: Duration) {
        let end = Instant::now() + time;
        loop {
            match self.next_before(end) {
                Ok(event) => assert!(!event.is_from_app(), "{event:?}"),
                Err(RecvTimeoutError::Timeout) => return,
                Err(RecvTimeoutError::Disconnected) => panic!("the stream has ended"),
            }
        }
    }

    /// Whether the server ends it in time, whatever it sends before.
    #[must_use]
    pub fn has_ended(&self) -> bool {
        let end = Instant::now() + DEADLINE;
        loop {
            match self.next_before(end) {
                Ok(_) => {}
                Err(RecvTimeoutError::Disconnected) => return true,
                Err(RecvTimeoutError::Timeout) => return false,
            }
        }
    }

    fn next_before(&self, end: Instant) -> Result<Event, RecvTimeoutError> {
        let left = end.saturating_duration_since(Instant::now());
        self.events.recv_timeout(left)
    }
}

impl Drop for Stream {
    fn drop(&mut self) {
        let _ = self.socket.shutdown(Shutdown::Both);
    }
}

/// Status, headers and body of a response that is not a stream.
#[track_caller]
#[must_use]
pub fn get(address: &str, path: &str) -> Stream {
    Stream::open(address, path, None)
}

fn read_events(chunks: impl Iterator<Item = Vec<u8>>, sender: &Sender<Event>) {
    let mut parser = EventParser::default();
    for chunk in chunks {
        for event in parser.feed(&chunk) {
            if sender.send(event).is_err() {
                return;
            }
        }
    }
}
