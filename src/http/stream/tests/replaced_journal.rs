//! Streams while the journal is replaced.

use std::{
    sync::{
        Arc,
        atomic::{AtomicBool, Ordering},
    },
    thread,
};

use super::*;
use crate::epoch::Epoch;

/// The tail notices a replaced journal only when it is asked, however slow the machine is.
const ONLY_ON_REQUEST: Duration = Duration::from_secs(60);

/// Waits until the tail has read the entry before `end`.
async fn until_tail_reaches(app: &TestSse, epoch: Epoch, end: u64) {
    let is_reached = |points: StartPoints| points.epochs.current() == epoch && points.end == end;
    let reach = async {
        while !is_reached(app.start_points()) {
            sleep(Duration::from_millis(5)).await;
        }
    };
    timeout(Duration::from_secs(10), reach).await.unwrap();
}

fn assert_tail_has_not_noticed(app: &TestSse, epoch: Epoch) {
    assert_ne!(
        app.start_points().epochs.current(),
        epoch,
        "the tail noticed without being asked"
    );
}

#[actix_web::test]
async fn a_replaced_folder_is_a_gap_and_its_new_entries_arrive() {
    let app = app(|config| config.with_lookback(Duration::ZERO));
    let mut stream = app.connect();
    app.cache().save_blocking("k", "old").unwrap();
    assert_eq!(stream.next::<String>("a").await, "old");
    app.replace_cache_folder();
    // Saved in the new folder before the server has noticed it.
    app.cache().save_blocking("k", "new").unwrap();
    assert_eq!(stream.expect_gap().await, "other-epoch");
    assert_eq!(stream.next::<String>("a").await, "new");
    app.cache().save_blocking("k", "newer").unwrap();
    assert_eq!(stream.next::<String>("a").await, "newer");
}

#[actix_web::test]
async fn a_client_that_knows_a_new_journal_before_its_server_does_gets_no_gap() {
    let app = app(|config| config.with_poll_interval(ONLY_ON_REQUEST));
    app.replace_cache_folder();
    app.cache().save_blocking("k", "had").unwrap();
    let epoch = app.journal().epoch();
    assert_tail_has_not_noticed(&app, epoch);
    // Another server has sent it entry 1.
    let mut reconnecting = app.resume(&format!("{epoch}-1"));
    app.cache().save_blocking("k", "new").unwrap();
    assert_eq!(reconnecting.next::<String>("a").await, "new");
    let mut unknown = app.resume("0123456789abcdef-1");
    assert_eq!(unknown.expect_gap().await, "other-epoch");
}

#[actix_web::test]
async fn a_value_saved_for_a_connected_client_arrives_even_if_it_expires_unnoticed() {
    let app = app(|config| config.with_poll_interval(ONLY_ON_REQUEST));
    app.replace_cache_folder();
    app.cache().save_blocking("k", "had").unwrap();
    let epoch = app.journal().epoch();
    assert_tail_has_not_noticed(&app, epoch);
    let mut reconnecting = app.resume(&format!("{epoch}-1"));
    // The tail confirms its position now.
    reconnecting.silent_for(Duration::from_millis(200)).await;
    let brief = app.cache().save("k", "brief").ttl(Duration::from_millis(1));
    brief.blocking().unwrap();
    // The stream is not polled before the tail has read everything.
    until_tail_reaches(&app, epoch, 3).await;
    assert_eq!(reconnecting.next::<String>("a").await, "brief");
}

#[actix_web::test]
async fn a_value_saved_before_the_journal_has_answered_arrives_even_if_it_expires_meanwhile() {
    let app = app(|config| config);
    app.replace_cache_folder();
    app.cache().save_blocking("k", "had").unwrap();
    let epoch = app.journal().epoch();
    let mut reconnecting = app.resume(&format!("{epoch}-1"));
    let brief = app.cache().save("k", "brief").ttl(Duration::from_millis(1));
    brief.blocking().unwrap();
    // The stream is polled for the first time after the value has expired.
    until_tail_reaches(&app, epoch, 3).await;
    sleep(Duration::from_millis(2)).await;
    assert_eq!(reconnecting.next::<String>("a").await, "brief");
}

#[actix_web::test]
async fn numbers_of_a_replaced_journal_do_not_apply_to_entries_of_the_current_one() {
    let app = app(|config| config.with_poll_interval(ONLY_ON_REQUEST));
    for value in 1..=3 {
        app.cache().save_blocking("k", value).unwrap();
    }
    until_tail_reaches(&app, app.start_points().epochs.current(), 4).await;
    app.replace_cache_folder();
    app.cache().save_blocking("k", "had").unwrap();
    let epoch = app.journal().epoch();
    assert_tail_has_not_noticed(&app, epoch);
    let mut reconnecting = app.resume(&format!("{epoch}-1"));
    // The stream has asked the tail, which reads the journal before the stream is polled.
    until_tail_reaches(&app, epoch, 2).await;
    // The client has received everything.
    reconnecting.silent_for(POLL_INTERVAL).await;
    let brief = app.cache().save("k", "brief").ttl(Duration::from_millis(1));
    brief.blocking().unwrap();
    until_tail_reaches(&app, epoch, 3).await;
    sleep(Duration::from_millis(20)).await;
    assert_eq!(reconnecting.next::<String>("a").await, "brief");
}

#[actix_web::test]
async fn a_client_of_another_journal_continues_in_the_current_one_and_in_no_older_one() {
    let app = app(|config| config.with_poll_interval(ONLY_ON_REQUEST));
    app.cache().save_blocking("k", "old").unwrap();
    let mut stream = app.connect();
    assert_eq!(stream.next::<String>("a").await, "old");
    app.replace_cache_folder();
    let epoch = app.journal().epoch();
    assert_tail_has_not_noticed(&app, epoch);
    let mut reconnecting = app.resume("0123456789abcdef-1");
    assert_eq!(reconnecting.next_block().await.name(), "sse.heartbeat");
    let gap = reconnecting.next_block().await;
    assert_eq!(gap.name(), "sse.gap");
    assert_eq!(gap.id, Some(format!("{epoch}-0")));
}

#[actix_web::test]
async fn a_client_of_another_journal_gets_everything_in_the_current_one() {
    let app = app(|config| config.with_entries_in_memory(2));
    app.cache().save_blocking("k", "old").unwrap();
    let id = format!("{}-1", app.start_points().epochs.current());
    app.replace_cache_folder();
    for value in 1..=9 {
        app.cache().save_blocking("k", value).unwrap();
    }
    let mut reconnecting = app.resume(&id);
    assert_eq!(reconnecting.expect_gap().await, "other-epoch");
    for value in 1..=9 {
        assert_eq!(reconnecting.next::<u64>("a").await, value);
    }
}

#[actix_web::test]
async fn a_new_client_gets_its_position_even_while_the_journal_is_replaced() {
    let app = app(|config| config);
    let hub = Arc::clone(&app.sse().state().unwrap().hub);
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
        let first = app.connect().next_block().await;
        assert!(first.id.is_some(), "{first}");
    }
    done.store(true, Ordering::Relaxed);
    replacing.join().unwrap();
}

#[actix_web::test]
async fn a_client_of_a_discarded_journal_gets_what_was_saved_since() {
    let app = app(|config| config);
    app.cache().save_blocking("k", "had").unwrap();
    let mut stream = app.connect();
    assert_eq!(stream.next::<String>("a").await, "had");
    app.clear();
    app.cache().save_blocking("k", "new").unwrap();
    assert_eq!(stream.expect_gap().await, "other-epoch");
    assert_eq!(stream.next::<String>("a").await, "new");
}
