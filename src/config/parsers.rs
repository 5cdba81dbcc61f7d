//! The parsers of the table of settings.

use std::{ops::RangeInclusive, path::PathBuf, time::Duration};

use super::{
    allowed::{parse_allowed_host, parse_allowed_origin, parse_items, split_items},
    authority::Authority,
    events::Events,
    settings::RawValue,
};
use crate::error::Error;

/// With a shorter interval, polling would cost more CPU time than notifications save. With a longer
/// one, a lost notification would delay an event for more than an hour.
pub(super) const POLL_INTERVAL_RANGE: RangeInclusive<Duration> =
    Duration::from_millis(50)..=Duration::from_secs(3600);

/// A hundred years. Adding a longer time to `Instant::now()` may overflow.
pub(super) const MAX_CONFIGURED_DURATION: Duration = Duration::from_secs(100 * 365 * 24 * 60 * 60);

pub(super) fn events(raw: &RawValue<'_>) -> Result<Events, Error> {
    Events::parse(&raw.text).map_err(|reason| raw.error(reason).with_help(Events::help(&raw.text)))
}

const ANY_DURATION: RangeInclusive<Duration> = Duration::ZERO..=MAX_CONFIGURED_DURATION;

pub(super) fn stream_duration(raw: &RawValue<'_>) -> Result<Duration, Error> {
    seconds(raw, ANY_DURATION, "from 0 (never) to a hundred years")
}

pub(super) fn ttl(raw: &RawValue<'_>) -> Result<Duration, Error> {
    seconds(raw, ANY_DURATION, "from 0 (for ever) to a hundred years")
}

pub(super) fn poll_interval(raw: &RawValue<'_>) -> Result<Duration, Error> {
    seconds(raw, POLL_INTERVAL_RANGE, "from 0.05 to 3600")
}

/// `range_in_words` is for the help of the error.
fn seconds(
    raw: &RawValue<'_>,
    range: RangeInclusive<Duration>,
    range_in_words: &str,
) -> Result<Duration, Error> {
    let problem = match raw.text.trim().parse::<f64>() {
        Ok(seconds) if !seconds.is_nan() => match Duration::try_from_secs_f64(seconds) {
            Ok(duration) if range.contains(&duration) => return Ok(duration),
            _ => format!("is out of range: `{}`", raw.text),
        },
        _ => format!("must be a number of seconds, not `{}`", raw.text),
    };
    let help = format!("use a number of seconds {range_in_words}, {}", example(raw));
    Err(raw.error(problem).with_help(help))
}

fn example(raw: &RawValue<'_>) -> String {
    let default = raw.info.default.unwrap_or_default();
    format!("for example {}={default}", raw.info.name)
}

pub(super) fn max_connections(raw: &RawValue<'_>) -> Result<usize, Error> {
    const RULE: &str = "a whole number of at least 1";
    match raw.text.trim().parse() {
        Ok(number) if number > 0 => Ok(number),
        _ => Err(raw
            .error(format!("must be {RULE}, not `{}`", raw.text))
            .with_help(format!("use {RULE}, {}", example(raw)))),
    }
}

pub(super) fn cache_dir(raw: &RawValue<'_>) -> Result<PathBuf, Error> {
    let value = raw.text.trim();
    let help = format!("name a folder, {}", example(raw));
    if value.is_empty() {
        let error = raw.error("is empty");
        return Err(error.with_help(format!("{help}, or remove the line")));
    }
    if let Some((scheme, _)) = value.split_once("://") {
        let problem = format!("names a `{scheme}` cache, which this version does not support");
        return Err(raw.error(problem).with_help(help));
    }
    Ok(raw.app_dir.join(value))
}

pub(super) fn allowed_origins(raw: &RawValue<'_>) -> Result<Vec<String>, Error> {
    parse_items(split_items(&raw.text), parse_allowed_origin, |problem| {
        raw.error(problem)
    })
}

pub(super) fn allowed_hosts(raw: &RawValue<'_>) -> Result<Vec<Authority>, Error> {
    parse_items(split_items(&raw.text), parse_allowed_host, |problem| {
        raw.error(problem)
    })
}
