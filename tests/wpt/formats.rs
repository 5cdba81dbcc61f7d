//! The originals `format-*` and `event-data`: what is heard of which bytes.
//!
//! Of the messages' `lastEventId` the originals say something in those about `id` only; here it is
//! always compared.

use std::time::Duration;

use serde_json::{Value, json};
use support::Engine;

use crate::{
    answer::Answer,
    session::{Session, event, lost, message, open, path, refused},
};

pub(crate) fn all(engine: Engine) {
    let mut session = Session::start(engine);
    for (name, stream, expected) in streams() {
        hears(&mut session, name, stream, &expected);
    }
    places(&mut session);
    ids_persist_over_connections(&mut session);
    ids_with_nul_are_none(&mut session);
    waiting_times(&mut session);
    types(&mut session);
}

/// Streams that are heard in one go, by their originals' names.
fn streams() -> Vec<(&'static str, Answer, Vec<Value>)> {
    // Longer than a piece in which anything on the way is likely to pass it on.
    let long = "x".repeat(2048);
    vec![
        (
            // A byte order mark is one only at the very beginning.
            "format_bom",
            Answer::stream("\u{feff}data:a\n\n\u{feff}data:b\n\ndata:c\n\n"),
            vec![message("a", ""), message("c", "")],
        ),
        (
            "format_bom_2",
            Answer::stream("\u{feff}\u{feff}data:a\n\ndata:b\n\ndata:c\n\n"),
            vec![message("b", ""), message("c", "")],
        ),
        (
            "format_comments",
            Answer::stream(format!(
                "data:a\r:\0\n:\r\ndata:b\n:{long}\rdata:c\n:data:no\r:{long}\ndata:d\n\n"
            )),
            vec![message("a\nb\nc\nd", "")],
        ),
        (
            "format_data_before_final_empty_line",
            Answer::stream("data:whole\n\nid:cut\ndata:cut"),
            vec![message("whole", "")],
        ),
        (
            "format_field_data",
            Answer::stream("data:\n\ndata\ndata\n\ndata:a\n\n"),
            vec![message("", ""), message("\n", ""), message("a", "")],
        ),
        (
            "format_field_event",
            Answer::stream("event:named\ndata:a\n\ndata:b\n\n"),
            vec![event("named", "a"), message("b", "")],
        ),
        (
            "format_field_event_empty",
            Answer::stream("event: \ndata:a\n\n"),
            vec![message("a", "")],
        ),
        (
            "format_field_id_3 persists",
            Answer::stream("id: 1\ndata: a\n\ndata: b\n\n"),
            vec![message("a", "1"), message("b", "1")],
        ),
        (
            "format_field_id_3 changes and persists",
            Answer::stream("id: 1\ndata: a\n\nid: 2\ndata: b\n\ndata: c\n\n"),
            vec![message("a", "1"), message("b", "2"), message("c", "2")],
        ),
        (
            // Ids of our server are compared, so that nothing is heard twice.
            "format_field_id_3 persists, with an id of our server",
            Answer::stream("id: 0123456789abcdef-1\ndata: a\n\ndata: b\n\n"),
            vec![
                message("a", "0123456789abcdef-1"),
                message("b", "0123456789abcdef-1"),
            ],
        ),
        (
            "format_field_id_3 resets",
            Answer::stream("id: 1\ndata: a\n\nid:\ndata: b\n\ndata: c\n\n"),
            vec![message("a", "1"), message("b", ""), message("c", "")],
        ),
        (
            "format_field_parsing",
            Answer::stream(
                "data:\0\ndata:  a\rData:no\ndata\0:no\ndata:b\r\0data:no\nda-ta:no\rdata_no\n\
                 data:c\rdata:\r\n data:no\ndata:d\n\n",
            ),
            vec![message("\0\n a\nb\nc\n\nd", "")],
        ),
        (
            "format_field_unknown",
            Answer::stream("data:a\n data\ndata\nother:b\nnofield\n:comment\ndata:c\n\n"),
            vec![message("a\n\nc", "")],
        ),
        (
            "format_leading_space",
            Answer::stream("data:\ta\rdata: \ndata:b\n\n"),
            vec![message("\ta\n\nb", "")],
        ),
        (
            "format_newlines",
            Answer::stream("data:a\r\ndata\ndata:b\r\n\r"),
            vec![message("a\n\nb", "")],
        ),
        (
            "format_null_character",
            Answer::stream("data:\0\n\n"),
            vec![message("\0", "")],
        ),
        (
            // Whatever the server says about its encoding.
            "format_utf_8",
            Answer::stream("data:a…\n\n").of_type("text/event-stream;charset=windows-1252"),
            vec![message("a…", "")],
        ),
        (
            "event_data",
            Answer::stream("data:a")
                .then("\n")
                .then("data: b")
                .then("\n\n")
                .then(":")
                .then("\n")
                .then("other:c\n\nother:d\nData:e\n\n")
                .then("data")
                .then("\n\n")
                .then("data:f\n\n"),
            vec![message("a\nb", ""), message("", ""), message("f", "")],
        ),
        (
            "format_mime_trailing_semicolon",
            Answer::stream("data:a\n\n").of_type("text/event-stream;"),
            vec![message("a", "")],
        ),
    ]
}

/// Hears the answer to the second request of three, of which the third brings the end. Only when that
/// is heard it is clear that nothing else was.
fn hears(session: &mut Session, name: &str, answer: Answer, expected: &[Value]) {
    let answers = [Answer::hurry(), answer, Answer::end()];
    session.site.plays(name, answers);
    let names = json!({"names": ["named"]});
    let heard = session.run("hear", &[path(name), names]);
    let events = expected.iter().cloned();
    let whole: Vec<Value> = [open(), lost(), open()]
        .into_iter()
        .chain(events)
        .chain([lost(), open()])
        .collect();
    session.expect(name, &heard, &Value::from(whole));
}

/// `format_field_id` and `format_field_id_2`: an id stays in force when the connection is made again,
/// until there is another. The originals look for it in the header `Last-Event-ID`; ours is in the
/// address, so that no preflight is needed for it.
fn ids_persist_over_connections(session: &mut Session) {
    let name = "format_field_id_2";
    let answers = [
        Answer::stream("id: …\nretry: 1\ndata: a\n\n"),
        Answer::stream("data: b\n\n"),
        Answer::stream("data: c\n\n"),
        Answer::end(),
    ];
    session.site.plays(name, answers);
    let heard = session.hear(name);
    let expected = json!([
        open(),
        message("a", "…"),
        lost(),
        open(),
        message("b", "…"),
        lost(),
        open(),
        message("c", "…"),
        lost(),
        open(),
    ]);
    session.expect(name, &heard, &expected);
    session.expect_places(name, &[None, Some("…"), Some("…"), Some("…")]);
}

/// What the server was asked after some of the streams above.
fn places(session: &mut Session) {
    for (name, place) in [
        ("format_data_before_final_empty_line", None),
        ("format_field_id_3 persists", Some("1")),
        ("format_field_id_3 changes and persists", Some("2")),
        ("format_field_id_3 resets", None),
    ] {
        session.expect_places(name, &[None, None, place]);
    }
}

/// `format_field_id_null`: an id with NUL in it is ignored. (There was a version of the original that
/// expected it to be taken.)
fn ids_with_nul_are_none(session: &mut Session) {
    for (number, id) in ["\0\0", "x\0", "\0x", "x\0x", " \0"]
        .into_iter()
        .enumerate()
    {
        let name = format!("format_field_id_null {number}");
        let answer = Answer::stream(format!("id:{id}\ndata:a\n\n"));
        hears(session, &name, answer, &[message("a", "")]);
        session.expect_places(&name, &[None; 3]);
    }
}

/// `format_field_retry`, `format_field_retry_bogus` and `format_field_retry_empty`. The originals want
/// the waiting time to within a tenth. Ours is chosen between half of it and all of it, so that not all
/// clients of a server that starts again return at once.
fn waiting_times(session: &mut Session) {
    for (name, stream, at_least) in [
        // Without it the client would never wait so long, and with it as an octal number hardly ever.
        ("format_field_retry", "retry:04000\ndata:a\n\n", 2000),
        // Taken for a number, the second one would not end before the deadline.
        (
            "format_field_retry_bogus",
            "retry:1000\nretry:90000x\ndata:a\n\n",
            500,
        ),
        (
            "format_field_retry_empty",
            "retry:1000\nretry\nretry:\ndata:a\n\n",
            500,
        ),
    ] {
        hears(session, name, Answer::stream(stream), &[message("a", "")]);
        let asked = session.site.asked(name);
        let waited = asked[2].at - asked[1].at;
        let is_right = waited >= Duration::from_millis(at_least);
        session.expect(&format!("{name}, {waited:?}"), &is_right, &true);
    }
}

/// `format_mime_bogus` and `format_mime_valid_bogus`: what is no stream by its type is not read as one.
/// For an EventSource that is final. Ours tries again: a proxy's page of errors in the place of a
/// stream does not stay for ever.
fn types(session: &mut Session) {
    for (name, bogus) in [
        ("format_mime_bogus", "x bogus"),
        ("format_mime_valid_bogus", "text/x-bogus"),
    ] {
        let bogus = Answer::stream("data:data\n\n").of_type(bogus);
        let answers = [Answer::hurry(), bogus, Answer::end()];
        session.site.plays(name, answers);
        let heard = session.hear(name);
        let refused = refused(200, "data:data\n\n");
        session.expect(name, &heard, &json!([open(), lost(), refused, open()]));
    }
}
