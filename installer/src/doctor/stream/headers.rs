//! The head of a stream, as it is behind whatever stands in between.

use ureq::http::Version;

use super::probe::Head;
use crate::doctor::finding::Finding;

const CHECK: &str = "headers";

pub(super) fn check(head: &Head, is_encrypted: bool) -> Vec<Finding> {
    let mut findings = vec![version(head.version, is_encrypted)];
    if let Some(encoding) = head.encoding() {
        findings.push(Finding::error(
            CHECK,
            format!("the stream is compressed ({encoding}), and so held back until there is enough to compress"),
            "switch compression off for text/event-stream where it is done: in a proxy (nginx: \
             leave it out of gzip_types), or in a middleware",
        ));
    }
    if let Some(length) = head.header("content-length") {
        findings.push(Finding::error(
            CHECK,
            format!("the answer has a fixed length of {length} bytes, which no stream has"),
            "something on the way has taken in the whole answer: switch its buffer or cache off \
             for this path",
        ));
    }
    findings.extend(cache_control(head));
    findings.extend(buffering(head));
    if let Some(who) = who_answers(head) {
        findings.push(Finding::ok(CHECK, who));
    }
    findings
}

fn version(version: Version, is_encrypted: bool) -> Finding {
    if version == Version::HTTP_10 || version == Version::HTTP_09 {
        let what = "the answer is HTTP/1.0, in which a stream that was cut off looks like one that \
                    has ended";
        return Finding::note(CHECK, what)
            .help("let the proxy speak HTTP/1.1 (nginx: `proxy_http_version 1.1;`)");
    }
    if is_encrypted {
        // We speak HTTP/1.1 only, so that this says nothing about what browsers get.
        return Finding::ok(CHECK, "the stream comes over TLS");
    }
    let what = "without TLS browsers speak HTTP/1.1, and open at most six connections to one host: \
                streams that are open take up theirs";
    Finding::note(CHECK, what).help("serve with TLS and HTTP/2 in production, usually by a proxy")
}

fn cache_control(head: &Head) -> Option<Finding> {
    let value = head.header("cache-control").unwrap_or_default();
    let value = value.to_lowercase();
    let directives: Vec<&str> = value.split(',').map(str::trim).collect();
    let has = |name: &str| directives.contains(&name);
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
    Some(Finding::warning(
        CHECK,
        format!(
            "cache-control is `{value}` and lacks {}, so that caches may keep the stream or change it",
            missing.join(" and ")
        ),
        "the library sends `no-cache, no-transform, private`: let the proxy pass it on, and an \
         answer of your own begin with `Sse::response`",
    ))
}

/// Not a warning: the header is for nginx, which takes it out.
fn buffering(head: &Head) -> Option<Finding> {
    let value = head.header("x-accel-buffering");
    if value.is_some_and(|value| value.eq_ignore_ascii_case("no")) {
        return None;
    }
    let what = "x-accel-buffering does not arrive: nginx takes it out of what it passes on, and \
                otherwise something on the way drops it";
    Some(Finding::note(CHECK, what))
}

fn who_answers(head: &Head) -> Option<String> {
    let found: Vec<String> = ["server", "via"]
        .into_iter()
        .filter_map(|name| Some(format!("{name}: {}", head.header(name)?)))
        .collect();
    (!found.is_empty()).then(|| format!("who answers, in its own words: {}", found.join(", ")))
}

#[cfg(test)]
mod tests {
    use super::super::probe::tests::head;
    use super::*;
    use crate::doctor::finding::Level;

    const GOOD: [(&str, &str); 3] = [
        ("cache-control", "no-cache, no-transform, private"),
        ("content-encoding", "identity"),
        ("x-accel-buffering", "no"),
    ];

    /// The levels without the first, which is about the version.
    fn levels(headers: &[(&str, &str)]) -> Vec<Level> {
        let findings = check(&head(200, headers), true);
        findings[1..].iter().map(|finding| finding.level).collect()
    }

    fn but(name: &str, value: &'static str) -> Vec<Level> {
        let mut headers = GOOD.to_vec();
        headers.retain(|(other, _)| *other != name);
        if !value.is_empty() {
            headers.push((if name == "via" { "via" } else { leak(name) }, value));
        }
        levels(&headers)
    }

    fn leak(name: &str) -> &'static str {
        Box::leak(name.to_owned().into_boxed_str())
    }

    #[test]
    fn the_librarys_headers_are_good() {
        assert_eq!(levels(&GOOD), []);
    }

    #[test]
    fn what_holds_a_stream_back_is_an_error() {
        assert_eq!(but("content-encoding", "gzip"), [Level::Error]);
        assert_eq!(but("content-encoding", ""), []);
        assert_eq!(but("content-length", "5"), [Level::Error]);
    }

    #[test]
    fn cache_control_must_keep_caches_away() {
        assert_eq!(but("cache-control", ""), [Level::Warning]);
        assert_eq!(but("cache-control", "no-cache"), [Level::Warning]);
        assert_eq!(
            but("cache-control", "max-age=60, no-transform"),
            [Level::Warning]
        );
        assert_eq!(but("cache-control", "No-Store,no-transform"), []);
    }

    #[test]
    fn a_header_that_nginx_consumes_is_a_note() {
        assert_eq!(but("x-accel-buffering", ""), [Level::Note]);
        assert_eq!(but("via", "1.1 varnish"), [Level::Ok]);
    }

    #[test]
    fn old_protocols_are_noted() {
        assert_eq!(version(Version::HTTP_10, true).level, Level::Note);
        assert_eq!(version(Version::HTTP_11, false).level, Level::Note);
        assert_eq!(version(Version::HTTP_11, true).level, Level::Ok);
    }
}
