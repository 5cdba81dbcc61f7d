//! Reads the answer of the app.

use std::time::Duration;

use actix_web_sse::Grant;
use actix_web_sse::cli_support::check_audiences;
use hyper::header::{LOCATION, RETRY_AFTER};
use hyper::http::response::Parts;
use hyper::{HeaderMap, Uri};
use percent_encoding::percent_decode_str;

use super::fault::Fault;
use crate::output::excerpt;

const AUDIENCES: &str = "SSE-Audiences";
const IDENTITY: &str = "SSE-Identity";
const MAX_AGE: &str = "SSE-Max-Age";

/// As many as the library grants one stream.
const MAX_AUDIENCES: usize = 1_000;

/// "If a cache receives a delta-seconds value greater than the greatest integer it can represent … the cache MUST
/// consider the value to be 2147483648" (RFC 9111, 1.2.2): 68 years.
const MAX_SECONDS: u64 = 2_147_483_648;

#[derive(Debug)]
pub(super) enum Answer {
    Granted(Permission),
    /// The app does not know the client.
    LogIn,
    Forbidden,
}

/// What a client may receive.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct Permission {
    pub(super) audiences: Vec<Grant>,
    pub(super) identity: Option<String>,
    pub(super) max_age: Option<Duration>,
}

/// Fails if the answer does not say what the client may receive. `url` is that of the question.
pub(super) fn parse(head: &Parts, url: &Uri) -> Result<Answer, Fault> {
    let headers = &head.headers;
    match head.status.as_u16() {
        code @ 200..=299 => {
            let Some(list) = joined(headers, AUDIENCES)? else {
                return Err(Fault::NoAudiences(code));
            };
            Ok(Answer::Granted(Permission {
                audiences: parse_audiences(&list).map_err(|problem| Fault::Invalid {
                    header: AUDIENCES,
                    problem,
                })?,
                // An empty one would be the same for all users.
                identity: single(headers, IDENTITY)?.filter(|identity| !identity.is_empty()),
                max_age: single(headers, MAX_AGE)?
                    .map(|text| parse_seconds(&text))
                    .transpose()?,
            }))
        }
        code @ 300..=399 if leads_to_itself(headers, url) => Err(Fault::Redirect(code)),
        // Any other redirect leads to a login page.
        300..=399 | 401 => Ok(Answer::LogIn),
        403 => Ok(Answer::Forbidden),
        code => Err(Fault::Status {
            code,
            retry_after: retry_after(headers),
        }),
    }
}

/// Whether a redirect leads to the path of the question, for example over HTTPS or without a slash at its end.
/// CodeIgniter inserts its front controller.
fn leads_to_itself(headers: &HeaderMap, url: &Uri) -> bool {
    let location = headers.get(LOCATION);
    let location = location.and_then(|location| Uri::try_from(location.as_bytes()).ok());
    let own = url.path().trim_end_matches('/');
    location.is_some_and(|location| {
        let path = location.path().trim_end_matches('/');
        path == own || path.strip_prefix("/index.php") == Some(own)
    })
}

/// "A recipient MAY combine multiple field lines within a field section that have the same field name into one field
/// line, … by appending each subsequent field line value … separated by a comma" (RFC 9110, 5.3).
fn joined(headers: &HeaderMap, name: &'static str) -> Result<Option<String>, Fault> {
    let values: Vec<_> = texts(headers, name)?;
    Ok((!values.is_empty()).then(|| values.join(",")))
}

/// Of a header that has one value.
fn single(headers: &HeaderMap, name: &'static str) -> Result<Option<String>, Fault> {
    let values = texts(headers, name)?;
    let Some((first, others)) = values.split_first() else {
        return Ok(None);
    };
    if others.iter().any(|other| other != first) {
        return Err(Fault::Invalid {
            header: name,
            problem: "occurs several times, with different values".to_owned(),
        });
    }
    Ok(Some((*first).to_owned()))
}

fn texts<'a>(headers: &'a HeaderMap, name: &'static str) -> Result<Vec<&'a str>, Fault> {
    let values = headers.get_all(name).iter();
    let texts = values.map(|value| std::str::from_utf8(value.as_bytes()).map(str::trim));
    texts.collect::<Result<_, _>>().map_err(|_| Fault::Invalid {
        header: name,
        problem: "is not valid UTF-8".to_owned(),
    })
}

/// Empty elements are ignored: "A recipient MUST parse and ignore a reasonable number of empty list elements" (RFC
/// 9110, 5.6.1.2).
fn parse_audiences(list: &str) -> Result<Vec<Grant>, String> {
    let elements = list.split(',').map(str::trim);
    let elements = elements.filter(|element| !element.is_empty());
    let grants = elements.enumerate().map(|(index, element)| match index {
        MAX_AUDIENCES.. => Err(format!("has more than {MAX_AUDIENCES} names")),
        _ => parse_grant(element),
    });
    grants.collect()
}

fn parse_grant(element: &str) -> Result<Grant, String> {
    // Encoded, a `*` is part of a name, which then is not valid.
    let (encoded, is_prefix) = match element.strip_suffix('*') {
        Some(prefix) => (prefix, true),
        None => (element, false),
    };
    let name = decode(encoded).ok_or_else(|| {
        format!(
            "has `{}`, which is not percent-encoded UTF-8",
            excerpt(element)
        )
    })?;
    check_audiences(std::slice::from_ref(&name))
        .map_err(|error| format!("is not valid: {error}"))?;
    Ok(match is_prefix {
        true => Grant::prefix(name),
        false => Grant::new(name),
    })
}

fn decode(encoded: &str) -> Option<String> {
    // The decoder takes a `%` without two digits for itself.
    let mut parts = encoded.split('%');
    parts.next();
    let is_digit = |byte: Option<&u8>| byte.is_some_and(u8::is_ascii_hexdigit);
    let is_valid =
        parts.all(|part| is_digit(part.as_bytes().first()) && is_digit(part.as_bytes().get(1)));
    let decoded = percent_decode_str(encoded).decode_utf8().ok();
    decoded.filter(|_| is_valid).map(Into::into)
}

fn parse_seconds(text: &str) -> Result<Duration, Fault> {
    if text.is_empty() || !text.bytes().all(|byte| byte.is_ascii_digit()) {
        return Err(Fault::Invalid {
            header: MAX_AGE,
            problem: format!("is not a whole number of seconds: `{}`", excerpt(text)),
        });
    }
    // Digits that do not parse are too many.
    let seconds = text.parse().unwrap_or(MAX_SECONDS).min(MAX_SECONDS);
    Ok(Duration::from_secs(seconds))
}

/// Only in seconds: a date depends on two clocks.
fn retry_after(headers: &HeaderMap) -> Option<u32> {
    let value = headers.get(RETRY_AFTER)?.to_str().ok()?;
    value.trim().parse().ok()
}

#[cfg(test)]
mod tests;
