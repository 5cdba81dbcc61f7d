//! The values that are saved, and the events that must arrive.

use fastrand::Rng;
use serde_json::value::RawValue;

use crate::{
    digest,
    value::{self, Value},
};

/// The size limit of a value, in bytes of JSON.
const MAX_VALUE_BYTES: usize = 64 * 1024;

/// What must arrive with each of the key's events.
#[derive(Debug)]
pub(crate) struct Expected {
    pub(crate) key: String,
    /// Digest of the value's JSON text, if every character of it is known.
    pub(crate) text: Option<String>,
    /// Digest of the value itself.
    pub(crate) value: String,
}

impl Expected {
    /// A value whose JSON text is sent unchanged. Parsers return its line ends as `\n`, as the
    /// standard requires.
    fn exactly(key: &str, json: &str, value: &Value) -> Self {
        let text = json.replace("\r\n", "\n").replace('\r', "\n");
        Self {
            key: key.to_owned(),
            text: Some(digest::digest_text(&text)),
            value: digest::digest_value(value),
        }
    }

    fn in_some_form(key: &str, value: &Value) -> Self {
        Self {
            key: key.to_owned(),
            text: None,
            value: digest::digest_value(value),
        }
    }
}

/// An argument for the library's `save`.
pub(crate) enum SaveArgument {
    Typed(serde_json::Value),
    Raw(Box<RawValue>),
}

/// A value for `cache().save`.
pub(crate) fn for_the_library(rng: &mut Rng, key: &str) -> (SaveArgument, Expected) {
    match rng.u16(..1000) {
        0 => {
            let (json, value) = huge(rng, MAX_VALUE_BYTES);
            let expected = Expected::exactly(key, &json, &value);
            (
                SaveArgument::Raw(RawValue::from_string(json).unwrap()),
                expected,
            )
        }
        1..400 => {
            let mut value = Value::random(rng, false);
            let typed = value.typed();
            let expected = Expected::exactly(key, &typed.to_string(), &value);
            (SaveArgument::Typed(typed), expected)
        }
        _ => {
            let value = Value::random(rng, true);
            let json = value.json(rng);
            let expected = Expected::exactly(key, &json, &value);
            (
                SaveArgument::Raw(RawValue::from_string(json).unwrap()),
                expected,
            )
        }
    }
}

/// A value of this many bytes: one long line, or as many lines as fit.
pub(crate) fn huge(rng: &mut Rng, bytes: usize) -> (String, Value) {
    let number = Value::Number("1".to_owned());
    match rng.u8(..3) {
        0 => {
            let text = "x".repeat(bytes - 2);
            (
                format!("\"{text}\""),
                Value::Text(text.encode_utf16().collect()),
            )
        }
        1 => {
            let end = ["\r", "\n"][rng.usize(..2)];
            (
                format!("[{}1]", end.repeat(bytes - 3)),
                Value::List(vec![number]),
            )
        }
        _ => {
            let text = "\\ud800".repeat((bytes - 2) / 6);
            let spaces = " ".repeat(bytes - 2 - text.len());
            (
                format!("\"{text}{spaces}\""),
                Value::Text([vec![0xd800; text.len() / 6], vec![0x20; spaces.len()]].concat()),
            )
        }
    }
}

/// A file for the cache folder. Without `Expected` it contains no valid value.
pub(crate) fn drop_in(rng: &mut Rng, key: &str) -> (Vec<u8>, Option<Expected>) {
    match rng.u8(..10) {
        0..3 => {
            let value = Value::random(rng, true);
            let json = value.json(rng);
            let bom = ["", "", "\u{feff}"][rng.usize(..3)];
            let (before, after) = (rng.usize(..3), rng.usize(..3));
            let file = format!(
                "{bom}{}{json}{}",
                " \r\n".repeat(before),
                "\r\n".repeat(after)
            );
            (
                file.into_bytes(),
                Some(Expected::exactly(key, &json, &value)),
            )
        }
        3..6 => {
            // Valid JSON does not start with `x`.
            let text = format!("x{}", value::string(&value::text(rng, false)));
            let end = ["", "\n", "\r\n"][rng.usize(..3)];
            let file = format!("{text}{end}");
            // One line end is removed: shells add it.
            let line = file.strip_suffix('\n').unwrap_or(&file);
            let line = line.strip_suffix('\r').unwrap_or(line);
            let value = Value::Text(line.encode_utf16().collect());
            (file.into_bytes(), Some(Expected::in_some_form(key, &value)))
        }
        6..8 => {
            let mut value = Value::random(rng, false);
            let record = record(&mut value);
            (record, Some(Expected::in_some_form(key, &value)))
        }
        _ => (broken(rng), None),
    }
}

fn record(value: &mut Value) -> Vec<u8> {
    let now = std::time::SystemTime::now()
        .duration_since(std::time::UNIX_EPOCH)
        .unwrap()
        .as_secs();
    let mut out =
        format!("a:3:{{s:4:\"time\";i:{now};s:3:\"ttl\";i:3600;s:4:\"data\";").into_bytes();
    value.php(&mut out);
    out.push(b'}');
    out
}

fn broken(rng: &mut Rng) -> Vec<u8> {
    const INVALID_UTF8: [&[u8]; 6] = [
        b"\xff",
        b"\xc0\x80",
        b"\xed\xa0\x80",
        b"\xf4\x90\x80\x80",
        b"\xe2\x80",
        b"\x80",
    ];
    match rng.u8(..6) {
        0 => Vec::new(),
        1 => " \n\t\r\n".repeat(rng.usize(1..4)).into_bytes(),
        2 | 3 => {
            let mut text = value::string(&value::text(rng, false)).into_bytes();
            text.insert(0, b'"');
            text.extend_from_slice(INVALID_UTF8[rng.usize(..INVALID_UTF8.len())]);
            text.push(b'"');
            text
        }
        4 => {
            let mut truncated = record(&mut Value::Text(vec![0x0d, 0x0a]));
            truncated.truncate(rng.usize(6..truncated.len()));
            truncated
        }
        _ => {
            let (json, _) = huge(rng, MAX_VALUE_BYTES + 1);
            json.into_bytes()
        }
    }
}

/// How `sse save` gets a value: whether with `--text`, and whether by standard input.
pub(crate) struct Argument {
    pub(crate) value: String,
    pub(crate) as_text: bool,
    pub(crate) by_stdin: bool,
}

/// A value for `sse save`.
pub(crate) fn for_the_command(rng: &mut Rng, key: &str) -> (Argument, Expected) {
    let by_stdin = rng.bool();
    if rng.bool() {
        let value = Value::random(rng, true);
        let json = value.json(rng);
        let expected = Expected::exactly(key, &json, &value);
        let argument = Argument {
            value: json,
            as_text: false,
            by_stdin,
        };
        return (argument, expected);
    }
    let mut text = format!("x{}", value::string(&value::text(rng, false)));
    if !by_stdin {
        // Arguments of programs cannot contain NUL.
        text.retain(|c| c != '\0');
    }
    let line = if by_stdin {
        let line = text.strip_suffix('\n').unwrap_or(&text);
        line.strip_suffix('\r').unwrap_or(line)
    } else {
        &text
    };
    let expected = Expected::in_some_form(key, &Value::Text(line.encode_utf16().collect()));
    let argument = Argument {
        value: text,
        as_text: rng.bool(),
        by_stdin,
    };
    (argument, expected)
}
