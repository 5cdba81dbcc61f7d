//! The originals in the folders `dedicated-worker` and `shared-worker`.

use serde_json::{Value, json};

use crate::{
    answer::Answer,
    session::{CLOSED, CONNECTING, OPEN, Session, message, open, path},
};

cases! {
    dedicated_worker_eventsource_onmessage: |session| assert_event(
        session,
        "dedicated",
        "eventsource_onmessage",
        ["called", "onmessage"],
        json!("a"),
    );
    dedicated_worker_eventsource_onopen: |session| assert_event(
        session,
        "dedicated",
        "eventsource_onopen",
        ["called", "onopen"],
        Value::Null,
    );
    dedicated_worker_eventsource_eventtarget: |session| assert_event(
        session,
        "dedicated",
        "eventsource_eventtarget",
        ["listened", "message"],
        json!("a"),
    );
    dedicated_worker_eventsource_close: |session| close(session, "dedicated");
    dedicated_worker_eventsource_constructor_non_same_origin: |session| other_origin(session, "dedicated");
    dedicated_worker_with_default_options: |session| default_options(session, "dedicated");

    shared_worker_eventsource_onmessage: |session| assert_event(
        session,
        "shared",
        "eventsource_onmessage",
        ["called", "onmessage"],
        json!("a"),
    );
    shared_worker_eventsource_onopen: |session| assert_event(
        session,
        "shared",
        "eventsource_onopen",
        ["called", "onopen"],
        Value::Null,
    );
    shared_worker_eventsource_eventtarget: |session| assert_event(
        session,
        "shared",
        "eventsource_eventtarget",
        ["listened", "message"],
        json!("a"),
    );
    shared_worker_eventsource_close: |session| close(session, "shared");
    shared_worker_eventsource_constructor_non_same_origin: |session| other_origin(session, "shared");
    shared_worker_with_default_options: |session| default_options(session, "shared");
}

/// Runs a function of `cases.js` in a worker.
fn run(session: &Session, kind: &str, function: &str, arguments: &[Value]) -> Value {
    let mut all = vec![kind.into(), function.into()];
    all.extend_from_slice(arguments);
    session.run("inWorker", &all)
}

fn assert_event(
    session: &Session,
    kind: &str,
    original: &str,
    [function, property]: [&str; 2],
    data: Value,
) {
    let name = format!("{kind}_worker {original}");
    session.site.plays(&name, [Answer::stream("data:a\n\n")]);
    let called = run(session, kind, function, &[path(&name), property.into()]);
    let received = [&called[0], &called[1]["data"]].map(Clone::clone);
    session.expect(&name, &received, &[OPEN.into(), data]);
}

fn close(session: &Session, kind: &str) {
    let name = format!("{kind}_worker eventsource_close");
    let later = format!("{name} later");
    let stream = Answer::stream("retry:1\ndata:a\n\n");
    session.site.plays(&name, [stream]);
    session
        .site
        .plays(&later, [Answer::retry_soon(), Answer::end()]);
    let states = run(session, kind, "closed", &[path(&name), path(&later)]);
    session.expect(&name, &states, &json!([CONNECTING, OPEN, CLOSED, CLOSED]));
    let count = session.site.requests(&name).len();
    session.expect(&name, &count, &1);
}

/// Without the permission of the other origin nothing is received, and a worker's origin is its
/// page's. As in a page, our client retries.
fn other_origin(session: &Session, kind: &str) {
    let name = format!("{kind}_worker eventsource_constructor_non_same_origin");
    session.site.plays(&name, [Answer::stream("data:a\n\n")]);
    let address = format!("{}/play/{name}", session.site.there);
    let called = run(session, kind, "called", &[address.into(), "onerror".into()]);
    session.expect(&name, &called[0], &CONNECTING.into());

    let name = format!("{name} with its permission");
    let end = Answer::stream("data:a\n\nevent:end\ndata\n\n");
    session
        .site
        .plays(&name, [end.for_origin(&session.site.here)]);
    let address = format!("{}/play/{name}", session.site.there);
    let received = run(session, kind, "receive", &[address.into()]);
    session.expect(&name, &received, &json!([open(), message("a", "")]));
}

/// Without an original: clients that share a connection and remember their id work in workers, too.
fn default_options(session: &Session, kind: &str) {
    let name = format!("{kind}_worker with the default options");
    let stream = Answer::stream("data:a\n\nevent:end\ndata\n\n");
    session.site.plays(&name, [stream]);
    let options = json!({"share": true, "resume": true});
    let received = run(session, kind, "receive", &[path(&name), options]);
    session.expect(&name, &received, &json!([open(), message("a", "")]));
}
