//! The originals in the folders `dedicated-worker` and `shared-worker`.

use serde_json::{Value, json};
use support::Engine;

use crate::{
    answer::Answer,
    session::{CLOSED, CONNECTING, OPEN, Session, message, open, path},
};

pub(crate) fn all(engine: Engine) {
    let mut session = Session::start(engine);
    for kind in ["dedicated", "shared"] {
        events(&mut session, kind);
        close(&mut session, kind);
        other_origin(&mut session, kind);
        defaults(&mut session, kind);
    }
}

/// What one of the functions in `cases.js` says in a worker.
fn run(session: &Session, kind: &str, function: &str, arguments: &[Value]) -> Value {
    let mut all = vec![kind.into(), function.into()];
    all.extend_from_slice(arguments);
    session.run("inWorker", &all)
}

/// `eventsource_onmessage`, `eventsource_onopen` and `eventsource_eventtarget`.
fn events(session: &mut Session, kind: &str) {
    for (original, function, of, state, data) in [
        ("onmessage", "called", "onmessage", OPEN, json!("a")),
        ("onopen", "called", "onopen", OPEN, Value::Null),
        ("eventtarget", "listened", "message", OPEN, json!("a")),
    ] {
        let name = format!("{kind}_worker eventsource_{original}");
        session.site.plays(&name, [Answer::stream("data:a\n\n")]);
        let called = run(session, kind, function, &[path(&name), of.into()]);
        let heard = [&called[0], &called[1]["data"]].map(Clone::clone);
        session.expect(&name, &heard, &[state.into(), data]);
    }
}

/// `eventsource_close`.
fn close(session: &mut Session, kind: &str) {
    let name = format!("{kind}_worker eventsource_close");
    let later = format!("{name} later");
    let stream = Answer::stream("retry:1\ndata:a\n\n");
    session.site.plays(&name, [stream]);
    session.site.plays(&later, [Answer::hurry(), Answer::end()]);
    let states = run(session, kind, "closed", &[path(&name), path(&later)]);
    session.expect(&name, &states, &json!([CONNECTING, OPEN, CLOSED, CLOSED]));
    let count = session.site.asked(&name).len();
    session.expect(&name, &count, &1);
}

/// `eventsource_constructor_non_same_origin`: without its leave nothing is heard of another origin, and
/// a worker's origin is its page's. As in a page, ours tries again.
fn other_origin(session: &mut Session, kind: &str) {
    let name = format!("{kind}_worker eventsource_constructor_non_same_origin");
    session.site.plays(&name, [Answer::stream("data:a\n\n")]);
    let address = format!("{}/play/{name}", session.site.there);
    let called = run(session, kind, "called", &[address.into(), "onerror".into()]);
    session.expect(&name, &called[0], &CONNECTING.into());

    let name = format!("{name} with its leave");
    let end = Answer::stream("data:a\n\nevent:end\ndata\n\n");
    session
        .site
        .plays(&name, [end.for_origin(&session.site.here)]);
    let address = format!("{}/play/{name}", session.site.there);
    let heard = run(session, kind, "hear", &[address.into()]);
    session.expect(&name, &heard, &json!([open(), message("a", "")]));
}

/// No original: clients that share a connection and keep their place work in workers, too.
fn defaults(session: &mut Session, kind: &str) {
    let name = format!("{kind}_worker with the default options");
    let stream = Answer::stream("data:a\n\nevent:end\ndata\n\n");
    session.site.plays(&name, [stream]);
    let options = json!({"share": true, "resume": true});
    let heard = run(session, kind, "hear", &[path(&name), options]);
    session.expect(&name, &heard, &json!([open(), message("a", "")]));
}
