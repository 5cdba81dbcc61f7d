//! The comment that names the events which a stream may carry.

use super::*;

fn env_app(dir: &tempfile::TempDir, events: &str) -> TestSse {
    write_events(dir, events);
    let app = TestSse::open(&Config::from_dir(dir.path()).unwrap());
    app.sse();
    app
}

fn write_events(dir: &tempfile::TempDir, events: &str) {
    let text = format!("SSE_EVENTS=\"{events}\"\nSSE_STREAM_DURATION=0\n");
    fs::write(dir.path().join(".env"), text).unwrap();
}

/// A stream of a client that may receive only these events.
fn restricted(app: &TestSse, uri: &str, allowed: &[&str]) -> EventStream {
    let request = TestRequest::with_uri(uri).to_http_request();
    let subscription = Subscription::new(&request).only(allowed.iter().copied());
    app.sse().subscribe(subscription).unwrap()
}

async fn first_line(mut stream: EventStream) -> String {
    let chunk = next(&mut stream).await;
    chunk.lines().next().unwrap().to_owned()
}

#[actix_web::test]
async fn a_stream_begins_with_the_names_of_all_events_that_the_client_may_ask_for() {
    let dir = tempfile::tempdir().unwrap();
    let app = env_app(&dir, "order:orders,stock:s,order:others,big sale:b");
    for uri in ["/", "/?events=stock", "/?last_event_id=unknown"] {
        let line = first_line(app.subscribe(uri)).await;
        assert_eq!(line, ": events order,stock,big sale", "{uri}");
    }
}

#[actix_web::test]
async fn a_restricted_stream_names_no_hidden_event() {
    let dir = tempfile::tempdir().unwrap();
    let app = env_app(&dir, "order:o,secret:s,stock:t");
    // Fills the memory for streams that are not restricted.
    first_line(app.subscribe("/")).await;
    for uri in ["/", "/?events=stock", "/?events=stock,secret"] {
        let line = first_line(restricted(&app, uri, &["stock", "order", "unset"])).await;
        assert_eq!(line, ": events order,stock", "{uri}");
    }
}

#[actix_web::test]
async fn an_open_stream_gets_the_names_again_after_an_edit() {
    let dir = tempfile::tempdir().unwrap();
    let app = env_app(&dir, "order:o,secret:s");
    let mut streams = [
        app.subscribe("/"),
        app.subscribe("/?events=order"),
        restricted(&app, "/", &["order", "stock"]),
    ];
    for stream in &mut streams {
        next(stream).await;
    }
    write_events(&dir, "order:o,stock:t,secret:s");
    let expected = ["order,stock,secret", "order,stock,secret", "order,stock"];
    for (stream, names) in streams.iter_mut().zip(expected) {
        let received = read_until(stream, "\n").await;
        assert_eq!(received, format!(": events {names}\n"));
    }
    app.cache().save_blocking("o", 1).unwrap();
    for stream in &mut streams {
        let received = read_until(stream, "\n\n").await;
        assert!(received.starts_with("id: "), "{received}");
    }
}
