//! Streams that open, end and are refused.

use std::{
    future::poll_fn,
    pin::Pin,
    task::Poll,
    time::{Duration, SystemTime},
};

use actix_web::{
    HttpResponse, Responder, ResponseError,
    body::MessageBody,
    http::Method,
    rt::time::{sleep, timeout},
    test::TestRequest,
};

use super::{Recorded, recorder::DEADLINE};
use crate::{Cache, Config, EventStream, Sse, Subscription, testing::TestSse};

fn counts(of: &[(&str, f64)]) -> Vec<(String, f64)> {
    of.iter()
        .map(|(label, count)| ((*label).into(), *count))
        .collect()
}

#[actix_web::test]
async fn a_stream_counts_from_its_first_bytes_until_it_is_dropped() {
    let recorded = Recorded::new();
    let app = TestSse::in_memory("a:k");
    let mut new = app.connect();
    assert_eq!(recorded.value("sse_streams"), 0.0, "nothing is sent");
    let id = new.next_block().await.id.unwrap();
    let mut resumed = app.resume(&id);
    resumed.next_block().await;
    assert_eq!(recorded.value("sse_streams"), 2.0);
    let opened = counts(&[("new", 1.0), ("resumed", 1.0)]);
    assert_eq!(recorded.counts("sse_streams_opened_total"), opened);
    assert_eq!(recorded.observed("sse_stream_open_seconds").len(), 2);
    assert!(recorded.observed("sse_stream_duration_seconds").is_empty());
    // A client that has taken nothing for a while counts as stalled.
    for stream in [&mut new, &mut resumed] {
        stream.next_block().await;
    }
    drop((new, resumed));
    assert_eq!(recorded.value("sse_streams"), 0.0);
    let closed = recorded.counts("sse_streams_closed_total");
    assert_eq!(closed, counts(&[("client", 2.0)]));
    let durations = recorded.observed("sse_stream_duration_seconds");
    assert!(durations.len() == 2 && durations.iter().all(|time| *time < 60.0));
}

#[actix_web::test]
async fn a_response_to_head_is_no_stream() {
    let recorded = Recorded::new();
    let app = TestSse::in_memory("a:k");
    let request = TestRequest::default()
        .method(Method::HEAD)
        .to_http_request();
    drop(
        app.sse()
            .respond(Subscription::new(&request))
            .respond_to(&request),
    );
    assert_eq!(recorded.counts("sse_streams_opened_total"), []);
    assert_eq!(recorded.counts("sse_streams_closed_total"), []);
    assert_eq!(recorded.counts("sse_streams_refused_total"), []);
}

/// Reads a stream to its end, and returns the reason that was counted.
async fn close_reason(recorded: &Recorded, mut stream: Pin<Box<EventStream>>) -> String {
    let read = async {
        while let Some(Ok(_)) = poll_fn(|context| stream.as_mut().poll_next(context)).await {}
    };
    timeout(DEADLINE, read).await.unwrap();
    drop(stream);
    let closed = recorded.counts("sse_streams_closed_total");
    assert_eq!(closed.len(), 1, "{closed:?}");
    assert_eq!(recorded.value("sse_streams"), 0.0);
    closed[0].0.clone()
}

/// A stream that has sent its first bytes.
async fn open(
    app: &TestSse,
    change: impl FnOnce(Subscription) -> Subscription,
) -> Pin<Box<EventStream>> {
    let request = TestRequest::default().to_http_request();
    let subscription = change(Subscription::new(&request));
    let mut stream = Box::pin(app.sse().subscribe(subscription).unwrap());
    poll_fn(|context| stream.as_mut().poll_next(context)).await;
    stream
}

#[actix_web::test]
async fn a_planned_end_counts_as_such() {
    let recorded = Recorded::new();
    let short = Duration::from_millis(50);
    let app = TestSse::in_memory_with("a:k", |config| config.with_stream_duration(short));
    let stream = open(&app, |subscription| subscription).await;
    assert_eq!(close_reason(&recorded, stream).await, "duration");
}

#[actix_web::test]
async fn the_end_of_an_authorization_counts_as_such() {
    let recorded = Recorded::new();
    let app = TestSse::in_memory("a:k");
    let end = SystemTime::now() + Duration::from_secs(3);
    let stream = open(&app, |subscription| subscription.until(end)).await;
    assert_eq!(close_reason(&recorded, stream).await, "expired");
}

#[actix_web::test]
async fn a_revocation_counts_as_such() {
    let recorded = Recorded::new();
    let app = TestSse::in_memory("a:k");
    let stream = open(&app, |subscription| subscription.grant("user:1")).await;
    app.cache().revoke_blocking("user:1").unwrap();
    assert_eq!(close_reason(&recorded, stream).await, "revoked");
}

#[actix_web::test]
async fn a_shutdown_counts_as_such() {
    let recorded = Recorded::new();
    let app = TestSse::in_memory("a:k");
    let stream = open(&app, |subscription| subscription).await;
    drop(app.sse().close());
    assert_eq!(close_reason(&recorded, stream).await, "drain");
}

#[actix_web::test]
async fn a_client_that_floods_its_connection_with_requests_counts_as_such() {
    let recorded = Recorded::new();
    let hour = Duration::from_secs(3600);
    let app = TestSse::in_memory_with("a:k", |config| config.with_heartbeat(hour));
    let mut stream = open(&app, |subscription| subscription).await;
    // As actix-web does for requests that wait on the connection.
    poll_fn(|context| {
        while stream.as_mut().poll_next(context).is_pending() {}
        Poll::Ready(())
    })
    .await;
    assert_eq!(close_reason(&recorded, stream).await, "requests");
}

#[actix_web::test]
async fn a_client_that_takes_nothing_counts_as_stalled() {
    let recorded = Recorded::new();
    let app = TestSse::in_memory("a:k");
    let (in_shutdown, stalled) = (
        open(&app, |subscription| subscription).await,
        open(&app, |subscription| subscription).await,
    );
    // Nobody polls it, and its heartbeat was due after 10 ms.
    sleep(Duration::from_millis(2_100)).await;
    drop(stalled);
    drop(app.sse().close());
    drop(in_shutdown);
    let closed = recorded.counts("sse_streams_closed_total");
    assert_eq!(closed, counts(&[("stalled", 2.0)]));
}

#[actix_web::test]
async fn each_refusal_counts_once_with_its_reason() {
    let recorded = Recorded::new();
    let change = |config: Config| {
        let config = config.with_max_connections(1);
        config.with_allowed_hosts(["app.example"]).unwrap()
    };
    let app = TestSse::in_memory_with("a:k", change);
    let sse = app.sse();
    let request = |uri: &str| TestRequest::with_uri(uri).to_http_request();
    let respond = |uri: &str| {
        let request = request(uri);
        let response = sse
            .respond(Subscription::new(&request))
            .respond_to(&request);
        assert!(response.status().is_client_error() || response.status().is_server_error());
    };
    respond("/?events=b");
    respond("/?to=user:1");
    respond("http://other.example/");
    let open = open(&app, |subscription| subscription).await;
    respond("/");
    drop(open);
    let subscription = Subscription::new(&request("/")).grant("a,b");
    assert!(sse.subscribe(subscription).is_err());
    let refusal = sse.refuse(HttpResponse::Unauthorized().finish());
    drop(refusal.respond_to(&request("/")));
    let preflight = TestRequest::default()
        .method(Method::OPTIONS)
        .to_http_request();
    let refusal = sse.refuse(HttpResponse::Unauthorized().finish());
    drop(refusal.respond_to(&preflight));
    let refusal = sse.refuse(HttpResponse::BadGateway().finish());
    drop(refusal.respond_to(&request("/")));
    let request = request("/?latest=x");
    let reserved = sse.reserve(&request, Subscription::new(&request));
    drop(reserved.unwrap_err().respond_to(&request));
    let refused = recorded.counts("sse_streams_refused_total");
    let expected = [
        ("app-error", 1.0),
        ("app", 1.0),
        ("audience", 1.0),
        ("busy", 1.0),
        ("forbidden", 1.0),
        ("host", 1.0),
        ("request", 2.0),
    ];
    assert_eq!(refused, counts(&expected));
}

#[actix_web::test]
async fn a_request_that_is_refused_twice_counts_once() {
    let recorded = Recorded::new();
    let app = TestSse::in_memory("a:k");
    let sse = app.sse();
    let request = TestRequest::with_uri("/sse/stream?events=b").to_http_request();
    let error = sse.subscribe(Subscription::new(&request)).unwrap_err();
    let own_answer = HttpResponse::build(error.status_code()).finish();
    drop(sse.refuse(own_answer).respond_to(&request));
    let refused = recorded.counts("sse_streams_refused_total");
    assert_eq!(refused, counts(&[("request", 1.0)]));
}

#[actix_web::test]
async fn a_check_of_the_host_counts_refused_streams_and_no_other_pages() {
    let recorded = Recorded::new();
    let app = TestSse::in_memory("a:k");
    for path in ["/", "/members/sse/stream"] {
        let request = TestRequest::with_uri(path).insert_header(("host", "evil.example"));
        let request = request.peer_addr(([127, 0, 0, 1], 50_000).into());
        assert!(app.sse().check_host(&request.to_http_request()).is_err());
    }
    let refused = recorded.counts("sse_streams_refused_total");
    assert_eq!(refused, counts(&[("host", 1.0)]));
}

#[actix_web::test]
async fn a_stream_is_refused_as_unavailable_while_the_configuration_is_wrong() {
    let recorded = Recorded::new();
    let dir = tempfile::tempdir().unwrap();
    let sse = Sse::from_cache(&Cache::from_dir(dir.path()));
    let request = TestRequest::default().to_http_request();
    assert!(sse.subscribe(Subscription::new(&request)).is_err());
    let refused = recorded.counts("sse_streams_refused_total");
    assert_eq!(refused, counts(&[("unavailable", 1.0)]));
}
