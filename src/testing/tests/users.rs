//! Streams of users, and what is saved for them.

use actix_web::{http::header::USER_AGENT, middleware::from_fn, test::TestRequest};

use super::*;
use crate::{Grant, track_authorization};

const PRIVATE: &str = "invoice:invoices:private,order_placed:order";

#[actix_web::test]
async fn a_user_receives_what_is_saved_for_it_and_others_do_not() {
    let sse = TestSse::in_memory(PRIVATE);
    let anne = sse.as_user("user:4");
    let (mut all, mut orders) = (anne.connect(), anne.connect_to(["order_placed"]));
    let mut bob = sse.as_user("user:5").connect();
    let mut guest = sse.connect();
    cache().save("invoices", 1).to("user:4").await.unwrap();
    bob.expect_nothing().await;
    guest.silent_for(Duration::from_millis(50)).await;
    cache().save("order", 2).await.unwrap();
    assert_eq!(all.next::<u64>("invoice").await, 1);
    for stream in [&mut all, &mut orders, &mut bob, &mut guest] {
        assert_eq!(stream.next::<u64>("order_placed").await, 2);
        stream.expect_nothing().await;
    }
}

#[actix_web::test]
async fn a_test_fails_if_another_user_hears_something() {
    let sse = TestSse::in_memory(PRIVATE);
    let mut bob = sse.as_user("user:5").connect();
    let both = ["user:4", "user:5"];
    cache().save("invoices", 1).to(both).await.unwrap();
    let message = failure(bob.expect_nothing()).await;
    assert!(message.contains("expected no event, but `invoice`"));
}

#[actix_web::test]
async fn a_user_may_hold_several_audiences_and_prefixes() {
    let sse = TestSse::in_memory(PRIVATE);
    let staff = sse.as_user("user:4").grant(Grant::prefix("order:"));
    let mut stream = staff.connect();
    for (value, audience) in [
        (1, "user:4"),
        (2, "order:42"),
        (3, "team:1"),
        (4, "order:43"),
    ] {
        cache().save("invoices", value).to(audience).await.unwrap();
    }
    for value in [1, 2, 4] {
        assert_eq!(stream.next::<u64>("invoice").await, value);
    }
    stream.expect_nothing().await;
    assert!(!format!("{staff:?}").is_empty());
}

#[actix_web::test]
async fn a_user_that_reconnects_holds_its_audiences() {
    let sse = TestSse::in_memory(PRIVATE);
    let anne = sse.as_user("user:4");
    let mut stream = anne.connect();
    cache().save("invoices", 1).to("user:4").await.unwrap();
    assert_eq!(stream.next::<u64>("invoice").await, 1);
    cache().save("invoices", 2).to("user:4").await.unwrap();
    stream.drop_and_resume().await;
    let id = stream.last_event_id().unwrap().to_owned();
    for mut stream in [stream, anne.resume(&id)] {
        assert_eq!(stream.next::<u64>("invoice").await, 2);
        stream.expect_nothing().await;
    }
}

/// Also if the server of the test has not read the revocation yet.
#[actix_web::test]
async fn a_revocation_ends_the_streams_of_a_user_until_it_connects_again() {
    let no_lookback = |config: crate::Config| config.with_lookback(Duration::ZERO);
    let sse = TestSse::in_folder_with(PRIVATE, no_lookback);
    let anne = sse.as_user("user:4");
    let mut bob = sse.as_user("user:5").connect();
    for value in 0..20 {
        let mut before = anne.connect();
        cache().revoke("user:4").await.unwrap();
        let mut after = anne.connect();
        cache().save("invoices", value).to("user:4").await.unwrap();
        before.expect_end().await;
        assert_eq!(after.next::<u64>("invoice").await, value);
        after.expect_nothing().await;
    }
    bob.expect_nothing().await;
}

/// In one that tracks authorizations, an earlier revocation does not end the stream of a user who logs in again.
#[actix_web::test]
async fn a_user_of_an_app_is_recognised_by_its_request() {
    let sse = TestSse::in_memory(PRIVATE);
    let controller = |request: HttpRequest, sse: web::Data<Sse>, subscription: Subscription| {
        let user = request.headers().get(USER_AGENT).unwrap();
        let audience = format!("user:{}", user.to_str().unwrap());
        ready(sse.respond(subscription.grant(audience)))
    };
    let app = App::new()
        .app_data(web::Data::new(sse.sse().clone()))
        .service(web::resource("/stream").to(controller))
        .wrap(from_fn(track_authorization));
    let app = init_service(app).await;
    let as_user = |name: &'static str| {
        move |request: TestRequest| {
            let request = request.uri("/stream");
            request.insert_header((USER_AGENT, name)).to_request()
        }
    };
    let mut anne = sse.connect_through(&app, as_user("4")).await;
    let mut bob = sse.connect_through(&app, as_user("5")).await;
    cache().save("invoices", 1).to("user:4").await.unwrap();
    assert_eq!(anne.next::<u64>("invoice").await, 1);
    cache().revoke("user:4").await.unwrap();
    anne.expect_end().await;
    anne.drop_and_resume().await;
    cache().save("invoices", 2).to("user:4").await.unwrap();
    assert_eq!(anne.next::<u64>("invoice").await, 2);
    bob.expect_nothing().await;
}

#[test]
fn the_audiences_of_a_save_can_be_asserted() {
    let sse = TestSse::in_memory(PRIVATE);
    let saved = sse.capture_blocking(|| {
        let both = ["user:4", "order:42"];
        cache().save("invoices", 1).to(both).blocking().unwrap();
        cache().save_blocking("order", 2).unwrap();
        cache().revoke_blocking("user:4").unwrap();
    });
    sse.assert_saved("invoices", 1);
    sse.assert_saved_to("user:4", "invoices", 1);
    saved.assert_saved_to("order:42", "invoices", 1);
    let list = "this was saved:\n  invoices: 1 (for order:42, user:4)\n  order: 2";
    for (audience, key, value) in [("user:5", "invoices", 1), ("user:4", "order", 2)] {
        let message = failure_of(|| saved.assert_saved_to(audience, key, value));
        assert_eq!(
            about_this_test(&message),
            format!("expected {value} to be saved under `{key}` for `{audience}`, but {list}")
        );
    }
}
