//! The values that `install` sets missing settings to.

use std::ops::RangeInclusive;

use actix_web_sse::Config;

use crate::exit::Failure;

#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct InstallValues {
    pub(crate) duration: String,
    pub(crate) interval: String,
    pub(crate) events: String,
}

impl Default for InstallValues {
    fn default() -> Self {
        Self {
            duration: "15".to_owned(),
            interval: "2".to_owned(),
            events: "event_name1:event_cache_key1,event_name2:event_cache_key2".to_owned(),
        }
    }
}

impl InstallValues {
    /// The value of one of [`INSTALLED_SETTINGS`](super::block::INSTALLED_SETTINGS).
    pub(crate) fn get(&self, setting: &str) -> &str {
        match setting {
            "SSE_STREAM_DURATION" => &self.duration,
            "SSE_POLL_INTERVAL" => &self.interval,
            "SSE_EVENTS" => &self.events,
            _ => unreachable!("`install` writes no setting {setting}"),
        }
    }
}

/// The value as `.env` must write it. Single quotes are added if a character may be special to
/// dotenvy; inside them none is.
pub(super) fn quote_for_dotenv(value: &str) -> Result<String, Failure> {
    let is_plain = |c: char| c.is_ascii_alphanumeric() || "_.:,-/".contains(c);
    if value.chars().all(is_plain) {
        return Ok(value.to_owned());
    }
    if value.contains(['\'', '\\']) {
        return Err(
            Failure::usage(format!("`{value}` cannot be written into .env"))
                .with_help("choose names without single quotes and backslashes"),
        );
    }
    Ok(format!("'{value}'"))
}

/// Parses the value of `--events`.
pub(crate) fn parse_events(text: &str) -> Result<String, String> {
    let config = Config::new(".", text).map_err(|error| error.to_string())?;
    let pairs = config.events().iter();
    let pairs: Vec<String> = pairs.map(|(event, key)| format!("{event}:{key}")).collect();
    Ok(pairs.join(","))
}

/// The names of the events in a value of `SSE_EVENTS`.
pub(crate) fn event_names(events: &str) -> Result<Vec<String>, actix_web_sse::Error> {
    let config = Config::new(".", events)?;
    Ok(config.events().names().map(str::to_owned).collect())
}

/// Parses the value of `--duration`.
pub(crate) fn parse_duration(text: &str) -> Result<String, String> {
    // The library's limit, a hundred years. A test compares both.
    const MAX_SECONDS: f64 = 100.0 * 365.0 * 86_400.0;
    parse_seconds(text, 0.0..=MAX_SECONDS)
        .ok_or_else(|| "write seconds, for example 300, or 0 for never".to_owned())
}

/// Parses the value of `--interval`.
pub(crate) fn parse_interval(text: &str) -> Result<String, String> {
    // The library's limits. A test compares both.
    parse_seconds(text, 0.05..=3600.0)
        .ok_or_else(|| "write seconds from 0.05 to 3600, for example 2".to_owned())
}

fn parse_seconds(text: &str, range: RangeInclusive<f64>) -> Option<String> {
    let seconds = text.parse().ok()?;
    range.contains(&seconds).then(|| text.to_owned())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn values_are_checked_as_the_library_checks_them() {
        assert_eq!(parse_events(" a:b , c:d,a:b,"), Ok("a:b,c:d".to_owned()));
        assert!(parse_events("a").is_err_and(|why| why.contains("cache_key")));
        assert!(
            parse_duration("0").is_ok()
                && parse_duration("300").is_ok()
                && parse_duration("4e9").is_err()
        );
        assert!(parse_interval("0.5").is_ok());
        for wrong in ["", "x", "-1", "NaN", "inf"] {
            assert!(
                parse_duration(wrong).is_err() && parse_interval(wrong).is_err(),
                "{wrong}"
            );
        }
        assert!(parse_interval("0").is_err() && parse_interval("3601").is_err());
    }

    #[test]
    fn the_limits_are_those_of_the_library() {
        let app = tempfile::tempdir().expect("a folder");
        let is_accepted = |name: &str, value: &str| {
            let env = format!("SSE_EVENTS=a:k\n{name}={value}\n");
            std::fs::write(app.path().join(".env"), env).expect("it can be written");
            Config::from_dir(app.path()).is_ok()
        };
        for value in ["0", "3153600000", "3153600001", "-1"] {
            let expected = is_accepted("SSE_STREAM_DURATION", value);
            assert_eq!(parse_duration(value).is_ok(), expected, "{value}");
        }
        for value in ["0.049", "0.05", "3600", "3600.1"] {
            let expected = is_accepted("SSE_POLL_INTERVAL", value);
            assert_eq!(parse_interval(value).is_ok(), expected, "{value}");
        }
    }

    #[test]
    fn event_names_are_read_as_the_library_reads_them() {
        assert_eq!(
            event_names("a:k, b:k,a:l").expect("valid input"),
            ["a", "b"]
        );
        assert!(event_names("a").is_err());
    }

    #[test]
    fn a_quoted_value_reads_back_unchanged() {
        for value in ["a:b,c:d", "an order:key #1", "a$b:c", "grüße:x"] {
            let line = format!("A={}", quote_for_dotenv(value).expect("can write the file"));
            let read = dotenvy::from_read_iter(line.as_bytes())
                .next()
                .expect("there is a line");
            assert_eq!(read.expect("valid input").1, value);
        }
        assert!(quote_for_dotenv("it's:k").is_err());
    }
}
