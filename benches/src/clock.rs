//! Publishing times, which are sent inside the events.

use std::{
    sync::LazyLock,
    time::{Duration, Instant},
};

static START: LazyLock<Instant> = LazyLock::new(Instant::now);

/// The text before the time in an event's data.
pub(crate) const TIME_MARKER: &[u8] = b"\"at\":\"";

/// The number of hexadecimal digits of the time.
pub(crate) const TIME_DIGITS: usize = 16;

/// Counted from the first call.
pub(crate) fn nanos_since_start() -> u64 {
    u64::try_from(START.elapsed().as_nanos()).expect("the run is shorter than five centuries")
}

/// The time in these digits.
pub(crate) fn parse(digits: &[u8]) -> Option<u64> {
    u64::from_str_radix(std::str::from_utf8(digits).ok()?, 16).ok()
}

/// How long ago this time was.
pub(crate) fn since(time: u64) -> Duration {
    Duration::from_nanos(nanos_since_start().saturating_sub(time))
}

/// A JSON value of `bytes` bytes that contains the current time.
pub(crate) fn value(bytes: usize) -> String {
    value_at(nanos_since_start(), bytes)
}

/// A JSON value of `bytes` bytes that contains this time.
pub(crate) fn value_at(time: u64, bytes: usize) -> String {
    const BYTES_WITHOUT_PADDING: usize = r#"{"at":"0123456789abcdef","pad":""}"#.len();
    let pad = bytes.saturating_sub(BYTES_WITHOUT_PADDING);
    format!(r#"{{"at":"{time:016x}","pad":"{:x<pad$}"}}"#, "")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_value_has_the_requested_length_and_the_current_time() {
        let value = value(200);
        assert_eq!(value.len(), 200);
        let at = value.find("\"at\":\"").unwrap() + TIME_MARKER.len();
        let time = parse(&value.as_bytes()[at..at + TIME_DIGITS]).unwrap();
        assert!(since(time) < Duration::from_secs(10));
    }
}
