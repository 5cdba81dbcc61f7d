//! The originals `eventsource-reconnect`, `eventsource-close` and `eventsource-request-cancellation`:
//! how connections end, and whether others follow.

use serde_json::json;

use crate::{
    answer::Answer,
    session::{CLOSED, CONNECTING, OPEN, Session, lost, message, open, path, refused_for_good},
};

cases! {
    eventsource_reconnect_200: reconnect;
    eventsource_reconnect_test_reconnection_events: reconnection_events;
    eventsource_close: close;
    eventsource_close_test_events: no_content;
    eventsource_request_cancellation: cancellation;
    eventsource_request_cancellation_by_close: cancellation_by_close;
}

/// A stream that ends is reopened, and the page is notified.
fn reconnect(session: &Session) {
    let name = "eventsource_reconnect 200";
    // A retry delay takes effect as soon as its line has ended.
    let answers = [
        Answer::stream("retry:2\n"),
        Answer::stream("data:a\n\nevent:end\ndata\n\n"),
    ];
    session.site.plays(name, answers);
    let received = session.receive(name);
    session.expect(
        name,
        &received,
        &json!([open(), lost(), open(), message("a", "")]),
    );
}

fn reconnection_events(session: &Session) {
    let name = "eventsource_reconnect test reconnection events";
    let answers = [
        Answer::stream("retry:2\ndata:a\n\n"),
        Answer::stream("data:b\n\n"),
        Answer::end(),
    ];
    session.site.plays(name, answers);
    let received = session.receive(name);
    let expected = json!([
        open(),
        message("a", ""),
        lost(),
        open(),
        message("b", ""),
        lost(),
        open()
    ]);
    session.expect(name, &received, &expected);
}

/// After `close()` the client does not reconnect.
fn close(session: &Session) {
    let name = "eventsource_close";
    let stream = Answer::stream("retry:1\ndata:a\n\n");
    session.site.plays(name, [stream.clone(), stream]);
    let later = "eventsource_close later";
    session
        .site
        .plays(later, [Answer::retry_soon(), Answer::end()]);
    let states = session.run("closed", &[path(name), path(later)]);
    session.expect(name, &states, &json!([CONNECTING, OPEN, CLOSED, CLOSED]));
    let count = session.site.requests(name).len();
    session.expect(name, &count, &1);
}

/// After 204 the client does not reconnect.
fn no_content(session: &Session) {
    let name = "eventsource_close test events";
    let answers = [
        Answer::stream("retry:2\ndata:a\n\n"),
        Answer::stream("data:b\n\n"),
        Answer::status(204).without_body(),
    ];
    session.site.plays(name, answers);
    let received = session.receive(name);
    let expected = json!([
        open(),
        message("a", ""),
        lost(),
        open(),
        message("b", ""),
        lost(),
        refused_for_good(204, ""),
    ]);
    session.expect(name, &received, &expected);
    session.run_other_client("eventsource_close test events later");
    let count = session.site.requests(name).len();
    session.expect(name, &count, &3);
}

/// The page is stopped before the server has answered. For an EventSource that is final. Our client
/// handles it like a lost connection.
fn cancellation(session: &Session) {
    let name = "eventsource_request_cancellation";
    session.execute(&format!("window.received = cases.receive({});", path(name)));
    session.site.wait_for_requests(name, 1);
    session.execute("window.stop();");
    // The client soon opens another request.
    session.site.wait_for_ended_requests(name, 1);
    session.site.plays(name, [Answer::end()]);
    let received = session.evaluate("window.received");
    session.expect(name, &received, &json!([lost(), open()]));
}

/// The same with `close()`: the request is aborted, and the page receives no event.
fn cancellation_by_close(session: &Session) {
    let name = "eventsource_request_cancellation by close()";
    session.execute(&format!("cases.open({});", path(name)));
    session.site.wait_for_requests(name, 1);
    session.execute("sse.close();");
    session.site.wait_for_open_requests(name, 0);
    session.site.plays(name, [Answer::stream("data:a\n\n")]);
    session.run_other_client(&format!("{name} later"));
    let record = session.evaluate("[sse.readyState, ...record]");
    session.expect(name, &record, &json!([CLOSED]));
    let count = session.site.requests(name).len();
    session.expect(name, &count, &1);
}
