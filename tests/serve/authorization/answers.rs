//! What the app answers, and what the client gets.

use serde_json::json;
use support::Answer;

use super::Site;

/// Knows the users 4 and 5 by their cookies.
fn user(cookie: Option<&str>) -> Answer {
    let Some(user) = cookie.and_then(|cookie| cookie.strip_prefix("session=")) else {
        return Answer::status("401 Unauthorized", &[]);
    };
    let audiences = format!("user:{user}, order:*");
    Answer::granted(&[("SSE-Audiences", &audiences), ("SSE-Identity", user)])
}

#[test]
fn a_client_receives_what_the_app_grants() {
    let site = Site::new(|question| user(question.header("cookie")));
    let streams = ["4", "5"].map(|user| {
        let stream = site.open(&[("Cookie", &format!("session={user}"))]);
        assert_eq!(stream.status, 200);
        stream
    });
    site.save("1", "user:4");
    site.save("2", "user:5");
    site.save("3", "order:42");
    for (stream, own) in streams.iter().zip([1, 2]) {
        let values = [(); 2].map(|()| stream.next_event().value());
        assert_eq!(values, [json!(own), json!(3)]);
    }
}

#[test]
fn a_client_that_the_app_does_not_know_gets_401() {
    let site = Site::new(|question| user(question.header("cookie")));
    assert_eq!(site.open(&[]).status, 401);
}

/// The client's own headers named like those of an answer have no effect.
#[test]
fn the_question_has_the_credentials_and_what_is_asked_for_and_nothing_else() {
    let site = Site::new(|_| Answer::granted(&[("SSE-Audiences", "order:*, team%3A7")]));
    let stream = site.open_path(
        "/sse/stream?to=order:42,team:7&latest=true",
        &[
            ("Cookie", "session=4"),
            ("Authorization", "Bearer secret"),
            ("User-Agent", "Test"),
            ("X-Forwarded-For", "192.0.2.1"),
            ("X-Forwarded-Proto", "https"),
            ("SSE-Audiences", "admin"),
            ("SSE-Asked", "admin"),
            ("X-Forwarded-Host", "evil.example"),
            ("Last-Event-ID", "1"),
            ("Referer", "http://localhost/"),
        ],
    );
    assert_eq!(stream.status, 200);
    let [question] = &site.endpoint.questions()[..] else {
        panic!("{:?}", site.endpoint.questions());
    };
    assert_eq!(question.request_line, "GET /auth HTTP/1.1");
    let mut headers: Vec<_> = question.headers.iter().collect();
    headers.sort();
    let host = format!("127.0.0.1:{}", site.endpoint.port());
    let expected = [
        ("accept", "application/json"),
        ("authorization", "Bearer secret"),
        ("cookie", "session=4"),
        ("host", &host),
        ("sse-asked", "order%3A42,team%3A7"),
        ("user-agent", "Test"),
        ("x-forwarded-for", "192.0.2.1, 127.0.0.1"),
        ("x-forwarded-proto", "https"),
        ("x-requested-with", "XMLHttpRequest"),
    ];
    let headers: Vec<(&str, &str)> = headers.iter().map(|(n, v)| (&***n, &***v)).collect();
    assert_eq!(headers, expected);
    site.save("1", "admin");
    site.save("2", "team:7");
    assert_eq!(stream.next_event().value(), json!(2));
}
