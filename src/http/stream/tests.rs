//! Streams of an app whose cache is in use.

mod audiences;
mod clock;
mod damaged_journal;
mod edited_config;
mod edited_events;
mod event_names;
mod formats;
mod replaced_journal;
mod unusable_entries;

use std::{
    cell::Cell, fs, future::poll_fn, os::unix::fs::PermissionsExt, path::PathBuf, pin::Pin, rc::Rc,
    task::Poll, time::Duration,
};

use actix_web::{
    body::MessageBody,
    rt::{
        spawn,
        task::yield_now,
        time::{sleep, timeout},
    },
    test::TestRequest,
};

use super::EventStream;
use crate::{
    Config, Subscription,
    hub::StartPoints,
    journal::file::tests::non_regular_files::{
        can_restrict_this_user, make_permissions_apply_to_root,
    },
    testing::TestSse,
};

const POLL_INTERVAL: Duration = Duration::from_millis(200);

/// On a busy machine, with tens of thousands of saves by other tests.
const DEADLINE: Duration = Duration::from_secs(10);

/// Of streams, in tests that wait for their end.
const SHORT_DURATION: Duration = Duration::from_millis(300);

/// With the usual heartbeats, so that nothing else is sent.
fn app(change: impl FnOnce(Config) -> Config) -> TestSse {
    let change = |config: Config| {
        let config = config.with_heartbeat(Duration::from_secs(15));
        change(config.with_poll_interval(POLL_INTERVAL))
    };
    let app = TestSse::in_folder_with("a:k", change).with_deadline(DEADLINE);
    // Its server runs from now on.
    app.sse();
    app
}

impl TestSse {
    fn file(&self, name: &str) -> PathBuf {
        self.folder().join("writable/cache").join(name)
    }

    fn start_points(&self) -> StartPoints {
        self.sse().state().unwrap().hub.start_points()
    }

    /// Of a client that has received nothing.
    fn first_id(&self) -> String {
        format!("{}-0", self.start_points().epochs.current())
    }

    fn replace_cache_folder(&self) {
        let dir = self.folder();
        fs::rename(dir.join("writable"), dir.join("old")).unwrap();
    }

    /// A stream of which the test reads the bytes itself.
    fn subscribe(&self, uri: &str) -> EventStream {
        let request = TestRequest::with_uri(uri).to_http_request();
        self.sse().subscribe(Subscription::new(&request)).unwrap()
    }
}

/// The next chunk.
async fn next(stream: &mut EventStream) -> String {
    let chunk = poll_fn(|context| Pin::new(&mut *stream).poll_next(context)).await;
    String::from_utf8(chunk.expect("the stream has not ended").unwrap().to_vec()).unwrap()
}

/// Reads until this text has arrived, and returns everything.
async fn read_until(stream: &mut EventStream, text: &str) -> String {
    let mut received = String::new();
    let read = async {
        while !received.contains(text) {
            received += &next(stream).await;
        }
    };
    let is_complete = timeout(DEADLINE, read).await.is_ok();
    assert!(is_complete, "{text:?} did not arrive after {received:?}");
    received
}

#[actix_web::test]
async fn a_removed_entry_is_a_gap_and_the_others_arrive() {
    let app = app(|config| config.with_entries_in_memory(1));
    for value in 1..=4 {
        app.cache().save_blocking("k", value).unwrap();
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
    fs::remove_file(app.file(".sse/journal-2/000000000000/.00000000000000000002")).unwrap();
    let mut reconnecting = app.resume(&app.first_id());
    assert_eq!(reconnecting.next::<u64>("a").await, 1);
    assert_eq!(reconnecting.expect_gap().await, "unreadable");
    assert_eq!(reconnecting.next::<u64>("a").await, 3);
    assert_eq!(reconnecting.next::<u64>("a").await, 4);
}

#[actix_web::test]
async fn a_stream_that_sleeps_through_more_than_the_ring_holds_does_not_fall_behind() {
    let app = TestSse::in_folder_with("a:k,rare:r", |config| {
        config
            .with_entries_in_memory(4)
            .with_heartbeat(Duration::from_secs(15))
    });
    let (mut all, mut rare) = (app.connect(), app.subscribe("/?events=rare"));
    read_until(&mut rare, "sse.heartbeat").await;
    poll_fn(|context| {
        assert!(Pin::new(&mut rare).poll_next(context).is_pending());
        Poll::Ready(())
    })
    .await;
    for value in 1..=12 {
        app.cache().save_blocking("k", value).unwrap();
        assert_eq!(all.next::<u64>("a").await, value);
        // Lets the worker's task run while the ring still holds the entry.
        yield_now().await;
    }
    // A replay from the journal would now be a gap.
    for number in 1..=12 {
        let name = format!(".sse/journal-2/000000000000/.{number:020}");
        fs::remove_file(app.file(&name)).unwrap();
    }
    app.cache().save_blocking("r", 13).unwrap();
    let chunk = timeout(DEADLINE, next(&mut rare)).await.unwrap();
    assert!(chunk.contains("-13\nevent: rare\n"), "{chunk}");
}

#[actix_web::test]
async fn a_deletion_from_ring_or_journal_is_neither_an_event_nor_a_gap() {
    for in_memory in [100, 1] {
        let app = app(|config| config.with_entries_in_memory(in_memory));
        let mut stream = app.connect();
        app.cache().save_blocking("k", 1).unwrap();
        app.cache().delete_blocking("k").unwrap();
        app.cache().save_blocking("k", 3).unwrap();
        app.cache().delete_blocking("k").unwrap();
        app.cache().save_blocking("k", 5).unwrap();
        let mut reconnecting = app.resume(&app.first_id());
        for stream in [&mut stream, &mut reconnecting] {
            for number in [1, 3, 5] {
                let event = stream.next_event().await;
                assert_eq!((event.name(), event.number()), ("a", number));
            }
        }
    }
}

#[actix_web::test]
async fn a_stray_folder_with_the_name_of_the_next_one_delays_no_event() {
    let app = app(|config| config.with_poll_interval(Duration::from_secs(60)));
    let mut stream = app.connect();
    fs::create_dir(app.file(".sse").join("journal-2/000000000001")).unwrap();
    for value in 1..=999 {
        app.cache().save_blocking("k", value).unwrap();
    }
    for value in 1..=999 {
        assert_eq!(stream.next::<u64>("a").await, value);
    }
    for value in 1_000..=1_003 {
        app.cache().save_blocking("k", value).unwrap();
        assert_eq!(stream.next::<u64>("a").await, value);
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
    app.cache().save_blocking("k", "first").unwrap();
    let own = app.file(".sse");
    let _ = fs::create_dir(own.join("trash"));
    fs::set_permissions(own.join("trash"), fs::Permissions::from_mode(0o000)).unwrap();
    let mut stream = app.connect();
    for value in 1..=1_200 {
        app.cache().save_blocking("k", value).unwrap();
    }
    while stream.next_event().await.value() != 1_200 {}
    app.cache().save_blocking("k", "prompt").unwrap();
    assert_eq!(stream.next::<String>("a").await, "prompt");
}

#[actix_web::test]
async fn closing_ends_streams_with_their_position() {
    let app = app(|config| config);
    let mut stream = app.connect();
    app.cache().save_blocking("k", 1).unwrap();
    assert_eq!(stream.next::<u64>("a").await, 1);
    assert_eq!(app.sse().stats().connections, 1);
    app.sse().close();
    let last = stream.next_block().await;
    assert_eq!((last.name(), last.number()), ("sse.heartbeat", 1));
    stream.expect_end().await;
    drop(stream);
    assert_eq!(app.sse().stats().connections, 0);
}

#[actix_web::test]
async fn a_stream_that_was_just_polled_or_always_has_something_to_send_ends_at_its_time() {
    let filler = "x".repeat(20_000);
    for chunks in [1, 5] {
        let app = app(|config| config.with_stream_duration(SHORT_DURATION));
        let mut stream = app.subscribe("/");
        let mut received = read_until(&mut stream, "sse.heartbeat").await;
        for _ in 0..chunks {
            app.cache().save_blocking("k", &filler).unwrap();
        }
        let all_are_read = async {
            while app.start_points().end <= chunks {
                sleep(Duration::from_millis(5)).await;
            }
        };
        timeout(DEADLINE, all_are_read).await.unwrap();
        // On a busy machine, the stream may have ended before its first chunk.
        if !received.contains("planned end") {
            received += &next(&mut stream).await;
        }
        // The longest lifetime is four thirds of the duration.
        sleep(SHORT_DURATION.mul_f32(1.5)).await;
        if !received.contains("planned end") {
            received += &read_until(&mut stream, "planned end").await;
        }
        let events = received.matches("event: a").count();
        assert!(events <= 2, "{events}");
    }
}

#[actix_web::test]
async fn a_silent_stream_sends_heartbeats() {
    let app = app(|config| config.with_heartbeat(Duration::from_millis(50)));
    let mut stream = app.connect();
    for _ in 0..3 {
        let block = stream.next_block().await;
        assert_eq!(block.name(), "sse.heartbeat");
        assert_eq!(block.data.as_deref(), Some("0.05"));
    }
}

#[actix_web::test]
async fn a_probe_follows_each_heartbeat() {
    let app = app(|config| config.with_heartbeat(Duration::from_millis(100)));
    let mut stream = app.subscribe("/");
    for _ in 0..2 {
        read_until(&mut stream, "sse.heartbeat\ndata: 0.1\n\n:\n").await;
    }
}

#[actix_web::test]
async fn a_large_value_is_sent_in_slices_and_completely_before_a_stream_ends() {
    let app = app(|config| config);
    let mut stream = app.subscribe("/");
    let value = "0123456789".repeat(5_000);
    app.cache().save_blocking("k", &value).unwrap();
    read_until(&mut stream, "\"value\":\"0123").await;
    app.sse().close();
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
fn a_stream_takes_at_most_296_bytes() {
    assert!(size_of::<EventStream>() <= 296);
}

#[actix_web::test]
async fn other_tasks_of_the_thread_run_while_an_event_reaches_many_streams() {
    const STREAMS: usize = 640;
    let app = app(|config| config);
    let (waiting, received) = (Rc::new(Cell::new(0)), Rc::new(Cell::new(0)));
    for _ in 0..STREAMS {
        let mut stream = app.subscribe("/");
        read_until(&mut stream, "sse.heartbeat").await;
        let (waiting, received) = (Rc::clone(&waiting), Rc::clone(&received));
        spawn(async move {
            waiting.set(waiting.get() + 1);
            read_until(&mut stream, "event: a").await;
            received.set(received.get() + 1);
        });
    }
    // The test itself runs beside the queue of tasks.
    let other_task = spawn(async move {
        let mut turns_between = 0;
        while received.get() < STREAMS {
            turns_between += usize::from(received.get() > 0);
            yield_now().await;
        }
        turns_between
    });
    let all_wait = async {
        while waiting.get() < STREAMS {
            yield_now().await;
        }
    };
    timeout(DEADLINE, all_wait).await.unwrap();
    app.cache().save_blocking("k", 1).unwrap();
    let turns_between = timeout(DEADLINE, other_task).await.unwrap().unwrap();
    assert!(turns_between > 5, "{turns_between}");
}

#[actix_web::test]
async fn a_stream_that_is_polled_without_a_pause_yields_an_error() {
    let app = app(|config| config);
    let mut stream = app.subscribe("/");
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
