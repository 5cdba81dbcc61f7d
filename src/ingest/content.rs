//! Parses a drop-in: a CodeIgniter record, else JSON, else text.

use std::time::{Duration, SystemTime};

use serde_json::value::{RawValue, to_raw_value};

use super::php;

/// CodeIgniter compares whole seconds, `time() > $data['time'] + $data['ttl']`, so a record lives until
/// the end of its last second.
const LAST_SECOND: Duration = Duration::from_secs(1);

/// A drop-in's value. Only a CodeIgniter record has a time and a time to live.
#[derive(Debug)]
pub(crate) struct DropInContent {
    pub(crate) value: Box<RawValue>,
    pub(super) time: Option<SystemTime>,
    /// Zero means without limit.
    pub(super) ttl: Option<Duration>,
    /// How many bytes follow a CodeIgniter record.
    pub(super) trailing_bytes: usize,
}

impl DropInContent {
    /// Whether a record's time to live is over, so that CodeIgniter would not return it either.
    pub(super) fn has_expired(&self, now: SystemTime) -> bool {
        let ttl = self.ttl.filter(|ttl| !ttl.is_zero());
        let (Some(time), Some(ttl)) = (self.time, ttl) else {
            return false;
        };
        // A record from the future, because the clock was set back since, has not expired.
        now.duration_since(time).is_ok_and(|age| age >= ttl)
    }
}

pub(crate) fn parse(bytes: &[u8]) -> Result<DropInContent, String> {
    if php::starts_like_array(bytes) {
        let record = php::parse_cache_record(bytes)
            .map_err(|reason| format!("it begins like a CodeIgniter record, but {reason}"))?;
        return Ok(DropInContent {
            value: record.data,
            time: Some(SystemTime::UNIX_EPOCH + Duration::from_secs(record.time)),
            ttl: Some(match record.ttl {
                0 => Duration::ZERO,
                seconds => Duration::from_secs(seconds) + LAST_SECOND,
            }),
            trailing_bytes: record.trailing_bytes,
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
        trailing_bytes: 0,
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
        assert_eq!(value(b"{\"z\":1,\"a\":2.10}"), "{\"z\":1,\"a\":2.10}");
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
        assert_eq!(content.ttl, Some(Duration::from_secs(61)));
        assert_eq!(content.trailing_bytes, 0);
    }

    /// In CodeIgniter, `time() > 1000 + $ttl` if `$ttl > 0`.
    #[test]
    fn a_record_expires_at_the_end_of_its_last_second() {
        let has_expired = |ttl: i64, milliseconds: u64| {
            let record = format!("a:3:{{s:4:\"time\";i:1000;s:3:\"ttl\";i:{ttl};s:4:\"data\";N;}}");
            let now = SystemTime::UNIX_EPOCH + Duration::from_millis(milliseconds);
            parse(record.as_bytes()).unwrap().has_expired(now)
        };
        for (ttl, lives_until) in [(1, 1_001_999), (60, 1_060_999)] {
            for milliseconds in [0, 1_000_000, lives_until - 999, lives_until] {
                assert!(!has_expired(ttl, milliseconds), "{ttl} {milliseconds}");
            }
            assert!(has_expired(ttl, lives_until + 1), "{ttl}");
        }
        for ttl in [0, -1] {
            assert!(!has_expired(ttl, 9_000_000_000_000), "{ttl}");
        }
        assert!(!has_expired(i64::MAX, 9_000_000_000_000));
        assert!(!parse(b"1").unwrap().has_expired(SystemTime::now()));
    }

    #[test]
    fn empty_and_damaged_files_are_broken() {
        for bytes in [&b""[..], b"\n", b"\xff\xfe1\0", b"a:3:{s:4:\"time\";i:1"] {
            assert!(parse(bytes).is_err(), "{bytes:?}");
        }
    }
}
