//! The originals `request-*`, `eventsource-cross-origin*`, `eventsource-reconnect` and
//! `eventsource-close`: what the server is asked, and what is made of its answer.

use serde_json::{Value, json};
use support::Engine;

use crate::{
    answer::Answer,
    session::{
        CLOSED, CONNECTING, OPEN, Session, lost, message, open, path, refused, refused_for_good,
    },
};

pub(crate) fn all(engine: Engine) {
    let mut session = Session::start(engine);
    headers(&mut session);
    credentials(&mut session);
    redirects(&mut session);
    final_statuses(&mut session);
    passing_statuses(&mut session);
    cross_origin(&mut session);
    cross_origin_later(&mut session);
    cross_origin_failures(&mut session);
    allowed_origins(&mut session);
    no_preflight(&mut session);
    reconnect(&mut session);
    close(&mut session);
    cancellation(&mut session);
    cancellation_by_close(&mut session);
}

/// The address of a case's stream at the other origin.
fn there(session: &Session, name: &str) -> Value {
    format!("{}/play/{name}", session.site.there).into()
}

/// `request_accept` and `request_cache_control`: the headers, of the first request and of a later one.
fn headers(session: &mut Session) {
    let name = "request_accept, request_cache_control";
    session.pass_by(name);
    let elsewhere = "request_cache_control cross origin";
    let answers = [Answer::hurry(), Answer::end()];
    let answers = answers.map(|answer| answer.for_origin(&session.site.here));
    session.site.plays(elsewhere, answers);
    session.run("hear", &[there(session, elsewhere)]);
    for name in [name, elsewhere] {
        let asked = session.site.asked(name);
        let headers: Vec<_> = asked
            .iter()
            .map(|asked| ["accept", "cache-control"].map(|name| asked.header(name)))
            .collect();
        let expected = vec![[Some("text/event-stream"), Some("no-cache")]; 2];
        session.expect(name, &headers, &expected);
    }
}

/// `request_credentials`: a cookie of the other origin is taken, and sent back, only where the page
/// says so.
fn credentials(session: &mut Session) {
    for (kind, options, expected) in [
        ("enabled", json!({"withCredentials": true}), true),
        ("disabled", json!({"withCredentials": false}), false),
        ("default", json!({}), false),
    ] {
        let name = format!("request_credentials {kind}");
        let cookie = format!("{kind}=1");
        let answers = [
            Answer::hurry().with("set-cookie", cookie.as_str()),
            Answer::end(),
        ];
        let answers = answers.map(|answer| answer.for_origin(&session.site.here));
        session.site.plays(&name, answers);
        session.run("hear", &[there(session, &name), options]);
        let asked = session.site.asked(&name);
        let sent: Vec<_> = asked
            .iter()
            .map(|asked| {
                let cookies = asked.header("cookie").unwrap_or_default();
                cookies.contains(&cookie)
            })
            .collect();
        session.expect(&name, &sent, &vec![false, expected]);
    }
}

/// `request_redirect`: redirections are followed, and the place in the stream goes to the address that
/// the page has named.
fn redirects(session: &mut Session) {
    for status in [301, 302, 303, 307, 308] {
        let name = format!("request_redirect {status}");
        let to = format!("{name} to");
        let redirect = Answer::redirect(status, path(&to).as_str().unwrap());
        session.site.plays(&name, vec![redirect; 2]);
        let stream = Answer::stream("retry:1\nid:1\ndata:a\n\n");
        session.site.plays(&to, [stream, Answer::end()]);
        let heard = session.hear(&name);
        let expected = json!([open(), message("a", "1"), lost(), open()]);
        session.expect(&name, &heard, &expected);
        session.expect_places(&name, &[None, Some("1")]);
    }
}

/// A refusal, and what the page gets of its body.
fn refusal(status: u16) -> (Answer, &'static str) {
    let refusal = Answer::status(status);
    match status {
        204 | 205 => (refusal.without_body(), ""),
        _ => (refusal, "data:data\n\n"),
    }
}

/// `request_status_error`, for the answers that another try would not change: there is none.
fn final_statuses(session: &mut Session) {
    for status in [204, 401, 403, 404, 410] {
        let name = format!("request_status_error {status}");
        let (refusal, body) = refusal(status);
        session.site.plays(&name, [Answer::hurry(), refusal]);
        let heard = session.hear(&name);
        let refused = refused_for_good(status, body);
        session.expect(&name, &heard, &json!([open(), lost(), refused]));
        session.pass_by(&format!("{name} later"));
        let count = session.site.asked(&name).len();
        session.expect(&name, &count, &2);
    }
}

/// `request_status_error`, for the others. For an EventSource they are final, too. Ours tries again: a
/// server that is being replaced, or has too much to do, is there again later.
fn passing_statuses(session: &mut Session) {
    let mut statuses = vec![205, 210, 299, 400, 429, 500, 502, 503, 504];
    // Chromium itself repeats such a request, on a connection that was in use before, and tells nobody.
    if session.engine != Engine::Chromium {
        statuses.push(408);
    }
    for status in statuses {
        let name = format!("request_status_error {status}");
        let (refusal, body) = refusal(status);
        session
            .site
            .plays(&name, [Answer::hurry(), refusal, Answer::end()]);
        let heard = session.hear(&name);
        let expected = json!([open(), lost(), refused(status, body), open()]);
        session.expect(&name, &heard, &expected);
    }
}

/// `eventsource_cross_origin`: with the leave of the other origin, its streams are as good as any.
fn cross_origin(session: &mut Session) {
    let credentials = json!({"withCredentials": true});
    let here = session.site.here.clone();

    let name = "eventsource_cross_origin basic use";
    let stream = Answer::stream("data:a\n\n");
    session.site.plays(name, [stream.for_origin(&here)]);
    let address = there(session, name);
    let called = session.run("called", &[address, "onmessage".into(), credentials]);
    let heard = [&called[0], &called[1]["data"], &called[1]["origin"]].map(Clone::clone);
    let origin = session.site.there.as_str().into();
    session.expect(name, &heard, &[OPEN.into(), "a".into(), origin]);
}

/// `eventsource_cross_origin`: that goes for redirections and for later connections, too.
fn cross_origin_later(session: &mut Session) {
    let credentials = json!({"withCredentials": true});
    let here = session.site.here.clone();

    let name = "eventsource_cross_origin redirect use";
    let to = format!("{name} to");
    let redirect = Answer::redirect(307, path(&to).as_str().unwrap());
    session.site.plays(name, [redirect.for_origin(&here)]);
    let stream = Answer::stream("data:a\n\nevent:end\ndata\n\n");
    session.site.plays(&to, [stream.for_origin(&here)]);
    let address = there(session, name);
    let heard = session.run("hear", &[address, credentials.clone()]);
    session.expect(name, &heard, &json!([open(), message("a", "")]));

    let name = "eventsource_cross_origin redirect use recon";
    let answers = [Answer::hurry(), Answer::end()];
    let answers = answers.map(|answer| answer.for_origin(&here));
    session.site.plays(name, answers);
    let address = there(session, name);
    let heard = session.run("hear", &[address, credentials]);
    session.expect(name, &heard, &json!([open(), lost(), open()]));
}

/// `eventsource_cross_origin`: without that leave nothing is heard of them. For an EventSource that is
/// final. Ours cannot tell it from a network that fails, and tries again.
fn cross_origin_failures(session: &mut Session) {
    let here = session.site.here.clone();
    let stream = Answer::stream("data:a\n\n");
    for (kind, forbidden) in [
        (
            "another origin",
            stream.clone().for_origin("http://example.org"),
        ),
        ("an empty origin", stream.clone().for_origin("")),
        ("no origin", stream),
    ] {
        let name = format!("eventsource_cross_origin allow-origin with {kind} should fail");
        let [hurry, end] = [Answer::hurry(), Answer::end()].map(|one| one.for_origin(&here));
        session.site.plays(&name, [hurry, forbidden, end]);
        let heard = session.run("hear", &[there(session, &name)]);
        session.expect(&name, &heard, &json!([open(), lost(), lost(), open()]));
    }
}

/// What the originals above do with a server of their own, with the library's: the pages of the origins
/// in `SSE_ALLOWED_ORIGINS` hear its streams.
fn allowed_origins(session: &mut Session) {
    let name = "eventsource_cross_origin with SSE_ALLOWED_ORIGINS";
    let stream = Value::from(format!("{}/sse/stream", session.site.there));
    let options = json!({"withCredentials": true});
    session.execute(&format!(
        "window.listened = cases.listened({stream}, 'news', {options});"
    ));
    session.site.wait_for_streams(1);
    session.site.save("news", 1);
    let listened = session.evaluate("window.listened");
    let origin = listened[1]["origin"].clone();
    session.expect(name, &origin, &session.site.there.as_str().into());

    let name = "eventsource_cross_origin without SSE_ALLOWED_ORIGINS";
    // The same server by another name.
    let elsewhere = session.site.here.replace("127.0.0.1", "localhost");
    session.open(&elsewhere);
    let called = session.run("called", &[stream, "onerror".into()]);
    session.expect(name, &called[0], &CONNECTING.into());
    session.open(&session.site.here);
}

/// `eventsource_cross_origin_preflight`: an id goes to the other origin, and no preflight before it. The
/// originals expect one before an id that is not safe in a header. Ours needs none, whatever the id.
fn no_preflight(session: &mut Session) {
    let long = "a".repeat(255);
    for (kind, id) in [("safe", "abc"), ("long", &long), ("unsafe", "a<b&c=d#…")] {
        let name = format!("eventsource_cross_origin_preflight {kind}");
        let stream = format!("retry:1\nid:{id}\ndata:a\n\n");
        let answers = [Answer::stream(stream), Answer::end()];
        let answers = answers.map(|answer| answer.for_origin(&session.site.here));
        session.site.plays(&name, answers);
        session.run("hear", &[there(session, &name)]);
        let asked = session.site.asked(&name);
        let asked: Vec<_> = asked
            .iter()
            .map(|asked| {
                let id = asked.query("last_event_id");
                (asked.method.as_str(), id, asked.header("last-event-id"))
            })
            .collect();
        let expected = vec![("GET", None, None), ("GET", Some(id), None)];
        session.expect(&name, &asked, &expected);
    }
}

/// `eventsource_reconnect`: a stream that ends is opened again, and the page is told.
fn reconnect(session: &mut Session) {
    let name = "eventsource_reconnect 200";
    // A waiting time counts as soon as its line has ended.
    let answers = [
        Answer::stream("retry:2\n"),
        Answer::stream("data:a\n\nevent:end\ndata\n\n"),
    ];
    session.site.plays(name, answers);
    let heard = session.hear(name);
    session.expect(
        name,
        &heard,
        &json!([open(), lost(), open(), message("a", "")]),
    );

    let name = "eventsource_reconnect test reconnection events";
    let answers = [
        Answer::stream("retry:2\ndata:a\n\n"),
        Answer::stream("data:b\n\n"),
        Answer::end(),
    ];
    session.site.plays(name, answers);
    let heard = session.hear(name);
    let expected = json!([
        open(),
        message("a", ""),
        lost(),
        open(),
        message("b", ""),
        lost(),
        open()
    ]);
    session.expect(name, &heard, &expected);
}

/// `eventsource_close`: `close()` is the end, and so is the server's "no content".
fn close(session: &mut Session) {
    let name = "eventsource_close";
    let stream = Answer::stream("retry:1\ndata:a\n\n");
    session.site.plays(name, [stream.clone(), stream]);
    let later = "eventsource_close later";
    session.site.plays(later, [Answer::hurry(), Answer::end()]);
    let states = session.run("closed", &[path(name), path(later)]);
    session.expect(name, &states, &json!([CONNECTING, OPEN, CLOSED, CLOSED]));
    let count = session.site.asked(name).len();
    session.expect(name, &count, &1);

    let name = "eventsource_close test events";
    let answers = [
        Answer::stream("retry:2\ndata:a\n\n"),
        Answer::stream("data:b\n\n"),
        Answer::status(204).without_body(),
    ];
    session.site.plays(name, answers);
    let heard = session.hear(name);
    let expected = json!([
        open(),
        message("a", ""),
        lost(),
        open(),
        message("b", ""),
        lost(),
        refused_for_good(204, ""),
    ]);
    session.expect(name, &heard, &expected);
    session.pass_by("eventsource_close test events later");
    let count = session.site.asked(name).len();
    session.expect(name, &count, &3);
}

/// `eventsource_request_cancellation`: the page is stopped before the server has answered. For an
/// EventSource that is the end. Ours takes it for a connection that was lost.
fn cancellation(session: &mut Session) {
    let name = "eventsource_request_cancellation";
    session.execute(&format!("window.heard = cases.hear({});", path(name)));
    session.site.wait_for_requests(name, 1);
    session.execute("window.stop();");
    session.site.wait_for_open_requests(name, 0);
    session.site.plays(name, [Answer::end()]);
    let heard = session.evaluate("window.heard");
    session.expect(name, &heard, &json!([lost(), open()]));
}

/// What the original is about, with `close()`: the request is given up, and nothing is heard of it.
fn cancellation_by_close(session: &mut Session) {
    let name = "eventsource_request_cancellation by close()";
    session.execute(&format!("cases.open({});", path(name)));
    session.site.wait_for_requests(name, 1);
    session.execute("sse.close();");
    session.site.wait_for_open_requests(name, 0);
    session.site.plays(name, [Answer::stream("data:a\n\n")]);
    session.pass_by(&format!("{name} later"));
    let record = session.evaluate("[sse.readyState, ...record]");
    session.expect(name, &record, &json!([CLOSED]));
    let count = session.site.asked(name).len();
    session.expect(name, &count, &1);
}
