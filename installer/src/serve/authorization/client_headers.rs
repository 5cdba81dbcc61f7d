//! The headers of a question: what the app needs to know of the client, and nothing else of its request.

use std::net::IpAddr;

use actix_web::HttpRequest;
use actix_web::http::header as request_header;
use hyper::HeaderMap;
use hyper::header::{ACCEPT, AUTHORIZATION, COOKIE, HeaderName, HeaderValue, USER_AGENT};
use percent_encoding::{AsciiSet, NON_ALPHANUMERIC, utf8_percent_encode};

use super::refusal::Refusal;

const ASKED: HeaderName = HeaderName::from_static("sse-asked");
const FORWARDED_FOR: HeaderName = HeaderName::from_static("x-forwarded-for");
const FORWARDED_PROTO: HeaderName = HeaderName::from_static("x-forwarded-proto");
const REQUESTED_WITH: HeaderName = HeaderName::from_static("x-requested-with");

/// Twice what most servers accept. Longer questions would fail there, and keep other clients waiting.
const MAX_BYTES: usize = 32 * 1024;

/// Every character of a name but the unreserved ones of URLs (RFC 3986, 2.3).
const ENCODED: &AsciiSet = &NON_ALPHANUMERIC
    .remove(b'-')
    .remove(b'.')
    .remove(b'_')
    .remove(b'~');

/// The headers for a client that asks for these audiences.
pub(super) fn for_client<'a>(
    request: &HttpRequest,
    asked: impl Iterator<Item = &'a str>,
) -> Result<HeaderMap, Refusal> {
    let mut headers = common();
    // HTTP/2 may split cookies. "these MUST be concatenated into a single octet string using the two-octet delimiter of
    // 0x3B, 0x20" (RFC 9113, 8.2.3).
    add(
        &mut headers,
        COOKIE,
        joined(request, request_header::COOKIE, b"; "),
    );
    for (name, own_name) in [
        (request_header::AUTHORIZATION, AUTHORIZATION),
        (request_header::USER_AGENT, USER_AGENT),
        (request_header::X_FORWARDED_PROTO, FORWARDED_PROTO),
    ] {
        let value = request.headers().get(name);
        add(
            &mut headers,
            own_name,
            value.map(|value| value.as_bytes().to_vec()),
        );
    }
    // Without a proxy, this server is what the client speaks TLS with.
    if request.app_config().secure() && !headers.contains_key(FORWARDED_PROTO) {
        headers.insert(FORWARDED_PROTO, HeaderValue::from_static("https"));
    }
    let mut forwarded_for = joined(request, request_header::X_FORWARDED_FOR, b", ");
    if let Some(peer) = request.peer_addr() {
        let list = forwarded_for.get_or_insert_default();
        if !list.is_empty() {
            list.extend(b", ");
        }
        list.extend(peer.ip().to_canonical().to_string().into_bytes());
    }
    add(&mut headers, FORWARDED_FOR, forwarded_for);
    let asked: Vec<String> = asked
        .map(|name| utf8_percent_encode(name, ENCODED).to_string())
        .collect();
    if !asked.is_empty() {
        add(&mut headers, ASKED, Some(asked.join(",").into_bytes()));
    }
    let bytes: usize = headers.values().map(HeaderValue::len).sum();
    match bytes {
        ..=MAX_BYTES => Ok(headers),
        _ => Err(Refusal::TooLarge),
    }
}

/// The headers of a question of the server's own.
pub(super) fn without_client() -> HeaderMap {
    let mut headers = common();
    let agent = concat!("sse/", env!("CARGO_PKG_VERSION"));
    headers.insert(USER_AGENT, HeaderValue::from_static(agent));
    headers
}

fn common() -> HeaderMap {
    let mut headers = HeaderMap::new();
    headers.insert(ACCEPT, HeaderValue::from_static("application/json"));
    // CodeIgniter does not replace the session id of such a request, and frameworks answer it with 401 instead of a
    // redirect to the login page.
    headers.insert(REQUESTED_WITH, HeaderValue::from_static("XMLHttpRequest"));
    headers
}

/// The values of all headers of this name.
fn joined(
    request: &HttpRequest,
    name: request_header::HeaderName,
    separator: &[u8],
) -> Option<Vec<u8>> {
    let values = request.headers().get_all(name);
    let values: Vec<_> = values.map(request_header::HeaderValue::as_bytes).collect();
    (!values.is_empty()).then(|| values.join(separator))
}

fn add(headers: &mut HeaderMap, name: HeaderName, value: Option<Vec<u8>>) {
    // A value that was valid in the request is valid here.
    if let Some(Ok(value)) = value.map(HeaderValue::try_from) {
        headers.insert(name, value);
    }
}

/// The address that the proxy in front of the server has appended.
pub(super) fn last_forwarded_address(request: &HttpRequest) -> Option<IpAddr> {
    let values = request.headers().get_all(request_header::X_FORWARDED_FOR);
    let text = values.last()?.to_str().ok()?;
    let address: IpAddr = text.rsplit(',').next()?.trim().parse().ok()?;
    Some(address.to_canonical())
}

#[cfg(test)]
mod tests;
