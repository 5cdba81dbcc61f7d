//! Streams of an app whose cache is in use.

mod clock;
mod edited_config;
mod edited_events;
mod replaced_journal;

use std::{
    fs, future::poll_fn, os::unix::fs::PermissionsExt, path::PathBuf, pin::Pin, sync::Arc,
    task::Poll, time::Duration,
};

use actix_web::{
    body::MessageBody,
    rt::time::{sleep, timeout},
    test::TestRequest,
};

use super::EventStream;
use crate::{
    Config, Sse,
    cache::Cache,
    http::subscription::Subscription,
    hub::StartPoints,
    journal::{
        Journal,
        file::tests::non_regular_files::{can_restrict_this_user, make_permissions_apply_to_root},
    },
};

struct App {
    dir: tempfile::TempDir,
    cache: Cache,
    sse: Sse,
}

const POLL_INTERVAL: Duration = Duration::from_millis(200);

fn app(change: impl FnOnce(Config) -> Config) -> App {
    let dir = tempfile::tempdir().unwrap();
    let config = Config::new(dir.path(), "a:k")
        .unwrap()
        .with_poll_interval(POLL_INTERVAL);
    let config = change(config.with_stream_duration(Duration::ZERO));
    let cache = Cache::open(&config).unwrap();
    let sse = Sse::from_cache(&cache);
    App { dir, cache, sse }
}

impl App {
    fn folder(&self, name: &str) -> PathBuf {
        self.dir.path().join("writable/cache").join(name)
    }

    fn start_points(&self) -> StartPoints {
        self.sse.state().unwrap().hub.start_points()
    }

    /// The journal on disk, which the server may not have noticed yet.
    fn current_journal(&self) -> Arc<dyn Journal> {
        self.sse
            .state()
            .unwrap()
            .hub
            .journal_handle()
            .current()
            .unwrap()
    }

    fn replace_cache_folder(&self) {
        let dir = self.dir.path();
        fs::rename(dir.join("writable"), dir.join("old")).unwrap();
    }

    fn open(&self, last_event_id: Option<&str>) -> EventStream {
        let mut request = TestRequest::default();
        if let Some(id) = last_event_id {
            request = request.insert_header(("last-event-id", id));
        }
        let subscription = Subscription::new(&request.to_http_request());
        self.sse.subscribe(subscription).unwrap()
    }
}

/// The next chunk.
async fn next(stream: &mut EventStream) -> String {
    let chunk = poll_fn(|context| Pin::new(&mut *stream).poll_next(context)).await;
    String::from_utf8(chunk.expect("the stream has not ended").unwrap().to_vec()).unwrap()
}

/// Reads until all of these texts have arrived in this order, and returns what follows the last.
async fn expect(stream: &mut EventStream, texts: &[&str]) -> String {
    let mut received = String::new();
    for text in texts {
        let mut from = 0;
        loop {
            if let Some(at) = received[from..].find(text) {
                from += at + text.len();
                received.drain(..from);
                break;
            }
            from = 0;
            let chunk = timeout(Duration::from_secs(10), next(stream)).await;
            received.push_str(
                &chunk.unwrap_or_else(|_| panic!("{text:?} did not arrive after {received:?}")),
            );
        }
    }
    received
}

#[actix_web::test]
async fn a_removed_entry_is_a_gap_and_the_others_arrive() {
    let app = app(|config| config.with_in_memory(1));
    for value in 1..=4 {
        app.cache.save_blocking("k", value).unwrap();
    }
    // Only the newest entry is in memory.
    let newest_is_read = async {
        while app.start_points().end < 5 {
            sleep(Duration::from_millis(5)).await;
        }
    };
    timeout(Duration::from_secs(10), newest_is_read)
        .await
        .unwrap();
    let id = app.start_points().epochs.current().to_string() + "-0";
    fs::remove_file(app.folder(".sse/journal-2/000000000000/.00000000000000000002")).unwrap();
    let mut reconnecting = app.open(Some(&id));
    expect(
        &mut reconnecting,
        &[
            "\"value\":1",
            "sse.gap",
            "unreadable",
            "\"value\":3",
            "\"value\":4",
        ],
    )
    .await;
}

#[actix_web::test]
async fn a_stream_that_sleeps_through_more_than_the_ring_holds_does_not_fall_behind() {
    let app = app(|config| config.with_in_memory(4));
    let dir = app.dir.path();
    let config = Config::new(dir, "a:k,rare:r").unwrap();
    let sse = Sse::new(&config.with_in_memory(4)).unwrap();
    let open = |query: &str| {
        let request = TestRequest::with_uri(query).to_http_request();
        sse.subscribe(Subscription::new(&request)).unwrap()
    };
    let (mut all, mut rare) = (open("/"), open("/?events=rare"));
    expect(&mut rare, &["sse.heartbeat"]).await;
    poll_fn(|context| {
        assert!(Pin::new(&mut rare).poll_next(context).is_pending());
        Poll::Ready(())
    })
    .await;
    for value in 1..=12 {
        app.cache.save_blocking("k", value).unwrap();
        expect(&mut all, &[&format!("\"value\":{value}")]).await;
        // Lets the worker's task run while the ring still holds the entry.
        tokio::task::yield_now().await;
    }
    // A replay from the journal would now be a gap.
    for number in 1..=12 {
        let name = format!(".sse/journal-2/000000000000/.{number:020}");
        fs::remove_file(app.folder(&name)).unwrap();
    }
    app.cache.save_blocking("r", 13).unwrap();
    let chunk = timeout(Duration::from_secs(10), next(&mut rare)).await;
    let chunk = chunk.unwrap();
    assert!(chunk.contains("-13\nevent: rare\n"), "{chunk}");
}

#[actix_web::test]
async fn a_deletion_from_ring_or_journal_is_neither_an_event_nor_a_gap() {
    for in_memory in [100, 1] {
        let app = app(|config| config.with_in_memory(in_memory));
        let mut stream = app.open(None);
        app.cache.save_blocking("k", 1).unwrap();
        app.cache.delete_blocking("k").unwrap();
        app.cache.save_blocking("k", 3).unwrap();
        app.cache.delete_blocking("k").unwrap();
        app.cache.save_blocking("k", 5).unwrap();
        let id = app.start_points().epochs.current().to_string() + "-0";
        let mut reconnecting = app.open(Some(&id));
        for stream in [&mut stream, &mut reconnecting] {
            let mut received = String::new();
            while !received.contains("-5\nevent: a\n") {
                let chunk = timeout(Duration::from_secs(10), next(stream)).await;
                received += &chunk.unwrap_or_else(|_| panic!("only {received}"));
            }
            let events: Vec<&str> = received
                .lines()
                .filter_map(|line| line.strip_prefix("event: "))
                .collect();
            assert_eq!(events, ["sse.heartbeat", "a", "a", "a"], "{received}");
        }
    }
}

#[actix_web::test]
async fn a_stray_folder_with_the_name_of_the_next_one_delays_no_event() {
    let app = app(|config| config.with_poll_interval(Duration::from_secs(60)));
    let mut stream = app.open(None);
    fs::create_dir(app.folder(".sse").join("journal-2/000000000001")).unwrap();
    for value in 1..=999 {
        app.cache.save_blocking("k", value).unwrap();
    }
    expect(&mut stream, &["\"value\":999}"]).await;
    for value in 1_000..=1_003 {
        app.cache.save_blocking("k", value).unwrap();
        let event = format!("\"value\":{value}}}");
        expect(&mut stream, &[&event]).await;
    }
}

#[actix_web::test]
async fn old_entries_that_cannot_be_removed_delay_no_event() {
    if !can_restrict_this_user() {
        return;
    }
    let app = app(|config| {
        make_permissions_apply_to_root(config.cache_dir());
        config.with_poll_interval(Duration::from_secs(60))
    });
    app.cache.save_blocking("k", "first").unwrap();
    let own = app.folder(".sse");
    let _ = fs::create_dir(own.join("trash"));
    fs::set_permissions(own.join("trash"), fs::Permissions::from_mode(0o000)).unwrap();
    let mut stream = app.open(None);
    for value in 1..=1_200 {
        app.cache.save_blocking("k", value).unwrap();
    }
    expect(&mut stream, &["\"value\":1200"]).await;
    app.cache.save_blocking("k", "prompt").unwrap();
    expect(&mut stream, &["\"prompt\""]).await;
}

#[actix_web::test]
async fn closing_ends_streams_with_their_position() {
    let app = app(|config| config);
    let mut stream = app.open(None);
    app.cache.save_blocking("k", 1).unwrap();
    expect(&mut stream, &["\"value\":1"]).await;
    assert_eq!(app.sse.stats().connections, 1);
    app.sse.close();
    expect(&mut stream, &["-1\nevent: sse.heartbeat"]).await;
    let end = poll_fn(|context| Pin::new(&mut stream).poll_next(context)).await;
    assert!(end.is_none());
    drop(stream);
    assert_eq!(app.sse.stats().connections, 0);
}

#[actix_web::test]
async fn a_silent_stream_sends_heartbeats() {
    let app = app(|config| config.with_heartbeat(Duration::from_millis(50)));
    let mut stream = app.open(None);
    expect(
        &mut stream,
        &[
            "sse.heartbeat",
            "sse.heartbeat\ndata: 0.05",
            "sse.heartbeat",
        ],
    )
    .await;
}

#[actix_web::test]
async fn a_probe_follows_each_heartbeat() {
    let app = app(|config| config.with_heartbeat(Duration::from_millis(100)));
    let mut stream = app.open(None);
    expect(
        &mut stream,
        &[
            "sse.heartbeat\ndata: 0.1\n\n:\n",
            "sse.heartbeat\ndata: 0.1\n\n:\n",
        ],
    )
    .await;
}

#[actix_web::test]
async fn a_large_value_is_sent_in_slices_and_completely_before_a_stream_ends() {
    let app = app(|config| config);
    let mut stream = app.open(None);
    let value = "0123456789".repeat(5_000);
    app.cache.save_blocking("k", &value).unwrap();
    expect(&mut stream, &["\"value\":\"0123"]).await;
    app.sse.close();
    let mut rest = String::new();
    while let Some(slice) = poll_fn(|context| Pin::new(&mut stream).poll_next(context)).await {
        let slice = slice.unwrap();
        assert!(
            slice.len() <= super::MAX_SLICE_BYTES,
            "{} bytes at once",
            slice.len()
        );
        rest.push_str(std::str::from_utf8(&slice).unwrap());
    }
    let (value, end) = rest.split_once("\"}\n\n").unwrap();
    assert!(value.len() > 40_000 && value.ends_with("0123456789"));
    assert!(end.contains("-1\nevent: sse.heartbeat"), "{end}");
}

/// docs/performance.md promises this. Memory limits the number of clients.
#[cfg(target_pointer_width = "64")]
#[test]
fn a_stream_takes_at_most_248_bytes() {
    assert!(size_of::<EventStream>() <= 248);
}

#[actix_web::test]
async fn a_stream_that_is_polled_without_a_pause_yields_an_error() {
    let app = app(|config| config);
    let mut stream = app.open(None);
    next(&mut stream).await;
    let mut idle_polls = 0;
    let error = poll_fn(|context| {
        for _ in 0..100_000 {
            match Pin::new(&mut stream).poll_next(context) {
                Poll::Pending => idle_polls += 1,
                Poll::Ready(Some(Err(error))) => return Poll::Ready(error),
                Poll::Ready(other) => panic!("{other:?}"),
            }
        }
        panic!("it goes on");
    });
    assert!(error.await.to_string().contains("keeps sending requests"));
    assert_eq!(idle_polls, 10_000);
    let end = poll_fn(|context| Pin::new(&mut stream).poll_next(context)).await;
    assert!(end.is_none());
}
