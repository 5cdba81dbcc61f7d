//! docs/guides/orders.md: audiences that a page asks for.

use std::future::{Ready, ready};

use actix_web::{
    App, FromRequest, HttpRequest,
    dev::Payload,
    error::ErrorUnauthorized,
    test::{TestRequest, call_service, init_service, read_body},
    web,
};
use actix_web_sse::testing::TestSse;
use support::DEADLINE;

use super::{assert_shows, events_of};

include!("orders_app.rs");

const GUIDE: &str = "guides/orders.md";

/// The owner of order 42, that of order 43, and one of the staff.
const ANNE: u64 = 4;
const BOB: u64 = 5;
const STAFF: u64 = 1;

/// As the request says, in this test.
struct User {
    id: u64,
    is_staff: bool,
}

impl FromRequest for User {
    type Error = Error;
    type Future = Ready<Result<Self, Error>>;

    fn from_request(request: &HttpRequest, _: &mut Payload) -> Self::Future {
        let id = request.headers().get("x-user");
        let id = id.and_then(|id| id.to_str().ok()?.parse().ok());
        let user = id.map(|id| Self {
            id,
            is_staff: id == STAFF,
        });
        ready(user.ok_or_else(|| ErrorUnauthorized("log in first")))
    }
}

/// A macro, because the type of an app cannot be named.
macro_rules! app {
    ($sse:expr) => {
        init_service(
            App::new()
                .app_data(Data::new($sse.sse().clone()))
                .app_data(Data::new(Orders(HashMap::from([(42, ANNE), (43, BOB)]))))
                .service(web::resource("/sse/stream").to(stream))
                .service(mark_sent)
                .service(add_comment),
        )
        .await
    };
}

/// A request of this user.
fn of(user: u64, request: TestRequest) -> TestRequest {
    request.insert_header(("X-User", user.to_string()))
}

/// Opens a stream of this user that asks for these names.
macro_rules! connect {
    ($sse:expr, $app:expr, $user:expr, $asked:expr) => {
        $sse.connect_through(&$app, |request| {
            let uri = format!("/sse/stream?{}", $asked);
            of($user, request.uri(&uri)).to_request()
        })
        .await
    };
}

/// The status and the text of the response to this request.
macro_rules! respond {
    ($app:expr, $request:expr) => {{
        let response = call_service(&$app, $request.to_request()).await;
        let status = response.status().as_u16();
        // The body of a stream does not end.
        assert_ne!(status, 200);
        let body = read_body(response).await;
        (status, String::from_utf8(body.to_vec()).unwrap())
    }};
}

#[test]
fn the_guide_shows_the_code_that_is_tested() {
    let headings = ["Check the owner", "Save for the order", "Not to the sender"];
    assert_shows(GUIDE, &headings, include_str!("orders_app.rs"));
}

#[actix_web::test]
async fn a_page_receives_the_events_of_an_order_of_its_user() {
    let sse = TestSse::in_memory(&events_of(GUIDE)).with_deadline(DEADLINE);
    let app = app!(sse);
    let mut hers = connect!(sse, app, ANNE, "to=order:42");
    let mut his = connect!(sse, app, BOB, "to=order:43");
    let mut without = connect!(sse, app, ANNE, "");
    let by_anne = of(ANNE, TestRequest::post().uri("/orders/42/sent"));
    assert_eq!(respond!(app, by_anne).0, 403);
    sse.assert_nothing_saved();
    let by_staff = of(STAFF, TestRequest::post().uri("/orders/42/sent"));
    assert_eq!(respond!(app, by_staff).0, 204);
    let status = json!({"order": 42, "status": "sent"});
    sse.assert_saved_to("order:42", "order_status", &status);
    assert_eq!(hers.next::<serde_json::Value>("order_status").await, status);
    his.expect_nothing().await;
    without.expect_nothing().await;
    let mut later = connect!(sse, app, ANNE, "to=order:42&latest=true&lookback=false");
    assert_eq!(
        later.next::<serde_json::Value>("order_status").await,
        status
    );

    cache().revoke("order:42").await.unwrap();
    hers.expect_end().await;
    his.expect_nothing().await;
}

#[actix_web::test]
async fn the_orders_of_others_are_refused_like_those_that_do_not_exist() {
    let sse = TestSse::in_memory(&events_of(GUIDE)).with_deadline(DEADLINE);
    let app = app!(sse);
    let request = |name: &str| {
        let uri = format!("/sse/stream?to={name}");
        of(BOB, TestRequest::get().uri(&uri))
    };
    let (status, of_anne) = respond!(app, request("order:42"));
    assert_eq!(status, 403);
    assert!(of_anne.contains("`order:42`"), "{of_anne}");
    let other_names = [
        "order:44",
        "order:042",
        "order:043",
        "order:%2B43",
        "order:",
        "order:x",
        "user:5",
    ];
    for name in other_names {
        let (status, text) = respond!(app, request(name));
        let decoded = name.replace("%2B", "+");
        assert_eq!((status, text), (403, of_anne.replace("order:42", &decoded)));
    }
    assert_eq!(respond!(app, request("order:43,order:42")), (403, of_anne));
}

#[actix_web::test]
async fn the_staff_receives_the_events_of_all_orders() {
    let sse = TestSse::in_memory(&events_of(GUIDE)).with_deadline(DEADLINE);
    let app = app!(sse);
    let mut all = connect!(sse, app, STAFF, "");
    let mut one = connect!(sse, app, STAFF, "to=order:43");
    for order in [42, 43] {
        let audience = format!("order:{order}");
        cache()
            .save("order_status", order)
            .to(audience)
            .await
            .unwrap();
    }
    assert_eq!(all.next::<u64>("order_status").await, 42);
    assert_eq!(all.next::<u64>("order_status").await, 43);
    assert_eq!(one.next::<u64>("order_status").await, 43);
    one.expect_nothing().await;
}

/// What the pages do with the nonce is tested in tests/client/guide.test.mjs.
#[actix_web::test]
async fn a_comment_carries_the_nonce_of_its_page() {
    let sse = TestSse::in_memory(&events_of(GUIDE)).with_deadline(DEADLINE);
    let app = app!(sse);
    let mut page = connect!(sse, app, ANNE, "to=order:42");
    let sent = json!({"text": "hello", "nonce": "1-2-3-4"});
    let send = |user| of(user, TestRequest::post().uri("/orders/42/comments")).set_json(&sent);
    assert_eq!(respond!(app, send(BOB)).0, 403);
    sse.assert_nothing_saved();
    assert_eq!(respond!(app, send(ANNE)).0, 204);
    assert_eq!(page.next::<serde_json::Value>("comment").await, sent);
}
