use actix_web::test::TestRequest;

use super::*;

fn text<'a>(headers: &'a HeaderMap, name: &str) -> Option<&'a str> {
    headers
        .get(name)
        .map(|value| value.to_str().expect("it is text"))
}

fn headers_of(request: TestRequest) -> HeaderMap {
    for_client(&request.to_http_request(), std::iter::empty()).expect("it is short")
}

fn asked(names: &[&str]) -> Result<HeaderMap, Refusal> {
    for_client(
        &TestRequest::default().to_http_request(),
        names.iter().copied(),
    )
}

#[test]
fn names_that_are_asked_for_are_encoded() {
    let names = ["order:42", "Équipe 7", "a%b-c._~", "x\"y;z=\\"];
    let headers = asked(&names).expect("it is short");
    let expected = "order%3A42,%C3%89quipe%207,a%25b-c._~,x%22y%3Bz%3D%5C";
    assert_eq!(text(&headers, "sse-asked"), Some(expected));
    assert_eq!(text(&asked(&[]).expect("it is short"), "sse-asked"), None);
}

#[test]
fn cookies_that_http2_has_split_are_one_header() {
    let request = TestRequest::default()
        .append_header(("Cookie", "a=1"))
        .append_header(("Cookie", "b=2; c=3"));
    let headers = headers_of(request);
    assert_eq!(text(&headers, "cookie"), Some("a=1; b=2; c=3"));
    assert_eq!(headers.get_all("cookie").iter().count(), 1);
}

#[test]
fn the_peer_is_appended_to_the_addresses_that_proxies_name() {
    for (peer, named, expected) in [
        ("192.0.2.7:1", None, "192.0.2.7"),
        ("127.0.0.1:1", Some("192.0.2.7"), "192.0.2.7, 127.0.0.1"),
        ("[::ffff:192.0.2.7]:1", Some(""), "192.0.2.7"),
    ] {
        let mut request = TestRequest::default().peer_addr(peer.parse().expect("an address"));
        if let Some(named) = named {
            request = request.insert_header(("X-Forwarded-For", named));
        }
        assert_eq!(
            text(&headers_of(request), "x-forwarded-for"),
            Some(expected)
        );
    }
    let two = TestRequest::default()
        .append_header(("X-Forwarded-For", "192.0.2.1"))
        .append_header(("X-Forwarded-For", "192.0.2.2"));
    let headers = headers_of(two);
    assert_eq!(
        text(&headers, "x-forwarded-for"),
        Some("192.0.2.1, 192.0.2.2"),
        "a Unix socket has no peer"
    );
}

#[test]
fn bytes_beyond_ascii_pass_unchanged() {
    let value = actix_web::http::header::HeaderValue::from_bytes(b"a=\xff").expect("it is valid");
    let headers = headers_of(TestRequest::default().insert_header(("Cookie", value)));
    assert_eq!(headers["cookie"].as_bytes(), b"a=\xff");
}

#[test]
fn a_question_that_apps_would_not_accept_is_not_asked() {
    let with_cookie = |bytes: usize| {
        let request = TestRequest::default().insert_header(("Cookie", "x".repeat(bytes)));
        for_client(&request.to_http_request(), std::iter::empty())
    };
    assert!(with_cookie(16 * 1024).is_ok());
    assert_eq!(with_cookie(MAX_BYTES).err(), Some(Refusal::TooLarge));
    let names = vec!["é".repeat(100); 100];
    let names: Vec<&str> = names.iter().map(String::as_str).collect();
    assert_eq!(asked(&names).err(), Some(Refusal::TooLarge));
}

#[test]
fn a_probe_has_no_credentials() {
    let headers = without_client();
    let mut names: Vec<_> = headers.keys().map(HeaderName::as_str).collect();
    names.sort_unstable();
    assert_eq!(names, ["accept", "user-agent", "x-requested-with"]);
}
