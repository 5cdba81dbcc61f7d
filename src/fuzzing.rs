//! Properties that must hold for any input from outside. The fuzz targets call these functions with
//! input from libFuzzer, and a test of this crate calls them with the saved corpora and mutations of
//! them. Each function panics if its property does not hold.
#![allow(
    missing_docs,
    clippy::expect_used,
    clippy::unwrap_used,
    reason = "only fuzz targets and tests contain this module, and a violation must panic"
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
use bytes::Bytes;
use serde_json::value::RawValue;

use crate::{
    Config, Subscription, audience,
    config::{Events, Pair},
    entry,
    entry::{Entry, UnreadableEntry},
    epoch::Epoch,
    error::{Error, ErrorKind},
    http::LastEventId,
    hub::{self, DataFormat},
    ingest,
};

/// A parsed event: id, name and data.
pub type Decoded = (String, String, String);

const EPOCH: Epoch = Epoch(0x00c0_ffee);

/// `SSE_EVENTS`: an accepted list follows the rules for names and keys, and its events arrive under
/// these names; the error of a rejected list is one line.
pub fn check_events(bytes: &[u8], decode: impl Fn(&[u8]) -> Vec<Decoded>) {
    let Ok(text) = std::str::from_utf8(bytes) else {
        return;
    };
    match Events::parse(text) {
        Ok(events) => {
            assert_follows_rules(&events);
            assert_eq!(Events::parse(&events.to_string()).as_ref(), Ok(&events));
            for key in events.keys() {
                let value = RawValue::from_string("1".into()).unwrap();
                let document =
                    entry::encode_document(key, value, Duration::ZERO, SystemTime::UNIX_EPOCH);
                let entry = Entry::parse(EPOCH, 7, &document)
                    .expect("a document that we wrote can be read");
                assert_arrives(&entry, &events, &decode);
            }
        }
        Err(reason) => assert_one_line(&Error::new(ErrorKind::Config, reason)),
    }
}

/// A complete `.env`: accepted values are within their bounds; an error is one line, names an existing
/// line of the file, and never contains the value of another setting.
pub fn check_env(bytes: &[u8]) {
    const SECRET: &str = "correct-horse-battery-staple";
    let dir = tempfile::tempdir_in(temp_folder()).unwrap();
    let mut text = format!("PASSWORD={SECRET}\n").into_bytes();
    text.extend_from_slice(bytes);
    text.extend_from_slice(format!("\nPASSWORD={SECRET}\n").as_bytes());
    fs::write(dir.path().join(".env"), &text).unwrap();
    match Config::from_dir(dir.path()) {
        Ok(config) => {
            assert_follows_rules(config.events());
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
            assert_one_line(&error);
            let lines = 1 + text.iter().filter(|byte| **byte == b'\n').count();
            let line = error.location().and_then(crate::Location::line_number);
            assert!(
                line.is_none_or(|line| (1..=lines).contains(&line)),
                "{error}"
            );
            // A setting may refer to another (`$PASSWORD`), and its error shows the expanded value.
            if !bytes.contains(&b'$') {
                assert!(!format!("{error} {error:?}").contains(SECRET), "{error}");
            }
        }
    }
}

/// An entry's file: an accepted entry is encoded as frames that a parser decodes to its events only, and the names
/// of its audiences follow the rules.
pub fn check_entry(bytes: &[u8], decode: impl Fn(&[u8]) -> Vec<Decoded>) {
    match Entry::parse(EPOCH, 42, bytes) {
        Ok(entry) => {
            serde_json::from_str::<serde::de::IgnoredAny>(&entry.data())
                .expect("the envelope is JSON");
            for name in entry.audiences().chain(entry.revoked_audience()) {
                audience::validate(name).expect("the name of an audience follows the rules");
            }
            let events = Events::parse("first:k,second:k,third:k").unwrap();
            assert_arrives(&entry, &events, decode);
        }
        Err(UnreadableEntry { reason, .. }) => {
            assert!(!reason.contains(char::is_control), "{reason:?}");
        }
    }
}

/// A drop-in or a CodeIgniter record: an accepted value is unchanged in its entry, a record is not
/// nested too deeply, and bytes that follow it change nothing.
pub fn check_drop_in(bytes: &[u8]) {
    match ingest::parse(bytes).map(|content| content.value) {
        Ok(value) => {
            assert_eq!(value.get().trim(), value.get());
            if ingest::starts_like_array(bytes) {
                let parsed: serde_json::Value = serde_json::from_str(value.get()).unwrap();
                assert!(depth(&parsed) <= 64, "{parsed}");
                let followed = [bytes, b";}\xff"].concat();
                let same = ingest::parse(&followed).expect("PHP ignores the rest");
                assert_eq!(same.value.get(), value.get());
            }
            let text = value.get().to_owned();
            let document =
                entry::encode_document("k", value, Duration::ZERO, SystemTime::UNIX_EPOCH);
            let entry =
                Entry::parse(EPOCH, 1, &document).expect("a document that we wrote can be read");
            assert_eq!(entry.value(), text);
        }
        Err(reason) => assert!(!reason.contains(char::is_control), "{reason:?}"),
    }
}

/// A client's `Last-Event-ID`: an accepted id displays as it was parsed.
pub fn check_last_event_id(bytes: &[u8]) {
    match LastEventId::parse(bytes) {
        None => assert!(bytes.is_empty()),
        Some(LastEventId::Valid(id)) => assert_eq!(id.to_string().as_bytes(), bytes),
        Some(LastEventId::Invalid) => {}
    }
    if let Ok(value) = HeaderValue::from_bytes(bytes) {
        let request = TestRequest::with_uri("/s").insert_header(("last-event-id", value));
        let read = Subscription::new(&request.to_http_request());
        assert_eq!(read.last_event_id, LastEventId::parse(bytes));
    }
    if let Ok(uri) = Uri::try_from([b"/s?", bytes].concat()) {
        let request = TestRequest::with_uri(&uri.to_string()).to_http_request();
        let events = Events::parse("a:k,b:k").unwrap();
        let subscription = Subscription::new(&request);
        for name in subscription.asked() {
            audience::validate(name).expect("a name that is asked for follows the rules");
        }
        if let Err(error) = subscription.check(&events) {
            assert_eq!(error.kind(), ErrorKind::Request);
            assert_one_line(&error);
        }
    }
}

fn assert_follows_rules(events: &Events) {
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

/// Each frame alone, and all frames concatenated, decode to the entry's events and nothing else.
fn assert_arrives(entry: &Entry, events: &Events, decode: impl Fn(&[u8]) -> Vec<Decoded>) {
    let frames = hub::encode_entry(entry, events).expect("allowed event names can be encoded");
    let pairs = match entry.has_value() {
        true => events.pairs_of_key(entry.key()),
        false => Vec::new(),
    };
    assert_eq!(frames.len(), pairs.len());
    for (format, data) in [
        (DataFormat::Envelope, entry.data()),
        (DataFormat::Value, text(entry.value())),
    ] {
        let frames = frames.iter().map(|frame| frame.bytes(format, &mut 0));
        let frames: Vec<Bytes> = frames.cloned().collect();
        assert_decode_to(&frames, entry, &pairs, &data, &decode);
    }
}

/// The text of a JSON string, with a replacement for each lone surrogate, and otherwise the JSON.
fn text(json: &str) -> String {
    let Some(escaped) = json
        .strip_prefix('"')
        .and_then(|text| text.strip_suffix('"'))
    else {
        return json.into();
    };
    let mut units = Vec::new();
    let mut rest = escaped.chars();
    while let Some(c) = rest.next() {
        let unescaped = match c {
            '\\' => match rest.next().expect("an escape is complete") {
                'b' => '\u{8}',
                'f' => '\u{c}',
                'n' => '\n',
                'r' => '\r',
                't' => '\t',
                'u' => {
                    let digits: String = rest.by_ref().take(4).collect();
                    units.push(u16::from_str_radix(&digits, 16).expect("four digits"));
                    continue;
                }
                same => same,
            },
            c => c,
        };
        units.extend_from_slice(unescaped.encode_utf16(&mut [0; 2]));
    }
    String::from_utf16_lossy(&units)
}

fn assert_decode_to(
    frames: &[Bytes],
    entry: &Entry,
    pairs: &[&Pair],
    data: &str,
    decode: impl Fn(&[u8]) -> Vec<Decoded>,
) {
    let data = data.replace("\r\n", "\n").replace('\r', "\n");
    let expected: Vec<Decoded> = pairs
        .iter()
        .map(|pair| {
            let is_last = pairs.last().is_some_and(|last| last.part == pair.part);
            let id = if is_last {
                entry.id().to_string()
            } else {
                format!("{}.{:08x}", entry.id(), pair.part)
            };
            (id, pair.event.to_string(), data.clone())
        })
        .collect();
    assert_eq!(decode(&frames.concat()), expected);
    for (frame, expected) in frames.iter().zip(expected) {
        assert_eq!(decode(frame), [expected]);
    }
}

fn assert_one_line(error: &Error) {
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

/// A folder in memory if the system has one: temporary files need not reach a disk.
fn temp_folder() -> std::path::PathBuf {
    let in_memory = std::path::Path::new("/dev/shm");
    if in_memory.is_dir() {
        in_memory.to_owned()
    } else {
        std::env::temp_dir()
    }
}
