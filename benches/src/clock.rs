//! Times that fit into an event, and come back with it.

use std::{
    sync::LazyLock,
    time::{Duration, Instant},
};

static BEGIN: LazyLock<Instant> = LazyLock::new(Instant::now);

/// What stands before the time in an event's data.
pub(crate) const MARK: &[u8] = b"\"at\":\"";

/// As many hexadecimal digits follow it.
pub(crate) const DIGITS: usize = 16;

/// Nanoseconds since the first call.
pub(crate) fn now() -> u64 {
    u64::try_from(BEGIN.elapsed().as_nanos()).expect("the run is shorter than five centuries")
}

/// How long ago the time was that these digits tell.
pub(crate) fn since(digits: &[u8]) -> Option<Duration> {
    let then = u64::from_str_radix(std::str::from_utf8(digits).ok()?, 16).ok()?;
    Some(Duration::from_nanos(now().saturating_sub(then)))
}

/// A value of `bytes` bytes of JSON with the present time in it.
pub(crate) fn value(bytes: usize) -> String {
    const AROUND: usize = r#"{"at":"0123456789abcdef","pad":""}"#.len();
    let pad = bytes.saturating_sub(AROUND);
    format!(r#"{{"at":"{:016x}","pad":"{:x<pad$}"}}"#, now(), "")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_value_has_its_length_and_its_time() {
        let value = value(200);
        assert_eq!(value.len(), 200);
        let at = value.find("\"at\":\"").unwrap() + MARK.len();
        let age = since(&value.as_bytes()[at..at + DIGITS]).unwrap();
        assert!(age < Duration::from_secs(10));
    }
}
