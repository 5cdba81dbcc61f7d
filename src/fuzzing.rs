//! What must hold of bytes that others write, whatever they are. The fuzz targets call these
//! functions with bytes of libFuzzer's, and a test of this crate with the corpora that libFuzzer
//! left and with mutations of them. Each panics where its property does not hold.
#![allow(
    missing_docs,
    clippy::expect_used,
    clippy::unwrap_used,
    reason = "this exists in no build that anybody uses, and a property that fails must be seen"
)]

#[cfg(test)]
pub(crate) mod decode;
#[cfg(test)]
mod tests;

use std::{
    fs,
    time::{Duration, SystemTime},
};

use actix_web::{
    http::{Uri, header::HeaderValue},
    test::TestRequest,
};
use serde_json::value::RawValue;

use crate::{
    Config, Subscription,
    config::Events,
    entry,
    entry::Entry,
    epoch::Epoch,
    error::{Error, ErrorKind},
    http::LastEventId,
    hub, ingest,
};

/// An event as a parser hands it out: id, name and data.
pub type Decoded = (String, String, String);

const EPOCH: Epoch = Epoch(0x00c0_ffee);

/// `SSE_EVENTS`: what is read follows the rules for names and keys, arrives under these names, and
/// what is wrong is said in one line.
pub fn events(bytes: &[u8], decode: impl Fn(&[u8]) -> Vec<Decoded>) {
    let Ok(text) = std::str::from_utf8(bytes) else {
        return;
    };
    match Events::parse(text) {
        Ok(events) => {
            follows_the_rules(&events);
            for key in events.keys() {
                let value = RawValue::from_string("1".into()).unwrap();
                let document = entry::document(key, value, Duration::ZERO, SystemTime::UNIX_EPOCH);
                let entry = Entry::parse(EPOCH, 7, &document).expect("what we wrote we can read");
                arrives(&entry, &events, &decode);
            }
        }
        Err(why) => is_one_line(&Error::new(ErrorKind::Config, why)),
    }
}

/// A whole `.env`: what is read is within its bounds; what is wrong is said in one line that is
/// there, and never with the text of another setting.
pub fn env(bytes: &[u8]) {
    const SECRET: &str = "correct-horse-battery-staple";
    let dir = tempfile::tempdir_in(memory()).unwrap();
    let mut text = format!("PASSWORD={SECRET}\n").into_bytes();
    text.extend_from_slice(bytes);
    text.extend_from_slice(format!("\nPASSWORD={SECRET}\n").as_bytes());
    fs::write(dir.path().join(".env"), &text).unwrap();
    match Config::from_dir(dir.path()) {
        Ok(config) => {
            follows_the_rules(config.events());
            let longest = Duration::from_secs(100 * 365 * 24 * 60 * 60);
            assert!(config.stream_duration() <= longest && config.ttl() <= longest);
            let poll = config.poll_interval().as_secs_f64();
            assert!((0.05..=3600.0).contains(&poll), "{poll}");
            assert!(config.max_connections() > 0);
            for origin in config.allowed_origins() {
                assert!(
                    origin.bytes().all(|byte| byte.is_ascii_graphic()),
                    "{origin:?}"
                );
            }
        }
        Err(error) => {
            is_one_line(&error);
            let lines = 1 + text.iter().filter(|byte| **byte == b'\n').count();
            let line = error.location().and_then(crate::Location::line_number);
            assert!(
                line.is_none_or(|line| (1..=lines).contains(&line)),
                "{error}"
            );
            // One setting may name another, and is shown then as what it stands for.
            if !bytes.contains(&b'$') {
                assert!(!format!("{error} {error:?}").contains(SECRET), "{error}");
            }
        }
    }
}

/// An entry's file: what is read becomes frames from which a parser gets exactly its events.
pub fn entry(bytes: &[u8], decode: impl Fn(&[u8]) -> Vec<Decoded>) {
    match Entry::parse(EPOCH, 42, bytes) {
        Ok(entry) => {
            serde_json::from_str::<serde::de::IgnoredAny>(&entry.data())
                .expect("the envelope is JSON");
            let events = Events::parse("first:k,second:k,third:k").unwrap();
            arrives(&entry, &events, decode);
        }
        Err(why) => assert!(!why.contains(char::is_control), "{why:?}"),
    }
}

/// A drop-in, and so a record of CodeIgniter: what is read is a value that an entry keeps as it is;
/// a record is no deeper than is allowed.
pub fn drop_in(bytes: &[u8]) {
    match ingest::fuzzing::value(bytes) {
        Ok((value, is_record)) => {
            assert_eq!(value.get().trim(), value.get());
            if is_record {
                let parsed: serde_json::Value = serde_json::from_str(value.get()).unwrap();
                assert!(depth(&parsed) <= 64, "{parsed}");
            }
            let text = value.get().to_owned();
            let document = entry::document("k", value, Duration::ZERO, SystemTime::UNIX_EPOCH);
            let entry = Entry::parse(EPOCH, 1, &document).expect("what we wrote we can read");
            assert_eq!(entry.value(), text);
        }
        Err(why) => assert!(!why.contains(char::is_control), "{why:?}"),
    }
}

/// A client's id: it is none, or not ours, or displays as it was read.
pub fn last_event_id(bytes: &[u8]) {
    match LastEventId::parse(bytes) {
        None => assert!(bytes.is_empty()),
        Some(LastEventId::Ours(id)) => assert_eq!(id.to_string().as_bytes(), bytes),
        Some(LastEventId::Unknown) => {}
    }
    if let Ok(value) = HeaderValue::from_bytes(bytes) {
        let request = TestRequest::with_uri("/s").insert_header(("last-event-id", value));
        let read = Subscription::from_request(&request.to_http_request()).unwrap();
        assert_eq!(read.last_event_id, LastEventId::parse(bytes));
    }
    if let Ok(uri) = Uri::try_from([b"/s?", bytes].concat()) {
        let request = TestRequest::with_uri(&uri.to_string()).to_http_request();
        let events = Events::parse("a:k,b:k").unwrap();
        let read = Subscription::from_request(&request);
        if let Err(error) = read.and_then(|read| read.check(&events)) {
            assert_eq!(error.kind(), ErrorKind::Request);
            is_one_line(&error);
        }
    }
}

fn follows_the_rules(events: &Events) {
    assert!(events.iter().next().is_some());
    for (event, key) in events.iter() {
        assert!(!event.is_empty() && event == event.trim(), "{event:?}");
        assert!(
            !event.contains(|c: char| c.is_control() || ":,".contains(c)),
            "{event:?}"
        );
        assert!(
            !matches!(event, "open" | "error" | "*") && !event.starts_with("sse."),
            "{event:?}"
        );
        assert!(
            (1..=255).contains(&key.len()) && key == key.trim(),
            "{key:?}"
        );
        assert!(!key.starts_with('.'), "{key:?}");
        assert!(
            !key.contains(|c: char| c.is_control() || "{}()/\\@:,".contains(c)),
            "{key:?}"
        );
    }
}

/// Each frame alone, and all behind one another, decode to the entry's events and nothing else.
fn arrives(entry: &Entry, events: &Events, decode: impl Fn(&[u8]) -> Vec<Decoded>) {
    let frames = hub::fuzzing::frames_of(entry, events);
    let names: Vec<&str> = events.of_key(entry.key()).collect();
    assert_eq!(frames.len(), names.len());
    let data = entry.data().replace("\r\n", "\n").replace('\r', "\n");
    let last = names.len();
    let wanted: Vec<Decoded> = names
        .into_iter()
        .enumerate()
        .map(|(at, name)| {
            let id = match at + 1 {
                part if part == last => entry.id(),
                part => format!("{}.{part}", entry.id()),
            };
            (id, name.to_owned(), data.clone())
        })
        .collect();
    assert_eq!(decode(&frames.concat()), wanted);
    for (frame, wanted) in frames.iter().zip(wanted) {
        assert_eq!(decode(frame), [wanted]);
    }
}

fn is_one_line(error: &Error) {
    let text = format!("{error}{}", error.help().unwrap_or_default());
    assert!(!text.contains(char::is_control), "{text:?}");
    assert!(!error.to_string().is_empty());
}

fn depth(value: &serde_json::Value) -> usize {
    match value {
        serde_json::Value::Array(items) => 1 + items.iter().map(depth).max().unwrap_or(0),
        serde_json::Value::Object(fields) => 1 + fields.values().map(depth).max().unwrap_or(0),
        _ => 0,
    }
}

/// Files that nobody needs afterwards do not have to reach a disk.
fn memory() -> std::path::PathBuf {
    let memory = std::path::Path::new("/dev/shm");
    if memory.is_dir() {
        memory.to_owned()
    } else {
        std::env::temp_dir()
    }
}
