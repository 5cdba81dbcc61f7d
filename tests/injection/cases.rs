//! What is saved, and what has to arrive of it.

use fastrand::Rng;
use serde_json::value::RawValue;

use crate::{
    digest,
    value::{self, Value},
};

/// The largest value, in bytes of JSON.
const LARGEST: usize = 64 * 1024;

/// What has to arrive under each of the key's events.
#[derive(Debug)]
pub(crate) struct Wanted {
    pub(crate) key: String,
    /// Digest of the value's text on the wire, where it is known to the letter.
    pub(crate) text: Option<String>,
    /// Digest of the value itself.
    pub(crate) value: String,
}

impl Wanted {
    /// A value whose JSON text goes through as it is. Parsers get its line ends as `\n`: that is all
    /// that the standard leaves of them.
    fn exactly(key: &str, json: &str, value: &Value) -> Self {
        let text = json.replace("\r\n", "\n").replace('\r', "\n");
        Self {
            key: key.to_owned(),
            text: Some(digest::of_text(&text)),
            value: digest::of_value(value),
        }
    }

    fn in_some_form(key: &str, value: &Value) -> Self {
        Self {
            key: key.to_owned(),
            text: None,
            value: digest::of_value(value),
        }
    }
}

/// What the library is given.
pub(crate) enum Given {
    Typed(serde_json::Value),
    Raw(Box<RawValue>),
}

/// A value for `cache().save`.
pub(crate) fn for_the_library(rng: &mut Rng, key: &str) -> (Given, Wanted) {
    match rng.u16(..1000) {
        0 => {
            let (json, value) = huge(rng, LARGEST);
            let wanted = Wanted::exactly(key, &json, &value);
            (Given::Raw(RawValue::from_string(json).unwrap()), wanted)
        }
        1..400 => {
            let mut value = Value::random(rng, false);
            let typed = value.typed();
            let wanted = Wanted::exactly(key, &typed.to_string(), &value);
            (Given::Typed(typed), wanted)
        }
        _ => {
            let value = Value::random(rng, true);
            let json = value.json(rng);
            let wanted = Wanted::exactly(key, &json, &value);
            (Given::Raw(RawValue::from_string(json).unwrap()), wanted)
        }
    }
}

/// A value of this many bytes: one long line, or as many lines as there is room for.
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
            let rest = " ".repeat(bytes - 2 - text.len());
            (
                format!("\"{text}{rest}\""),
                Value::Text([vec![0xd800; text.len() / 6], vec![0x20; rest.len()]].concat()),
            )
        }
    }
}

/// A file for the cache folder. Without `Wanted` it says nothing that could be sent.
pub(crate) fn drop_in(rng: &mut Rng, key: &str) -> (Vec<u8>, Option<Wanted>) {
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
            (file.into_bytes(), Some(Wanted::exactly(key, &json, &value)))
        }
        3..6 => {
            // No JSON begins so.
            let text = format!("x{}", value::string(&value::text(rng, false)));
            let end = ["", "\n", "\r\n"][rng.usize(..3)];
            let file = format!("{text}{end}");
            // One line end is the shell's, whosever it was.
            let line = file.strip_suffix('\n').unwrap_or(&file);
            let line = line.strip_suffix('\r').unwrap_or(line);
            let value = Value::Text(line.encode_utf16().collect());
            (file.into_bytes(), Some(Wanted::in_some_form(key, &value)))
        }
        6..8 => {
            let mut value = Value::random(rng, false);
            let record = record(&mut value);
            (record, Some(Wanted::in_some_form(key, &value)))
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
    const NO_UTF8: [&[u8]; 6] = [
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
            text.extend_from_slice(NO_UTF8[rng.usize(..NO_UTF8.len())]);
            text.push(b'"');
            text
        }
        4 => {
            let mut whole = record(&mut Value::Text(vec![0x0d, 0x0a]));
            whole.truncate(rng.usize(6..whole.len()));
            whole
        }
        _ => {
            let (json, _) = huge(rng, LARGEST + 1);
            json.into_bytes()
        }
    }
}

/// What `sse save` is given: the value, whether it is text by its flag, and by standard input.
pub(crate) struct Argument {
    pub(crate) value: String,
    pub(crate) as_text: bool,
    pub(crate) by_stdin: bool,
}

/// A value for `sse save`.
pub(crate) fn for_the_command(rng: &mut Rng, key: &str) -> (Argument, Wanted) {
    let by_stdin = rng.bool();
    if rng.bool() {
        let value = Value::random(rng, true);
        let json = value.json(rng);
        let wanted = Wanted::exactly(key, &json, &value);
        let argument = Argument {
            value: json,
            as_text: false,
            by_stdin,
        };
        return (argument, wanted);
    }
    let mut text = format!("x{}", value::string(&value::text(rng, false)));
    if !by_stdin {
        // No argument of a program can have one.
        text.retain(|c| c != '\0');
    }
    let line = if by_stdin {
        let line = text.strip_suffix('\n').unwrap_or(&text);
        line.strip_suffix('\r').unwrap_or(line)
    } else {
        &text
    };
    let wanted = Wanted::in_some_form(key, &Value::Text(line.encode_utf16().collect()));
    let argument = Argument {
        value: text,
        as_text: rng.bool(),
        by_stdin,
    };
    (argument, wanted)
}
