//! The answers of the stream's route.

use actix_web::{
    App, HttpResponse, Responder,
    body::{BodySize, MessageBody},
    http::{Method, header},
    test,
};

use super::*;
use crate::testing::TestSse;

#[actix_web::test]
async fn head_is_answered_without_opening_a_stream() {
    let test = TestSse::in_memory("a:k");
    let sse = test.sse();
    let app = test::init_service(App::new().configure(|app| sse.configure(app))).await;
    for (path, status) in [
        ("/sse/stream", 200),
        ("/sse/stream?events=a,b", 400),
        ("/js/sse.js", 200),
    ] {
        let request = test::TestRequest::with_uri(path).method(Method::HEAD);
        let answer = test::call_service(&app, request.to_request()).await;
        assert_eq!(answer.status(), status, "{path}");
        if path == "/sse/stream" {
            assert_eq!(answer.response().body().size(), BodySize::None);
        }
        assert_eq!(sse.stats().connections, 0);
    }
}

#[actix_web::test]
async fn the_listeners_come_from_the_public_folder_of_the_configuration() {
    let web = tempfile::tempdir().unwrap();
    std::fs::create_dir(web.path().join("js")).unwrap();
    std::fs::write(web.path().join("js/sse-client.js"), "// mine").unwrap();
    let test = TestSse::in_memory_with("a:k", |config| config.with_public_dir(web.path()));
    let sse = test.sse();
    let app = test::init_service(App::new().configure(|app| sse.configure(app))).await;
    let request = test::TestRequest::with_uri("/js/sse-client.js");
    let body = test::call_and_read_body(&app, request.to_request()).await;
    assert_eq!(body, "// mine");
}

#[actix_web::test]
async fn a_preflight_is_answered_without_opening_a_stream() {
    let allow = |config: Config| config.with_allowed_origins(["https://app.example"]);
    let test = TestSse::in_memory_with("a:k", |config| allow(config).unwrap());
    let sse = test.sse();
    let app = test::init_service(App::new().configure(|app| sse.configure(app))).await;
    for (origin, headers) in [
        (
            "https://app.example",
            Some("Last-Event-ID, Cache-Control, Authorization"),
        ),
        ("https://evil.example", None),
    ] {
        let request = test::TestRequest::with_uri("/sse/stream")
            .method(Method::OPTIONS)
            .insert_header((header::ORIGIN, origin))
            .insert_header((header::ACCESS_CONTROL_REQUEST_METHOD, "GET"));
        let answer = test::call_service(&app, request.to_request()).await;
        assert_eq!(answer.status(), 204);
        let allowed = answer.headers().get(header::ACCESS_CONTROL_ALLOW_HEADERS);
        assert_eq!(allowed.map(|value| value.to_str().unwrap()), headers);
        assert_eq!(sse.stats().connections, 0);
    }
}

/// Both the ready-made route and an app's own controller refuse it, without middleware.
#[actix_web::test]
async fn a_request_for_another_host_is_refused() {
    let allow = |config: Config| config.with_allowed_hosts(["app.example"]);
    let test = TestSse::in_memory_with("a:k", |config| allow(config).unwrap());
    let sse = test.sse();
    let controller = {
        let sse = sse.clone();
        move |subscription: Subscription| {
            let stream = sse.subscribe(subscription);
            std::future::ready(stream.map(|stream| HttpResponse::Ok().body(stream)))
        }
    };
    let app = App::new()
        .configure(|app| sse.configure(app))
        .route("/own", actix_web::web::get().to(controller));
    let app = test::init_service(app).await;
    for (host, status) in [
        ("evil.example", 421),
        ("app.example", 200),
        ("localhost", 200),
    ] {
        for path in ["/sse/stream", "/own"] {
            let request = test::TestRequest::with_uri(path)
                .peer_addr(([127, 0, 0, 1], 50_000).into())
                .insert_header((header::HOST, host));
            let answer = test::call_service(&app, request.to_request()).await;
            assert_eq!(answer.status(), status, "{host}{path}");
        }
    }
}

#[actix_web::test]
async fn a_page_of_an_allowed_origin_can_read_every_refusal_of_a_handler() {
    let change = |config: Config| {
        let config = config.with_allowed_origins(["https://app.example"]);
        config.unwrap().with_max_connections(1)
    };
    let test = TestSse::in_memory_with("a:k,secret:k", change);
    let sse = test.sse().clone();
    let handler = move |subscription: Subscription| {
        let response = sse.respond(subscription.only(["a"])).customize();
        std::future::ready(response.insert_header(("x-robots-tag", "none")))
    };
    let app = App::new().route("/own", actix_web::web::to(handler));
    let app = test::init_service(app).await;
    let get = async |query: &str| {
        let request = test::TestRequest::with_uri(&format!("/own{query}"))
            .insert_header((header::ORIGIN, "https://app.example"));
        test::call_service(&app, request.to_request()).await
    };
    let _open_stream = get("").await;
    for (query, status) in [
        ("?lookback=perhaps", 400),
        ("?events=a&events=a", 400),
        ("?events=secret", 400),
        ("", 503),
    ] {
        let refusal = get(query).await;
        assert_eq!(refusal.status(), status, "{query}");
        let header = |name: &str| refusal.headers().get(name)?.to_str().ok();
        let retry_after = (status == 503).then_some("5");
        for (name, value) in [
            ("access-control-allow-origin", Some("https://app.example")),
            ("access-control-allow-credentials", Some("true")),
            ("access-control-expose-headers", Some("Retry-After")),
            ("vary", Some("Origin")),
            ("retry-after", retry_after),
            ("x-robots-tag", Some("none")),
        ] {
            assert_eq!(header(name), value, "{name} of {query}");
        }
    }
}

#[actix_web::test]
async fn a_handler_of_every_method_opens_a_stream_only_for_get() {
    let test = TestSse::in_memory("a:k");
    let sse = test.sse().clone();
    let handler = {
        let sse = sse.clone();
        move |subscription: Subscription| std::future::ready(sse.respond(subscription))
    };
    let app = App::new().service(actix_web::web::resource("/own").to(handler));
    let app = test::init_service(app).await;
    for (method, status) in [
        (Method::HEAD, 200),
        (Method::OPTIONS, 204),
        (Method::POST, 405),
        (Method::PUT, 405),
        (Method::DELETE, 405),
    ] {
        let request = test::TestRequest::with_uri("/own").method(method.clone());
        let answer = test::call_service(&app, request.to_request()).await;
        assert_eq!(answer.status(), status, "{method}");
        let allowed = answer.headers().get(header::ALLOW);
        let allowed = allowed.map(|value| value.to_str().unwrap());
        assert_eq!(allowed, (status != 200).then_some("GET, HEAD, OPTIONS"));
        assert_eq!(sse.stats().connections, 0, "{method}");
    }
}
