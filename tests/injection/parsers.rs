//! Three parsers of other projects: Chromium's, one for Node.js, and one in Rust.

use std::{
    convert::Infallible,
    io::{BufRead, BufReader, Write},
    pin::pin,
    process::{Command, Stdio},
    sync::mpsc::{Receiver, Sender, channel},
    task::{Context, Poll, Waker},
    thread,
    time::{Duration, Instant},
};

use bytes::Bytes;
use futures_util::{Stream, stream};
use support::{Browser, Running, Server, http, until, workspace};

use crate::digest;

/// Longer than a batch takes on a busy machine.
const BATCH_TIMEOUT: Duration = Duration::from_secs(60);

/// An event as one parser returned it.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(crate) struct ParsedEvent {
    pub(crate) id: String,
    pub(crate) name: String,
    pub(crate) time: String,
    pub(crate) text: String,
    /// Digest of the result of `JSON.parse`; only the parsers in JavaScript have it.
    pub(crate) value: Option<String>,
    /// Digest of the data without envelope. Of an event with envelope, it is what the data must be, and only the
    /// parsers in JavaScript have it.
    pub(crate) alone: Option<String>,
}

impl ParsedEvent {
    fn from_javascript([id, name, time, text, value, alone]: [String; 6]) -> Self {
        Self {
            id,
            name,
            time,
            text,
            value: (!value.is_empty()).then_some(value),
            alone: Some(alone),
        }
    }
}

/// All of them, connected to one server, each with one stream in each format.
pub(crate) struct Parsers {
    browser: Browser,
    envelope: StreamParsers,
    value: StreamParsers,
}

/// What a stream sends as data.
struct Format {
    /// As `page.js` and `decode.mjs` call it.
    name: &'static str,
    query: &'static str,
    from_sseer: fn(&sseer::event::Event) -> ParsedEvent,
}

const ENVELOPE: Format = Format {
    name: "envelope",
    query: "",
    from_sseer,
};

const VALUE: Format = Format {
    name: "value",
    query: "?data=value",
    from_sseer: from_sseer_alone,
};

/// The parsers of the streams in one format. Those in Rust and for Node.js get the same bytes.
struct StreamParsers {
    probe: String,
    node: Receiver<ParsedEvent>,
    rust: Receiver<ParsedEvent>,
    _node: Running,
}

impl Parsers {
    pub(crate) fn connect(server: &Server, names: &[String]) -> Self {
        let browser = Browser::start();
        browser.open(&server.url("/js/sse.js"));
        for script in ["digest.js", "page.js"] {
            let path = workspace().join("tests/injection").join(script);
            browser.execute(&std::fs::read_to_string(path).unwrap());
        }
        Self {
            envelope: StreamParsers::connect(&browser, server, names, &ENVELOPE),
            value: StreamParsers::connect(&browser, server, names, &VALUE),
            browser,
        }
    }

    /// The next `count` events from each parser, in the order Rust, Node.js, Chromium.
    pub(crate) fn next(&self, count: usize) -> [Vec<ParsedEvent>; 3] {
        self.envelope.next(&self.browser, count)
    }

    /// The same without envelope.
    pub(crate) fn next_alone(&self, count: usize) -> [Vec<ParsedEvent>; 3] {
        self.value.next(&self.browser, count)
    }

    /// Whether no other event has arrived.
    pub(crate) fn have_no_more(&self) -> bool {
        let mut streams = [&self.envelope, &self.value].into_iter();
        streams.all(|stream| stream.has_no_more(&self.browser))
    }

    /// The data that Chromium received with this id, for failure messages.
    pub(crate) fn data(&self, id: &str) -> String {
        let data = [&self.envelope, &self.value].map(|stream| {
            let script = format!("{}.newest.get('{id}') ?? ''", stream.probe);
            self.browser.evaluate(&script).to_string()
        });
        data.join(" and without envelope ")
    }
}

impl StreamParsers {
    fn connect(browser: &Browser, server: &Server, names: &[String], format: &Format) -> Self {
        let mut decoder = decoder(format);
        let mut input = decoder.stdin.take().unwrap();
        let output = BufReader::new(decoder.stdout.take().unwrap());
        let (sender, node) = channel();
        thread::spawn(move || {
            for line in output.lines() {
                let event = serde_json::from_str(&line.unwrap()).unwrap();
                if sender.send(ParsedEvent::from_javascript(event)).is_err() {
                    return;
                }
            }
        });

        let chunks = chunks(server.address(), format.query);
        let from_sseer = format.from_sseer;
        let (opened, opens) = channel();
        let (sender, rust) = channel();
        thread::spawn(move || {
            let both =
                chunks.inspect(|chunk| input.write_all(chunk).expect("Node.js reads its input"));
            decode(both, from_sseer, &opened, &sender);
        });
        opens.recv_timeout(BATCH_TIMEOUT).expect("the stream opens");

        let names = serde_json::to_string(names).unwrap();
        let probe = format!("probes.{}", format.name);
        browser.execute(&format!("{probe}.listen({names});"));
        browser.wait(&format!("{probe}.open"));
        Self {
            probe,
            node,
            rust,
            _node: Running(decoder),
        }
    }

    fn next(&self, browser: &Browser, count: usize) -> [Vec<ParsedEvent>; 3] {
        let end = Instant::now() + BATCH_TIMEOUT;
        let received = |parser: &Receiver<ParsedEvent>| -> Vec<ParsedEvent> {
            std::iter::from_fn(|| {
                let left = end.saturating_duration_since(Instant::now());
                parser.recv_timeout(left).ok()
            })
            .take(count)
            .collect()
        };
        [
            received(&self.rust),
            received(&self.node),
            self.next_of_chromium(browser, count, end),
        ]
    }

    fn next_of_chromium(&self, browser: &Browser, count: usize, end: Instant) -> Vec<ParsedEvent> {
        let mut events = Vec::new();
        loop {
            let left = count - events.len();
            let taken = browser.evaluate(&format!("{}.take({left})", self.probe));
            let taken: Vec<[String; 6]> = serde_json::from_value(taken).unwrap();
            events.extend(taken.into_iter().map(ParsedEvent::from_javascript));
            if events.len() == count || Instant::now() > end {
                return events;
            }
        }
    }

    fn has_no_more(&self, browser: &Browser) -> bool {
        let received = format!("{}.received.length", self.probe);
        self.rust.try_recv().is_err()
            && self.node.try_recv().is_err()
            && browser.evaluate(&received) == 0
    }
}

fn decoder(format: &Format) -> std::process::Child {
    let here = workspace().join("tests/injection");
    assert!(
        here.join("node_modules/eventsource-parser").is_dir(),
        "a parser is missing\nhelp: run `tests/setup`"
    );
    Command::new("node")
        .arg(here.join("decode.mjs"))
        .arg(format.name)
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .spawn()
        .expect("node is missing: run `tests/setup`")
}

/// The chunks of a stream's body, as they arrive.
fn chunks(address: &str, query: &str) -> impl Iterator<Item = Bytes> + Send + use<> {
    let request = format!("GET /sse/stream{query} HTTP/1.1\r\nHost: {address}\r\n\r\n");
    let response = http::send(address, request.as_bytes()).unwrap();
    response.into_chunks().map(Bytes::from)
}

fn decode(
    chunks: impl Iterator<Item = Bytes>,
    from_sseer: fn(&sseer::event::Event) -> ParsedEvent,
    opened: &Sender<()>,
    sender: &Sender<ParsedEvent>,
) {
    let bytes = stream::iter(chunks.map(Ok::<_, Infallible>));
    let mut events = pin!(sseer::EventStream::new(bytes));
    while let Poll::Ready(Some(event)) = events
        .as_mut()
        .poll_next(&mut Context::from_waker(Waker::noop()))
    {
        let event = event.expect("the stream is valid UTF-8");
        if &*event.event == "sse.heartbeat" {
            // The receiver is gone once the stream has opened.
            let _ = opened.send(());
            continue;
        }
        if sender.send(from_sseer(&event)).is_err() {
            return;
        }
    }
}

fn from_sseer(event: &sseer::event::Event) -> ParsedEvent {
    let data = &*event.data;
    let parts = data
        .strip_prefix("{\"timestamp\":\"")
        .and_then(|rest| rest.split_once("\",\"value\":"))
        .and_then(|(time, value)| Some((time, value.strip_suffix('}')?)));
    let (time, value) = parts.unwrap_or(("no envelope", data));
    ParsedEvent {
        id: event.id.to_string(),
        name: event.event.to_string(),
        time: time.to_owned(),
        text: digest::digest_text(value),
        ..ParsedEvent::default()
    }
}

fn from_sseer_alone(event: &sseer::event::Event) -> ParsedEvent {
    ParsedEvent {
        id: event.id.to_string(),
        name: event.event.to_string(),
        alone: Some(digest::digest_text(&event.data)),
        ..ParsedEvent::default()
    }
}

/// Waits until the drop-in at `path` was ingested or set aside.
pub(crate) fn wait_until_taken(path: &std::path::Path) {
    until("the drop-in is taken", || (!path.exists()).then_some(()));
}
