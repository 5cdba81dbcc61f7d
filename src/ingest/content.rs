//! Parses a drop-in: a CodeIgniter record, else JSON, else text.

use std::time::{Duration, SystemTime};

use serde_json::value::{RawValue, to_raw_value};

use super::php;

/// A drop-in's value. Only a CodeIgniter record has a time and a time to live.
#[derive(Debug)]
pub(super) struct DropInContent {
    pub(super) value: Box<RawValue>,
    pub(super) time: Option<SystemTime>,
    pub(super) ttl: Option<Duration>,
}

pub(super) fn parse(bytes: &[u8]) -> Result<DropInContent, String> {
    if php::starts_like_array(bytes) {
        let record = php::parse_cache_record(bytes)
            .map_err(|reason| format!("it begins like a CodeIgniter record, but {reason}"))?;
        let value = to_raw_value(&record.data).map_err(|error| error.to_string())?;
        return Ok(DropInContent {
            value,
            time: Some(SystemTime::UNIX_EPOCH + Duration::from_secs(record.time)),
            ttl: Some(Duration::from_secs(record.ttl)),
        });
    }
    let text = std::str::from_utf8(bytes)
        .map_err(|error| format!("it is not valid UTF-8 from byte {} on", error.valid_up_to()))?;
    let text = text.strip_prefix('\u{feff}').unwrap_or(text);
    if text.trim().is_empty() {
        // A writer that was killed leaves an empty file, which is not a value.
        return Err("it is empty".into());
    }
    let value = match serde_json::from_str::<Box<RawValue>>(text) {
        Ok(value) => value,
        // The final line end comes from the shell and is not part of the text.
        Err(_) => {
            let line = text.strip_suffix('\n').unwrap_or(text);
            let line = line.strip_suffix('\r').unwrap_or(line);
            to_raw_value(line).map_err(|error| error.to_string())?
        }
    };
    Ok(DropInContent {
        value,
        time: None,
        ttl: None,
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn value(bytes: &[u8]) -> String {
        parse(bytes).unwrap().value.get().to_owned()
    }

    #[test]
    fn json_is_kept_unchanged_and_text_becomes_a_string() {
        assert_eq!(value(b"1\n"), "1");
        assert_eq!(
            value(b" {\"n\": 12345678901234567890123} "),
            "{\"n\": 12345678901234567890123}"
        );
        assert_eq!(value(b"hello\r\n"), "\"hello\"");
        assert_eq!(value(b"two\nlines\n\n"), "\"two\\nlines\\n\"");
        assert_eq!(value(b"\xef\xbb\xbftrue"), "true");
        assert_eq!(value(b"a: text"), "\"a: text\"");
    }

    #[test]
    fn a_record_has_a_time_and_a_time_to_live() {
        let content =
            parse(b"a:3:{s:4:\"time\";i:1000;s:3:\"ttl\";i:60;s:4:\"data\";a:1:{s:1:\"n\";i:1;}}")
                .unwrap();
        assert_eq!(content.value.get(), "{\"n\":1}");
        assert_eq!(
            content.time,
            Some(SystemTime::UNIX_EPOCH + Duration::from_secs(1000))
        );
        assert_eq!(content.ttl, Some(Duration::from_secs(60)));
    }

    #[test]
    fn empty_and_damaged_files_are_broken() {
        for bytes in [&b""[..], b"\n", b"\xff\xfe1\0", b"a:3:{s:4:\"time\";i:1"] {
            assert!(parse(bytes).is_err(), "{bytes:?}");
        }
    }
}
