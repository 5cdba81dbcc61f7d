//! `POST /sse/revoke/{audience}`.

use support::{Answer, AuthEndpoint, Backend, Stream, on_every_backend};

use super::{Shop, TOKEN, request};

on_every_backend! {
    a_revocation_ends_the_streams_that_hold_the_audience
}

fn a_revocation_ends_the_streams_that_hold_the_audience(backend: Backend) {
    let shop = Shop::on(backend);
    let endpoint = AuthEndpoint::start(|question| {
        let user = question.header("cookie").unwrap_or_default().to_owned();
        Answer::granted(&[("SSE-Audiences", &user)])
    });
    let url = endpoint.url();
    let server = shop
        .0
        .serve(&["--save-token-file", "token", "--auth-url", &url]);
    let open = |user| Stream::request(server.address(), "/sse/stream", &[("Cookie", user)]);
    let (anne, bert) = (open("user:4"), open("user:5"));
    let token = format!("Bearer {TOKEN}");
    let authorization = [("Authorization", &*token)];

    let revoked = request(&server, "POST /sse/revoke/user%3A4", &authorization, "");
    assert_eq!(revoked.status, 201, "{}", revoked.text);
    assert!(anne.has_ended());
    let saved = shop.0.sse(&["save", "orders", "1"]);
    assert!(saved.status.success());
    assert_eq!(bert.next_event().value(), 1);
    let id = String::from_utf8(saved.stderr).unwrap();
    let epoch = revoked.id().split_once('-').unwrap().0.to_owned();
    assert!(id.contains(&epoch), "{id}");
}

#[test]
fn a_revocation_needs_the_token_and_a_name() {
    let shop = Shop::new();
    let server = shop.serve();
    let token = format!("Bearer {TOKEN}");
    let authorization = [("Authorization", &*token)];
    request(&server, "POST /sse/revoke/user:4", &[], "").assert_refused(401, "has no token");
    for (target, problem) in [
        ("", "names no audience"),
        ("/", "names no audience"),
        ("/%ff", "not valid UTF-8"),
        ("/user:*", "`*`"),
        ("/user:4?all", "has parameters"),
    ] {
        let target = format!("POST /sse/revoke{target}");
        request(&server, &target, &authorization, "").assert_refused(422, problem);
    }
    request(&server, "GET /sse/revoke/user:4", &authorization, "").assert_refused(405, "only POST");
    let off = shop.0.serve(&[]);
    request(&off, "POST /sse/revoke/user:4", &authorization, "").assert_refused(404, "over HTTP");
}
