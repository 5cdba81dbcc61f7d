//! The parsers of the table of settings.

use std::{ops::RangeInclusive, time::Duration};

use super::{
    allowed::{parse_allowed_host, parse_allowed_origin, parse_items, split_items},
    authority::Authority,
    cache_location::{CacheLocation, UrlMistake},
    drop_in_prefix::DropInPrefix,
    events::Events,
    public_folder::PublicFolder,
    redis_settings::{self, DropIns, RedisWait},
    settings::RawValue,
};
use crate::{error::Error, key};

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

pub(super) fn cache(raw: &RawValue<'_>) -> Result<CacheLocation, Error> {
    let value = raw.text.trim();
    if value.is_empty() {
        let help = format!("name a folder, {}, or remove the line", example(raw));
        return Err(raw.error("is empty").with_help(help));
    }
    let location = CacheLocation::parse(raw.app_dir, value);
    let location = location.map_err(|UrlMistake(mistake)| {
        raw.error(mistake).with_help(
            "write `redis://[USER[:PASSWORD]@]HOST[:PORT][/DATABASE][?prefix=PREFIX]`, with `@`, `/`, `?` and `#` in \
             user and password as `%40`, `%2F`, `%3F` and `%23`",
        )
    })?;
    let location = location.ok_or_else(|| {
        // What is not the name of a scheme may be a password.
        let scheme = value.split("://").next().unwrap_or_default();
        let is_name = scheme
            .chars()
            .all(|c| c.is_ascii_alphanumeric() || "+-.".contains(c));
        let problem = match is_name {
            true => format!("names a `{scheme}` cache, which this version does not support"),
            false => "is a URL without a valid scheme".to_owned(),
        };
        raw.error(problem).with_help(format!(
            "name a folder, {}, or a Redis server, for example SSE_CACHE=redis://host",
            example(raw)
        ))
    })?;
    redis_settings::check_features(&location)
        .map_err(|(problem, help)| raw.error(problem).with_help(help))?;
    Ok(location)
}

pub(super) fn redis_wait(raw: &RawValue<'_>) -> Result<Option<RedisWait>, Error> {
    match raw.text.trim() {
        "" => Ok(None),
        text => RedisWait::parse(text).map(Some).ok_or_else(|| {
            raw.error(format!("must be REPLICAS:MILLISECONDS, not `{}`", raw.text))
                .with_help("use a number of replicas from 1 to 100 and a time from 1 to 4000, for example SSE_REDIS_WAIT=1:100")
        }),
    }
}

pub(super) fn drop_ins(raw: &RawValue<'_>) -> Result<DropIns, Error> {
    match raw.text.trim() {
        "" => Err(raw
            .error("is empty")
            .with_help("name a folder, write `off`, or remove the line")),
        "off" => Ok(DropIns::Off),
        url if url.contains("://") => Err(raw
            .error("must be a folder, not a URL")
            .with_help("name a folder of this machine, or write `off`")),
        folder => Ok(DropIns::Folder(raw.app_dir.join(folder))),
    }
}

pub(super) fn drop_in_prefix(raw: &RawValue<'_>) -> Result<DropInPrefix, Error> {
    DropInPrefix::parse(&raw.text).map_err(|problem| {
        raw.error(problem).with_help(format!(
            "write the prefix as in the names of the files, for example SSE_DROP_IN_PREFIX=shop_, without control \
             characters, a leading dot, or any of {}",
            key::reserved_chars()
        ))
    })
}

pub(super) fn public(raw: &RawValue<'_>) -> Result<PublicFolder, Error> {
    let folder = PublicFolder::parse(raw.app_dir, raw.text.trim());
    folder.map_err(|problem| {
        let help = format!(
            "name a folder below the app's, {}, or write an absolute path",
            example(raw)
        );
        raw.error(problem).with_help(help)
    })
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
