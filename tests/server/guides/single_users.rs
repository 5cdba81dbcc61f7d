//! docs/guides/single-users.md: logins with cookies.

use actix_web_sse::testing::TestSse;
use serde_json::json;
use support::{DEADLINE, Stream};

use super::{GuideApp, assert_shows, events_of};

const GUIDE: &str = "guides/single-users.md";

/// The app of the guide; its events, and a public one.
fn shop() -> GuideApp {
    let events = events_of(GUIDE) + ",news:news";
    GuideApp::start("single-users", &events, &[])
}

impl GuideApp {
    /// The cookie that a browser has after this login.
    #[track_caller]
    fn log_in(&self, name: &str, password: &str) -> String {
        let form = format!("name={name}&password={password}");
        let response = self.post("/login", "", &form);
        assert_eq!(
            (response.status, response.header("location")),
            (303, Some("/"))
        );
        let cookie = response.header("set-cookie").unwrap();
        let (cookie, attributes) = cookie.split_once("; ").unwrap();
        for attribute in ["HttpOnly", "Secure", "SameSite=Lax"] {
            assert!(attributes.contains(attribute), "{attributes}");
        }
        cookie.to_owned()
    }

    fn log_in_as_anne(&self) -> String {
        self.log_in("anne", "garden")
    }

    #[track_caller]
    fn order(&self, cookie: &str) {
        assert_eq!(self.post("/orders", cookie, "").status, 200);
    }

    #[track_caller]
    fn stream(&self, cookie: &str, last_id: &str) -> Stream {
        let headers = [("Cookie", cookie), ("Last-Event-ID", last_id)];
        Stream::request(&self.address, "/sse/stream", &headers)
    }
}

/// Expects this event next, and no other before it.
#[track_caller]
fn expect_event(stream: &Stream, name: &str) -> String {
    let event = stream.next_but_heartbeats();
    assert_eq!(event.name(), name);
    event.id.unwrap()
}

#[test]
fn the_guide_shows_the_app_that_is_tested() {
    let headings = [
        "Know the user",
        "The stream",
        "Save for the user",
        "Log out",
        "The app",
    ];
    let app = include_str!("../../helper/guides/single_users.rs");
    assert_shows(GUIDE, &headings, app);
    assert_shows(GUIDE, &["Visitors"], include_str!("visitors_app.rs"));
}

#[test]
fn each_user_receives_their_own_events() {
    let shop = shop();
    assert_eq!(
        shop.post("/login", "", "name=anne&password=window").status,
        401
    );
    assert_eq!(shop.stream("", "").status, 401);
    assert_eq!(shop.post("/orders", "", "").status, 401);

    let (anne, bob) = (shop.log_in_as_anne(), shop.log_in("bob", "window"));
    let (hers, his) = (shop.stream(&anne, ""), shop.stream(&bob, ""));
    shop.order(&anne);
    shop.cache.save_blocking("news", 1).unwrap();
    expect_event(&hers, "invoice");
    let id = expect_event(&hers, "news");
    assert_eq!(expect_event(&his, "news"), id);
    assert!(hers.headers["cache-control"].starts_with("no-store"));

    // What was saved while both were away.
    drop((hers, his));
    shop.order(&anne);
    shop.cache.save_blocking("news", 2).unwrap();
    let (hers, his) = (shop.stream(&anne, &id), shop.stream(&bob, &id));
    expect_event(&hers, "invoice");
    expect_event(&hers, "news");
    expect_event(&his, "news");
    // An id of hers does not give him her events, nor does asking for her name.
    shop.order(&anne);
    expect_event(&hers, "invoice");
    let asked = [("Cookie", bob.as_str())];
    let refused = Stream::request(&shop.address, "/sse/stream?to=user:4", &asked);
    assert_eq!(refused.status, 403);
    shop.cache.save_blocking("news", 3).unwrap();
    expect_event(&his, "news");
}

#[test]
fn a_logout_ends_the_streams_of_its_login() {
    let shop = shop();
    let (anne, bob) = (shop.log_in_as_anne(), shop.log_in("bob", "window"));
    let at_work = shop.log_in_as_anne();
    let (hers, his) = (shop.stream(&anne, ""), shop.stream(&bob, ""));
    let hers_at_work = shop.stream(&at_work, "");
    shop.order(&anne);
    let id = expect_event(&hers, "invoice");

    assert_eq!(shop.post("/logout", &anne, "").status, 303);
    let invoice = shop.cache.save("invoices", json!({"order": 43}));
    invoice.to("user:4").blocking().unwrap();
    // Nothing of what is saved after the logout.
    let rest = std::iter::from_fn(|| hers.next_within(DEADLINE));
    let rest: Vec<_> = rest.take(3).collect();
    assert!(!rest.iter().any(support::Event::is_from_app), "{rest:?}");
    assert!(hers.has_ended());
    assert_eq!(shop.stream(&anne, &id).status, 401);

    // Anne is still logged in elsewhere, and misses nothing.
    assert!(hers_at_work.has_ended());
    expect_event(&shop.stream(&at_work, &id), "invoice");

    // The revocation from before does not end the stream of a new login.
    let again = shop.stream(&shop.log_in_as_anne(), &id);
    assert_eq!(again.next_event().value(), json!({"order": 43}));
    shop.order(&at_work);
    assert_eq!(again.next_event().value(), json!({"order": 42}));

    shop.cache.save_blocking("news", 1).unwrap();
    expect_event(&his, "news");
}

mod visitors {
    use actix_web::{
        App, FromRequest, HttpRequest, Responder,
        dev::Payload,
        error::{Error, ErrorUnauthorized},
        test::{TestRequest, init_service},
        web::{self, Data},
    };
    use actix_web_sse::{Sse, Subscription};
    use std::future::{Ready, ready};

    use super::*;

    include!("visitors_app.rs");

    struct User(String);

    impl User {
        fn audience(&self) -> &str {
            &self.0
        }
    }

    impl FromRequest for User {
        type Error = Error;
        type Future = Ready<Result<Self, Error>>;

        fn from_request(request: &HttpRequest, _: &mut Payload) -> Self::Future {
            let user = request.cookie("user");
            let user = user.map(|cookie| Self(cookie.value().to_owned()));
            ready(user.ok_or_else(|| ErrorUnauthorized("log in first")))
        }
    }

    #[actix_web::test]
    async fn visitors_receive_the_public_values() {
        let sse = TestSse::in_memory("invoice:invoices:private,news:news").with_deadline(DEADLINE);
        let app = App::new()
            .app_data(Data::new(sse.sse().clone()))
            .service(web::resource("/sse/stream").to(stream));
        let app = init_service(app).await;
        let request = |request: TestRequest| request.uri("/sse/stream");
        let mut visitor = sse
            .connect_through(&app, |start| request(start).to_request())
            .await;
        let mut anne = sse
            .connect_through(&app, |start| {
                let cookie = actix_web::cookie::Cookie::new("user", "user:4");
                request(start).cookie(cookie).to_request()
            })
            .await;
        let invoice = sse.cache().save("invoices", 1).to("user:4");
        invoice.await.unwrap();
        sse.cache().save("news", 2).await.unwrap();
        assert_eq!(visitor.next::<u64>("news").await, 2);
        assert_eq!(anne.next::<u64>("invoice").await, 1);
        assert_eq!(anne.next::<u64>("news").await, 2);
    }
}
