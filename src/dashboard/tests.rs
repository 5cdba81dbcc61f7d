use std::{sync::Arc, time::Instant};

use actix_web::{
    App,
    body::{MessageBody, to_bytes},
    dev::ServiceResponse,
    http::{Method, StatusCode, header},
    test::{TestRequest, call_service, init_service},
    web,
};
use serde_json::{Value, json};

use super::feed::{Feed, LINGER};
use crate::{Cache, Sse, testing::TestSse};

const JSON: (header::HeaderName, &str) = (header::CONTENT_TYPE, "application/json");

/// An app with a dashboard at `/admin/dashboard/`. A macro, because the type cannot be named.
macro_rules! app_with {
    ($dashboard:expr) => {
        init_service(App::new().service(web::scope("/admin").service($dashboard))).await
    };
}

fn request(method: Method, path: &str) -> TestRequest {
    TestRequest::with_uri(&format!("/admin{path}"))
        .method(method)
        .peer_addr(([127, 0, 0, 1], 50_000).into())
}

fn get(path: &str) -> TestRequest {
    request(Method::GET, path)
}

async fn text(response: ServiceResponse<impl MessageBody>) -> (StatusCode, String) {
    let (status, body) = (response.status(), response.into_body());
    let Ok(bytes) = to_bytes(body).await else {
        panic!("the body ends with an error")
    };
    (status, String::from_utf8(bytes.to_vec()).unwrap())
}

async fn json_of(response: ServiceResponse<impl MessageBody>) -> Value {
    serde_json::from_str(&text(response).await.1).unwrap()
}

fn feed(app: &TestSse) -> Arc<Feed> {
    Feed::of(app.sse(), false, true)
}

#[actix_web::test]
async fn the_files_are_protected_and_cached() {
    let app = TestSse::in_memory("a:k");
    let service = app_with!(app.sse().dashboard());
    let redirect = call_service(&service, get("/dashboard").to_request()).await;
    let headers = redirect.headers();
    assert_eq!(headers.get(header::LOCATION).unwrap(), "./dashboard/");
    let at_root = app_with!(app.sse().dashboard().at("/"));
    let redirect = call_service(&at_root, get("").to_request()).await;
    assert_eq!(redirect.status(), StatusCode::PERMANENT_REDIRECT);
    let location = redirect.headers().get(header::LOCATION);
    assert_eq!(location.unwrap(), "./admin/");
    let page = call_service(&at_root, get("/").to_request()).await;
    assert_eq!(page.status(), StatusCode::OK);
    let without_scope = init_service(App::new().service(app.sse().dashboard().at("/"))).await;
    let page = call_service(&without_scope, TestRequest::get().uri("/").to_request()).await;
    assert_eq!(page.status(), StatusCode::OK);
    for file in super::FILES {
        let path = format!("/dashboard/{}", file.name);
        let response = call_service(&service, get(&path).to_request()).await;
        let headers = response.headers().clone();
        let header = |name: &str| headers.get(name).unwrap().to_str().unwrap();
        assert_eq!(header("x-frame-options"), "DENY", "{path}");
        let policy = header("content-security-policy");
        assert!(policy.starts_with("default-src 'self';"), "{policy}");
        assert!(policy.contains("frame-ancestors 'none'") && !policy.contains("unsafe"));
        assert_eq!(text(response).await, (StatusCode::OK, file.contents.into()));
        let again = get(&path).insert_header((header::IF_NONE_MATCH, header("etag")));
        let again = call_service(&service, again.to_request()).await;
        assert_eq!(again.status(), StatusCode::NOT_MODIFIED);
    }
}

#[actix_web::test]
async fn another_host_gets_nothing() {
    let app = TestSse::in_memory("a:k");
    let service = app_with!(app.sse().dashboard());
    for (method, path) in [
        (Method::GET, "/dashboard"),
        (Method::GET, "/dashboard/"),
        (Method::GET, "/dashboard/snapshot"),
        (Method::GET, "/dashboard/stream"),
        (Method::POST, "/dashboard/test-events"),
    ] {
        let request = request(method, path).insert_header((header::HOST, "rebound.example"));
        let response = call_service(&service, request.to_request()).await;
        assert_eq!(response.status(), StatusCode::MISDIRECTED_REQUEST, "{path}");
    }
    assert!(app.saved().entries().is_empty());
}

#[actix_web::test]
async fn the_snapshot_has_no_audience_and_values_only_if_they_are_switched_on() {
    let app = TestSse::in_memory("a:k,b:l:private");
    let mut stream = app.connect();
    let cache = app.cache();
    cache
        .save("l", "confidential")
        .to("user:secret")
        .blocking()
        .unwrap();
    cache.save_blocking("k", "<b>confidential</b>").unwrap();
    stream.next::<Value>("a").await;
    for shows_values in [false, true] {
        let dashboard = app.sse().dashboard().show_values(shows_values);
        let service = app_with!(dashboard);
        let snapshot = call_service(&service, get("/dashboard/snapshot").to_request()).await;
        assert_eq!(
            snapshot.headers().get(header::CACHE_CONTROL).unwrap(),
            "no-store"
        );
        let (_, text) = text(snapshot).await;
        assert!(!text.contains("secret"), "{text}");
        assert_eq!(text.contains("confidential"), shows_values);
        let snapshot: Value = serde_json::from_str(&text).unwrap();
        let state = &snapshot["state"];
        let event = &state["recentEvents"][1];
        assert_eq!(
            (&event["key"], &event["audience"]),
            (&json!("l"), &json!("private"))
        );
        assert_eq!(state["streams"]["open"], 1);
        assert_eq!(
            state["streams"]["byEvent"][0],
            json!({"name": "a", "streams": 1})
        );
        assert_eq!(state["cache"]["newest"], 2);
        assert_eq!(state["problem"], Value::Null);
        assert_eq!(snapshot["settings"][0]["origin"], "code");
        assert_eq!(
            snapshot["keys"][1],
            json!({"key": "l", "events": ["b"], "isPrivate": true})
        );
    }
}

#[actix_web::test]
async fn an_app_without_a_configuration_says_why() {
    let dir = tempfile::tempdir().unwrap();
    std::fs::write(dir.path().join(".env"), "SSE_EVENTS=a:k\nSSE_TTL=soon\n").unwrap();
    let sse = Sse::from_cache(&Cache::from_dir(dir.path()));
    let service = app_with!(sse.dashboard());
    let page = call_service(&service, get("/dashboard/").to_request()).await;
    assert_eq!(page.status(), StatusCode::OK);
    let snapshot =
        json_of(call_service(&service, get("/dashboard/snapshot").to_request()).await).await;
    let problem = snapshot["state"]["problem"]["message"].as_str().unwrap();
    assert!(problem.contains("SSE_TTL"), "{problem}");
    let stream = call_service(&service, get("/dashboard/stream").to_request()).await;
    assert_eq!(stream.status(), StatusCode::OK);
}

#[actix_web::test]
async fn a_test_event_is_saved() {
    let app = TestSse::in_memory("a:k,b:k,c:l:private");
    let service = app_with!(app.sse().dashboard());
    for body in [
        r#"{"key": "k", "value": 12345678901234567890123}"#,
        r#"{"key": "l", "value": [1], "to": ["user:1", "team:2"]}"#,
    ] {
        let request = request(Method::POST, "/dashboard/test-events")
            .insert_header(JSON)
            .insert_header(("sec-fetch-site", "same-origin"))
            .set_payload(body);
        let response = call_service(&service, request.to_request()).await;
        assert_eq!(response.status(), StatusCode::OK);
        let answer = json_of(response).await;
        assert!(answer["id"].as_str().unwrap().contains('-'), "{answer}");
    }
    let saved = app.saved();
    let values: Vec<_> = saved
        .entries()
        .iter()
        .map(|entry| entry.value().to_owned())
        .collect();
    assert_eq!(values, ["12345678901234567890123", "[1]"]);
    app.assert_saved_to("team:2", "l", [1]);
}

#[actix_web::test]
async fn each_mistake_of_a_test_event_has_an_answer_and_saves_nothing() {
    let app = TestSse::in_memory_with("a:k,c:l:private", |config| config.with_max_value_bytes(10));
    let service = app_with!(app.sse().dashboard());
    let send = |change: fn(TestRequest) -> TestRequest, body: String| {
        let request = request(Method::POST, "/dashboard/test-events").set_payload(body);
        call_service(&service, change(request).to_request())
    };
    let as_json: fn(TestRequest) -> TestRequest = |request| request.insert_header(JSON);
    let valid = || r#"{"key": "k", "value": 1}"#.to_owned();
    for (change, body, status, expected) in [
        (
            as_json,
            "{\"key\": \"k\"".to_owned(),
            400,
            "not a test event",
        ),
        (
            as_json,
            r#"{"key": "k"}"#.to_owned(),
            400,
            "missing field `value`",
        ),
        (
            as_json,
            r#"{"key": "k", "value": 1, "too": "x"}"#.to_owned(),
            400,
            "unknown field `too`",
        ),
        (
            as_json,
            r#"{"key": "<k>", "value": 1}"#.to_owned(),
            422,
            "triggers no event",
        ),
        (
            as_json,
            r#"{"key": "k", "value": 1, "to": ["*"]}"#.to_owned(),
            422,
            "contains a `*`",
        ),
        (
            as_json,
            r#"{"key": "l", "value": 1}"#.to_owned(),
            422,
            "private",
        ),
        (
            as_json,
            r#"{"key": "k", "value": "longer than ten"}"#.to_owned(),
            422,
            "bytes",
        ),
        (as_json, "x".repeat(40_000), 413, "too large"),
        (|request| request, valid(), 415, "not JSON"),
        (
            |request| request.insert_header((header::CONTENT_TYPE, "text/plain")),
            valid(),
            415,
            "not JSON",
        ),
        (
            |request| {
                request
                    .insert_header(JSON)
                    .insert_header(("sec-fetch-site", "cross-site"))
            },
            valid(),
            403,
            "other origins",
        ),
        (
            |request| {
                let request = request.insert_header((header::HOST, "localhost:1"));
                request
                    .insert_header(JSON)
                    .insert_header((header::ORIGIN, "http://localhost:2"))
            },
            valid(),
            403,
            "other origins",
        ),
    ] {
        let (found, answer) = text(send(change, body.clone()).await).await;
        let answer: Value = serde_json::from_str(&answer).unwrap();
        let error = answer["error"].as_str().unwrap();
        assert!(error.contains(expected), "{body}: {error}");
        assert_eq!(found.as_u16(), status, "{body}: {error}");
        assert!(answer["help"].is_string(), "{body}: {error}");
    }
    let (_, refusal) = text(
        send(
            |request| request.insert_header((header::ORIGIN, "https://a.example")),
            valid(),
        )
        .await,
    )
    .await;
    assert!(refusal.contains("proxy_set_header Host"), "{refusal}");
    let by_get = call_service(&service, get("/dashboard/test-events").to_request()).await;
    assert_eq!(by_get.status(), StatusCode::METHOD_NOT_ALLOWED);
    app.assert_nothing_saved();
    let without = app_with!(app.sse().dashboard().allow_test_events(false));
    let request = request(Method::POST, "/dashboard/test-events");
    let request = request.insert_header(JSON).set_payload(valid());
    let off = call_service(&without, request.to_request()).await;
    assert_eq!(off.status(), StatusCode::NOT_FOUND);
}

#[actix_web::test]
async fn states_are_published_while_somebody_watches() {
    let app = TestSse::in_memory("a:k");
    let service = app_with!(app.sse().dashboard().at("/"));
    let feed = feed(&app);
    assert!(!feed.is_live(), "nobody watches");
    let mut listener = app.connect();
    app.cache().save_blocking("k", 1).unwrap();
    listener.next::<u64>("a").await;
    let stream = call_service(&service, get("/stream").to_request()).await;
    let mut body = stream.into_body().boxed();
    let mut received = String::new();
    let deadline = Instant::now() + std::time::Duration::from_secs(20);
    while received.matches("event: state\n").count() < 2 {
        assert!(Instant::now() < deadline, "{received}");
        let chunk =
            std::future::poll_fn(|context| std::pin::Pin::new(&mut body).poll_next(context));
        received.push_str(std::str::from_utf8(&chunk.await.unwrap().unwrap()).unwrap());
    }
    assert!(received.contains(r#""key":"k""#), "{received}");
    assert_eq!(
        app.sse().stats().connections,
        1,
        "the page is not a stream of the app"
    );
    let snapshot = json_of(call_service(&service, get("/snapshot").to_request()).await).await;
    assert!(!snapshot["points"].as_array().unwrap().is_empty());
    assert!(feed.is_live());
    drop(body);
    feed.watched_before(LINGER);
    while feed.is_live() {
        assert!(Instant::now() < deadline, "the states go on");
        actix_web::rt::time::sleep(std::time::Duration::from_millis(20)).await;
    }
}

#[actix_web::test]
async fn the_workers_of_an_app_share_one_feed() {
    let (app, other) = (TestSse::in_memory("a:k"), TestSse::in_memory("a:k"));
    let first = feed(&app);
    assert!(Arc::ptr_eq(&first, &feed(&app)));
    assert!(!Arc::ptr_eq(&first, &feed(&other)));
    assert!(!Arc::ptr_eq(&first, &Feed::of(app.sse(), true, true)));
}

#[actix_web::test]
async fn the_streams_of_the_dashboard_end_with_those_of_the_app() {
    let app = TestSse::in_memory("a:k");
    let feed = feed(&app);
    let states = feed.watch().unwrap();
    drop(app.sse().close());
    let deadline = Instant::now() + std::time::Duration::from_secs(20);
    while states.check_ready().is_ok() {
        assert!(Instant::now() < deadline, "they stay open");
        actix_web::rt::time::sleep(std::time::Duration::from_millis(20)).await;
    }
}
