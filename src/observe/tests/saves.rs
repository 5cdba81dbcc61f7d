//! Saves of this process and of others.

use std::fs;

use super::Recorded;
use crate::{cli_support, observe::SaveResult, testing::TestSse};

#[test]
fn each_save_counts_with_its_result_and_its_duration() {
    let recorded = Recorded::new();
    let app = TestSse::in_memory("a:k");
    let cache = app.cache();
    cache.save_blocking("k", 1).unwrap();
    cache.save_blocking("k", "x".repeat(2_000_000)).unwrap_err();
    cache.save_blocking("a/b", 1).unwrap_err();
    for value in [1, 1, 2] {
        cli_support::save_once(cache.save("k", value), "key").unwrap();
    }
    // Neither is a save of a value.
    cache.delete_blocking("k").unwrap();
    cache.revoke_blocking("user:1").unwrap();
    let counts = [
        ("conflict", 1.0),
        ("invalid", 2.0),
        ("repeated", 1.0),
        ("saved", 2.0),
    ];
    let counts = counts.map(|(result, count)| (result.to_owned(), count));
    assert_eq!(recorded.counts("sse_saves_total"), counts);
    assert_eq!(recorded.observed("sse_save_duration_seconds").len(), 6);
    assert_eq!(recorded.counts("sse_journal_errors_total"), []);
}

#[test]
fn the_counts_exist_without_a_recorder() {
    let app = TestSse::in_memory("a:k");
    app.cache().save_blocking("k", 1).unwrap();
    let saves = &app.cache().observations().0.saves.saves;
    assert_eq!(saves.get(SaveResult::Saved), 1);
}

#[actix_web::test]
async fn a_drop_in_counts_once_it_is_in_the_journal() {
    let recorded = Recorded::new();
    let app = TestSse::in_folder("a:k");
    let mut stream = app.connect();
    fs::write(app.folder().join("writable/cache/k"), "1").unwrap();
    stream.next_event().await;
    let is_counted =
        |recorded: &Recorded| recorded.counts("sse_saves_total") == [("ingested".to_owned(), 1.0)];
    recorded.until("counted", is_counted).await;
}
