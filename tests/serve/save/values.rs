//! What is saved.

use std::time::Duration;

use serde_json::json;
use support::{Backend, until};

use super::{JSON, Shop, listen, save};

support::on_every_backend! {
    a_value_reaches_the_streams_as_it_was_sent
    a_value_for_an_audience_reaches_nobody_else
}

fn a_value_reaches_the_streams_as_it_was_sent(backend: Backend) {
    let shop = Shop::on(backend);
    let server = shop.serve();
    let stream = listen(&server);
    let text = [("Content-Type", "text/plain; charset=utf-8")];
    let value = "{\"z\": 1.50, \"a\": \"k\u{e4}se\"}";
    for (headers, body, data) in [
        (&[JSON][..], value, value),
        (&[], "42", "42"),
        (&text, "shipped\n", "\"shipped\\n\""),
        (&text, "42", "\"42\""),
    ] {
        let saved = save(&server, "orders", headers, body);
        assert_eq!(saved.status, 201, "{}", saved.text);
        assert!(saved.text.contains("application/json"), "{}", saved.text);
        assert!(saved.text.contains("no-store"), "{}", saved.text);
        let event = stream.next_event();
        assert_eq!(event.name(), "order");
        assert_eq!(event.id, Some(saved.id()));
        let data = format!("\"value\":{data}}}");
        assert!(event.data.unwrap().ends_with(&data), "{data}");
    }
}

fn a_value_for_an_audience_reaches_nobody_else(backend: Backend) {
    let shop = Shop::on(backend);
    let server = shop.serve();
    let stream = listen(&server);
    for key in ["orders", "invoices"] {
        let saved = save(
            &server,
            &format!("{key}?to=user:4&to=team%3A7"),
            &[JSON],
            "7",
        );
        assert_eq!(saved.status, 201, "{}", saved.text);
        for audience in ["user:4", "team:7"] {
            let output = shop.0.sse(&["get", key, "--to", audience]);
            assert_eq!(output.stdout, b"7\n", "{output:?}");
        }
    }
    save(&server, "orders", &[JSON], "8");
    assert_eq!(stream.next_event().value(), json!(8));
}

#[test]
fn a_time_to_live_can_be_set() {
    let shop = Shop::new();
    let server = shop.serve();
    assert_eq!(save(&server, "orders?ttl=0", &[JSON], "1").status, 201);
    assert_eq!(shop.saved(), Some(json!(1)));
    assert_eq!(save(&server, "orders?ttl=0.05", &[JSON], "2").status, 201);
    until("the value has expired", || {
        shop.saved().is_none().then_some(())
    });
}

#[test]
fn a_value_without_an_event_is_saved_with_a_warning() {
    let shop = Shop::new();
    let server = shop.serve();
    let stream = listen(&server);
    let saved = save(&server, "order", &[JSON], "1");
    assert_eq!(saved.status, 201, "{}", saved.text);
    let warning = "SSE_EVENTS has no event for `order`; `order` is an event; its key is `orders`";
    assert!(saved.text.contains(warning), "{}", saved.text);
    stream.expect_silence(Duration::from_millis(200));
}

#[test]
fn a_value_may_arrive_in_chunks() {
    let shop = Shop::new();
    let server = shop.serve();
    let request = format!(
        "POST /sse/save/orders HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n\
         Authorization: Bearer {}\r\nTransfer-Encoding: chunked\r\n\r\n2\r\n[1\r\n2\r\n,2\r\n1\r\n]\r\n0\r\n\r\n",
        super::TOKEN
    );
    let response = support::http::send(server.address(), request.as_bytes()).unwrap();
    assert_eq!(response.status, 201);
    assert_eq!(shop.saved(), Some(json!([1, 2])));
}
