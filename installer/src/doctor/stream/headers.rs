//! The headers of a stream as they arrive through every proxy on the way.

use hyper::Version;

use crate::doctor::finding::{Check, Finding};
use crate::http::ResponseHead;

pub(super) const CHECK: Check = Check("headers");

pub(super) fn check(head: &ResponseHead, is_encrypted: bool) -> Vec<Finding> {
    let mut findings = vec![check_version(head.version, is_encrypted)];
    if let Some(length) = head.header("content-length") {
        findings.push(CHECK.error(
            format!(
                "the response has a fixed length of {length} bytes, but a stream has no length"
            ),
            "a proxy on the way has read the whole response before forwarding it: turn its buffer \
             or cache off for this path",
        ));
    }
    findings.extend(check_cache_control(head));
    findings.extend(check_buffering(head));
    let software = software_names(head);
    findings.extend(software.map(|names| CHECK.ok(format!("the response comes from {names}"))));
    findings
}

fn check_version(version: Version, is_encrypted: bool) -> Finding {
    if version == Version::HTTP_10 || version == Version::HTTP_09 {
        return CHECK.tip(
            "the response uses HTTP/1.0, which cannot tell a stream that was cut off from one that \
             has ended",
            "let the proxy use HTTP/1.1 (nginx: `proxy_http_version 1.1;`)",
        );
    }
    if version == Version::HTTP_2 {
        return CHECK.ok("the stream uses TLS and HTTP/2");
    }
    if is_encrypted {
        return CHECK.tip(
            "the server does not offer HTTP/2: over HTTP/1.1, browsers open at most six connections to a \
             host, of which every open stream takes one",
            "let the proxy offer HTTP/2 (nginx: `http2 on;`, or `listen 443 ssl http2;` before version \
             1.25.1; HAProxy: `alpn h2,http/1.1`)",
        );
    }
    CHECK.tip(
        "without TLS, browsers use HTTP/1.1 and open at most six connections to a host, of which \
         every open stream takes one",
        "in production, use TLS and HTTP/2, usually through a proxy",
    )
}

fn check_cache_control(head: &ResponseHead) -> Option<Finding> {
    let value = head.header("cache-control").unwrap_or_default();
    let value = value.to_lowercase();
    let has = |name| value.split(',').any(|directive| directive.trim() == name);
    let mut missing = Vec::new();
    if !has("no-cache") && !has("no-store") {
        missing.push("no-cache");
    }
    if !has("no-transform") {
        missing.push("no-transform");
    }
    if missing.is_empty() {
        return None;
    }
    let missing = missing.join(" and ");
    Some(CHECK.warning(
        format!(
            "cache-control is `{value}` and lacks {missing}: caches may store the stream or change it"
        ),
        "the library sends `no-cache, no-transform, private`: let the proxy forward it; if a handler of \
         yours builds the response, return `Sse::respond` instead",
    ))
}

/// Not a warning: the header is for nginx, which removes it.
fn check_buffering(head: &ResponseHead) -> Option<Finding> {
    let value = head.header("x-accel-buffering");
    if value.is_some_and(|value| value.eq_ignore_ascii_case("no")) {
        return None;
    }
    let message = "x-accel-buffering does not arrive: nginx obeys and removes it; if there is no \
                   nginx, another proxy on the way removes it";
    Some(CHECK.note(message))
}

/// The names of the server and the proxies, as they send them.
pub(super) fn software_names(head: &ResponseHead) -> Option<String> {
    let names: Vec<String> = ["server", "via"]
        .into_iter()
        .filter_map(|name| Some(format!("{name}: {}", head.header(name)?)))
        .collect();
    (!names.is_empty()).then(|| names.join(", "))
}

#[cfg(test)]
mod tests {
    use super::super::tests::head;
    use super::*;
    use crate::doctor::finding::Level;

    const LIBRARY_HEADERS: [(&str, &str); 3] = [
        ("cache-control", "no-cache, no-transform, private"),
        ("content-encoding", "identity"),
        ("x-accel-buffering", "no"),
    ];

    /// The levels of the findings except the first, which is about the HTTP version.
    fn levels(headers: &[(&'static str, &'static str)]) -> Vec<Level> {
        let findings = check(&head(200, headers), true);
        findings[1..].iter().map(|finding| finding.level).collect()
    }

    /// The levels after one header is replaced, or removed if the value is empty.
    fn levels_with(name: &'static str, value: &'static str) -> Vec<Level> {
        let mut headers: Vec<_> = LIBRARY_HEADERS.to_vec();
        headers.retain(|(other, _)| *other != name);
        if !value.is_empty() {
            headers.push((name, value));
        }
        levels(&headers)
    }

    #[test]
    fn the_librarys_headers_are_ok() {
        assert_eq!(levels(&LIBRARY_HEADERS), []);
    }

    #[test]
    fn a_fixed_length_is_an_error() {
        assert_eq!(levels_with("content-length", "5"), [Level::Error]);
    }

    #[test]
    fn cache_control_must_forbid_storing_and_changing() {
        assert_eq!(levels_with("cache-control", ""), [Level::Warning]);
        assert_eq!(levels_with("cache-control", "no-cache"), [Level::Warning]);
        assert_eq!(
            levels_with("cache-control", "max-age=60, no-transform"),
            [Level::Warning]
        );
        assert_eq!(levels_with("cache-control", "No-Store,no-transform"), []);
    }

    #[test]
    fn a_missing_x_accel_buffering_is_a_note() {
        assert_eq!(levels_with("x-accel-buffering", ""), [Level::Note]);
        assert_eq!(levels_with("via", "1.1 varnish"), [Level::Ok]);
    }

    #[test]
    fn anything_but_http_2_is_noted() {
        assert_eq!(check_version(Version::HTTP_10, true).level, Level::Note);
        assert_eq!(check_version(Version::HTTP_11, false).level, Level::Note);
        assert_eq!(check_version(Version::HTTP_11, true).level, Level::Note);
        assert_eq!(check_version(Version::HTTP_2, true).level, Level::Ok);
    }
}
