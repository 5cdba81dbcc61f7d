//! The value of `--since`: a point in time, or how long ago it was.

use std::time::{Duration, SystemTime};

const HELP: &str = "it must be how long ago, for example 10m or 1h 30m, or a time, for example \
                    2026-01-31T08:00:00Z or 2026-01-31T09:00:00+01:00";

pub(super) fn parse_since(text: &str) -> Result<SystemTime, String> {
    let now = SystemTime::now();
    let time = match age(text) {
        Some(age) => now.checked_sub(age),
        None => time(text),
    };
    match time {
        None => Err(HELP.to_owned()),
        Some(time) if time > now => Err("this time is in the future".to_owned()),
        Some(time) => Ok(time),
    }
}

/// A duration with units, or a number of seconds as for other options.
fn age(text: &str) -> Option<Duration> {
    let seconds = text.parse::<f64>().ok();
    let seconds = seconds.and_then(|seconds| Duration::try_from_secs_f64(seconds).ok());
    seconds.or_else(|| humantime::parse_duration(text).ok())
}

/// A time of RFC 3339. humantime parses only times in UTC, so the offset is subtracted here.
fn time(text: &str) -> Option<SystemTime> {
    let text = text.trim().to_ascii_uppercase();
    if let Ok(time) = humantime::parse_rfc3339(&text) {
        return Some(time);
    }
    let at = text.len().checked_sub("+00:00".len())?;
    let (local, offset) = (text.get(..at)?, text.get(at..)?);
    let local = humantime::parse_rfc3339(&format!("{local}Z")).ok()?;
    let (hours, minutes) = offset.get(1..)?.split_once(':')?;
    let (hours, minutes): (u64, u64) = (hours.parse().ok()?, minutes.parse().ok()?);
    if hours > 23 || minutes > 59 {
        return None;
    }
    let offset_length = Duration::from_secs(60 * (60 * hours + minutes));
    match offset.as_bytes()[0] {
        b'+' => local.checked_sub(offset_length),
        b'-' => local.checked_add(offset_length),
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn in_utc(text: &str) -> String {
        let time = parse_since(text).unwrap_or_else(|why| panic!("{text}: {why}"));
        humantime::format_rfc3339(time).to_string()
    }

    #[test]
    fn a_time_is_that_of_rfc_3339() {
        for (text, expected) in [
            ("2025-01-31T08:00:00Z", "2025-01-31T08:00:00Z"),
            ("2025-01-31t08:00:00.5z", "2025-01-31T08:00:00.500000000Z"),
            ("2025-01-31T09:30:00+01:30", "2025-01-31T08:00:00Z"),
            (
                "2025-01-31T23:00:00.25-02:00",
                "2025-02-01T01:00:00.250000000Z",
            ),
        ] {
            assert_eq!(in_utc(text), expected, "{text}");
        }
    }

    #[test]
    fn a_duration_counts_back_from_now() {
        for (text, seconds) in [
            ("10m", 600),
            ("1h 30m", 5400),
            ("90", 90),
            ("0.5", 0),
            ("2d", 172_800),
        ] {
            let time = parse_since(text).unwrap_or_else(|why| panic!("{text}: {why}"));
            let age = SystemTime::now()
                .duration_since(time)
                .expect("it is in the past");
            assert!(
                (seconds..seconds + 60).contains(&age.as_secs()),
                "{text}: {age:?}"
            );
        }
    }

    #[test]
    fn other_text_is_refused_with_an_example() {
        for text in [
            "",
            "yesterday",
            "10x",
            "-5",
            "2025-01-31",
            "2025-01-31T08:00:00",
            "2025-01-31T08:00:00+25:00",
        ] {
            assert!(
                parse_since(text).is_err_and(|why| why.contains("10m")),
                "{text}"
            );
        }
        assert_eq!(
            parse_since("9999-01-01T00:00:00Z"),
            Err("this time is in the future".to_owned())
        );
    }
}
