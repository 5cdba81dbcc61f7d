//! The originals `format-*` and `event-data`: the events that a client receives from given bytes.
//!
//! The originals check `lastEventId` of messages only where they test `id`; here it is always compared.

use std::time::Duration;

use serde_json::{Value, json};

use crate::{
    answer::Answer,
    session::{Session, event, lost, message, open, path, refused},
};

/// Longer than any buffer on the way is likely to hold back.
const LONG_BYTES: usize = 2048;

cases! {
    /// Only the first character can be a byte order mark.
    format_bom: |session| receives(
        session,
        "format_bom",
        Answer::stream("\u{feff}data:a\n\n\u{feff}data:b\n\ndata:c\n\n"),
        &[message("a", ""), message("c", "")],
    );

    format_bom_2: |session| receives(
        session,
        "format_bom_2",
        Answer::stream("\u{feff}\u{feff}data:a\n\ndata:b\n\ndata:c\n\n"),
        &[message("b", ""), message("c", "")],
    );

    format_comments: |session| receives(
        session,
        "format_comments",
        Answer::stream(format!(
            "data:a\r:\0\n:\r\ndata:b\n:{long}\rdata:c\n:data:no\r:{long}\ndata:d\n\n",
            long = "x".repeat(LONG_BYTES),
        )),
        &[message("a\nb\nc\nd", "")],
    );

    format_data_before_final_empty_line: |session| {
        receives(
            session,
            "format_data_before_final_empty_line",
            Answer::stream("data:whole\n\nid:cut\ndata:cut"),
            &[message("whole", "")],
        );
        session.expect_last_ids("format_data_before_final_empty_line", &[None, None, None]);
    };

    format_field_data: |session| receives(
        session,
        "format_field_data",
        Answer::stream("data:\n\ndata\ndata\n\ndata:a\n\n"),
        &[message("", ""), message("\n", ""), message("a", "")],
    );

    format_field_event: |session| receives(
        session,
        "format_field_event",
        Answer::stream("event:named\ndata:a\n\ndata:b\n\n"),
        &[event("named", "a"), message("b", "")],
    );

    format_field_event_empty: |session| receives(
        session,
        "format_field_event_empty",
        Answer::stream("event: \ndata:a\n\n"),
        &[message("a", "")],
    );

    format_field_id_3_persists: |session| {
        receives(
            session,
            "format_field_id_3 persists",
            Answer::stream("id: 1\ndata: a\n\ndata: b\n\n"),
            &[message("a", "1"), message("b", "1")],
        );
        session.expect_last_ids("format_field_id_3 persists", &[None, None, Some("1")]);
    };

    format_field_id_3_changes_and_persists: |session| {
        receives(
            session,
            "format_field_id_3 changes and persists",
            Answer::stream("id: 1\ndata: a\n\nid: 2\ndata: b\n\ndata: c\n\n"),
            &[message("a", "1"), message("b", "2"), message("c", "2")],
        );
        session.expect_last_ids("format_field_id_3 changes and persists", &[None, None, Some("2")]);
    };

    /// Our client compares ids of our server, so that it drops repeated events.
    format_field_id_3_persists_with_an_id_of_our_server: |session| receives(
        session,
        "format_field_id_3 persists, with an id of our server",
        Answer::stream("id: 0123456789abcdef-1\ndata: a\n\ndata: b\n\n"),
        &[
            message("a", "0123456789abcdef-1"),
            message("b", "0123456789abcdef-1"),
        ],
    );

    format_field_id_3_resets: |session| {
        receives(
            session,
            "format_field_id_3 resets",
            Answer::stream("id: 1\ndata: a\n\nid:\ndata: b\n\ndata: c\n\n"),
            &[message("a", "1"), message("b", ""), message("c", "")],
        );
        session.expect_last_ids("format_field_id_3 resets", &[None, None, None]);
    };

    format_field_parsing: |session| receives(
        session,
        "format_field_parsing",
        Answer::stream(
            "data:\0\ndata:  a\rData:no\ndata\0:no\ndata:b\r\0data:no\nda-ta:no\rdata_no\n\
            data:c\rdata:\r\n data:no\ndata:d\n\n",
        ),
        &[message("\0\n a\nb\nc\n\nd", "")],
    );

    format_field_unknown: |session| receives(
        session,
        "format_field_unknown",
        Answer::stream("data:a\n data\ndata\nother:b\nnofield\n:comment\ndata:c\n\n"),
        &[message("a\n\nc", "")],
    );

    format_leading_space: |session| receives(
        session,
        "format_leading_space",
        Answer::stream("data:\ta\rdata: \ndata:b\n\n"),
        &[message("\ta\n\nb", "")],
    );

    format_newlines: |session| receives(
        session,
        "format_newlines",
        Answer::stream("data:a\r\ndata\ndata:b\r\n\r"),
        &[message("a\n\nb", "")],
    );

    format_null_character: |session| receives(
        session,
        "format_null_character",
        Answer::stream("data:\0\n\n"),
        &[message("\0", "")],
    );

    /// The encoding is always UTF-8, whatever the header says.
    format_utf_8: |session| receives(
        session,
        "format_utf_8",
        Answer::stream("data:a…\n\n").of_type("text/event-stream;charset=windows-1252"),
        &[message("a…", "")],
    );

    event_data: |session| receives(
        session,
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
        &[message("a\nb", ""), message("", ""), message("f", "")],
    );

    format_mime_trailing_semicolon: |session| receives(
        session,
        "format_mime_trailing_semicolon",
        Answer::stream("data:a\n\n").of_type("text/event-stream;"),
        &[message("a", "")],
    );

    format_field_id_2: ids_persist_over_connections;

    format_field_id_null_alone: |session| id_with_nul_is_ignored(session, "\0\0");
    format_field_id_null_at_the_end: |session| id_with_nul_is_ignored(session, "x\0");
    format_field_id_null_at_the_start: |session| id_with_nul_is_ignored(session, "\0x");
    format_field_id_null_inside: |session| id_with_nul_is_ignored(session, "x\0x");
    format_field_id_null_after_a_space: |session| id_with_nul_is_ignored(session, " \0");

    /// Without the field the client would never wait this long, and with it as an octal number hardly
    /// ever.
    format_field_retry: |session| waits(
        session,
        "format_field_retry",
        "retry:04000\ndata:a\n\n",
        Duration::from_millis(200),
    );

    /// As a number, the second delay would not end before the deadline.
    format_field_retry_bogus: |session| waits(
        session,
        "format_field_retry_bogus",
        "retry:1000\nretry:90000x\ndata:a\n\n",
        Duration::from_millis(50),
    );

    format_field_retry_empty: |session| waits(
        session,
        "format_field_retry_empty",
        "retry:1000\nretry\nretry:\ndata:a\n\n",
        Duration::from_millis(50),
    );

    format_mime_bogus: |session| is_not_a_stream(session, "format_mime_bogus", "x bogus");
    format_mime_valid_bogus: |session| is_not_a_stream(
        session,
        "format_mime_valid_bogus",
        "text/x-bogus",
    );
}

/// Expects these events from the answer to the second of three requests. The third one brings the
/// end, which shows that nothing else was received.
fn receives(session: &Session, name: &str, answer: Answer, expected: &[Value]) {
    let answers = [Answer::retry_soon(), answer, Answer::end()];
    session.site.plays(name, answers);
    let names = json!({"names": ["named"]});
    let received = session.run("receive", &[path(name), names]);
    let events = expected.iter().cloned();
    let record: Vec<Value> = [open(), lost(), open()]
        .into_iter()
        .chain(events)
        .chain([lost(), open()])
        .collect();
    session.expect(name, &received, &Value::from(record));
}

/// `format_field_id` and `format_field_id_2`: an id persists over connections until the next one. The
/// originals check the header `Last-Event-ID`; our client sends it in the URL, which needs no preflight.
fn ids_persist_over_connections(session: &Session) {
    let name = "format_field_id_2";
    let answers = [
        Answer::stream("id: …\nretry: 1\ndata: a\n\n"),
        Answer::stream("data: b\n\n"),
        Answer::stream("data: c\n\n"),
        Answer::end(),
    ];
    session.site.plays(name, answers);
    let received = session.receive(name);
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
    session.expect(name, &received, &expected);
    session.expect_last_ids(name, &[None, Some("…"), Some("…"), Some("…")]);
}

/// `format_field_id_null`: an id that contains NUL is ignored. (A version of the original expected it
/// to be used.)
fn id_with_nul_is_ignored(session: &Session, id: &str) {
    let name = format!("format_field_id_null {}", id.replace('\0', "NUL"));
    let answer = Answer::stream(format!("id:{id}\ndata:a\n\n"));
    receives(session, &name, answer, &[message("a", "")]);
    session.expect_last_ids(&name, &[None; 3]);
}

/// The originals expect the delay to within a tenth. Our client waits for between half and all of it,
/// so that the clients of a server that restarts do not reconnect all at once. `timers.js` makes that a
/// tenth.
fn waits(session: &Session, name: &str, stream: &str, at_least: Duration) {
    receives(session, name, Answer::stream(stream), &[message("a", "")]);
    let requests = session.site.requests(name);
    let waited = requests[2].at - requests[1].at;
    session.expect(&format!("{name}, {waited:?}"), &(waited >= at_least), &true);
}

/// A response that is not a stream by its type is not read as one. For an EventSource that is final.
/// Our client retries, because a proxy's error page does not replace a stream for ever.
fn is_not_a_stream(session: &Session, name: &str, content_type: &str) {
    let bogus = Answer::stream("data:data\n\n").of_type(content_type);
    let answers = [Answer::retry_soon(), bogus, Answer::end()];
    session.site.plays(name, answers);
    let received = session.receive(name);
    let refused = refused(200, "data:data\n\n");
    session.expect(name, &received, &json!([open(), lost(), refused, open()]));
}
