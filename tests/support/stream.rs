//! Clients that read a stream byte by byte, independent of the code under test.

use std::{
    collections::HashMap,
    io::{self, BufRead, BufReader, Read, Write},
    net::{Shutdown, TcpStream},
    sync::mpsc::{Receiver, RecvTimeoutError, Sender, channel},
    thread,
    time::{Duration, Instant},
};

use serde_json::Value;

use crate::wait::DEADLINE;

/// One block of a stream: its fields, and what they were when it ended.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Event {
    pub id: Option<String>,
    pub event: Option<String>,
    pub data: Option<String>,
    pub retry: Option<u64>,
}

impl Event {
    #[must_use]
    pub fn name(&self) -> &str {
        self.event.as_deref().unwrap_or("message")
    }

    /// Whether it is one of the app's events, and not one about the stream.
    #[must_use]
    pub fn is_the_apps(&self) -> bool {
        self.data.is_some() && !self.name().starts_with("sse.")
    }

    #[must_use]
    pub fn json(&self) -> Value {
        serde_json::from_str(self.data.as_deref().unwrap()).unwrap()
    }

    /// The saved value.
    #[must_use]
    pub fn value(&self) -> Value {
        self.json()["value"].clone()
    }

    /// The number in its id.
    #[must_use]
    pub fn number(&self) -> u64 {
        self.id
            .as_deref()
            .unwrap()
            .split_once('-')
            .unwrap()
            .1
            .parse()
            .unwrap()
    }
}

/// An open stream; closed when dropped.
pub struct Stream {
    pub status: u16,
    pub headers: HashMap<String, String>,
    /// Of an answer that is no stream.
    pub body: String,
    socket: TcpStream,
    events: Receiver<Event>,
}

impl Stream {
    /// `GET path`, with `Last-Event-ID` where one is given.
    #[track_caller]
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
        let mut socket = TcpStream::connect(address)?;
        socket.set_nodelay(true)?;
        let headers: String = headers
            .iter()
            .map(|(name, value)| format!("{name}: {value}\r\n"))
            .collect();
        write!(
            socket,
            "GET {path} HTTP/1.1\r\nHost: {address}\r\nAccept: text/event-stream\r\n{headers}\r\n"
        )?;
        let mut reader = BufReader::new(socket.try_clone()?);
        let (status, headers) = head(&mut reader)?;
        let (sender, events) = channel();
        let mut body = String::new();
        if headers.get("transfer-encoding").map(String::as_str) == Some("chunked") {
            thread::spawn(move || read_events(reader, &sender));
        } else {
            let length = headers
                .get("content-length")
                .and_then(|length| length.parse().ok())
                .unwrap_or(0);
            reader.take(length).read_to_string(&mut body)?;
        }
        Ok(Self {
            status,
            headers,
            body,
            socket,
            events,
        })
    }

    /// The next block, whatever it is.
    #[track_caller]
    pub fn next(&self) -> Event {
        self.next_within(DEADLINE)
            .expect("the stream has ended, or is silent")
    }

    /// The next block, if one comes in time.
    #[must_use]
    pub fn next_within(&self, time: Duration) -> Option<Event> {
        self.events.recv_timeout(time).ok()
    }

    /// The next of the app's events.
    #[track_caller]
    pub fn next_event(&self) -> Event {
        loop {
            let event = self.next();
            if event.is_the_apps() {
                return event;
            }
        }
    }

    /// Expects that no event of the app comes for this time.
    #[track_caller]
    pub fn expect_silence(&self, time: Duration) {
        let end = Instant::now() + time;
        while let Some(left) = end.checked_duration_since(Instant::now()) {
            match self.events.recv_timeout(left) {
                Ok(event) => assert!(!event.is_the_apps(), "{event:?}"),
                Err(RecvTimeoutError::Timeout) => return,
                Err(RecvTimeoutError::Disconnected) => panic!("the stream has ended"),
            }
        }
    }

    /// Whether the server ends it in time, whatever it says until then.
    #[must_use]
    pub fn has_ended(&self) -> bool {
        let end = Instant::now() + DEADLINE;
        loop {
            let left = end.saturating_duration_since(Instant::now());
            match self.events.recv_timeout(left) {
                Ok(_) => {}
                Err(RecvTimeoutError::Disconnected) => return true,
                Err(RecvTimeoutError::Timeout) => return false,
            }
        }
    }
}

impl Drop for Stream {
    fn drop(&mut self) {
        let _ = self.socket.shutdown(Shutdown::Both);
    }
}

/// Status, headers and body of a plain answer.
#[track_caller]
#[must_use]
pub fn get(address: &str, path: &str) -> Stream {
    Stream::open(address, path, None)
}

/// A client that returns whenever its stream ends, as a browser does, and keeps all it has heard.
pub struct Follower {
    events: Receiver<Event>,
    heard: Vec<Event>,
}

impl Follower {
    /// Begins to follow `path`, and waits until the first stream is open.
    #[must_use]
    pub fn start(address: &str, path: &str) -> Self {
        let (sender, events) = channel();
        let (address, path) = (address.to_owned(), path.to_owned());
        let first = Stream::open(&address, &path, None);
        thread::spawn(move || follow(&address, &path, first, &sender));
        Self {
            events,
            heard: Vec::new(),
        }
    }

    /// Waits until `count` of the app's events have been heard in all, and gives them.
    #[track_caller]
    pub fn wait_for(&mut self, count: usize, time: Duration) -> &[Event] {
        let end = Instant::now() + time;
        while self.heard.len() < count {
            let left = end.saturating_duration_since(Instant::now());
            match self.events.recv_timeout(left) {
                Ok(event) => self.heard.push(event),
                Err(error) => panic!("{} of {count} events: {error}", self.heard.len()),
            }
        }
        &self.heard
    }

    /// What else comes within this time.
    pub fn rest(&mut self, time: Duration) -> Vec<Event> {
        let end = Instant::now() + time;
        let mut rest = Vec::new();
        while let Ok(event) = self
            .events
            .recv_timeout(end.saturating_duration_since(Instant::now()))
        {
            rest.push(event);
        }
        rest
    }
}

/// Tells of every event of the app, and of every gap.
fn follow(address: &str, path: &str, first: Stream, sender: &Sender<Event>) {
    let mut last_id: Option<String> = None;
    let mut retry = 1_000;
    let mut stream = Some(first);
    loop {
        let open = stream
            .take()
            .or_else(|| Stream::try_open(address, path, last_id.as_deref()).ok());
        if let Some(open) = open.filter(|open| open.status == 200) {
            while let Ok(event) = open.events.recv() {
                retry = event.retry.unwrap_or(retry);
                last_id = event.id.clone().or(last_id);
                if (event.is_the_apps() || event.name() == "sse.gap") && sender.send(event).is_err()
                {
                    return;
                }
            }
        }
        // As long as a browser waits.
        thread::sleep(Duration::from_millis(retry));
    }
}

fn head(reader: &mut impl BufRead) -> io::Result<(u16, HashMap<String, String>)> {
    let mut line = String::new();
    reader.read_line(&mut line)?;
    let status = line
        .split_whitespace()
        .nth(1)
        .and_then(|status| status.parse().ok())
        .ok_or_else(|| io::Error::new(io::ErrorKind::InvalidData, format!("no HTTP: {line:?}")))?;
    let mut headers = HashMap::new();
    loop {
        line.clear();
        reader.read_line(&mut line)?;
        match line.trim_end().split_once(':') {
            Some((name, value)) => headers.insert(name.to_lowercase(), value.trim().to_owned()),
            None => return Ok((status, headers)),
        };
    }
}

/// Decodes chunks, and in them blocks. What is unfinished when the connection breaks is dropped,
/// as the standard says.
fn read_events(mut reader: impl BufRead, sender: &Sender<Event>) {
    let mut text = Vec::new();
    let mut size = String::new();
    loop {
        size.clear();
        if reader.read_line(&mut size).is_err() {
            return;
        }
        let Ok(length) = usize::from_str_radix(size.trim(), 16) else {
            return;
        };
        let mut chunk = vec![0; length + 2];
        if length == 0 || reader.read_exact(&mut chunk).is_err() {
            return;
        }
        text.extend_from_slice(&chunk[..length]);
        while let Some(end) = text.windows(2).position(|pair| pair == b"\n\n") {
            let block: Vec<u8> = text.drain(..end + 2).collect();
            if sender
                .send(parse(std::str::from_utf8(&block).unwrap()))
                .is_err()
            {
                return;
            }
        }
    }
}

fn parse(block: &str) -> Event {
    let mut event = Event::default();
    for line in block
        .lines()
        .filter(|line| !line.is_empty() && !line.starts_with(':'))
    {
        let (field, value) = line.split_once(": ").unwrap_or((line, ""));
        match field {
            "id" => event.id = Some(value.to_owned()),
            "event" => event.event = Some(value.to_owned()),
            "retry" => event.retry = Some(value.parse().unwrap()),
            "data" => match &mut event.data {
                Some(data) => {
                    data.push('\n');
                    data.push_str(value);
                }
                None => event.data = Some(value.to_owned()),
            },
            other => panic!("unknown field {other:?} in {block:?}"),
        }
    }
    event
}
