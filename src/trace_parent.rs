//! The trace context of a save, in the format of the HTTP header `traceparent` of W3C's Trace Context.

use serde::{Deserialize, Deserializer, Serialize};
use serde_json::value::RawValue;

use crate::error::{Error, ErrorKind, excerpt};

/// A valid `traceparent`: `00-`, the id of the trace, `-`, that of the span, `-` and the flags.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
#[serde(transparent)]
pub(crate) struct TraceParent(Box<str>);

impl TraceParent {
    pub(crate) fn parse(text: &str) -> Result<Self, Error> {
        if is_valid(text) {
            return Ok(Self(text.into()));
        }
        let text = excerpt(text);
        let message = format!("`{}` is not a traceparent", text.escape_debug());
        Err(Error::new(ErrorKind::Value, message).with_help(
            "use the format of the HTTP header, in lower case: 00-, 32 hexadecimal digits, -, 16 hexadecimal digits, -, \
             and 2 hexadecimal digits; or leave it out",
        ))
    }

    pub(crate) fn as_str(&self) -> &str {
        &self.0
    }
}

/// "All bytes as zero […] is considered an invalid value", for the ids.
fn is_valid(text: &str) -> bool {
    let mut parts = text.split('-');
    let mut is_hex = |digits: usize| {
        let part = parts.next().unwrap_or_default();
        let is_hex_digit = |byte| matches!(byte, b'0'..=b'9' | b'a'..=b'f');
        part.len() == digits && part.bytes().all(is_hex_digit)
    };
    let is_hex = is_hex(2) && is_hex(32) && is_hex(16) && is_hex(2);
    let has_ids = || text[3..35] != *"0".repeat(32) && text[36..52] != *"0".repeat(16);
    is_hex && parts.next().is_none() && text.starts_with("00-") && has_ids()
}

/// Reads the context that another program has stored. One that is not valid is ignored: it is no reason to lose the
/// event.
pub(crate) fn deserialize<'de, D: Deserializer<'de>>(
    deserializer: D,
) -> Result<Option<Box<TraceParent>>, D::Error> {
    let stored = Box::<RawValue>::deserialize(deserializer)?;
    let text = serde_json::from_str::<String>(stored.get());
    Ok(text
        .ok()
        .and_then(|text| TraceParent::parse(&text).ok().map(Box::new)))
}

#[cfg(test)]
mod tests {
    use super::*;

    const VALID: &str = "00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01";

    #[test]
    fn a_trace_parent_has_the_format_of_the_header() {
        assert_eq!(TraceParent::parse(VALID).unwrap().as_str(), VALID);
        let zeros = |range: std::ops::Range<usize>| {
            let mut text = VALID.to_owned();
            text.replace_range(range.clone(), &"0".repeat(range.len()));
            text
        };
        for text in [
            "",
            "00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7",
            &format!("{VALID}-"),
            &format!("{VALID}0"),
            &VALID.to_uppercase(),
            &VALID.replacen("00", "ff", 1),
            &VALID.replace('4', "g"),
            &VALID.replace("4b", "\u{e9}"),
            &zeros(3..35),
            &zeros(36..52),
            &"-".repeat(100_000),
        ] {
            let error = TraceParent::parse(text).unwrap_err();
            assert_eq!(error.kind(), ErrorKind::Value);
            assert!(error.to_string().len() < 1_000, "{error}");
        }
    }
}
