//! docs/guides/tokens.md: JSON Web Tokens in headers and cookies.

use std::time::{SystemTime, UNIX_EPOCH};

use jsonwebtoken::{EncodingKey, Header, encode};
use serde_json::json;
use support::{Stream, http, until};

use super::{GuideApp, assert_shows, events_of};

const SECRET: &str = "the secret of this test's tokens";

const ORIGIN: &str = "https://app.example";

fn app() -> GuideApp {
    let events = events_of("guides/single-users.md") + ",news:news";
    let environment = [("JWT_SECRET", SECRET), ("SSE_ALLOWED_ORIGINS", ORIGIN)];
    GuideApp::start("tokens", &events, &environment)
}

/// A token for this user that is valid for this many whole seconds.
fn token(user: &str, seconds: i64, secret: &str) -> String {
    let now = SystemTime::now().duration_since(UNIX_EPOCH).unwrap();
    let expires_at = i64::try_from(now.as_secs()).unwrap() + seconds;
    let key = EncodingKey::from_secret(secret.as_bytes()).unwrap();
    encode(
        &Header::default(),
        &json!({"sub": user, "exp": expires_at}),
        &key,
    )
    .unwrap()
}

impl GuideApp {
    #[track_caller]
    fn stream_with(&self, name: &str, value: &str) -> Stream {
        Stream::request(&self.address, "/sse/stream", &[(name, value)])
    }
}

#[test]
fn the_guide_shows_the_app_that_is_tested() {
    let app = include_str!("../../helper/guides/tokens.rs");
    assert_shows("guides/tokens.md", &["Read the token", "The stream"], app);
}

#[test]
fn a_token_opens_the_stream_of_its_user() {
    let app = app();
    let valid = token("4", 600, SECRET);
    let (expired, forged) = (token("4", 0, SECRET), token("4", 600, "another secret"));
    // "alg": "none", without a signature.
    let (_, rest) = valid.split_once('.').unwrap();
    let (claims, _) = rest.split_once('.').unwrap();
    let unsigned = format!("eyJhbGciOiJub25lIn0.{claims}.");
    for refused in [&expired, &forged, &unsigned, ""] {
        let in_header = app.stream_with("Authorization", &format!("Bearer {refused}"));
        assert_eq!(in_header.status, 401, "{refused}");
        let in_cookie = app.stream_with("Cookie", &format!("token={refused}"));
        assert_eq!(in_cookie.status, 401, "{refused}");
    }
    let streams = [
        app.stream_with("Authorization", &format!("Bearer {valid}")),
        app.stream_with("Cookie", &format!("token={valid}")),
    ];
    let other = token("5", 600, SECRET);
    let other = app.stream_with("Authorization", &format!("Bearer {other}"));
    let invoice = app.cache.save("invoices", 1).to("user:4");
    invoice.blocking().unwrap();
    app.cache.save_blocking("news", 2).unwrap();
    for stream in streams {
        let event = stream.next_but_heartbeats();
        assert_eq!((event.name(), event.value()), ("invoice", json!(1)));
    }
    assert_eq!(other.next_but_heartbeats().name(), "news");
}

#[test]
fn a_page_of_another_origin_may_send_a_token() {
    let app = app();
    let headers = [
        ("Origin", ORIGIN),
        ("Access-Control-Request-Method", "GET"),
        ("Access-Control-Request-Headers", "authorization"),
    ];
    let preflight = http::request(&app.address, "OPTIONS /sse/stream", &headers, "");
    assert_eq!(preflight.status, 204);
    let allowed = preflight.header("access-control-allow-headers").unwrap();
    assert!(allowed.contains("Authorization"), "{allowed}");
    let token = format!("Bearer {}", token("4", 600, SECRET));
    let cross_site = [
        ("Origin", ORIGIN),
        ("Sec-Fetch-Site", "cross-site"),
        ("Authorization", &token),
    ];
    let stream = Stream::request(&app.address, "/sse/stream", &cross_site);
    assert_eq!(stream.headers["access-control-allow-origin"], ORIGIN);
    let head = http::request(&app.address, "HEAD /sse/stream", &cross_site, "");
    assert_eq!((stream.status, head.status), (200, 200));
}

#[test]
fn the_stream_ends_when_its_token_expires() {
    let app = app();
    // On a busy machine, a token of so few seconds may have expired when it arrives.
    let (brief, stream) = until("a token opens a stream before it expires", || {
        let brief = format!("Bearer {}", token("4", 2, SECRET));
        let stream = app.stream_with("Authorization", &brief);
        (stream.status == 200).then_some((brief, stream))
    });
    assert!(stream.has_ended());
    assert_eq!(app.stream_with("Authorization", &brief).status, 401);
}
