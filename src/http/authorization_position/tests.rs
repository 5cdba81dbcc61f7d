//! Where positions come from, and a user who is revoked while a request is on its way.

use std::{
    future::{poll_fn, ready},
    pin::pin,
    time::Duration,
};

use actix_web::{
    App, Error, HttpRequest, HttpResponse,
    middleware::{Condition, from_fn},
    rt::time::{sleep, timeout},
    test,
};

use super::*;
use crate::{Cache, Subscription, testing::TestSse};

const DEADLINE: Duration = Duration::from_secs(10);

/// Makes a request in which the user is revoked after the session was read.
const REVOKE: &str = "x-revoke";

async fn has_read(sse: &Sse, id: EventId) {
    let is_read = async {
        while sse.position() < id {
            sleep(Duration::from_millis(2)).await;
        }
    };
    timeout(DEADLINE, is_read).await.unwrap();
}

/// An app's middleware that reads the session.
async fn authenticate<B: MessageBody>(
    cache: web::Data<Cache>,
    server: web::Data<(Sse,)>,
    request: ServiceRequest,
    next: Next<B>,
) -> Result<ServiceResponse<B>, Error> {
    if request.headers().contains_key(REVOKE) {
        let revoked = cache.revoke_blocking("user:4").unwrap();
        has_read(&server.0, revoked).await;
    }
    next.call(request).await
}

/// Whether the stream of a request receives what is saved next, rather than ending.
async fn receives(test: &TestSse, has_routes: bool, is_tracked: bool, must_revoke: bool) -> bool {
    let sse = test.sse().clone();
    let handler = {
        let sse = sse.clone();
        move |subscription: Subscription| ready(sse.respond(subscription.grant("user:4")))
    };
    let app = App::new()
        .configure(|app| {
            if has_routes {
                sse.configure(app);
            } else {
                app.app_data(web::Data::new(sse.clone()));
            }
        })
        .app_data(web::Data::new(test.cache().clone()))
        .app_data(web::Data::new((sse.clone(),)))
        .route("/own", web::get().to(handler))
        .wrap(from_fn(authenticate))
        .wrap(Condition::new(is_tracked, from_fn(track_authorization)));
    let app = test::init_service(app).await;
    let mut request = test::TestRequest::with_uri("/own?lookback=false");
    if must_revoke {
        request = request.insert_header((REVOKE, "1"));
    }
    let response = test::call_service(&app, request.to_request()).await;
    let mut body = pin!(response.into_body());
    test.cache()
        .save("k", "private")
        .to("user:4")
        .blocking()
        .unwrap();
    let read = async {
        let mut text = Vec::new();
        while let Some(chunk) = poll_fn(|context| body.as_mut().poll_next(context)).await {
            text.extend_from_slice(&chunk.unwrap());
            if String::from_utf8_lossy(&text).contains("private") {
                return true;
            }
        }
        false
    };
    timeout(DEADLINE, read).await.unwrap()
}

#[actix_web::test]
async fn a_revocation_ends_the_streams_whose_requests_were_authenticated_before_it() {
    for has_routes in [true, false] {
        let test = TestSse::in_memory("a:k");
        let earlier = test.cache().revoke_blocking("user:4").unwrap();
        has_read(test.sse(), earlier).await;
        assert!(receives(&test, has_routes, true, false).await);
        assert!(!receives(&test, has_routes, true, true).await);
        assert!(receives(&test, has_routes, true, false).await);
    }
}

#[actix_web::test]
async fn without_the_middleware_a_revocation_of_the_last_seconds_ends_the_stream() {
    let test = TestSse::in_memory("a:k");
    assert!(receives(&test, true, false, false).await);
    let revoked = test.cache().revoke_blocking("user:4").unwrap();
    has_read(test.sse(), revoked).await;
    assert!(!receives(&test, true, false, false).await);
}

/// Answers with the position that was noted, if there is one.
async fn noted(request: HttpRequest) -> HttpResponse {
    match request.extensions().get::<AuthorizationPosition>() {
        Some(AuthorizationPosition(position)) => HttpResponse::Ok().body(position.to_string()),
        None => HttpResponse::NotFound().finish(),
    }
}

#[actix_web::test]
async fn the_position_is_that_of_the_routes_or_of_the_apps_own_streams() {
    let kit = TestSse::in_memory("a:k");
    let (sse, own) = (kit.sse().clone(), kit.sse().clone());
    let with_routes = App::new().configure(move |app| sse.configure(app));
    let with_data = App::new().app_data(web::Data::new(own));
    for app in [with_routes, with_data] {
        let app = app
            .route("/noted", web::get().to(noted))
            .wrap(from_fn(track_authorization));
        let app = test::init_service(app).await;
        let request = test::TestRequest::with_uri("/noted").to_request();
        let body = test::call_and_read_body(&app, request).await;
        assert_eq!(body, kit.sse().position().to_string());
    }
}

#[actix_web::test]
async fn without_streams_there_is_no_position() {
    let app = App::new()
        .route("/noted", web::get().to(noted))
        .wrap(from_fn(track_authorization));
    let app = test::init_service(app).await;
    let request = test::TestRequest::with_uri("/noted").to_request();
    assert_eq!(test::call_service(&app, request).await.status(), 404);
}
