//! What a stream reports for entries that cannot be used, on every journal.

use std::time::Duration;

use crate::{
    Config,
    cache::Next,
    journal::conformance::unusable_entries::UNUSABLE_ENTRIES,
    testing::{TestSse, TestStream},
};

/// A server whose ring holds so many entries.
fn on_every_journal(ring_entries: usize) -> [TestSse; 2] {
    let change = |config: Config| config.with_entries_in_memory(ring_entries);
    [
        TestSse::in_memory_with("a:k", change),
        TestSse::in_folder_with("a:k", change),
    ]
}

async fn assert_gap_between(stream: &mut TestStream<'_>, case: &str) {
    assert_eq!(stream.next::<u64>("a").await, 1, "{case}");
    assert_eq!(stream.expect_gap().await, "unreadable", "{case}");
    let next = stream.next_event().await;
    assert_eq!((next.value(), next.number()), (3.into(), 3), "{case}");
}

/// The ring holds all entries, or only the newest, so that a client that reconnects is served from the
/// journal.
#[actix_web::test]
async fn an_unusable_entry_is_a_gap_live_and_in_a_replay() {
    for ring_entries in [10, 1] {
        for entry in &UNUSABLE_ENTRIES {
            for app in on_every_journal(ring_entries) {
                let mut stream = app.connect();
                let mut replayed = app.connect();
                replayed.drop_and_resume().await;
                app.cache().save("k", 1).await.unwrap();
                app.journal().append(entry.bytes).unwrap();
                app.cache().save("k", 3).await.unwrap();
                assert_gap_between(&mut stream, entry.case).await;
                replayed.drop_and_resume().await;
                assert_gap_between(&mut replayed, entry.case).await;
                stream.expect_nothing().await;
            }
        }
    }
}

#[test]
fn an_unusable_entry_is_a_gap_for_a_program_that_follows() {
    for entry in &UNUSABLE_ENTRIES {
        for app in on_every_journal(10) {
            let mut follow = app.cache().follow().unwrap();
            app.cache().save_blocking("k", 1).unwrap();
            app.journal().append(entry.bytes).unwrap();
            app.cache().save_blocking("k", 3).unwrap();
            let mut next = || follow.next_timeout(Duration::from_secs(10)).unwrap();
            for expected in [Some("1"), None, Some("3")] {
                match (next(), expected) {
                    (Some(Next::Entry(entry)), Some(value)) => assert_eq!(entry.value(), value),
                    (Some(Next::Gap), None) => {}
                    (other, _) => panic!("{}: {other:?}", entry.case),
                }
            }
        }
    }
}
