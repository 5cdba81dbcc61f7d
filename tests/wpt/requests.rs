//! The originals `request-*` and `eventsource-cross-origin*`: the requests of the client, and how it
//! handles the responses.

use serde_json::{Value, json};
use support::Engine;

use crate::{
    answer::Answer,
    session::{CONNECTING, OPEN, Session, lost, message, open, path, refused, refused_for_good},
};

cases! {
    request_accept_and_cache_control: headers;

    request_credentials_enabled: |session| credentials(
        session,
        "enabled",
        json!({"withCredentials": true}),
        true,
    );
    request_credentials_disabled: |session| credentials(
        session,
        "disabled",
        json!({"withCredentials": false}),
        false,
    );
    request_credentials_default: |session| credentials(
        session,
        "default",
        json!({}),
        false,
    );

    request_redirect_301: |session| redirect(session, 301);
    request_redirect_302: |session| redirect(session, 302);
    request_redirect_303: |session| redirect(session, 303);
    request_redirect_307: |session| redirect(session, 307);
    request_redirect_308: |session| redirect(session, 308);

    request_status_error_204: |session| final_status(session, 204);
    request_status_error_401: |session| final_status(session, 401);
    request_status_error_403: |session| final_status(session, 403);
    request_status_error_404: |session| final_status(session, 404);
    request_status_error_410: |session| final_status(session, 410);
    request_status_error_205: |session| temporary_status(session, 205);
    request_status_error_210: |session| temporary_status(session, 210);
    request_status_error_299: |session| temporary_status(session, 299);
    request_status_error_400: |session| temporary_status(session, 400);
    request_status_error_429: |session| temporary_status(session, 429);
    request_status_error_500: |session| temporary_status(session, 500);
    request_status_error_502: |session| temporary_status(session, 502);
    request_status_error_503: |session| temporary_status(session, 503);
    request_status_error_504: |session| temporary_status(session, 504);

    eventsource_cross_origin_basic_use: cross_origin;
    eventsource_cross_origin_redirect_use: cross_origin_redirect;
    eventsource_cross_origin_redirect_use_recon: cross_origin_reconnect;
    eventsource_cross_origin_allow_origin_with_another_origin: |session| cross_origin_failure(
        session,
        "another origin",
        Answer::stream("data:a\n\n").for_origin("http://example.org"),
    );
    eventsource_cross_origin_allow_origin_with_an_empty_origin: |session| cross_origin_failure(
        session,
        "an empty origin",
        Answer::stream("data:a\n\n").for_origin(""),
    );
    eventsource_cross_origin_allow_origin_with_no_origin: |session| cross_origin_failure(
        session,
        "no origin",
        Answer::stream("data:a\n\n"),
    );
    eventsource_cross_origin_with_sse_allowed_origins: allowed_origin;
    eventsource_cross_origin_without_sse_allowed_origins: other_origin;

    eventsource_cross_origin_preflight_safe: |session| no_preflight(session, "safe", "abc");
    eventsource_cross_origin_preflight_long: |session| no_preflight(session, "long", &"a".repeat(255));
    eventsource_cross_origin_preflight_unsafe: |session| no_preflight(
        session,
        "unsafe",
        "a<b&c=d#…",
    );
}

/// Not in Chromium, which itself repeats such a request on a connection that was used before.
mod request_status_error_408 {
    use super::*;

    #[test]
    fn firefox() {
        crate::session::run(Engine::Firefox, |session| temporary_status(session, 408));
    }

    #[test]
    fn webkit() {
        crate::session::run(Engine::WebKit, |session| temporary_status(session, 408));
    }
}

/// The URL of a case's stream at the other origin.
fn there(session: &Session, name: &str) -> Value {
    format!("{}/play/{name}", session.site.there).into()
}

/// The headers of the first request and of a later one.
fn headers(session: &Session) {
    let name = "request_accept, request_cache_control";
    session.run_other_client(name);
    let elsewhere = "request_cache_control cross origin";
    let answers = [Answer::retry_soon(), Answer::end()];
    let answers = answers.map(|answer| answer.for_origin(&session.site.here));
    session.site.plays(elsewhere, answers);
    session.run("receive", &[there(session, elsewhere)]);
    for name in [name, elsewhere] {
        let requests = session.site.requests(name);
        let headers: Vec<_> = requests
            .iter()
            .map(|request| ["accept", "cache-control"].map(|name| request.header(name)))
            .collect();
        let expected = vec![[Some("text/event-stream"), Some("no-cache")]; 2];
        session.expect(name, &headers, &expected);
    }
}

/// A cookie of the other origin is stored, and sent back, only if the page enables that.
fn credentials(session: &Session, kind: &str, options: Value, expected: bool) {
    let name = format!("request_credentials {kind}");
    let cookie = format!("{kind}=1");
    let answers = [
        Answer::retry_soon().with("set-cookie", cookie.as_str()),
        Answer::end(),
    ];
    let answers = answers.map(|answer| answer.for_origin(&session.site.here));
    session.site.plays(&name, answers);
    session.run("receive", &[there(session, &name), options]);
    let requests = session.site.requests(&name);
    let sent: Vec<_> = requests
        .iter()
        .map(|request| {
            let cookies = request.header("cookie").unwrap_or_default();
            cookies.contains(&cookie)
        })
        .collect();
    session.expect(&name, &sent, &vec![false, expected]);
}

/// Redirects are followed, and the next request goes to the URL that the page has given, with the id.
fn redirect(session: &Session, status: u16) {
    let name = format!("request_redirect {status}");
    let to = format!("{name} to");
    let redirect = Answer::redirect(status, path(&to).as_str().unwrap());
    session.site.plays(&name, vec![redirect; 2]);
    let stream = Answer::stream("retry:1\nid:1\ndata:a\n\n");
    session.site.plays(&to, [stream, Answer::end()]);
    let received = session.receive(&name);
    let expected = json!([open(), message("a", "1"), lost(), open()]);
    session.expect(&name, &received, &expected);
    session.expect_last_ids(&name, &[None, Some("1")]);
}

/// A refusal, and its body as the page receives it.
fn refusal(status: u16) -> (Answer, &'static str) {
    let refusal = Answer::status(status);
    match status {
        204 | 205 => (refusal.without_body(), ""),
        _ => (refusal, "data:data\n\n"),
    }
}

/// For statuses that a retry would not change, there is none.
fn final_status(session: &Session, status: u16) {
    let name = format!("request_status_error {status}");
    let (refusal, body) = refusal(status);
    session.site.plays(&name, [Answer::retry_soon(), refusal]);
    let received = session.receive(&name);
    let refused = refused_for_good(status, body);
    session.expect(&name, &received, &json!([open(), lost(), refused]));
    session.run_other_client(&format!("{name} later"));
    let count = session.site.requests(&name).len();
    session.expect(&name, &count, &2);
}

/// For an EventSource these statuses are final, too. Our client retries: a server that is being
/// replaced, or is overloaded, answers again later.
fn temporary_status(session: &Session, status: u16) {
    let name = format!("request_status_error {status}");
    let (refusal, body) = refusal(status);
    session
        .site
        .plays(&name, [Answer::retry_soon(), refusal, Answer::end()]);
    let received = session.receive(&name);
    let expected = json!([open(), lost(), refused(status, body), open()]);
    session.expect(&name, &received, &expected);
}

/// With the permission of the other origin, its streams work like any other.
fn cross_origin(session: &Session) {
    let credentials = json!({"withCredentials": true});
    let here = session.site.here.clone();

    let name = "eventsource_cross_origin basic use";
    let stream = Answer::stream("data:a\n\n");
    session.site.plays(name, [stream.for_origin(&here)]);
    let address = there(session, name);
    let called = session.run("called", &[address, "onmessage".into(), credentials]);
    let received = [&called[0], &called[1]["data"], &called[1]["origin"]].map(Clone::clone);
    let origin = session.site.there.as_str().into();
    session.expect(name, &received, &[OPEN.into(), "a".into(), origin]);
}

fn cross_origin_redirect(session: &Session) {
    let here = session.site.here.clone();
    let name = "eventsource_cross_origin redirect use";
    let to = format!("{name} to");
    let redirect = Answer::redirect(307, path(&to).as_str().unwrap());
    session.site.plays(name, [redirect.for_origin(&here)]);
    let stream = Answer::stream("data:a\n\nevent:end\ndata\n\n");
    session.site.plays(&to, [stream.for_origin(&here)]);
    let address = there(session, name);
    let received = session.run("receive", &[address, json!({"withCredentials": true})]);
    session.expect(name, &received, &json!([open(), message("a", "")]));
}

fn cross_origin_reconnect(session: &Session) {
    let name = "eventsource_cross_origin redirect use recon";
    let answers = [Answer::retry_soon(), Answer::end()];
    let answers = answers.map(|answer| answer.for_origin(&session.site.here));
    session.site.plays(name, answers);
    let address = there(session, name);
    let received = session.run("receive", &[address, json!({"withCredentials": true})]);
    session.expect(name, &received, &json!([open(), lost(), open()]));
}

/// Without the permission of the other origin, nothing is received. For an EventSource that is final.
/// Our client cannot distinguish it from a network failure, and retries.
fn cross_origin_failure(session: &Session, kind: &str, forbidden: Answer) {
    let here = &session.site.here;
    let name = format!("eventsource_cross_origin allow-origin with {kind} should fail");
    let [first, last] = [Answer::retry_soon(), Answer::end()].map(|answer| answer.for_origin(here));
    session.site.plays(&name, [first, forbidden, last]);
    let received = session.run("receive", &[there(session, &name)]);
    session.expect(&name, &received, &json!([open(), lost(), lost(), open()]));
}

/// The path of the library's own stream, at the other origin.
fn library_stream(session: &Session) -> Value {
    format!("{}/sse/stream", session.site.there).into()
}

/// Pages of the origins in `SSE_ALLOWED_ORIGINS` may read the library's own streams.
fn allowed_origin(session: &Session) {
    let name = "eventsource_cross_origin with SSE_ALLOWED_ORIGINS";
    let stream = library_stream(session);
    let options = json!({"withCredentials": true});
    session.execute(&format!(
        "window.listened = cases.listened({stream}, 'news', {options});"
    ));
    session.site.wait_for_streams(1);
    session.site.save("news", 1);
    let listened = session.evaluate("window.listened");
    let origin = listened[1]["origin"].clone();
    session.expect(name, &origin, &session.site.there.as_str().into());
}

fn other_origin(session: &Session) {
    let name = "eventsource_cross_origin without SSE_ALLOWED_ORIGINS";
    // The same server under another host name.
    let elsewhere = session.site.here.replace("127.0.0.1", "localhost");
    session.open(&elsewhere);
    let called = session.run("called", &[library_stream(session), "onerror".into()]);
    session.expect(name, &called[0], &CONNECTING.into());
}

/// An id is sent to the other origin without a preflight. The originals expect one before an id that
/// is not safe in a header. Our client needs none, whatever the id.
fn no_preflight(session: &Session, kind: &str, id: &str) {
    let name = format!("eventsource_cross_origin_preflight {kind}");
    let stream = format!("retry:1\nid:{id}\ndata:a\n\n");
    let answers = [Answer::stream(stream), Answer::end()];
    let answers = answers.map(|answer| answer.for_origin(&session.site.here));
    session.site.plays(&name, answers);
    session.run("receive", &[there(session, &name)]);
    let requests = session.site.requests(&name);
    let requests: Vec<_> = requests
        .iter()
        .map(|request| {
            let id = request.query("last_event_id");
            (request.method.as_str(), id, request.header("last-event-id"))
        })
        .collect();
    let expected = vec![("GET", None, None), ("GET", Some(id), None)];
    session.expect(&name, &requests, &expected);
}
