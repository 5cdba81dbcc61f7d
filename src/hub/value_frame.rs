//! Events whose data is the saved value alone.

use std::fmt;

use actix_web_lab::sse;
use bytes::Bytes;
use serde::{
    Deserialize, Deserializer,
    de::{Error, Visitor},
};
use serde_json::value::RawValue;

use super::frame::encode_event;

/// The name of events without an `event` field.
const DEFAULT_EVENT: &str = "message";

/// What a lone surrogate becomes: UTF-8 cannot encode it.
const REPLACEMENT: [u8; 3] = *b"\xef\xbf\xbd";

#[derive(Deserialize)]
struct Envelope<'a> {
    #[serde(borrow)]
    value: &'a RawValue,
}

/// Encodes an event again, with its value alone instead of the envelope: a JSON string as its text, and any
/// other value as JSON.
///
/// It starts from the encoded frame, because to keep the entry as well would double the memory of the ring.
/// The encoder has replaced line ends between the tokens of the JSON, which parsers would do anyway.
pub(super) fn encode_value(event: &str, frame: &[u8]) -> Bytes {
    let frame = std::str::from_utf8(frame).expect("a frame is UTF-8");
    let envelope = field_lines(frame, "data: ").collect::<Vec<_>>().join("\n");
    let Envelope { value } =
        serde_json::from_str(&envelope).expect("the data of a frame is an envelope");
    let mut data = sse::Data::new(text(value));
    if let Some(id) = field_lines(frame, "id: ").next() {
        data.set_id(id);
    }
    if event != DEFAULT_EVENT {
        data.set_event(event);
    }
    encode_event(data).expect("the same name and id were encoded before")
}

fn field_lines<'a>(frame: &'a str, name: &'a str) -> impl Iterator<Item = &'a str> {
    let lines = frame.lines();
    lines.filter_map(move |line| line.strip_prefix(name))
}

/// The value of a frame with the envelope, as JSON.
pub(super) fn value_json(frame: &[u8]) -> Option<String> {
    let frame = std::str::from_utf8(frame).ok()?;
    let envelope = field_lines(frame, "data: ").collect::<Vec<_>>().join("\n");
    let Envelope { value } = serde_json::from_str(&envelope).ok()?;
    Some(value.get().to_owned())
}

/// The text of a JSON string, and otherwise the JSON.
fn text(value: &RawValue) -> String {
    let json = value.get();
    if !json.starts_with('"') {
        return json.to_owned();
    }
    let JsonText(text) = serde_json::from_str(json).expect("the value of an entry is JSON");
    text
}

/// The text of a JSON string. A string of serde refuses lone surrogates.
struct JsonText(String);

impl<'de> Deserialize<'de> for JsonText {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        deserializer.deserialize_bytes(JsonTextVisitor)
    }
}

struct JsonTextVisitor;

impl Visitor<'_> for JsonTextVisitor {
    type Value = JsonText;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("a string")
    }

    /// serde_json encodes a lone surrogate like any other character, in three bytes of which the first is
    /// `ED` and the second above `9F`. No other character has such bytes.
    fn visit_bytes<E: Error>(self, bytes: &[u8]) -> Result<JsonText, E> {
        let mut bytes = bytes.to_vec();
        let mut rest = &mut bytes[..];
        while let Some(at) = rest.iter().position(|byte| *byte == 0xed) {
            let (character, after) = rest[at..].split_at_mut(REPLACEMENT.len());
            if character[1] > 0x9f {
                character.copy_from_slice(&REPLACEMENT);
            }
            rest = after;
        }
        String::from_utf8(bytes).map(JsonText).map_err(E::custom)
    }
}

#[cfg(test)]
mod tests {
    use std::time::{Duration, SystemTime};

    use super::*;
    use crate::{
        config::Events,
        entry::{self, Entry},
        epoch::Epoch,
        hub::frame::{DataFormat, encode_entry},
    };

    fn encoded(events: &str, value: &str) -> Vec<String> {
        let value = RawValue::from_string(value.into()).unwrap();
        let document = entry::encode_document("k", value, Duration::ZERO, SystemTime::UNIX_EPOCH);
        let entry = Entry::parse(Epoch(0xabc), 42, &document).unwrap();
        let frames = encode_entry(&entry, &Events::parse(events).unwrap()).unwrap();
        let bytes = frames
            .iter()
            .map(|frame| frame.bytes(DataFormat::Value, &mut 0));
        bytes
            .map(|bytes| String::from_utf8(bytes.to_vec()).unwrap())
            .collect()
    }

    /// The lines of the event's data.
    #[track_caller]
    fn assert_data(value: &str, lines: &[&str]) {
        let data: String = lines.iter().map(|line| format!("data: {line}\n")).collect();
        let frame = format!("id: 0000000000000abc-42\nevent: a\n{data}\n");
        assert_eq!(encoded("a:k", value), [frame]);
    }

    #[test]
    fn a_string_is_sent_as_its_text_and_another_value_as_json() {
        assert_data(r#""<b>\"1\" \u003c 2</b>""#, &["<b>\"1\" < 2</b>"]);
        assert_data(r#"{"value": ["\n", 1.0]}"#, &[r#"{"value": ["\n", 1.0]}"#]);
        assert_data("1e3", &["1e3"]);
        assert_data("null", &["null"]);
    }

    #[test]
    fn every_line_of_a_text_is_a_field_of_its_own() {
        assert_data(
            r#""a\nid: 1\r\n\r\revent: b""#,
            &["a", "id: 1", "", "", "event: b"],
        );
        assert_data(r#""\n""#, &["", ""]);
        assert_data("{\r\"n\":\r\n1}", &["{", "\"n\":", "1}"]);
    }

    #[test]
    fn a_text_is_sent_unchanged_even_if_it_is_empty_or_starts_with_a_space() {
        assert_data(r#""""#, &[""]);
        assert_data(r#"" a ""#, &[" a "]);
        assert_data(
            r#"":\u0000\u2028\ufeff\u0085""#,
            &[":\0\u{2028}\u{feff}\u{85}"],
        );
    }

    #[test]
    fn a_lone_surrogate_becomes_the_replacement_character() {
        assert_data(
            r#""\ud800a\ud83d\ude00\udc00\ud7ff\ue000""#,
            &["\u{fffd}a😀\u{fffd}\u{d7ff}\u{e000}"],
        );
    }

    #[test]
    fn the_event_named_message_has_no_event_field() {
        let frames = encoded("message:k,other:k", "1");
        let fields = frames.iter().map(|frame| frame.lines().count());
        let named = frames.iter().map(|frame| frame.contains("event: other\n"));
        assert!(frames.iter().all(|frame| !frame.contains("event: message")));
        assert_eq!(
            fields.zip(named).collect::<std::collections::HashSet<_>>(),
            [(4, true), (3, false)].into()
        );
    }
}
