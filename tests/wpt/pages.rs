//! The originals about the shape of the class that apply to ours, and about pages that are left.

use serde_json::{Value, json};
use support::{Engine, until};

use crate::{
    answer::Answer,
    session::{CLOSED, CONNECTING, OPEN, Session, path},
};

pub(crate) fn all(engine: Engine) {
    let mut session = Session::start(engine);
    shapes(&mut session);
    description(&mut session);
    bfcache(&mut session);
}

/// The event that a client's property or listener receives, as `cases.js` writes it down.
///
/// `eventsource_onmessage_trusted`: those of an EventSource are trusted; no script can make one that is.
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

/// `eventsource_onmessage`, `eventsource_onopen`, `eventsource_eventtarget`, and what
/// `format_mime_bogus` says about the error's event.
fn shapes(session: &mut Session) {
    let message = json!([OPEN, message_shape(&session.site.here)]);
    for (name, function, of, answer, expected) in [
        (
            "eventsource_onmessage",
            "called",
            "onmessage",
            Answer::stream("data:a\n\n"),
            message.clone(),
        ),
        (
            "eventsource_eventtarget",
            "listened",
            "message",
            Answer::stream("data:a\n\n"),
            message,
        ),
        (
            "eventsource_onopen",
            "called",
            "onopen",
            Answer::stream("data:a\n\n"),
            json!([OPEN, shape("open")]),
        ),
        (
            "eventsource_onerror",
            "called",
            "onerror",
            Answer::status(404),
            json!([CLOSED, shape("error")]),
        ),
    ] {
        session.site.plays(name, [answer]);
        let called = session.run(function, &[path(name), of.into()]);
        session.expect(name, &called, &expected);
    }
}

/// `eventsource_readyState` and `eventsource_url`, which is the whole address.
fn description(session: &mut Session) {
    let name = "eventsource_url";
    let states = [CONNECTING, OPEN, CLOSED];
    let address = format!("{}/play/{name}", session.site.here);
    let described = session.run("described", &[path(name)]);
    session.expect(name, &described, &json!([states, states, address, false]));
}

/// `eventsource_bfcache`: a page that is left has no connection, and a new one when it is shown again.
/// Firefox keeps no page with a stream that goes on, be it an EventSource's or ours, and loads it again.
fn bfcache(session: &mut Session) {
    let site = &session.site;
    site.plays("told", vec![Answer::status(204).without_body(); 5]);
    site.plays("first", [Answer::stream("data:a\n\n").held()]);
    session.visit("/travels/first");
    is_told(session, "first hears a");
    site.wait_for_open_requests("first", 1);

    site.plays("where to from first", [Answer::text("/travels/second")]);
    site.wait_for_requests("where to from second", 1);
    site.wait_for_open_requests("first", 0);

    site.plays("first", [Answer::stream("data:b\n\n").held()]);
    site.plays("where to from second", [Answer::text("back")]);
    is_told(session, "first hears b");
    site.wait_for_open_requests("first", 1);
    let count = site.asked("first").len();
    let is_kept = has_told(session, "first was kept");
    session.expect("eventsource_bfcache", &count, &2);
    let is_right = is_kept || session.engine == Engine::Firefox;
    session.expect("eventsource_bfcache, the page is kept", &is_right, &true);
}

/// Waits until a page has told this.
fn is_told(session: &Session, what: &str) {
    until(what, || has_told(session, what).then_some(()));
}

fn has_told(session: &Session, what: &str) -> bool {
    let told = session.site.asked("told");
    told.iter().any(|told| told.query("what") == Some(what))
}
