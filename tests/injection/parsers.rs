//! Three parsers that others wrote: Chromium's, one for Node.js, and one in Rust.

use std::{
    convert::Infallible,
    io::{BufRead, BufReader, Read, Write},
    net::TcpStream,
    pin::pin,
    process::{Command, Stdio},
    sync::mpsc::{Receiver, Sender, channel},
    task::{Context, Poll, Waker},
    thread,
    time::{Duration, Instant},
};

use bytes::Bytes;
use futures_util::{Stream, stream};
use support::{Browser, Running, Server, until, workspace};

use crate::digest;

/// Longer than a batch takes anywhere.
const PATIENCE: Duration = Duration::from_secs(60);

/// An event as one parser gave it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Heard {
    pub(crate) id: String,
    pub(crate) name: String,
    pub(crate) time: String,
    pub(crate) text: String,
    /// Digest of what JSON.parse made of it; only JavaScript has it.
    pub(crate) value: Option<String>,
}

impl Heard {
    fn of_javascript([id, name, time, text, value]: [String; 5]) -> Self {
        Self {
            id,
            name,
            time,
            text,
            value: Some(value),
        }
    }
}

/// All of them, listening to one server. The one in Rust and Node's get the same bytes.
pub(crate) struct Parsers {
    browser: Browser,
    node: Receiver<Heard>,
    rust: Receiver<Heard>,
    _node: Running,
}

impl Parsers {
    pub(crate) fn listen(server: &Server, names: &[String]) -> Self {
        let mut decoder = decoder();
        let mut input = decoder.stdin.take().unwrap();
        let output = BufReader::new(decoder.stdout.take().unwrap());
        let (sender, node) = channel();
        thread::spawn(move || {
            for line in output.lines() {
                let event = serde_json::from_str(&line.unwrap()).unwrap();
                if sender.send(Heard::of_javascript(event)).is_err() {
                    return;
                }
            }
        });

        let chunks = chunks(server.address());
        let (opened, opens) = channel();
        let (sender, rust) = channel();
        thread::spawn(move || {
            let both = chunks.inspect(|chunk| input.write_all(chunk).expect("Node reads"));
            decode(both, &opened, &sender);
        });
        opens.recv_timeout(PATIENCE).expect("the stream begins");

        let browser = Browser::start();
        browser.open(&server.url("/js/sse.js"));
        for script in ["digest.js", "page.js"] {
            let path = workspace().join("tests/injection").join(script);
            browser.execute(&std::fs::read_to_string(path).unwrap());
        }
        let names = serde_json::to_string(names).unwrap();
        browser.execute(&format!("probe.listen({names});"));
        browser.wait("probe.open");
        Self {
            browser,
            node,
            rust,
            _node: Running(decoder),
        }
    }

    /// The next `count` events from each parser, in the order Rust, Node.js, Chromium.
    pub(crate) fn next(&self, count: usize) -> [Vec<Heard>; 3] {
        let end = Instant::now() + PATIENCE;
        let received = |parser: &Receiver<Heard>| -> Vec<Heard> {
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
            self.of_chromium(count, end),
        ]
    }

    fn of_chromium(&self, count: usize, end: Instant) -> Vec<Heard> {
        let mut heard = Vec::new();
        loop {
            let taken = self
                .browser
                .evaluate(&format!("probe.take({})", count - heard.len()));
            let taken: Vec<[String; 5]> = serde_json::from_value(taken).unwrap();
            heard.extend(taken.into_iter().map(Heard::of_javascript));
            if heard.len() == count || Instant::now() > end {
                return heard;
            }
        }
    }

    /// Whether nothing more has come than was asked for.
    pub(crate) fn have_no_more(&self) -> bool {
        self.rust.try_recv().is_err()
            && self.node.try_recv().is_err()
            && self.browser.evaluate("probe.heard.length") == 0
    }

    /// The data that Chromium was given for this id, for whoever looks for a fault.
    pub(crate) fn data(&self, id: &str) -> String {
        self.browser
            .evaluate(&format!("probe.newest.get('{id}') ?? ''"))
            .to_string()
    }
}

fn decoder() -> std::process::Child {
    let here = workspace().join("tests/injection");
    assert!(
        here.join("node_modules/eventsource-parser").is_dir(),
        "a parser is missing: run `npm ci --prefix tests/injection`"
    );
    Command::new("node")
        .arg(here.join("decode.mjs"))
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .spawn()
        .expect("node is missing: install the packages that `tests/run` names")
}

/// The chunks of a stream's body, as they come.
fn chunks(address: &str) -> impl Iterator<Item = Bytes> + Send + use<> {
    let mut socket = TcpStream::connect(address).unwrap();
    write!(
        socket,
        "GET /sse/stream HTTP/1.1\r\nHost: {address}\r\n\r\n"
    )
    .unwrap();
    let mut reader = BufReader::new(socket);
    let mut line = String::new();
    while line != "\r\n" {
        line.clear();
        reader.read_line(&mut line).unwrap();
    }
    std::iter::from_fn(move || {
        line.clear();
        reader.read_line(&mut line).ok()?;
        let length = usize::from_str_radix(line.trim(), 16)
            .ok()
            .filter(|length| *length > 0)?;
        let mut chunk = vec![0; length + 2];
        reader.read_exact(&mut chunk).ok()?;
        chunk.truncate(length);
        Some(chunk.into())
    })
}

fn decode(chunks: impl Iterator<Item = Bytes>, opened: &Sender<()>, sender: &Sender<Heard>) {
    let bytes = stream::iter(chunks.map(Ok::<_, Infallible>));
    let mut events = pin!(sseer::EventStream::new(bytes));
    while let Poll::Ready(Some(event)) = events
        .as_mut()
        .poll_next(&mut Context::from_waker(Waker::noop()))
    {
        let event = event.expect("a stream is UTF-8");
        if &*event.event == "sse.heartbeat" {
            // Nobody listens any more once it has opened.
            let _ = opened.send(());
            continue;
        }
        let heard = heard_in_rust(&event);
        if sender.send(heard).is_err() {
            return;
        }
    }
}

fn heard_in_rust(event: &sseer::event::Event) -> Heard {
    let data = &*event.data;
    let parts = data
        .strip_prefix("{\"timestamp\":\"")
        .and_then(|rest| rest.split_once("\",\"value\":"))
        .and_then(|(time, value)| Some((time, value.strip_suffix('}')?)));
    let (time, value) = parts.unwrap_or(("no envelope", data));
    Heard {
        id: event.id.to_string(),
        name: event.event.to_string(),
        time: time.to_owned(),
        text: digest::of_text(value),
        value: None,
    }
}

/// Waits until `path` is gone: taken, or set aside.
pub(crate) fn gone(path: &std::path::Path) {
    until("the drop-in is taken", || (!path.exists()).then_some(()));
}
