//! What a request says about the save, apart from the value.

use std::time::Duration;

use actix_web::HttpRequest;
use actix_web::http::header::{self, HeaderMap, HeaderName, HeaderValue};
use actix_web::web::Query;
use actix_web_sse::cli_support::{check_audiences, is_trace_parent, one_line};
use actix_web_sse::{Cache, cache::Save};

use percent_encoding::percent_decode_str;

use super::refusal::Refusal;
use super::value::Format;
use crate::cli::parse_seconds;

const IDEMPOTENCY_KEY: HeaderName = HeaderName::from_static("idempotency-key");

const TRACE_PARENT: HeaderName = HeaderName::from_static("traceparent");

const MAX_IDEMPOTENCY_KEY_CHARS: usize = 255;

const HELP: &str =
    "send the request to /sse/save/KEY, with the cache key in UTF-8 and percent-encoded";

#[derive(Debug, PartialEq, Eq)]
pub(super) struct SaveRequest {
    pub(super) key: String,
    pub(super) to: Vec<String>,
    pub(super) ttl: Option<Duration>,
    pub(super) idempotency_key: Option<String>,
    pub(super) trace_parent: Option<String>,
    pub(super) format: Format,
}

impl SaveRequest {
    pub(super) fn parse(request: &HttpRequest) -> Result<Self, Refusal> {
        let key = text_in_path(request.uri().path(), "cache key", HELP)?;
        let format = Format::of(request.headers())?;
        let idempotency_key = idempotency_key(request.headers())?;
        let (to, ttl) = parse_query(request.query_string())?;
        Ok(Self {
            key,
            to,
            ttl,
            idempotency_key,
            trace_parent: trace_parent(request.headers()),
            format,
        })
    }

    /// The save of this value.
    pub(super) fn save_in(&self, cache: &Cache, value: Box<serde_json::value::RawValue>) -> Save {
        let save = cache.save(self.key.as_str(), value);
        let save = match self.ttl {
            Some(ttl) => save.ttl(ttl),
            None => save,
        };
        let save = match &self.trace_parent {
            Some(trace_parent) => save.trace_parent(trace_parent),
            None => save,
        };
        // An empty list of audiences would be an error.
        match self.to.as_slice() {
            [] => save,
            names => save.to(names),
        }
    }
}

/// The decoded end of `/sse/save/KEY` or `/sse/revoke/AUDIENCE`. actix-web would replace bytes that are not UTF-8.
pub(super) fn text_in_path(path: &str, what: &str, help: &str) -> Result<String, Refusal> {
    let text = path.splitn(4, '/').nth(3).unwrap_or_default();
    if text.is_empty() {
        return Err(Refusal::invalid(&format!("the URL names no {what}"), help));
    }
    let text = percent_decode_str(text).decode_utf8();
    let text = text.map_err(|_| {
        Refusal::invalid(&format!("the {what} in the URL is not valid UTF-8"), help)
    })?;
    Ok(text.into_owned())
}

/// The token in `Authorization: Bearer TOKEN`.
pub(super) fn bearer_token(headers: &HeaderMap) -> Option<&[u8]> {
    const SCHEME: &[u8] = b"bearer ";
    let value = only(headers, &header::AUTHORIZATION).ok().flatten()?;
    let (scheme, token) = value.split_at_checked(SCHEME.len())?;
    scheme
        .eq_ignore_ascii_case(SCHEME)
        .then(|| token.trim_ascii())
}

/// The value of a header; `Err` if it is there several times.
fn only<'a>(headers: &'a HeaderMap, name: &HeaderName) -> Result<Option<&'a [u8]>, ()> {
    let mut values = headers.get_all(name);
    match (values.next(), values.next()) {
        (value, None) => Ok(value.map(HeaderValue::as_bytes)),
        _ => Err(()),
    }
}

fn idempotency_key(headers: &HeaderMap) -> Result<Option<String>, Refusal> {
    let refused = |problem: &str| {
        Err(Refusal::invalid(
            &format!("the Idempotency-Key {problem}"),
            &format!(
                "send one header with 1 to {MAX_IDEMPOTENCY_KEY_CHARS} visible ASCII characters, for example a random \
                 UUID"
            ),
        ))
    };
    match only(headers, &IDEMPOTENCY_KEY) {
        Err(()) => refused("is there several times"),
        Ok(None) => Ok(None),
        Ok(Some(b"")) => refused("is empty"),
        Ok(Some(key)) if key.len() > MAX_IDEMPOTENCY_KEY_CHARS => {
            refused(&format!("has {} characters", key.len()))
        }
        Ok(Some(key)) => match std::str::from_utf8(key) {
            Ok(key) if key.bytes().all(|byte| byte.is_ascii_graphic()) => Ok(Some(key.to_owned())),
            _ => refused("has other characters than visible ASCII characters"),
        },
    }
}

/// "If parsing fails, the vendor creates a new trace": a header that is not valid is no error.
fn trace_parent(headers: &HeaderMap) -> Option<String> {
    let value = only(headers, &TRACE_PARENT).ok().flatten()?;
    let text = std::str::from_utf8(value).ok()?;
    is_trace_parent(text).then(|| text.to_owned())
}

/// The audiences and the time to live.
fn parse_query(query: &str) -> Result<(Vec<String>, Option<Duration>), Refusal> {
    const HELP: &str = "use ?to=AUDIENCE, which can be repeated, and &ttl=SECONDS; the value belongs into the body";
    let parameters = Query::<Vec<(String, String)>>::from_query(query);
    let parameters = parameters.map_err(|error| {
        Refusal::invalid(&format!("the query of the URL is not valid: {error}"), HELP)
    })?;
    let (mut to, mut ttl) = (Vec::new(), None);
    for (name, value) in parameters.into_inner() {
        match name.as_str() {
            "to" => to.push(value),
            "ttl" if ttl.is_some() => {
                return Err(Refusal::invalid("the URL has several ttl", HELP));
            }
            "ttl" => {
                let problem =
                    || format!("the ttl `{}` is not a number of seconds", one_line(&value));
                let parsed = parse_seconds(&value);
                ttl = Some(parsed.map_err(|_| {
                    Refusal::invalid(
                        &problem(),
                        "write seconds, such as ttl=60 or ttl=0.5; 0: until it is swept",
                    )
                })?);
            }
            _ => {
                let problem = format!("the URL has an unknown parameter `{}`", one_line(&name));
                return Err(Refusal::invalid(&problem, HELP));
            }
        }
    }
    check_audiences(&to).map_err(|error| Refusal::of_save(&error, false))?;
    Ok((to, ttl))
}

#[cfg(test)]
mod tests {
    use actix_web::test::TestRequest;

    use super::*;

    fn parse(uri: &str, headers: &[(&'static str, &str)]) -> Result<SaveRequest, Refusal> {
        let mut request = TestRequest::post().uri(&format!("/sse/save/key{uri}"));
        for header in headers {
            request = request.append_header(*header);
        }
        SaveRequest::parse(&request.to_http_request())
    }

    #[test]
    fn the_key_is_the_decoded_end_of_the_path() {
        for (path, key) in [
            ("/sse/save/orders", "orders"),
            ("/sse/save/k%C3%A4se+1%2B%20a", "k\u{e4}se+1+ a"),
            ("/sse/save/a/b%2Fc", "a/b/c"),
        ] {
            assert_eq!(
                text_in_path(path, "cache key", HELP).expect("it is valid"),
                key
            );
        }
        for path in [
            "/sse/save/",
            "/sse/save",
            "/sse/save/%ff",
            "/sse/save/a%00%80",
        ] {
            assert_eq!(
                text_in_path(path, "cache key", HELP)
                    .expect_err("it is not valid")
                    .status(),
                422,
                "{path}"
            );
        }
    }

    #[test]
    fn the_query_has_audiences_and_the_time_to_live() {
        let parsed = |uri| {
            let request = parse(uri, &[]).expect("it is valid");
            (request.to, request.ttl)
        };
        assert_eq!(parsed(""), (vec![], None));
        let names = vec!["user:4".to_owned(), "team+7".to_owned()];
        assert_eq!(parsed("?to=user:4&to=team%2B7"), (names, None));
        let half = Some(Duration::from_millis(500));
        assert_eq!(parsed("?ttl=0.5&"), (vec![], half));
    }

    #[test]
    fn a_trace_context_that_is_not_valid_is_ignored() {
        let parsed = |headers: &[(&'static str, &str)]| {
            let request = parse("", headers).expect("it is valid");
            request.trace_parent
        };
        let valid = "00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01";
        assert_eq!(parsed(&[("traceparent", valid)]).as_deref(), Some(valid));
        for headers in [
            &[][..],
            &[("traceparent", "00-4bf9")],
            &[("traceparent", valid), ("traceparent", valid)],
        ] {
            assert_eq!(parsed(headers), None, "{headers:?}");
        }
    }

    #[test]
    fn an_idempotency_key_is_visible_ascii() {
        let (longest, too_long) = ("k".repeat(255), "k".repeat(256));
        for key in [
            "1",
            "\"8e03978e-40d5-43dd-bc93-6894a57f9324\"",
            "~!",
            &longest,
        ] {
            let request = parse("", &[("Idempotency-Key", key)]).expect("it is valid");
            assert_eq!(request.idempotency_key.as_deref(), Some(key));
        }
        for key in ["", "a b", "caf\u{e9}", &too_long] {
            let refused = parse("", &[("Idempotency-Key", key)]).expect_err("it is not valid");
            assert_eq!(refused.status(), 422, "{key}");
        }
        let twice = [("Idempotency-Key", "a"), ("Idempotency-Key", "a")];
        assert_eq!(
            parse("", &twice).expect_err("it is not valid").status(),
            422
        );
    }

    #[test]
    fn a_token_is_found_in_one_header_with_the_scheme_bearer() {
        let token = |values: &[&str]| {
            let mut request = TestRequest::post();
            for value in values {
                request = request.append_header((header::AUTHORIZATION, *value));
            }
            let request = request.to_http_request();
            bearer_token(request.headers()).map(<[u8]>::to_vec)
        };
        for value in ["Bearer abc", "bearer abc", "BEARER   abc"] {
            assert_eq!(token(&[value]).as_deref(), Some(&b"abc"[..]), "{value}");
        }
        for values in [
            &[][..],
            &["abc"],
            &["Basic abc"],
            &["Bearer"],
            &["Bearer abc"; 2],
        ] {
            assert_eq!(token(values), None, "{values:?}");
        }
    }
}
