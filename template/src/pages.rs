//! The app's own pages.

use std::sync::atomic::{AtomicU32, Ordering};

use actix_files::{Files, NamedFile};
use actix_web::{
    HttpResponse, Responder, guard,
    http::{Method, header},
    web::{self, ServiceConfig},
};
use actix_web_sse::{app_dir, cache};
use serde_json::json;

pub(crate) fn routes(app: &mut ServiceConfig) {
    let get_or_head = guard::Any(guard::Get()).or(guard::Head());
    let files = Files::new("/", app_dir().join("public"))
        .index_file("index.html")
        .default_handler(web::to(no_such_page));
    app.service(
        web::resource("/order")
            .get(thank_you)
            .head(thank_you)
            .post(order),
    )
    .service(files.guard(get_or_head))
    .default_service(web::to(no_such_page));
}

/// Answers requests that no route and no file answers. A load balancer may send `OPTIONS /` to check whether
/// the app runs.
async fn no_such_page(method: Method) -> HttpResponse {
    let mut response = match method {
        Method::GET | Method::HEAD => return not_found(),
        Method::OPTIONS => HttpResponse::NoContent(),
        _ => HttpResponse::MethodNotAllowed(),
    };
    response
        .insert_header((header::ALLOW, "GET, HEAD, OPTIONS"))
        .finish()
}

fn not_found() -> HttpResponse {
    let text = if app_dir().join("public").is_dir() {
        "error: this page does not exist\n"
    } else {
        "error: the app has no pages, because it does not find its folder public/\n\
         help: start the app in its own folder, which contains .env and public/\n"
    };
    HttpResponse::NotFound()
        .content_type("text/plain; charset=utf-8")
        .body(text)
}

/// An example from practice: saves a value, then redirects the browser to a page that receives the event,
/// although its stream opens later.
async fn order() -> impl Responder {
    static LAST_ORDER: AtomicU32 = AtomicU32::new(0);
    // Relaxed: the number guards no other data.
    let order = json!({"order": LAST_ORDER.fetch_add(1, Ordering::Relaxed) + 1});
    // A notification that fails must not fail the order.
    if let Err(error) = cache().save("event_cache_key1", order).await {
        tracing::error!("cannot send the event for the order: {error}");
    }
    // With 303, reloading the page does not place the order again.
    HttpResponse::SeeOther()
        .insert_header((header::LOCATION, "/order"))
        .insert_header((header::CACHE_CONTROL, "no-store"))
        .finish()
}

async fn thank_you() -> Result<impl Responder, actix_web::Error> {
    let page = web::block(|| NamedFile::open(app_dir().join("public/order.html"))).await??;
    Ok::<_, actix_web::Error>(page)
}

#[cfg(test)]
mod tests {
    use actix_web::{
        App,
        test::{TestRequest, call_service, init_service},
    };
    use actix_web_sse::testing::TestSse;

    use super::*;

    #[actix_web::test]
    async fn an_order_is_announced() {
        let sse = TestSse::in_memory("event_name1:event_cache_key1");
        let app = init_service(App::new().configure(routes)).await;
        let request = TestRequest::post().uri("/order").to_request();
        let response = call_service(&app, request).await;
        assert_eq!(response.status(), 303);
        sse.assert_saved("event_cache_key1", json!({"order": 1}));
    }
}
