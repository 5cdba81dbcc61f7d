//! What streams send.

use std::time::{Duration, SystemTime};

use super::Recorded;
use crate::testing::TestSse;

#[actix_web::test]
async fn each_event_counts_for_each_stream_that_it_is_sent_to() {
    let recorded = Recorded::new();
    let app = TestSse::in_memory("a:k,b:l");
    let mut all: Vec<_> = (0..200).map(|_| app.connect()).collect();
    let mut only_b = app.connect_to(["b"]);
    for (key, value) in [("k", 1), ("l", 2), ("k", 3)] {
        app.cache().save_blocking(key, value).unwrap();
    }
    for stream in &mut all {
        for event in ["a", "b", "a"] {
            stream.next::<u64>(event).await;
        }
    }
    only_b.next::<u64>("b").await;
    let is_counted = |recorded: &Recorded| {
        let counts = recorded.counts("sse_deliveries_total");
        counts == [("a".to_owned(), 400.0), ("b".to_owned(), 201.0)]
    };
    recorded.until("counted", is_counted).await;
    let lags = recorded.observed("sse_delivery_lag_seconds");
    assert!(lags.len() >= 3, "{lags:?}");
    assert!(lags.iter().all(|lag| (0.0..10.0).contains(lag)), "{lags:?}");
    assert_eq!(recorded.value("sse_replayed_total"), 0.0);
}

#[actix_web::test]
async fn all_bytes_of_a_stream_count() {
    let recorded = Recorded::new();
    let hour = Duration::from_secs(3600);
    let app = TestSse::in_memory_with("a:k", |config| config.with_heartbeat(hour));
    let mut stream = app
        .sse()
        .subscribe(crate::Subscription::new(
            &actix_web::test::TestRequest::default().to_http_request(),
        ))
        .unwrap();
    let mut sent = 0;
    app.cache().save_blocking("k", "x".repeat(20_000)).unwrap();
    while sent < 20_000 {
        use actix_web::body::MessageBody;
        let next =
            std::future::poll_fn(|context| std::pin::Pin::new(&mut stream).poll_next(context));
        sent += next.await.unwrap().unwrap().len();
    }
    let is_counted = |recorded: &Recorded| recorded.value("sse_sent_bytes_total") == sent as f64;
    recorded.until("counted", is_counted).await;
}

#[actix_web::test]
async fn a_late_delivery_has_its_lag() {
    let recorded = Recorded::new();
    let app = TestSse::in_memory("a:k");
    let mut stream = app.connect();
    stream.next_block().await;
    let value = serde_json::value::to_raw_value("1").unwrap();
    let time = SystemTime::now() - Duration::from_secs(3);
    let document = crate::entry::encode_document("k", value, Duration::ZERO, time);
    app.journal().append(&document).unwrap();
    stream.next_event().await;
    let has_lag = |recorded: &Recorded| !recorded.observed("sse_delivery_lag_seconds").is_empty();
    recorded.until("measured", has_lag).await;
    let lags = recorded.observed("sse_delivery_lag_seconds");
    assert!(
        lags.len() == 1 && (3.0..10.0).contains(&lags[0]),
        "{lags:?}"
    );
}

#[actix_web::test]
async fn a_heartbeat_does_not_repeat_the_lag_of_an_earlier_delivery() {
    let recorded = Recorded::new();
    let app = TestSse::in_memory("a:k");
    let mut stream = app.connect();
    stream.next_block().await;
    app.cache().save_blocking("k", 1).unwrap();
    stream.next_event().await;
    for _ in 0..10 {
        assert_eq!(
            stream.next_block().await.event.as_deref(),
            Some("sse.heartbeat")
        );
    }
    let lags = recorded.observed("sse_delivery_lag_seconds");
    assert_eq!(lags.len(), 1, "{lags:?}");
}

#[actix_web::test]
async fn what_was_saved_before_the_stream_opened_counts_as_replayed_and_has_no_lag() {
    for in_memory in [100, 1] {
        let recorded = Recorded::new();
        let change = |config: crate::Config| config.with_entries_in_memory(in_memory);
        let app = TestSse::in_memory_with("a:k", change);
        let first_id = app.connect().next_block().await.id.unwrap();
        for value in 1..=3 {
            app.cache().save_blocking("k", value).unwrap();
        }
        let is_read = |recorded: &Recorded| recorded.value("sse_journal_newest") == 3.0;
        recorded.until("read", is_read).await;
        let mut stream = app.resume(&first_id);
        for value in 1..=3 {
            assert_eq!(stream.next::<u64>("a").await, value);
        }
        let is_counted = |recorded: &Recorded| {
            let replayed = recorded.value("sse_replayed_total");
            replayed == 3.0 && recorded.counts("sse_deliveries_total") == [("a".into(), 3.0)]
        };
        recorded.until("counted", is_counted).await;
        assert!(recorded.observed("sse_delivery_lag_seconds").is_empty());
    }
}

#[actix_web::test]
async fn each_gap_counts_with_its_reason() {
    let recorded = Recorded::new();
    let app = TestSse::in_memory("a:k");
    // At the beginning of a stream, in the ring, and in the journal.
    let mut unknown = app.resume("not an id");
    assert_eq!(unknown.expect_gap().await, "unknown-id");
    app.journal().append(b"damaged").unwrap();
    assert_eq!(unknown.expect_gap().await, "unreadable");
    let mut other = app.resume("0123456789abcdef-1");
    assert_eq!(other.expect_gap().await, "other-epoch");
    let counts = [
        ("other-epoch", 1.0),
        ("unknown-id", 1.0),
        ("unreadable", 1.0),
    ];
    let counts = counts.map(|(reason, count)| (reason.to_owned(), count));
    let is_counted = |recorded: &Recorded| recorded.counts("sse_gaps_total") == counts;
    recorded.until("counted", is_counted).await;
}

#[actix_web::test]
async fn what_has_expired_before_the_client_returns_counts_as_a_gap() {
    let recorded = Recorded::new();
    let app = TestSse::in_memory("a:k");
    let (mut absent, mut present) = (app.connect(), app.connect());
    absent.expect_nothing().await;
    let brief = Duration::from_millis(1);
    app.cache().save("k", 1).ttl(brief).await.unwrap();
    // The server has read it. Otherwise it would reach the returning client as a new one.
    assert_eq!(present.next::<u64>("a").await, 1);
    let is_over = std::time::Instant::now() + brief;
    while std::time::Instant::now() <= is_over {
        actix_web::rt::time::sleep(brief).await;
    }
    absent.drop_and_resume().await;
    assert_eq!(absent.expect_gap().await, "expired");
    let is_counted =
        |recorded: &Recorded| recorded.counts("sse_gaps_total") == [("expired".into(), 1.0)];
    recorded.until("counted", is_counted).await;
}

#[actix_web::test]
async fn what_was_swept_before_the_client_returns_counts_as_a_gap() {
    let recorded = Recorded::new();
    let app = TestSse::in_memory_with("a:k", |config| config.with_entries_in_memory(1));
    let first_id = app.connect().next_block().await.id.unwrap();
    for value in 1..=5 {
        app.cache().save_blocking("k", value).unwrap();
    }
    let is_read = |recorded: &Recorded| recorded.value("sse_journal_newest") == 5.0;
    recorded.until("read", is_read).await;
    app.journal().sweep(2).unwrap();
    let mut stream = app.resume(&first_id);
    assert_eq!(stream.expect_gap().await, "swept");
    assert_eq!(stream.next::<u64>("a").await, 4);
    let is_counted =
        |recorded: &Recorded| recorded.counts("sse_gaps_total") == [("swept".into(), 1.0)];
    recorded.until("counted", is_counted).await;
}

#[actix_web::test]
async fn the_slowest_stream_is_known_until_it_has_caught_up() {
    let recorded = Recorded::new();
    let app = TestSse::in_memory("a:k");
    let (mut slow, mut fast) = (app.connect(), app.connect());
    app.cache().save_blocking("k", 0).unwrap();
    for stream in [&mut slow, &mut fast] {
        stream.next_event().await;
        // Until the heartbeat after the event, it waits for the next.
        stream.expect_nothing().await;
    }
    for value in 1..=5 {
        app.cache().save_blocking("k", value).unwrap();
        assert_eq!(fast.next::<u64>("a").await, value);
    }
    let is = |entries: f64| {
        move |recorded: &Recorded| recorded.value("sse_slowest_stream_entries") == entries
    };
    recorded.until("behind", is(5.0)).await;
    for value in 1..=5 {
        assert_eq!(slow.next::<u64>("a").await, value);
    }
    slow.expect_nothing().await;
    fast.expect_nothing().await;
    recorded.until("caught up", is(0.0)).await;
}
