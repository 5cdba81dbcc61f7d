//! The originals that test the shape of the class and apply to ours, and pages that are left.

use serde_json::{Value, json};
use support::{Engine, until};

use crate::{
    answer::Answer,
    session::{CLOSED, CONNECTING, OPEN, Session, path},
};

cases! {
    eventsource_onmessage: |session| assert_message(
        session,
        "eventsource_onmessage",
        "called",
        "onmessage",
    );
    eventsource_eventtarget: |session| assert_message(
        session,
        "eventsource_eventtarget",
        "listened",
        "message",
    );
    eventsource_onopen: |session| assert_called(
        session,
        "eventsource_onopen",
        "onopen",
        Answer::stream("data:a\n\n"),
        &json!([OPEN, shape("open")]),
    );
    /// What `format_mime_bogus` tests about the event of an error.
    eventsource_onerror: |session| assert_called(
        session,
        "eventsource_onerror",
        "onerror",
        Answer::status(404),
        &json!([CLOSED, shape("error")]),
    );
    /// And `eventsource_readyState`.
    eventsource_url: description;
    eventsource_bfcache: bfcache;
}

/// The event that a client's property or listener receives, as `cases.js` records it.
///
/// `eventsource_onmessage_trusted`: events of an EventSource are trusted, but a script cannot make
/// trusted events.
fn shape(name: &str) -> Value {
    json!({
        "type": name,
        "bubbles": false,
        "cancelable": false,
        "isTrusted": false,
        "isMessage": false,
        "isOurs": true,
        "hasData": false,
        "data": null,
        "origin": null,
        "lastEventId": null,
    })
}

fn message_shape(origin: &str) -> Value {
    let mut shape = shape("message");
    shape["isMessage"] = true.into();
    shape["hasData"] = true.into();
    shape["data"] = "a".into();
    shape["origin"] = origin.into();
    shape["lastEventId"] = "".into();
    shape
}

fn assert_message(session: &Session, name: &str, function: &str, property: &str) {
    session.site.plays(name, [Answer::stream("data:a\n\n")]);
    let called = session.run(function, &[path(name), property.into()]);
    let expected = json!([OPEN, message_shape(&session.site.here)]);
    session.expect(name, &called, &expected);
}

fn assert_called(session: &Session, name: &str, property: &str, answer: Answer, expected: &Value) {
    session.site.plays(name, [answer]);
    let called = session.run("called", &[path(name), property.into()]);
    session.expect(name, &called, expected);
}

/// The URL is absolute.
fn description(session: &Session) {
    let name = "eventsource_url";
    let states = [CONNECTING, OPEN, CLOSED];
    let address = format!("{}/play/{name}", session.site.here);
    let described = session.run("described", &[path(name)]);
    session.expect(name, &described, &json!([states, states, address, false]));
}

/// A page that is left closes its connection, and opens another when it is shown again. Firefox does
/// not cache pages with an open stream, be it an EventSource's or ours, and loads them again.
fn bfcache(session: &Session) {
    let site = &session.site;
    site.plays("reports", vec![Answer::status(204).without_body(); 5]);
    // A browser may abort the stream some time before the page is gone, which must not retry meanwhile.
    let stream = Answer::stream("retry:60000\ndata:a\n\n");
    site.plays("first", [stream.kept_open()]);
    session.visit("/travels/first");
    wait_for_report(session, "first receives a");
    site.wait_for_open_requests("first", 1);

    site.plays("where to from first", [Answer::text("/travels/second")]);
    site.wait_for_requests("where to from second", 1);
    site.wait_for_open_requests("first", 0);

    site.plays("first", [Answer::stream("data:b\n\n").kept_open()]);
    site.plays("where to from second", [Answer::text("back")]);
    wait_for_report(session, "first receives b");
    site.wait_for_open_requests("first", 1);
    let count = site.requests("first").len();
    let is_cached = has_report(session, "first was cached");
    session.expect("eventsource_bfcache", &count, &2);
    let is_expected = is_cached || session.engine == Engine::Firefox;
    session.expect(
        "eventsource_bfcache, the page is cached",
        &is_expected,
        &true,
    );
}

fn wait_for_report(session: &Session, report: &str) {
    until(report, || has_report(session, report).then_some(()));
}

fn has_report(session: &Session, report: &str) -> bool {
    let reports = session.site.requests("reports");
    let mut reports = reports.iter().map(|request| request.query("what"));
    reports.any(|what| what == Some(report))
}
