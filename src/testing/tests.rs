//! What the test kit promises.

use std::{future::ready, panic::AssertUnwindSafe, time::Duration};

use actix_web::{App, HttpRequest, HttpResponse, post, rt::time::sleep, test::init_service, web};
use futures_util::FutureExt;

mod failures;
mod parser;
mod users;

use super::*;
use crate::{Error, Sse, Subscription, cache};

const EVENTS: &str = "order_placed:order,rare:other";

#[post("/order")]
async fn order() -> Result<HttpResponse, Error> {
    cache().save("order", 42).await?;
    Ok(HttpResponse::Ok().finish())
}

/// The message of the panic that `work` ends with.
async fn failure<T>(work: impl Future<Output = T>) -> String {
    message(AssertUnwindSafe(work).catch_unwind().await)
}

fn failure_of<T>(work: impl FnOnce() -> T) -> String {
    message(std::panic::catch_unwind(AssertUnwindSafe(work)))
}

fn message<T>(result: std::thread::Result<T>) -> String {
    let panic = result.err().expect("the assertion has not failed");
    match panic.downcast::<String>() {
        Ok(text) => *text,
        Err(panic) => (*panic.downcast::<&str>().unwrap()).to_owned(),
    }
}

/// A message without what other tests have saved.
fn about_this_test(message: &str) -> &str {
    let (own, _) = message.split_once("\non threads").unwrap_or((message, ""));
    own
}

#[actix_web::test]
async fn what_a_handler_saves_can_be_asserted() {
    let sse = TestSse::in_memory(EVENTS);
    sse.assert_nothing_saved();
    let app = init_service(App::new().service(order)).await;
    let request = || {
        actix_web::test::TestRequest::post()
            .uri("/order")
            .to_request()
    };
    let saved = sse
        .capture(actix_web::test::call_service(&app, request()))
        .await;
    saved.assert_saved("order", 42);
    saved.assert_nothing_saved_under("other");
    sse.capture(async {}).await.assert_nothing_saved();
    sse.assert_saved("order", 42);
}

#[actix_web::test]
async fn a_failed_assertion_lists_what_was_saved() {
    let sse = TestSse::in_memory(EVENTS);
    let nothing = failure_of(|| sse.assert_saved("order", 1));
    assert_eq!(
        about_this_test(&nothing),
        "expected 1 to be saved under `order`, but nothing was saved"
    );
    let saved = sse.capture_blocking(|| {
        cache().save_blocking("order", 2).unwrap();
        cache().delete_blocking("order").unwrap();
        cache().save_blocking("other", [1]).unwrap();
    });
    let list = "this was saved:\n  order: 2\n  other: [1]";
    assert_eq!(
        about_this_test(&failure_of(|| saved.assert_saved("order", 1))),
        format!("expected 1 to be saved under `order`, but {list}")
    );
    assert_eq!(
        about_this_test(&failure_of(|| saved.assert_nothing_saved())),
        format!("expected that nothing is saved, but {list}")
    );
    assert_eq!(
        about_this_test(&failure_of(|| saved.assert_nothing_saved_under("other"))),
        format!("expected that nothing is saved under `other`, but {list}")
    );
    assert!(failure_of(|| saved.values::<String>("order")).contains("2 is not a"));
}

#[actix_web::test]
async fn a_save_on_a_thread_that_may_block_is_asserted_too() {
    let sse = TestSse::in_memory(EVENTS);
    let save = || cache().save_blocking("order", 1);
    web::block(save).await.unwrap().unwrap();
    sse.assert_saved("order", 1);
}

/// Libtest and actix-web give each test a thread and a runtime of its own.
#[test]
fn tests_that_run_side_by_side_do_not_see_each_others_saves() {
    let test = |value: u64| {
        actix_web::rt::System::new().block_on(async move {
            let sse = TestSse::in_memory(EVENTS);
            let mut stream = sse.connect();
            for _ in 0..20 {
                cache().save("order", value).await.unwrap();
                let save = move || cache().save_blocking("order", value);
                web::block(save).await.unwrap().unwrap();
                assert_eq!(stream.next::<u64>("order_placed").await, value);
                assert_eq!(stream.next::<u64>("order_placed").await, value);
            }
            stream.expect_nothing().await;
            assert_eq!(sse.saved().values::<u64>("order"), [value; 40]);
        });
    };
    std::thread::scope(|scope| {
        for value in 0..4 {
            scope.spawn(move || test(value));
        }
    });
}

#[test]
fn the_newest_kit_of_a_test_is_in_use_until_it_is_dropped() {
    let first = TestSse::in_memory(EVENTS);
    let second = TestSse::in_memory(EVENTS);
    let of_second = cache();
    of_second.save_blocking("order", 2).unwrap();
    drop(second);
    let error = of_second.save_blocking("order", 3).unwrap_err();
    assert!(error.to_string().contains("was dropped"), "{error}");
    cache().save_blocking("order", 1).unwrap();
    assert_eq!(first.saved().values::<u64>("order"), [1]);
}

#[actix_web::test]
async fn a_stream_yields_values_until_there_are_no_more() {
    let sse = TestSse::in_folder(EVENTS);
    let (mut all, mut rare) = (sse.connect(), sse.connect_to(["rare"]));
    for value in ["a", "b"] {
        cache().save("order", value).await.unwrap();
        assert_eq!(all.next::<String>("order_placed").await, value);
    }
    all.expect_nothing().await;
    rare.expect_nothing().await;
    cache().save("other", [1, 2]).await.unwrap();
    assert_eq!(rare.next::<[u64; 2]>("rare").await, [1, 2]);
}

#[actix_web::test]
async fn a_stream_that_does_not_fit_fails_the_test_with_its_line() {
    let sse = TestSse::in_memory(EVENTS).with_deadline(Duration::from_millis(50));
    let mut stream = sse.connect();
    let line = line!() + 1;
    let message = failure(stream.next::<u64>("order_placed")).await;
    assert!(
        message.starts_with(&format!("{}:{line}:", file!())),
        "{message}"
    );
    let expected = "expected `order_placed`, but nothing arrived in time; nothing was saved";
    assert!(about_this_test(&message).ends_with(expected), "{message}");
    let message = failure(stream.expect_gap()).await;
    let expected = "expected a gap, but nothing arrived in time; nothing was saved";
    assert!(about_this_test(&message).ends_with(expected), "{message}");
    let message = failure(stream.expect_end()).await;
    assert!(message.ends_with("the stream does not end"));

    drop(stream);
    let sse = sse.with_deadline(Duration::from_secs(5));
    let mut streams = [(); 6].map(|()| sse.connect());
    cache().save("order", 42).await.unwrap();
    let [a, b, c, d, e, f] = &mut streams;
    let failures = [
        failure(a.next::<u64>("rare")).await,
        failure(b.next::<String>("order_placed")).await,
        failure(c.expect_gap()).await,
        failure(d.expect_nothing()).await,
        failure(e.silent_for(Duration::from_secs(5))).await,
        failure(f.expect_end()).await,
    ];
    let expected = [
        "expected `rare`, but `order_placed` with the data {",
        "is not a `alloc::string::String`",
        "expected a gap, but `order_placed` with the data {",
        "expected no event, but `order_placed` with the data {",
        "expected no event, but `order_placed` with the data {",
        "expected no event, but `order_placed` with the data {",
    ];
    for (message, expected) in failures.iter().zip(expected) {
        assert!(message.contains(expected), "{message}");
    }
    sse.sse().close();
    let mut stream = sse.connect();
    stream.expect_end().await;
    let message = failure(stream.next_event()).await;
    assert!(message.ends_with("expected an event, but the stream has ended"));
}

#[actix_web::test]
async fn a_file_of_another_program_is_asserted_after_its_event() {
    let sse = TestSse::in_folder(EVENTS);
    let mut stream = sse.connect();
    let file = sse.folder().join("writable/cache/order");
    std::fs::write(file, "42").unwrap();
    assert_eq!(stream.next::<u64>("order_placed").await, 42);
    sse.assert_saved("order", 42);
}

/// A save that comes just before must not be missed because the stream has not reached it.
#[actix_web::test]
async fn nothing_is_expected_only_of_a_stream_that_has_passed_every_save() {
    let sse = TestSse::in_folder(EVENTS);
    for _ in 0..20 {
        let mut stream = sse.connect();
        cache().save("order", 1).await.unwrap();
        let message = failure(stream.expect_nothing()).await;
        assert!(message.contains("expected no event, but `order_placed`"));
    }
}

#[actix_web::test]
async fn the_ready_made_routes_serve_the_cache_of_the_test() {
    for value in 1..=2 {
        let sse = TestSse::in_memory(EVENTS);
        let app = init_service(App::new().configure(crate::routes)).await;
        let stream = sse.connect_through(&app, |request| request.uri("/sse/stream").to_request());
        cache().save("order", value).await.unwrap();
        assert_eq!(stream.await.next::<u64>("order_placed").await, value);
    }
}

#[actix_web::test]
async fn a_client_that_reconnects_receives_what_it_has_not_taken() {
    let sse = TestSse::in_memory(EVENTS);
    let mut stream = sse.connect();
    stream.drop_and_resume().await;
    assert!(stream.last_event_id().is_some(), "of the first heartbeat");
    for value in 1..=3 {
        cache().save("order", value).await.unwrap();
        stream.drop_and_resume().await;
    }
    for value in 1..=3 {
        assert_eq!(stream.next::<u64>("order_placed").await, value);
    }
    stream.drop_and_resume().await;
    stream.expect_nothing().await;
}

#[actix_web::test]
async fn gaps_are_expected_with_their_reason() {
    let sse = TestSse::in_memory(EVENTS);
    let mut unknown = sse.resume("an id of another server");
    assert_eq!(unknown.expect_gap().await, "unknown-id");
    let mut stream = sse.connect();
    stream.expect_nothing().await;
    let mut other = sse.connect();
    let brief = cache().save("order", 1).ttl(Duration::from_millis(1));
    brief.await.unwrap();
    // The server has read it. Otherwise it would reach the returning client as a new one.
    assert_eq!(other.next::<u64>("order_placed").await, 1);
    sleep(Duration::from_millis(2)).await;
    stream.drop_and_resume().await;
    assert_eq!(stream.expect_gap().await, "expired");
    sse.clear();
    cache().save("order", 2).await.unwrap();
    assert_eq!(stream.expect_gap().await, "other-epoch");
    assert_eq!(stream.next::<u64>("order_placed").await, 2);
    stream.expect_nothing().await;
}

#[actix_web::test]
async fn the_stream_of_an_app_is_opened_through_its_handlers() {
    let sse = TestSse::in_memory(EVENTS);
    let data = web::Data::new(sse.sse().clone());
    let controller = |request: HttpRequest, sse: web::Data<Sse>, subscription: Subscription| {
        ready(match request.headers().get("x-staff") {
            Some(_) => sse.respond(subscription),
            None => sse.respond(subscription.only(["order_placed"])),
        })
    };
    let app = App::new()
        .app_data(data)
        .route("/stream", web::get().to(controller));
    let app = init_service(app).await;
    let mut guest = sse
        .connect_through(&app, |request| request.uri("/stream").to_request())
        .await;
    let mut staff = sse
        .connect_through(&app, |request| {
            request
                .uri("/stream")
                .insert_header(("X-Staff", "1"))
                .to_request()
        })
        .await;
    cache().save("other", 1).await.unwrap();
    guest.expect_nothing().await;
    cache().save("order", 2).await.unwrap();
    assert_eq!(guest.next::<u64>("order_placed").await, 2);
    assert_eq!(staff.next::<u64>("rare").await, 1);
    guest.drop_and_resume().await;
    guest.expect_nothing().await;

    let refused = sse.connect_through(&app, |request| {
        request.uri("/stream?events=rare").to_request()
    });
    let message = failure(refused).await;
    assert!(message.contains("400 Bad Request"), "{message}");
    assert!(message.contains("order_placed"), "{message}");
}
