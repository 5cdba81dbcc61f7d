//! Where and why a test fails.

use std::{
    cell::Cell,
    panic::{set_hook, take_hook},
    sync::Once,
};

use super::*;
use crate::Config;

thread_local! {
    static PANIC_LINE: Cell<Option<(String, u32)>> = const { Cell::new(None) };
}

/// The file and line that the panic of `work` shows.
fn panic_line<T>(work: impl FnOnce() -> T) -> (String, u32) {
    static HOOK: Once = Once::new();
    HOOK.call_once(|| {
        let default_hook = take_hook();
        set_hook(Box::new(move |panic| {
            let line = panic.location().map(|at| (at.file().to_owned(), at.line()));
            PANIC_LINE.set(line);
            default_hook(panic);
        }));
    });
    failure_of(work);
    PANIC_LINE.take().unwrap()
}

#[actix_web::test]
async fn mistakes_in_a_test_are_shown_with_its_line() {
    let sse = TestSse::in_memory(EVENTS);
    cache().save("order", 1).await.unwrap();
    let event = Event::default();
    let file_as_folder = Config::new("/dev/null", EVENTS).unwrap();
    let first_line = line!() + 2;
    let lines = [
        panic_line(|| TestSse::in_memory("")),
        panic_line(|| TestSse::in_folder("")),
        panic_line(|| TestSse::open(&file_as_folder)),
        panic_line(|| sse.saved().values::<String>("order")),
        panic_line(|| event.json()),
        panic_line(|| event.number()),
    ];
    let expected = (first_line..).map(|line| (file!().to_owned(), line));
    assert_eq!(
        lines.to_vec(),
        expected.take(lines.len()).collect::<Vec<_>>()
    );
}

#[test]
fn a_stream_without_the_runtime_of_actix_web_fails_the_test_with_its_line() {
    let connect = || {
        let sse = TestSse::in_memory(EVENTS);
        let line = line!() + 1;
        let found = panic_line(|| sse.connect());
        assert_eq!(found, (file!().to_owned(), line));
        let message = failure_of(|| sse.connect());
        assert!(message.contains("`#[actix_web::test]`"), "{message}");
    };
    connect();
    let runtime = tokio::runtime::Builder::new_current_thread().build();
    runtime.unwrap().block_on(async { connect() });
}

#[actix_web::test]
async fn a_failed_assertion_lists_what_was_saved_on_threads_without_a_kit() {
    cache().save_blocking("earlier", 1).unwrap();
    let sse = TestSse::in_memory(EVENTS);
    std::thread::spawn(|| cache().save_blocking("order", "of a thread").unwrap())
        .join()
        .unwrap();
    sse.assert_nothing_saved();
    let message = failure_of(|| sse.assert_saved("order", "of a thread"));
    let elsewhere =
        message.split_once("but nothing was saved\non threads that belong to no `TestSse`");
    let (_, elsewhere) = elsewhere.expect(&message);
    assert!(
        elsewhere.contains("\n  order: \"of a thread\""),
        "{message}"
    );
    assert!(!elsewhere.contains("earlier"), "{message}");
}

#[actix_web::test]
async fn long_lists_are_shortened() {
    let sse = TestSse::in_memory(EVENTS);
    for value in 0..110 {
        cache().save("order", value).await.unwrap();
    }
    let message = failure_of(|| sse.assert_nothing_saved());
    assert!(
        message.contains("\n  order: 99\n  and 10 more"),
        "{message}"
    );
}

#[actix_web::test]
async fn an_event_that_does_not_exist_is_not_waited_for() {
    let sse = TestSse::in_memory(EVENTS);
    let mut stream = sse.connect();
    let message = failure(async { stream.next::<u64>("ordr_placed").await }).await;
    let expected = "the event `ordr_placed` does not exist; the events are `order_placed`, `rare`";
    assert!(message.ends_with(expected), "{message}");
}

#[actix_web::test]
async fn a_stream_on_which_nothing_arrives_fails_with_what_was_saved() {
    let sse = TestSse::in_memory(EVENTS).with_deadline(Duration::from_millis(50));
    let mut stream = sse.connect();
    cache().save("ordr", 42).await.unwrap();
    let message = failure(stream.next::<u64>("order_placed")).await;
    let expected = "but nothing arrived in time; this was saved:\n  ordr: 42";
    assert!(message.contains(expected), "{message}");
}

#[actix_web::test]
async fn a_response_that_is_not_a_stream_fails_with_its_type() {
    let sse = TestSse::in_memory(EVENTS);
    let stream = || {
        ready(
            HttpResponse::Ok()
                .content_type("text/event-stream; charset=utf-8")
                .body(""),
        )
    };
    let app = init_service(App::new().route("/charset", web::get().to(stream)).route(
        "/none",
        web::get().to(|| ready(HttpResponse::Ok().finish())),
    ))
    .await;
    for (path, expected) in [
        (
            "/charset",
            "its Content-Type is \"text/event-stream; charset=utf-8\", not",
        ),
        ("/none", "its Content-Type is missing, not"),
    ] {
        let stream = sse.connect_through(&app, |request| request.uri(path).to_request());
        let message = failure(stream).await;
        assert!(message.contains(expected), "{message}");
    }
}

#[actix_web::test]
async fn a_stream_with_rare_heartbeats_has_passed_every_save_in_time() {
    let heartbeat = Duration::from_millis(300);
    let sse = TestSse::in_memory_with(EVENTS, |config| config.with_heartbeat(heartbeat))
        .with_deadline(Duration::from_millis(200));
    let mut stream = sse.connect();
    stream.next_block().await;
    cache().save("without events", 1).await.unwrap();
    stream.expect_nothing().await;
}

#[actix_web::test]
async fn a_wait_may_have_no_end() {
    let sse = TestSse::in_memory(EVENTS).with_deadline(Duration::MAX);
    let mut stream = sse.connect();
    cache().save("order", 1).await.unwrap();
    let message = failure(stream.silent_for(Duration::MAX)).await;
    assert!(
        message.contains("expected no event, but `order_placed`"),
        "{message}"
    );
    stream.expect_nothing().await;
}

#[actix_web::test]
async fn everything_that_was_saved_is_asserted_or_the_test_fails() {
    const VALUES: u64 = 12_000;
    let sse = TestSse::in_memory(EVENTS);
    for value in 0..VALUES {
        cache().save_blocking("order", value).unwrap();
    }
    sse.journal().sweep(sse.config().history()).unwrap();
    assert_eq!(sse.saved().values::<u64>("order").len() as u64, VALUES);
    sse.journal().sweep(VALUES - 1).unwrap();
    let message = failure_of(|| sse.saved());
    assert!(message.contains("`with_history`"), "{message}");
}

#[actix_web::test]
async fn what_is_saved_after_the_journal_was_replaced_is_captured() {
    for sse in [TestSse::in_memory(EVENTS), TestSse::in_folder(EVENTS)] {
        let cache = sse.cache();
        cache.save_blocking("order", 8).unwrap();
        let saved = sse.capture_blocking(|| {
            sse.clear();
            cache.save_blocking("order", 9).unwrap();
        });
        assert_eq!(saved.values::<u64>("order"), [9]);
        assert_eq!(sse.saved().values::<u64>("order"), [9]);
    }
}

#[actix_web::test]
async fn a_kit_on_a_used_folder_asserts_what_is_saved_from_then_on() {
    let first = TestSse::in_folder(EVENTS);
    first.cache().save_blocking("order", 1).unwrap();
    let second = TestSse::open(&Config::new(first.folder(), EVENTS).unwrap());
    second.assert_nothing_saved();
    first.cache().save_blocking("order", 2).unwrap();
    assert_eq!(second.saved().values::<u64>("order"), [2]);
}

#[test]
fn a_test_in_memory_has_no_folder_in_which_other_programs_could_save() {
    let sse = TestSse::in_memory(EVENTS);
    assert!(std::fs::create_dir_all(sse.folder()).is_err());
    assert!(sse.config().cache_dir().starts_with(sse.folder()));
}
