//! The value: the body of the request.

use std::time::Duration;

use actix_web::HttpRequest;
use actix_web::body::{BodyStream, to_bytes_limited};
use actix_web::http::header::{self, HeaderMap};
use actix_web::web::{Bytes, Payload};
use serde_json::value::{RawValue, to_raw_value};
use tokio::time::timeout;

use super::refusal::Refusal;

/// Programs send values at once. This is long enough for a bad connection.
const TIME_LIMIT: Duration = Duration::from_secs(5);

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Format {
    Json,
    Text,
}

impl Format {
    pub(super) fn of(headers: &HeaderMap) -> Result<Self, Refusal> {
        let text = |name| {
            headers
                .get(name)
                .map(|value| String::from_utf8_lossy(value.as_bytes()))
        };
        if let Some(coding) = text(header::CONTENT_ENCODING)
            && !coding.eq_ignore_ascii_case("identity")
        {
            return Err(Refusal::unknown_format(&format!(
                "Content-Encoding: {coding}"
            )));
        }
        let Some(content_type) = text(header::CONTENT_TYPE) else {
            return Ok(Self::Json);
        };
        let mut parts = content_type.split(';').map(str::trim);
        let format = match parts.next().map(str::to_ascii_lowercase).as_deref() {
            Some("application/json") => Some(Self::Json),
            Some("text/plain") => Some(Self::Text),
            _ => None,
        };
        let is_utf8 = |parameter: &str| {
            let (name, value) = parameter.split_once('=').unwrap_or((parameter, ""));
            let charset = value.trim_matches('"');
            !name.eq_ignore_ascii_case("charset")
                || ["utf-8", "utf8", "us-ascii"]
                    .iter()
                    .any(|known| charset.eq_ignore_ascii_case(known))
        };
        format
            .filter(|_| parts.all(is_utf8))
            .ok_or_else(|| Refusal::unknown_format(&content_type))
    }

    /// The value as JSON.
    pub(super) fn parse(self, body: &[u8]) -> Result<Box<RawValue>, Refusal> {
        let text = std::str::from_utf8(body).map_err(|error| {
            let problem = format!(
                "the value is not valid UTF-8 from byte {} on",
                error.valid_up_to()
            );
            Refusal::invalid(&problem, "send text in UTF-8, and binary data in base64")
        })?;
        let parsed = match self {
            Self::Json if text.trim().is_empty() => {
                return Err(Refusal::invalid(
                    "the request has no value",
                    "send the value as the body of the request: JSON, or text with `Content-Type: text/plain`",
                ));
            }
            Self::Json => serde_json::from_str(text),
            Self::Text => to_raw_value(text),
        };
        parsed.map_err(|error| {
            Refusal::invalid(
                &format!("the value is not valid JSON: {error}"),
                "correct it, or send text with `Content-Type: text/plain`",
            )
        })
    }
}

/// Reads the whole body, but neither more than the limit nor for long.
pub(super) async fn read(
    request: &HttpRequest,
    body: &mut Payload,
    limit: usize,
) -> Result<Bytes, Refusal> {
    let length = request.headers().get(header::CONTENT_LENGTH);
    let length: Option<u64> = length.and_then(|length| length.to_str().ok()?.parse().ok());
    if length.is_some_and(|length| length > limit as u64) {
        return Err(Refusal::too_large(limit));
    }
    let body = to_bytes_limited(BodyStream::new(body), limit);
    match timeout(TIME_LIMIT, body).await {
        Ok(Ok(Ok(bytes))) => Ok(bytes),
        Ok(Err(_)) => Err(Refusal::too_large(limit)),
        // The client is gone, or late.
        Ok(Ok(Err(_))) | Err(_) => Err(Refusal::incomplete()),
    }
}

#[cfg(test)]
mod tests {
    use actix_web::test::TestRequest;

    use super::*;

    fn format(headers: &[(header::HeaderName, &str)]) -> Option<Format> {
        let mut request = TestRequest::post();
        for (name, value) in headers {
            request = request.append_header((name.clone(), *value));
        }
        let request = request.to_http_request();
        match Format::of(request.headers()) {
            Ok(format) => Some(format),
            Err(refused) => {
                assert_eq!(refused.status(), 415);
                None
            }
        }
    }

    #[test]
    fn json_is_the_default_and_text_is_possible() {
        let of_type = |value| format(&[(header::CONTENT_TYPE, value)]);
        assert_eq!(format(&[]), Some(Format::Json));
        for json in [
            "application/json",
            "Application/JSON; charset=UTF-8",
            "application/json;",
        ] {
            assert_eq!(of_type(json), Some(Format::Json), "{json}");
        }
        for text in [
            "text/plain",
            "text/plain; charset=\"utf-8\"",
            "text/plain;format=flowed",
        ] {
            assert_eq!(of_type(text), Some(Format::Text), "{text}");
        }
        for other in [
            "",
            "application/x-www-form-urlencoded",
            "multipart/form-data; boundary=x",
            "text/html",
            "application/json, text/plain",
            "text/plain; charset=iso-8859-1",
        ] {
            assert_eq!(of_type(other), None, "{other}");
        }
        let json = (header::CONTENT_TYPE, "application/json");
        let coded = |coding| format(&[json.clone(), (header::CONTENT_ENCODING, coding)]);
        assert_eq!(coded("identity"), Some(Format::Json));
        assert_eq!(coded("gzip"), None);
    }

    #[test]
    fn values_stay_as_they_were_sent() {
        for (format, body, value) in [
            (
                Format::Json,
                "{\"z\": 1.50, \"a\": [] }\n",
                "{\"z\": 1.50, \"a\": [] }",
            ),
            (Format::Json, "null", "null"),
            (
                Format::Json,
                "12345678901234567890123",
                "12345678901234567890123",
            ),
            (Format::Text, "1\n", "\"1\\n\""),
            (Format::Text, "", "\"\""),
        ] {
            let parsed = format.parse(body.as_bytes()).expect("it is valid");
            assert_eq!(parsed.get(), value);
        }
        let nested = "[".repeat(10_000);
        for (format, body) in [
            (Format::Json, &b""[..]),
            (Format::Json, b" \n"),
            (Format::Json, b"shipped"),
            (Format::Json, b"1 2"),
            (Format::Json, nested.as_bytes()),
            (Format::Text, b"\xff"),
        ] {
            let refused = format.parse(body).expect_err("it is not valid");
            assert_eq!(refused.status(), 422, "{body:?}");
        }
    }
}
