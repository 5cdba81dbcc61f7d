//! The responses of a handler that grants audiences.

use std::future::ready;

use actix_web::{
    App,
    body::to_bytes,
    dev::ServiceResponse,
    test::{self, TestRequest},
    web,
};

use super::*;
use crate::{
    cache::Cache,
    config::{Config, app_dir},
    testing::TestSse,
};

/// The response to a request for `/public`, or for `/private`, whose streams hold `user:4`.
async fn respond(test: &TestSse, request: TestRequest) -> ServiceResponse {
    let (public, private) = (test.sse().clone(), test.sse().clone());
    let public = move |subscription: Subscription| ready(public.respond(subscription));
    let private =
        move |subscription: Subscription| ready(private.respond(subscription.grant("user:4")));
    let app = App::new()
        .service(web::resource("/public").to(public))
        .service(web::resource("/private").to(private));
    let app = test::init_service(app).await;
    test::call_service(&app, request.to_request()).await
}

fn header<'a>(response: &'a ServiceResponse, name: &str) -> Option<&'a str> {
    response.headers().get(name)?.to_str().ok()
}

#[actix_web::test]
async fn a_stream_with_audiences_is_stored_nowhere_and_its_type_is_not_guessed() {
    let test = TestSse::in_memory("a:k");
    for method in [Method::GET, Method::HEAD] {
        for (path, cache_control, type_options) in [
            ("/public", "no-cache, no-transform, private", None),
            (
                "/private",
                "no-store, no-transform, private",
                Some("nosniff"),
            ),
        ] {
            let request = TestRequest::with_uri(path).method(method.clone());
            let response = respond(&test, request).await;
            assert_eq!(response.status(), 200, "{method} {path}");
            assert_eq!(header(&response, "cache-control"), Some(cache_control));
            assert_eq!(header(&response, "x-content-type-options"), type_options);
        }
    }
}

/// The name of a user who has values, and one of nobody.
#[actix_web::test]
async fn a_refusal_does_not_show_whether_an_audience_exists() {
    let test = TestSse::in_memory("a:k");
    let save = test.cache().save("k", 1).to("user:5");
    save.blocking().unwrap();
    for name in ["user:5", "nobody"] {
        for path in ["/public", "/private"] {
            let request = TestRequest::with_uri(&format!("{path}?to={name}"));
            let response = respond(&test, request).await;
            assert_eq!(response.status(), 403);
            assert_eq!(header(&response, "cache-control"), Some("no-store"));
            let body = to_bytes(response.into_body()).await.unwrap();
            let text = "error: the client asks for audiences that it may not receive\n\
                        help: log in, or ask without ";
            assert_eq!(body, format!("{text}`{name}`\n"));
        }
    }
    assert_eq!(test.sse().stats().connections, 0);
}

#[actix_web::test]
async fn a_request_of_another_site_gets_no_stream_with_audiences() {
    let test = TestSse::in_memory("a:k");
    for (path, status) in [("/public", 200), ("/private", 403)] {
        let request = TestRequest::with_uri(path).insert_header(("sec-fetch-site", "cross-site"));
        assert_eq!(respond(&test, request).await.status(), status, "{path}");
    }
}

#[actix_web::test]
async fn pages_of_allowed_origins_can_read_a_refusal_of_the_app() {
    let config = Config::new(app_dir(), "a:k").unwrap();
    let config = config.with_allowed_origins(["https://a.example"]).unwrap();
    let cache = Cache::in_memory(&config).unwrap();
    let sse = Sse::from_cache(&cache);
    let refuse = move || {
        let mut response = HttpResponse::Unauthorized();
        ready(sse.refuse(response.insert_header((header::RETRY_AFTER, "7")).finish()))
    };
    let app = App::new().service(web::resource("/sse/stream").to(refuse));
    let app = test::init_service(app).await;
    let request = |method: Method, origin: &'static str| {
        let request = TestRequest::with_uri("/sse/stream").method(method);
        let request = request.insert_header((header::ORIGIN, origin));
        (request.insert_header((header::ACCESS_CONTROL_REQUEST_METHOD, "GET"))).to_request()
    };

    let response = test::call_service(&app, request(Method::GET, "https://a.example")).await;
    assert_eq!(response.status(), 401);
    assert_eq!(
        header(&response, "access-control-allow-origin"),
        Some("https://a.example")
    );
    assert_eq!(
        header(&response, "access-control-expose-headers"),
        Some("Retry-After")
    );

    let response = test::call_service(&app, request(Method::GET, "https://b.example")).await;
    assert_eq!(response.status(), 401);
    assert_eq!(header(&response, "access-control-allow-origin"), None);

    // A preflight request has no cookies, so the app cannot know the user.
    let response = test::call_service(&app, request(Method::OPTIONS, "https://a.example")).await;
    assert_eq!(response.status(), 204);
    assert_eq!(
        header(&response, "access-control-allow-methods"),
        Some("GET, HEAD")
    );
}
