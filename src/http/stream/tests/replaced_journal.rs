//! Streams while the journal is replaced.

use std::{
    sync::atomic::{AtomicBool, Ordering},
    thread,
};

use super::*;
use crate::epoch::Epoch;

/// Waits until the tail has read the entry before `end`.
async fn until_tail_reaches(app: &App, epoch: Epoch, end: u64) {
    let is_reached = |points: StartPoints| points.epochs.current() == epoch && points.end == end;
    let reach = async {
        while !is_reached(app.start_points()) {
            sleep(Duration::from_millis(5)).await;
        }
    };
    timeout(Duration::from_secs(10), reach).await.unwrap();
}

fn assert_tail_has_not_noticed(app: &App, epoch: Epoch) {
    assert_ne!(
        app.start_points().epochs.current(),
        epoch,
        "the tail is too early"
    );
}

#[actix_web::test]
async fn a_replaced_folder_is_a_gap_and_its_new_entries_arrive() {
    let app = app(|config| config.with_lookback(Duration::ZERO));
    let mut stream = app.open(None);
    app.cache.save_blocking("k", "old").unwrap();
    expect(&mut stream, &["\"old\""]).await;
    app.replace_cache_folder();
    // Saved in the new folder before the server has noticed it.
    app.cache.save_blocking("k", "new").unwrap();
    let rest = expect(&mut stream, &["sse.gap", "other-epoch", "\"new\""]).await;
    assert!(!rest.contains("old"), "{rest}");
    app.cache.save_blocking("k", "newer").unwrap();
    let rest = expect(&mut stream, &["\"newer\""]).await;
    assert!(!rest.contains("\"new\""), "{rest}");
}

#[actix_web::test]
async fn a_client_that_knows_a_new_journal_before_its_server_does_gets_no_gap() {
    let app = app(|config| config.with_poll_interval(Duration::from_secs(2)));
    app.replace_cache_folder();
    app.cache.save_blocking("k", "had").unwrap();
    let epoch = app.current_journal().epoch();
    assert_tail_has_not_noticed(&app, epoch);
    // Another server has sent it entry 1.
    let mut reconnecting = app.open(Some(&format!("{epoch}-1")));
    app.cache.save_blocking("k", "new").unwrap();
    let mut received = String::new();
    while !received.contains("\"new\"") {
        let next = poll_fn(|context| Pin::new(&mut reconnecting).poll_next(context));
        let chunk = timeout(Duration::from_secs(10), next).await.unwrap();
        received.push_str(std::str::from_utf8(&chunk.unwrap().unwrap()).unwrap());
    }
    assert!(
        !received.contains("had") && !received.contains("gap"),
        "{received}"
    );
    let mut unknown = app.open(Some("0123456789abcdef-1"));
    expect(&mut unknown, &["sse.gap", "other-epoch"]).await;
}

#[actix_web::test]
async fn a_value_saved_for_a_connected_client_arrives_even_if_it_expires_unnoticed() {
    let app = app(|config| config.with_poll_interval(Duration::from_secs(1)));
    app.replace_cache_folder();
    app.cache.save_blocking("k", "had").unwrap();
    let epoch = app.current_journal().epoch();
    let mut reconnecting = app.open(Some(&format!("{epoch}-1")));
    // The journal confirms its position now.
    expect(&mut reconnecting, &["sse.heartbeat"]).await;
    assert!(
        timeout(Duration::from_millis(200), next(&mut reconnecting))
            .await
            .is_err()
    );
    let brief = app.cache.save("k", "brief").ttl(Duration::from_millis(1));
    brief.blocking().unwrap();
    assert_tail_has_not_noticed(&app, epoch);
    // The stream is not polled before the tail has read everything.
    until_tail_reaches(&app, epoch, 3).await;
    let received = next(&mut reconnecting).await;
    assert!(received.contains("brief"), "{received}");
}

#[actix_web::test]
async fn a_value_saved_before_the_journal_has_answered_arrives_even_if_it_expires_meanwhile() {
    let app = app(|config| config);
    app.replace_cache_folder();
    app.cache.save_blocking("k", "had").unwrap();
    let epoch = app.current_journal().epoch();
    let mut reconnecting = app.open(Some(&format!("{epoch}-1")));
    let brief = app.cache.save("k", "brief").ttl(Duration::from_millis(1));
    brief.blocking().unwrap();
    // The stream is polled for the first time after the value has expired.
    until_tail_reaches(&app, epoch, 3).await;
    sleep(Duration::from_millis(2)).await;
    let received = expect(&mut reconnecting, &["event: a"]).await;
    assert!(received.contains("brief"), "{received}");
}

#[actix_web::test]
async fn numbers_of_a_replaced_journal_do_not_apply_to_entries_of_the_current_one() {
    let app = app(|config| config);
    for value in 1..=3 {
        app.cache.save_blocking("k", value).unwrap();
    }
    until_tail_reaches(&app, app.start_points().epochs.current(), 4).await;
    app.replace_cache_folder();
    app.cache.save_blocking("k", "had").unwrap();
    let epoch = app.current_journal().epoch();
    let mut reconnecting = app.open(Some(&format!("{epoch}-1")));
    assert_tail_has_not_noticed(&app, epoch);
    // The tail reads the journal before the stream asks it.
    until_tail_reaches(&app, epoch, 2).await;
    expect(&mut reconnecting, &["sse.heartbeat"]).await;
    assert!(
        timeout(POLL_INTERVAL, next(&mut reconnecting))
            .await
            .is_err(),
        "the client has received everything"
    );
    let brief = app.cache.save("k", "brief").ttl(Duration::from_millis(1));
    brief.blocking().unwrap();
    until_tail_reaches(&app, epoch, 3).await;
    sleep(Duration::from_millis(20)).await;
    let received = next(&mut reconnecting).await;
    assert!(received.contains("brief"), "{received}");
}

#[actix_web::test]
async fn a_client_of_another_journal_continues_in_the_current_one_and_in_no_older_one() {
    let app = app(|config| config.with_poll_interval(Duration::from_secs(2)));
    app.cache.save_blocking("k", "old").unwrap();
    let mut stream = app.open(None);
    expect(&mut stream, &["\"old\""]).await;
    app.replace_cache_folder();
    let epoch = app.current_journal().epoch();
    assert_tail_has_not_noticed(&app, epoch);
    let mut reconnecting = app.open(Some("0123456789abcdef-1"));
    let first = expect(&mut reconnecting, &["event: ", "\n\n"]).await;
    assert_eq!(first, "", "only a heartbeat");
    let next = poll_fn(|context| Pin::new(&mut reconnecting).poll_next(context));
    let chunk = timeout(Duration::from_secs(10), next).await.unwrap();
    let gap = format!("id: {epoch}-0\nevent: sse.gap");
    assert!(chunk.unwrap().unwrap().starts_with(gap.as_bytes()));
}

#[actix_web::test]
async fn a_client_of_another_journal_gets_everything_in_the_current_one() {
    let app = app(|config| config.with_in_memory(2));
    app.cache.save_blocking("k", "old").unwrap();
    let id = format!("{}-1", app.start_points().epochs.current());
    app.replace_cache_folder();
    for value in 1..=9 {
        app.cache.save_blocking("k", value).unwrap();
    }
    let mut reconnecting = app.open(Some(&id));
    let texts = ["other-epoch", "\"value\":1}", "\"value\":9}"];
    expect(&mut reconnecting, &texts).await;
}

#[actix_web::test]
async fn a_new_client_gets_its_position_even_while_the_journal_is_replaced() {
    let app = app(|config| config);
    let hub = Arc::clone(&app.sse.state.hub);
    let done = Arc::new(AtomicBool::new(false));
    let replacing = thread::spawn({
        let done = Arc::clone(&done);
        move || {
            // Relaxed: the flag carries no other data.
            for epoch in 1.. {
                hub.ring().restart(Epoch(epoch).into(), 1);
                if done.load(Ordering::Relaxed) {
                    return;
                }
            }
        }
    });
    while app.start_points().epochs.current().0 > 1_000_000 {
        thread::yield_now();
    }
    for _ in 0..5_000 {
        let first = next(&mut app.open(None)).await;
        assert!(first.contains("id: "), "{first}");
    }
    done.store(true, Ordering::Relaxed);
    replacing.join().unwrap();
}

#[actix_web::test]
async fn a_client_of_a_discarded_journal_gets_what_was_saved_since() {
    let app = app(|config| config);
    app.cache.save_blocking("k", "had").unwrap();
    let mut stream = app.open(None);
    expect(&mut stream, &["\"had\""]).await;
    let journal = app.current_journal();
    journal.discard().unwrap();
    app.cache.save_blocking("k", "new").unwrap();
    expect(&mut stream, &["sse.gap", "other-epoch"]).await;
    let mut received = String::new();
    while !received.contains("\"new\"") {
        received.push_str(&next(&mut stream).await);
    }
    assert!(!received.contains("had"), "{received}");
}
