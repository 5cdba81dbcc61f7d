//! Streams with and without the envelope.

use super::*;

const VALUES: [&str; 4] = ["1", r#""two\nlines""#, r#"{"n":3}"#, r#""""#];

/// What each client receives as the data of an event.
const WITH_ENVELOPE: [&str; 4] = [
    r#""value":1}"#,
    r#""value":"two\nlines"}"#,
    r#""value":{"n":3}}"#,
    r#""value":""}"#,
];
const ALONE: [&str; 4] = ["1", "two|lines", r#"{"n":3}"#, ""];

/// The entries that the stream delivers up to the last of the values: id and event of each, and its data
/// without the time.
async fn entries(stream: &mut EventStream) -> (Vec<String>, Vec<String>) {
    let last = format!("-{}\nevent: a\n", VALUES.len());
    let received = read_until(stream, &last).await;
    let mut received = received
        .split("\n\n")
        .filter(|frame| !frame.contains("sse.heartbeat"));
    let mut fields = Vec::new();
    for frame in received.by_ref().filter(|frame| !frame.is_empty()) {
        let (names, data) = frame.split_once("\ndata: ").expect("a frame has data");
        let data = data.replace("\ndata: ", "|");
        let value = data.find("\"value\"").unwrap_or(0);
        fields.push((names.to_owned(), data[value..].to_owned()));
    }
    fields.into_iter().unzip()
}

fn save_all(app: &TestSse) {
    for value in VALUES {
        let value: serde_json::Value = serde_json::from_str(value).unwrap();
        app.cache().save_blocking("k", value).unwrap();
    }
}

#[actix_web::test]
async fn clients_with_and_without_envelope_receive_the_same_entries() {
    // The second app replays all entries but one from the journal.
    for in_memory in [100, 1] {
        let app = app(|config| config.with_entries_in_memory(in_memory));
        let mut live = ["/", "/?data=value"].map(|uri| app.subscribe(uri));
        let request = TestRequest::default().to_http_request();
        let by_handler = Subscription::new(&request).without_envelope();
        let mut by_handler = app.sse().subscribe(by_handler).unwrap();
        save_all(&app);
        let [live_with, live_alone] = &mut live;
        let (ids, data) = entries(live_with).await;
        assert_eq!(data, WITH_ENVELOPE);
        for alone in [live_alone, &mut by_handler] {
            let expected = (ids.clone(), ALONE.map(str::to_owned).into());
            assert_eq!(entries(alone).await, expected);
        }

        for (query, data) in [("", WITH_ENVELOPE), ("&data=value", ALONE)] {
            let uri = format!("/?last_event_id={}{query}", app.first_id());
            let mut reconnecting = app.subscribe(&uri);
            let expected = (ids.clone(), data.map(str::to_owned).into());
            assert_eq!(entries(&mut reconnecting).await, expected, "{uri}");
        }
    }
}

#[actix_web::test]
async fn a_filtered_stream_without_envelope_receives_gaps_and_heartbeats_as_usual() {
    let app = app(|config| config.with_heartbeat(Duration::from_millis(50)));
    let mut stream = app.subscribe("/?events=a&data=value&last_event_id=unknown");
    let received = read_until(&mut stream, "data: 0.05\n\n").await;
    assert!(received.contains("event: sse.gap\ndata: {\"reason\":\"unknown-id\"}\n\n"));
    app.cache().save_blocking("k", "<p>").unwrap();
    let received = read_until(&mut stream, "<p>").await;
    assert!(
        received.contains("-1\nevent: a\ndata: <p>\n\n"),
        "{received}"
    );
    read_until(&mut stream, "-1\nevent: sse.heartbeat\n").await;
}
