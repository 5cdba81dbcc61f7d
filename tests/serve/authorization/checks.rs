//! Requests that are refused, with and without a question.

use support::{Answer, AuthEndpoint, get, http};

use super::{ENV, Site};

const ORIGIN: &str = "https://app.example";

#[test]
fn what_needs_no_answer_is_refused_without_a_question_and_counts_once() {
    let env = format!("{ENV}SSE_MAX_CONNECTIONS=1\n");
    let endpoint = AuthEndpoint::start(|_| Answer::granted(&[("SSE-Audiences", "user:4")]));
    let site = Site::with_options(&env, &["--admin-listen", "127.0.0.1:0"], endpoint);
    let status = |request: &str, headers: &[(&str, &str)]| {
        http::request(site.server.address(), request, headers, "").status
    };
    let long = "x".repeat(40_000);
    for (request, headers, expected) in [
        ("GET /sse/stream", &[("Host", "evil.example")][..], 421),
        ("GET /sse/stream?latest=perhaps", &[], 400),
        ("GET /sse/stream?events=none", &[], 400),
        ("GET /sse/stream?to=*", &[], 400),
        ("GET /sse/stream", &[("Cookie", &long)], 431),
        ("OPTIONS /sse/stream", &[], 204),
        ("POST /sse/stream", &[], 405),
    ] {
        assert_eq!(status(request, headers), expected, "{request}");
    }
    assert_eq!(site.endpoint.question_count(), 0);
    let stream = site.open(&[]);
    assert_eq!((stream.status, site.endpoint.question_count()), (200, 1));
    assert_eq!(status("GET /sse/stream", &[]), 503);
    assert_eq!(status("HEAD /sse/stream", &[]), 503);
    assert_eq!(site.endpoint.question_count(), 1);
    let metrics = &get(&site.server.admin_address(), "/metrics").body;
    let refused = (metrics.lines())
        .filter_map(|line| line.strip_prefix("sse_streams_refused_total{reason="))
        .filter(|count| !count.ends_with(" 0"));
    let mut refused: Vec<_> = refused.collect();
    refused.sort_unstable();
    let expected = ["\"app\"} 1", "\"busy\"} 2", "\"host\"} 1", "\"request\"} 3"];
    assert_eq!(refused, expected);
}

#[test]
fn head_asks_as_get_does() {
    let site = Site::new(|question| match question.header("cookie") {
        Some(_) => Answer::granted(&[("SSE-Audiences", "user:4")]),
        None => Answer::status("401 Unauthorized", &[]),
    });
    let head = |headers: &[(&str, &str)]| {
        http::request(site.server.address(), "HEAD /sse/stream", headers, "")
    };
    assert_eq!(head(&[]).status, 401);
    let response = head(&[("Cookie", "session=4")]);
    assert_eq!(response.status, 200);
    assert_eq!(
        response.header("cache-control"),
        Some("no-store, no-transform, private")
    );
}

#[test]
fn pages_of_allowed_origins_can_read_each_refusal() {
    let env = format!("{ENV}SSE_ALLOWED_ORIGINS={ORIGIN}\n");
    let endpoint = AuthEndpoint::start(|question| match question.header("cookie") {
        Some(status) => Answer::status(status, &[("Access-Control-Allow-Origin", "*")]),
        None => Answer::status("401 Unauthorized", &[]),
    });
    let site = Site::with_options(&env, &[], endpoint);
    for (answer, expected) in [
        ("401 Unauthorized", 401),
        ("403 Forbidden", 403),
        ("404 Not Found", 503),
    ] {
        let request = |origin: &str| site.open(&[("Cookie", answer), ("Origin", origin)]);
        let response = request(ORIGIN);
        assert_eq!(response.status, expected);
        assert_eq!(response.headers["access-control-allow-origin"], ORIGIN);
        assert_eq!(response.headers["access-control-allow-credentials"], "true");
        assert_eq!(response.headers["cache-control"], "no-store");
        if expected == 503 {
            assert_eq!(
                response.headers["access-control-expose-headers"],
                "Retry-After"
            );
        }
        let response = request("https://evil.example");
        assert_eq!(response.status, expected);
        assert!(!response.headers.contains_key("access-control-allow-origin"));
    }
}

/// A page of another site may send the user's cookies, and so cause a question. It gets no private stream.
#[test]
fn a_page_of_another_site_gets_no_private_stream() {
    let site = Site::new(|_| Answer::granted(&[("SSE-Audiences", "user:4")]));
    let headers = [
        ("Sec-Fetch-Site", "cross-site"),
        ("Origin", "https://evil.example"),
    ];
    assert_eq!(site.open(&headers).status, 403);
}

#[test]
fn a_name_that_is_asked_for_and_not_granted_is_refused() {
    let site = Site::new(|_| Answer::granted(&[("SSE-Audiences", "order:42")]));
    assert_eq!(site.open_path("/sse/stream?to=order:42", &[]).status, 200);
    assert_eq!(site.open_path("/sse/stream?to=order:43", &[]).status, 403);
}

#[test]
fn each_user_has_an_identity() {
    let site = Site::new(|question| {
        let user = question.header("cookie").unwrap_or_default();
        Answer::granted(&[("SSE-Audiences", "staff"), ("SSE-Identity", user)])
    });
    let identity = |user: &str| {
        let headers = [("Cookie", user)];
        let mut response = http::request(site.server.address(), "GET /sse/stream", &headers, "");
        let text = response.read_text();
        let (_, rest) = text.split_once(": identity ").unwrap();
        rest.lines().next().unwrap().to_owned()
    };
    assert_eq!(identity("4"), identity("4"));
    assert_ne!(identity("4"), identity("5"));
}
