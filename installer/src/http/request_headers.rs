//! The headers that a command line adds to requests. Their values are secrets: no message contains them.

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use hyper::header::{
    AUTHORIZATION, CONNECTION, CONTENT_LENGTH, COOKIE, HOST, HeaderMap, HeaderName, HeaderValue,
    TRANSFER_ENCODING, UPGRADE,
};
use percent_encoding::percent_decode_str;

use crate::exit::Failure;

/// The client sets these itself. A second value would make the request ambiguous.
const RESERVED_HEADERS: [HeaderName; 5] =
    [CONNECTION, CONTENT_LENGTH, HOST, TRANSFER_ENCODING, UPGRADE];

/// The headers of `--header` and `--cookie`.
pub(super) fn parse(headers: &[String], cookies: &[String]) -> Result<HeaderMap, Failure> {
    let mut map = HeaderMap::new();
    for text in headers {
        let (name, value) = parse_header(text)?;
        map.append(name, value);
    }
    if !cookies.is_empty() {
        map.append(COOKIE, parse_cookies(cookies)?);
    }
    Ok(map)
}

fn parse_header(text: &str) -> Result<(HeaderName, HeaderValue), Failure> {
    let parts = text.split_once(':').and_then(|(name, value)| {
        let name = HeaderName::from_bytes(name.trim().as_bytes()).ok()?;
        Some((name, secret(value.trim())?))
    });
    let (name, value) = parts.ok_or_else(|| {
        Failure::usage("a value of --header is not a name, a colon and a value")
            .with_help("write it like --header 'Authorization: Bearer …', in quotes")
    })?;
    if RESERVED_HEADERS.contains(&name) {
        return Err(Failure::usage(format!(
            "--header cannot set `{name}`: the request has its own"
        ))
        .with_help("leave this header out"));
    }
    Ok((name, value))
}

/// Of several cookies, a request has one header, as browsers send it.
fn parse_cookies(cookies: &[String]) -> Result<HeaderValue, Failure> {
    let text = cookies.iter().map(|cookie| cookie.trim());
    let text = text.collect::<Vec<_>>().join("; ");
    let is_pair = |cookie: &String| {
        cookie
            .split_once('=')
            .is_some_and(|(name, _)| !name.trim().is_empty())
    };
    let value = cookies.iter().all(is_pair).then(|| secret(&text)).flatten();
    value.ok_or_else(|| {
        Failure::usage("a value of --cookie is not a name, an equals sign and a value")
            .with_help("write it like --cookie 'id=…', in quotes, as the browser sends it")
    })
}

/// The header for the user name and the password in a URL.
pub(super) fn basic_authorization(user_info: &str) -> Option<HeaderValue> {
    let (name, password) = user_info.split_once(':').unwrap_or((user_info, ""));
    let mut decoded: Vec<u8> = percent_decode_str(name).collect();
    decoded.push(b':');
    decoded.extend(percent_decode_str(password));
    secret(&format!("Basic {}", STANDARD.encode(decoded)))
}

pub(super) fn with_basic_authorization(headers: &mut HeaderMap, user_info: &str) {
    if let Some(value) = basic_authorization(user_info) {
        headers.entry(AUTHORIZATION).or_insert(value);
    }
}

/// Debug output of a sensitive value hides it.
fn secret(text: &str) -> Option<HeaderValue> {
    let mut value = HeaderValue::from_bytes(text.as_bytes()).ok()?;
    value.set_sensitive(true);
    Some(value)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn texts(list: &[&str]) -> Vec<String> {
        list.iter().map(|text| (*text).to_owned()).collect()
    }

    #[test]
    fn headers_and_cookies_become_headers_of_the_request() {
        let headers = texts(&["Authorization: Bearer a:b", "x-a:1", "X-A: 2"]);
        let map = parse(&headers, &texts(&["a=1", "b=2; c=3"])).expect("valid");
        assert_eq!(map["authorization"], "Bearer a:b");
        assert_eq!(map["cookie"], "a=1; b=2; c=3");
        assert_eq!(map.get_all("x-a").iter().count(), 2);
        assert!(!format!("{map:?}").contains("Bearer"), "{map:?}");
    }

    #[test]
    fn an_invalid_header_is_refused_without_its_value() {
        for text in [
            "Bearer-secret",
            "a b: secret",
            ": secret",
            "a: sec\nsecret",
            "Host: secret",
        ] {
            let failure = parse(&texts(&[text]), &[]).expect_err(text).to_string();
            assert!(failure.contains("--header"), "{failure}");
            assert!(!failure.contains("secret"), "{failure}");
        }
        for text in ["secret", "=secret", "a=sec\nsecret"] {
            let failure = parse(&[], &texts(&["b=1", text]))
                .expect_err(text)
                .to_string();
            assert!(
                failure.contains("--cookie") && !failure.contains("secret"),
                "{failure}"
            );
        }
    }

    #[test]
    fn the_user_name_of_a_url_is_decoded() {
        let value = basic_authorization("u:p%40w").expect("valid");
        assert_eq!(value, "Basic dTpwQHc=");
    }
}
