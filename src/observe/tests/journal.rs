//! What happens to the journal.

use std::{fs, future::poll_fn, os::unix::fs::PermissionsExt, path::PathBuf, time::Duration};

use actix_web::{body::MessageBody, rt::time::timeout, test::TestRequest};

use super::{Recorded, recorder::DEADLINE};
use crate::{
    Cache, Sse, Subscription,
    journal::file::tests::non_regular_files::{
        can_restrict_this_user, make_permissions_apply_to_root,
    },
    testing::TestSse,
};

/// The tail notices nothing meanwhile.
const LONG: Duration = Duration::from_secs(60);

fn file(app: &TestSse, name: &str) -> PathBuf {
    app.folder().join("writable/cache/.sse").join(name)
}

/// Waits until this operation has failed.
async fn until_failed(recorded: &Recorded, operation: &str) {
    let has_failed = |recorded: &Recorded| {
        let failed = recorded.counts("sse_journal_errors_total");
        failed.iter().any(|(name, _)| name == operation)
    };
    recorded.until(operation, has_failed).await;
}

#[actix_web::test]
async fn the_newest_number_and_the_age_of_the_tail_are_known() {
    let recorded = Recorded::new();
    let app = TestSse::in_memory("a:k");
    app.cache().save_blocking("k", 1).unwrap();
    let mut stream = app.connect();
    app.cache().save_blocking("k", 2).unwrap();
    while stream.next_event().await.value() != 2 {}
    assert_eq!(recorded.value("sse_journal_newest"), 2.0);
    let age = recorded.value("sse_journal_tail_age_seconds");
    assert!((0.0..10.0).contains(&age), "{age}");
    assert_eq!(recorded.counts("sse_journal_errors_total"), []);
}

/// A thread that does not depend on the tail measures it.
#[actix_web::test]
async fn the_age_rises_while_the_tail_waits() {
    let recorded = Recorded::new();
    let app = TestSse::in_memory_with("a:k", |config| config.with_poll_interval(LONG));
    app.sse();
    let is_old = |recorded: &Recorded| recorded.value("sse_journal_tail_age_seconds") > 1.0;
    recorded.until("old", is_old).await;
}

#[actix_web::test]
async fn a_replaced_journal_is_a_change_of_the_epoch() {
    let recorded = Recorded::new();
    let app = TestSse::in_folder("a:k");
    let mut stream = app.connect();
    stream.next_block().await;
    assert_eq!(recorded.value("sse_epoch_changes_total"), 0.0);
    fs::rename(app.folder().join("writable"), app.folder().join("old")).unwrap();
    app.cache().save_blocking("k", 1).unwrap();
    assert_eq!(stream.expect_gap().await, "other-epoch");
    assert_eq!(recorded.value("sse_epoch_changes_total"), 1.0);
}

#[actix_web::test]
async fn a_server_that_cannot_start_counts_as_one_that_cannot_read() {
    let recorded = Recorded::new();
    let app = tempfile::tempdir().unwrap();
    let _sse = Sse::from_cache(&Cache::from_dir(app.path()));
    until_failed(&recorded, "tail").await;
    let is_old = |recorded: &Recorded| recorded.value("sse_journal_tail_age_seconds") > 1.0;
    recorded.until("old", is_old).await;
}

#[actix_web::test]
async fn what_fails_without_a_cache_counts_and_the_tail_grows_old() {
    let recorded = Recorded::new();
    let app = TestSse::in_folder("a:k");
    app.connect().next_block().await;
    fs::rename(app.folder().join("writable"), app.folder().join("old")).unwrap();
    fs::write(app.folder().join("writable"), "in the way").unwrap();
    app.cache().save_blocking("k", 1).unwrap_err();
    app.cache().get_blocking("k").unwrap_err();
    for operation in ["append", "get", "tail"] {
        until_failed(&recorded, operation).await;
    }
    assert_eq!(recorded.counts("sse_saves_total"), [("failed".into(), 1.0)]);
    let is_old = |recorded: &Recorded| recorded.value("sse_journal_tail_age_seconds") > 1.0;
    recorded.until("old", is_old).await;
}

/// A cache whose folders can be locked, also for root. `None` if permissions cannot apply to this process.
fn lockable() -> Option<TestSse> {
    can_restrict_this_user().then(|| {
        TestSse::in_folder_with("a:k", |config| {
            make_permissions_apply_to_root(config.cache_dir());
            config
        })
    })
}

fn set_mode(app: &TestSse, name: &str, mode: u32) {
    let _ = fs::create_dir(file(app, name));
    fs::set_permissions(file(app, name), fs::Permissions::from_mode(mode)).unwrap();
}

#[actix_web::test]
async fn a_failed_sweep_counts() {
    let recorded = Recorded::new();
    let Some(app) = lockable() else { return };
    app.cache().save_blocking("k", 1).unwrap();
    set_mode(&app, "trash", 0o000);
    app.sse();
    until_failed(&recorded, "sweep").await;
}

#[actix_web::test]
async fn a_failed_check_counts() {
    let recorded = Recorded::new();
    let Some(app) = lockable() else { return };
    app.cache().save_blocking("k", 1).unwrap();
    set_mode(&app, "journal-2/000000000000", 0o500);
    app.sse();
    until_failed(&recorded, "check").await;
}

#[actix_web::test]
async fn a_failed_ingest_counts() {
    let recorded = Recorded::new();
    let Some(app) = lockable() else { return };
    app.cache().save_blocking("k", 1).unwrap();
    app.connect().next_block().await;
    set_mode(&app, "journal-2/000000000000", 0o000);
    fs::write(app.folder().join("writable/cache/k"), "2").unwrap();
    until_failed(&recorded, "ingest").await;
    assert_eq!(recorded.counts("sse_saves_total"), [("saved".into(), 1.0)]);
}

/// While the tail has noticed nothing, the client should try another server.
#[actix_web::test]
async fn a_stream_whose_replay_fails_ends_with_an_error() {
    if !can_restrict_this_user() {
        return;
    }
    let recorded = Recorded::new();
    let app = TestSse::in_folder_with("a:k", |config| {
        make_permissions_apply_to_root(config.cache_dir());
        config.with_entries_in_memory(1).with_poll_interval(LONG)
    });
    let first_id = app.connect().next_block().await.id.unwrap();
    // The tail is in the second folder then, and does not read the first one.
    for value in 1..=1_100 {
        app.cache().save_blocking("k", value).unwrap();
    }
    let is_read = |recorded: &Recorded| recorded.value("sse_journal_newest") == 1_100.0;
    recorded.until("read", is_read).await;
    set_mode(&app, "journal-2/000000000000", 0o000);
    let uri = format!("/?last_event_id={first_id}");
    let request = TestRequest::with_uri(&uri).to_http_request();
    let mut stream = Box::pin(app.sse().subscribe(Subscription::new(&request)).unwrap());
    let read = async {
        while poll_fn(|context| stream.as_mut().poll_next(context))
            .await
            .is_some()
        {}
    };
    timeout(DEADLINE, read).await.unwrap();
    drop(stream);
    let closed = recorded.counts("sse_streams_closed_total");
    let expected = [("client".into(), 1.0), ("error".into(), 1.0)];
    assert_eq!(closed, expected, "the first stream, and this one");
    until_failed(&recorded, "replay").await;
}

#[cfg(feature = "__redis-tests")]
mod in_redis {
    use std::task::Poll;

    use super::*;
    use crate::journal::redis::tests::TestRedis;

    #[test]
    fn a_connection_after_an_outage_is_a_reconnect() {
        let recorded = Recorded::new();
        let mut redis = TestRedis::start();
        let cache = Cache::open(&redis.config()).unwrap();
        cache.save_blocking("k", 1).unwrap();
        assert_eq!(recorded.value("sse_redis_reconnects_total"), 0.0);
        redis.kill();
        redis.restart();
        cache.save_blocking("k", 2).unwrap();
        assert_eq!(recorded.value("sse_redis_reconnects_total"), 1.0);
    }

    #[actix_web::test]
    async fn a_failed_replay_counts() {
        let recorded = Recorded::new();
        let mut redis = TestRedis::start();
        let cache = Cache::open(&redis.config().with_entries_in_memory(1)).unwrap();
        let first = cache.save_blocking("k", 1).unwrap();
        for value in 2..=4 {
            cache.save_blocking("k", value).unwrap();
        }
        let sse = Sse::from_cache(&cache);
        let is_read = |recorded: &Recorded| recorded.value("sse_journal_newest") == 4.0;
        recorded.until("read", is_read).await;
        redis.kill();
        let uri = format!("/?last_event_id={first}");
        let request = TestRequest::with_uri(&uri).to_http_request();
        let mut stream = Box::pin(sse.subscribe(Subscription::new(&request)).unwrap());
        poll_fn(|context| {
            // The stream ends if Redis refuses the connection at once.
            while let Poll::Ready(Some(_)) = stream.as_mut().poll_next(context) {}
            Poll::Ready(())
        })
        .await;
        until_failed(&recorded, "replay").await;
    }
}
